"""Maps as files: a coloured picture with its legend, and the bare values."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from engine.adaptive.contract import MapWords
from engine.colour import colourise
from engine.pictures.atomic import atomic

LEGEND = 44  # pixels below the map
MINIMUM = 240  # pixels; a narrower map is enlarged, so that its legend can be read
TALLEST = 8192  # and no further than that
OUTLINE = (255, 0, 255)


@dataclass(frozen=True)
class MapFiles:
    """The files of one picture's maps: bare values, the same drawn, and the refined cells."""

    values: Path
    drawn: Path
    patches: Path


def map_files(folder: Path, stem: str, key: str) -> MapFiles:
    """STEM_KEY.npy, STEM_KEY.png and STEM_patches.png in a folder."""
    files = (f"{stem}_{key}.npy", f"{stem}_{key}.png", f"{stem}_patches.png")
    return MapFiles(*(folder / file for file in files))


def save_map(
    files: MapFiles,
    *,
    words: MapWords,
    values: np.ndarray,
    reach: tuple[float, float],
    overwrite: bool = False,
) -> None:
    """Write a map (H, W), as float32 in the unit of the `words`, and drawn.

    The colours reach from `reach[0]` to `reach[1]`. Raises PictureError where that fails.
    """
    with atomic(files.values, overwrite=overwrite) as file:
        np.save(file, values.astype(np.float32))
    with atomic(files.drawn, overwrite=overwrite) as file:
        drawn(values, reach=reach, title=f"{words.key}, {words.unit}").save(file, "PNG")


def save_patches(
    path: Path, *, pixels: np.ndarray, chosen: np.ndarray, side: int, overwrite: bool = False
) -> None:
    """Write the upscaled picture with its refined cells outlined.

    `pixels` (sH, sW, 1 or 3) uint8 or uint16; `chosen` (rows, columns) bool, of cells of
    `side` x `side` pixels from the top left corner on. Raises PictureError where that fails.
    """
    shown = pixels if pixels.dtype == np.uint8 else (pixels // 257).astype(np.uint8)
    sheet = outlined(np.broadcast_to(shown, (*shown.shape[:2], 3)), chosen, side)
    with atomic(path, overwrite=overwrite) as file:
        Image.fromarray(sheet).save(file, "PNG")


def outlined(pixels: np.ndarray, chosen: np.ndarray, side: int) -> np.ndarray:
    """Pixels (sH, sW, 3) with lines inside the chosen cells, towards all that is not chosen."""
    height, width = pixels.shape[:2]
    inside = np.repeat(np.repeat(chosen, side, axis=0), side, axis=1)
    around = np.pad(inside, 1)
    inner = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
    line = (inside & ~inner)[:height, :width, None]
    return np.where(line, np.array(OUTLINE, np.uint8), pixels)


def drawn(values: np.ndarray, *, reach: tuple[float, float], title: str) -> Image.Image:
    """The coloured map above a bar from the least to the largest of its colours."""
    low, high = reach
    height, width = values.shape
    factor = max(1, min(-(-MINIMUM // width), TALLEST // height))
    coloured = Image.fromarray(colourise(values, low, high))
    coloured = coloured.resize(
        (coloured.width * factor, coloured.height * factor), Image.Resampling.NEAREST
    )
    width = max(coloured.width, MINIMUM)
    sheet = Image.new("RGB", (width, coloured.height + LEGEND), "white")
    sheet.paste(coloured)
    bar = np.broadcast_to(np.linspace(low, high, width - 16, dtype=np.float32), (12, width - 16))
    sheet.paste(Image.fromarray(colourise(bar, low, high)), (8, coloured.height + 8))
    draw, font, line = ImageDraw.Draw(sheet), ImageFont.load_default(13), coloured.height + 24
    draw.text((8, line), f"{low:.3g}", "black", font)
    draw.text((width / 2, line), title, "black", font, anchor="ma")
    draw.text((width - 8, line), f"{high:.3g}", "black", font, anchor="ra")
    return sheet
