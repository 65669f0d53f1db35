"""Lines around the chosen cells of a picture, drawn in pixels of the screen."""

import numpy as np
from PySide6.QtGui import QImage

LEAST = 6.0  # screen pixels; of smaller cells, squares of two by two are outlined together
INSIDE, OUTSIDE = 0xFFFFFFFF, 0x8C000000  # white beside black can be seen on any ground


def outlined(
    chosen: np.ndarray, *, side: float, corner: tuple[float, float], size: tuple[int, int]
) -> QImage:
    """A transparent image of `size` (width, height) with lines around what is chosen.

    `chosen` (rows, columns) bool; `side` is that of a cell and `corner` (x, y) the top left one of
    the picture, in pixels of the image.
    """
    while side < LEAST and chosen.size > 1:
        chosen, side = halved(chosen), 2 * side
    (x, y), (width, height) = corner, size
    around = np.pad(chosen, 1)
    rows = places(height + 2, y + 1, side, chosen.shape[0])
    columns = places(width + 2, x + 1, side, chosen.shape[1])
    inside = around[rows][:, columns]
    middle = inside[1:-1, 1:-1]
    beside = inside[:-2, 1:-1], inside[2:, 1:-1], inside[1:-1, :-2], inside[1:-1, 2:]
    pixels = np.zeros((height, width), np.uint32)
    pixels[~middle & np.logical_or.reduce(beside)] = OUTSIDE
    pixels[middle & ~np.logical_and.reduce(beside)] = INSIDE
    form = QImage.Format.Format_ARGB32_Premultiplied
    image = QImage(pixels.data, width, height, 4 * width, form)
    image.array = pixels  # the image does not keep its memory alive
    return image


def halved(chosen: np.ndarray) -> np.ndarray:
    """Squares of two by two cells, chosen where at least half of them are."""
    rows, columns = chosen.shape
    whole = np.pad(chosen, ((0, rows % 2), (0, columns % 2)), mode="edge")
    squares = whole.reshape(-(-rows // 2), 2, -(-columns // 2), 2)
    return squares.sum(axis=(1, 3)) >= 2


def places(count: int, begin: float, side: float, cells: int) -> np.ndarray:
    """For each of `count` pixels the cell that it lies in, from 1 on; 0 and cells + 1 are none."""
    found = np.floor((np.arange(count) + 0.5 - begin) / side) + 1
    return np.clip(found, 0, cells + 1).astype(np.intp)
