"""Maps as files: a coloured picture with its legend, and the bare values."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from engine.adaptive.contract import MapWords
from engine.colour import colourise

LEGEND = 44  # pixels below the map
MINIMUM = 240  # a smaller map is enlarged, so that its legend can be read
OUTLINE = (255, 0, 255)


def save_map(
    folder: Path,
    stem: str,
    *,
    words: MapWords,
    values: np.ndarray,
    reach: tuple[float, float],
) -> None:
    """Write STEM_KEY.png and STEM_KEY.npy (float32, (H, W), in the unit of the `words`).

    The colours reach from `reach[0]` to `reach[1]`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / f"{stem}_{words.key}.npy", values.astype(np.float32))
    drawn(values, reach=reach, title=f"{words.key}, {words.unit}").save(
        folder / f"{stem}_{words.key}.png"
    )


def save_patches(
    folder: Path, stem: str, *, pixels: np.ndarray, chosen: np.ndarray, side: int
) -> None:
    """Write STEM_patches.png: the upscaled picture with its refined cells outlined.

    `pixels` (sH, sW, 1 or 3) uint8 or uint16; `chosen` (rows, columns) bool, of cells of
    `side` x `side` pixels from the top left corner on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shown = pixels if pixels.dtype == np.uint8 else (pixels // 257).astype(np.uint8)
    sheet = outlined(np.broadcast_to(shown, (*shown.shape[:2], 3)), chosen, side)
    Image.fromarray(sheet).save(folder / f"{stem}_patches.png")


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
    factor = max(1, -(-MINIMUM // values.shape[1]))
    coloured = Image.fromarray(colourise(values, low, high))
    coloured = coloured.resize(
        (coloured.width * factor, coloured.height * factor), Image.Resampling.NEAREST
    )
    width = coloured.width
    sheet = Image.new("RGB", (width, coloured.height + LEGEND), "white")
    sheet.paste(coloured)
    bar = np.broadcast_to(np.linspace(low, high, width - 16, dtype=np.float32), (12, width - 16))
    sheet.paste(Image.fromarray(colourise(bar, low, high)), (8, coloured.height + 8))
    draw, font, line = ImageDraw.Draw(sheet), ImageFont.load_default(13), coloured.height + 24
    draw.text((8, line), f"{low:.3g}", "black", font)
    draw.text((width / 2, line), title, "black", font, anchor="ma")
    draw.text((width - 8, line), f"{high:.3g}", "black", font, anchor="ra")
    return sheet
