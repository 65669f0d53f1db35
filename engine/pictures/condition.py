"""What a picture has been through, and the look that suits it.

What is measured comes from the file's bytes (its JPEG tables) and from a sample of the pixels; of a
large picture that is some windows all over it, so that it takes no longer than a small one.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np

from engine.pictures.blocks import cut, luma, traces
from engine.pictures.noise import noise
from engine.pictures.picture import Picture
from engine.pictures.quantisation import file_quality

SAMPLE = 640 * 1024  # pixels: a picture of no more is measured whole
WINDOW = 72  # pixels a side: nine blocks of JPEG, eight where the grid begins elsewhere
DENSE = 400 * 400  # pixels: in so small a picture, noise is looked for twice as densely

GOOD_QUALITY = 93  # of JPEG; above it, blocks stay invisible when they are enlarged
DOUBT = 2  # a file's own steps may be read from its pixels as those of a quality near it
NOISE = 2.5  # grey levels: noise of 3, measured with some error
GRID = 0.1  # of `Condition.grid`; pictures without blocks hardly reach it

SAME = 0.45  # of the neighbouring pixels of a drawing are the same where something changes
HARD_STEP = 6.0  # grey levels by which the others differ, in the mean
EDGES = 0.01  # the share of the pixels that edges are, for how soft they are
STEP_BLUR = 0.8  # what an edge between two pixels seems to be blurred by


@dataclass(frozen=True)
class Condition:
    """What a picture has been through.

    `jpeg_quality` of the file, 1 to 100 as libjpeg counts, None where it is no JPEG;
    `traces`, the quality of a JPEG that the pixels show to have been decoded from, or None;
    `grid`, 0 to 1, how clearly the borders of JPEG's blocks show;
    `noise`, its standard deviation in grey levels of 255;
    `blur`, the standard deviation in pixels that the sharpest edges are softened by, 0 if none;
    `drawn`: flat colours and hard edges, as in screenshots and drawings, not a photograph.
    """

    jpeg_quality: int | None
    traces: int | None
    grid: float
    noise: float
    blur: float
    drawn: bool


@dataclass(frozen=True)
class Choice:
    """A look for a picture, "faithful" or "clean", and one sentence why.

    `reason` is the sentence to be translated, with `values` to be put in by their names.
    """

    look: str
    reason: str
    values: dict[str, int] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The sentence in English."""
        return self.reason.format(**self.values)


def condition(picture: Picture, data: bytes | None = None) -> Condition:
    """What a picture has been through, from its pixels and the bytes of its file, if at hand.

    Any size will do; what is too small to measure counts as clean. Takes about 0.1 seconds.
    """
    values = _sample(picture)
    grey, seen = luma(values), traces(values)
    small = picture.height * picture.width <= DENSE
    return Condition(
        jpeg_quality=None if data is None else file_quality(data),
        traces=seen.quality,
        grid=seen.grid,
        noise=noise(values, spacing=4 if small else 8),
        blur=_blur(grey),
        drawn=_drawn(grey),
    )


def choose_look(found: Condition) -> Choice:
    """The look for a picture in this condition: clean where JPEG blocks or noise would be enlarged.

    Crisp adds detail that was never there, so it is never chosen for anyone.
    """
    file, earlier = found.jpeg_quality, found.traces
    if file is not None and file < GOOD_QUALITY:
        return Choice("clean", "JPEG, quality {quality}: clean was chosen.", {"quality": file})
    if earlier is not None and earlier < min(GOOD_QUALITY, (file or 100) - DOUBT):
        reason = "Was a JPEG of quality {quality} before: clean was chosen."
        return Choice("clean", reason, {"quality": earlier})
    if file is None and earlier is None and found.grid > GRID and not found.drawn:
        return Choice("clean", "Shows the blocks of a JPEG: clean was chosen.")
    if found.noise > NOISE and not found.drawn:
        reason = "Noise of {noise} grey levels: clean was chosen."
        return Choice("clean", reason, {"noise": round(found.noise)})
    if found.drawn:
        return Choice("faithful", "Drawn, no blocks and no noise: faithful was chosen.")
    if file is not None:
        reason = "JPEG, quality {quality}, and no noise: faithful was chosen."
        return Choice("faithful", reason, {"quality": file})
    return Choice("faithful", "No blocks and no noise: faithful was chosen.")


def _sample(picture: Picture) -> np.ndarray:
    """Windows (N, h, w, C) float32 in 0..255, which begin at multiples of 8 pixels.

    What is transparent is black, and counts as clipped.
    """
    height, width = picture.size
    if height * width <= SAMPLE:
        places = [(slice(0, height), slice(0, width))]
    else:
        h, w = min(WINDOW, height), min(WINDOW, width)
        across = min(width // w, max(1, round((SAMPLE / (h * w) * width / height) ** 0.5)))
        down = min(height // h, max(1, SAMPLE // (h * w * across)))
        tops = np.linspace(0, height - h, down).astype(int) // 8 * 8
        lefts = np.linspace(0, width - w, across).astype(int) // 8 * 8
        places = [(slice(y, y + h), slice(x, x + w)) for y in tops for x in lefts]
    limit = np.iinfo(picture.pixels.dtype).max
    values = np.stack([picture.pixels[place] for place in places]).astype(np.float32)
    values *= 255 / limit
    if picture.alpha is not None:
        values[np.stack([picture.alpha[place] for place in places]) == 0] = 0
    return values


def _drawn(grey: np.ndarray) -> bool:
    """Are neighbouring pixels often exactly the same, and far apart where they are not?

    Blocks in which nothing changes do not count: photographs may have a plain border.
    """
    blocks = np.concatenate([cut(np.abs(np.diff(grey, axis=axis))) for axis in (1, 2)])
    busy = blocks[blocks.any(axis=1)]
    changed = busy[busy > 0]
    if len(changed) > (1 - SAME) * busy.size:
        return False
    return len(changed) > 0 and float(changed.mean()) >= HARD_STEP


def _blur(grey: np.ndarray) -> float:
    """How soft the steepest edges in grey windows (N, h, w) are.

    Where an edge is blurred by s, blurring it once more by 1 makes it less steep by a factor of
    sqrt(1 + 1 / s**2) (Zhuo and Sim, "Defocus map estimation from a single image", Pattern
    Recognition, 2011).
    """
    steep = np.stack([_gradient(window) for window in grey])
    softer = np.stack([_gradient(cv2.GaussianBlur(window, (0, 0), 1)) for window in grey])
    edges = (steep >= np.quantile(steep, 1 - EDGES)) & (steep > 0)
    if not edges.any():
        return 0.0
    ratio = np.median(steep[edges] / np.maximum(softer[edges], 1e-6))
    square = 1 / max(float(ratio) ** 2 - 1, 1e-3)
    return max(square - STEP_BLUR**2, 0.0) ** 0.5


def _gradient(values: np.ndarray) -> np.ndarray:
    """How steep values (h, w) are, by the pixels on both sides of each."""
    across, down = (cv2.Sobel(values, cv2.CV_32F, dx, 1 - dx, ksize=1) for dx in (1, 0))
    return cv2.magnitude(across, down)
