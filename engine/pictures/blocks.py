"""Traces of JPEG in pixels, whatever file they stand in now.

They are looked for in two ways. The coefficients of every block of 8 x 8 pixels still lie near
multiples of the steps that a JPEG file rounded them to, like the teeth of a comb; chance does not
do that, and the steps tell the quality (Fan and de Queiroz, "Identification of bitmap compression
history", IEEE Transactions on Image Processing, 2003). Where a picture was changed since, there may
still be a grid: at the borders of blocks neighbouring pixels differ more often than elsewhere.

A sample holds windows (N, h, w, C) in 0..255, each cut at multiples of 8 pixels.
"""

from dataclasses import dataclass

import numpy as np

from engine.pictures.quantisation import SCALED, nearest_quality

SIDE = 8
COSINES = np.cos(np.pi * np.outer(np.arange(SIDE), 2 * np.arange(SIDE) + 1) / (2 * SIDE))
BASIS = np.float32(COSINES * np.sqrt(np.where(np.arange(SIDE) == 0, 1, 2) / SIDE)[:, None])
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
LOW = [(row, column) for row, column in np.ndindex(SIDE, SIDE) if row + column <= 5]
STEPS = np.arange(2, 81, dtype=np.float32)  # finer ones drown where pixels are rounded
CASES = 2000  # blocks that are looked at
FEWEST = 16  # coefficients that tell a step
LIKENESS = 0.6  # mean cosine that tells a step: 0 for chance, 1 for multiples without any error
DEVIATIONS = 10.0  # from chance; the coefficients of a drawing depend on each other


@dataclass(frozen=True)
class Traces:
    """What is left of JPEG in pixels.

    `quality`, 1 to 100, whose steps the coefficients show; None where they show none.
    `grid`: how much more often, 0 to 1, pixels differ most at the borders of blocks.
    """

    quality: int | None
    grid: float


def coefficients(blocks: np.ndarray) -> np.ndarray:
    """Cosine transforms (n, 8, 8), orthonormal, of blocks (n, 8, 8) float32."""
    return BASIS @ blocks @ BASIS.T


def luma(values: np.ndarray) -> np.ndarray:
    """The luma (N, h, w) that JPEG files hold, 0..255, of values (N, h, w, 1 or 3)."""
    return values @ LUMA if values.shape[3] == 3 else values[:, :, :, 0]


def traces(values: np.ndarray) -> Traces:
    """Traces of JPEG in a sample (N, h, w, C) float32, wherever the picture has been cut since."""
    grey = luma(values)
    (row, rows), (column, columns) = _border(grey.swapaxes(1, 2)), _border(grey)
    clipped = np.asarray(((values <= 0) | (values >= 255)).any(axis=3))
    quality = _quality(_blocks(grey, clipped, 0, 0))
    if quality is None and (row or column):
        quality = _quality(_blocks(grey, clipped, row, column))
    return Traces(quality, min(rows, columns))


def _border(grey: np.ndarray) -> tuple[int, float]:
    """The column, modulo 8, where blocks most likely begin, and how clearly.

    Counted is how often the step between two columns is larger than those on both sides of it.
    """
    if grey.shape[2] < 3 * SIDE:
        return 0, 0.0
    step = np.abs(np.diff(grey, axis=2))
    larger = step[:, :, 1:-1] > np.maximum(step[:, :, :-2], step[:, :, 2:])
    shares = larger.mean(axis=(0, 1))
    columns = np.arange(2, 2 + len(shares)) % SIDE
    phases = np.bincount(columns, shares) / np.bincount(columns)
    return int(phases.argmax()), float(phases.max() - np.median(phases))


def _blocks(grey: np.ndarray, clipped: np.ndarray, row: int, column: int) -> np.ndarray:
    """Blocks (n, 8, 8) of the grid that begins at a row and column; some, where there are many.

    Clipped blocks have lost their multiples; flat and repeated ones show any step.
    """
    blocks = cut(grey, row, column)
    usable = ~cut(clipped, row, column).any(axis=1) & (np.ptp(blocks, axis=1) >= 1)
    blocks = blocks[usable]
    return np.unique(blocks[:: 1 + len(blocks) // CASES], axis=0).reshape(-1, SIDE, SIDE)


def cut(values: np.ndarray, row: int = 0, column: int = 0) -> np.ndarray:
    """The whole blocks (n, 64) of windows (N, h, w), from a row and column on."""
    values = values[:, row:, column:]
    count, height, width = values.shape
    down, across = height // SIDE, width // SIDE
    whole = values[:, : down * SIDE, : across * SIDE].reshape(count, down, SIDE, across, SIDE)
    return whole.swapaxes(2, 3).reshape(-1, SIDE * SIDE)


def _likeness(blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How like multiples of each step the coefficients of each low frequency are.

    Two arrays (frequencies, steps): the sum of the cosines, at most 1 each, and how many they are.
    """
    sizes = np.abs(coefficients(blocks - 128))
    sums, counts = np.zeros((2, len(LOW), len(STEPS)))
    for number, (row, column) in enumerate(LOW):
        size = sizes[:, row, column, None]
        counted = size > STEPS / 2  # what was rounded to zero tells nothing
        sums[number] = (np.cos(size * (2 * np.pi / STEPS)) * counted).sum(axis=0)
        counts[number] = counted.sum(axis=0)
    return sums, counts


def _quality(blocks: np.ndarray) -> int | None:
    """The quality whose steps the blocks (n, 8, 8) show, None where they show none."""
    sums, counts = _likeness(blocks)
    return _of_libjpeg(sums, counts) or _of_others(sums, counts)


def _of_libjpeg(sums: np.ndarray, counts: np.ndarray) -> int | None:
    """The quality whose table the coefficients fit best, all frequencies together."""
    tables = np.stack([SCALED[:, row, column] for row, column in LOW], axis=1)
    told = (tables >= STEPS[0]) & (tables <= STEPS[-1])
    at = np.arange(len(LOW)), np.where(told, tables - int(STEPS[0]), 0)
    count = (counts[at] * told).sum(axis=1)
    likeness = _likely((sums[at] * told).sum(axis=1), count)
    return int(likeness.argmax()) + 1 if likeness.any() else None


def _of_others(sums: np.ndarray, counts: np.ndarray) -> int | None:
    """The quality nearest to the steps that the frequencies show one by one, if enough do."""
    likeness = _likely(sums, counts)
    likeness[counts < FEWEST] = 0
    shown, tested = likeness.any(axis=1), counts[:, 0] >= FEWEST
    if shown.sum() < max(3, tested.sum() / 3):
        return None
    steps = np.full((SIDE, SIDE), np.nan)
    for number in np.flatnonzero(shown):
        steps[LOW[number]] = STEPS[likeness[number].argmax()]
    return nearest_quality(steps)


def _likely(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean cosines, 0 where they are too low or may well be chance."""
    means = sums / np.maximum(counts, 1)
    return means * ((means > LIKENESS) & (means * np.sqrt(2 * counts) > DEVIATIONS))
