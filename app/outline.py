"""Lines around the chosen cells of a picture, drawn in pixels of the screen."""

import cv2
import numpy as np
from PySide6.QtGui import QImage

LEAST = 6.0  # screen pixels; of smaller cells, squares of two by two are outlined together
INSIDE, OUTSIDE = 0xFFFFFFFF, 0x8C000000  # white beside black can be seen on any ground
# Of a pixel outside, one outside with a neighbour inside, inside with one outside, and inside.
COLOURS = np.array([0, OUTSIDE, INSIDE, 0], np.uint32)
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


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
    around = np.pad(chosen, 1).view(np.uint8)
    rows = places(height + 2, y + 1, side, chosen.shape[0])
    columns = places(width + 2, x + 1, side, chosen.shape[1])
    inside = around.take(columns, axis=1)[rows]
    kinds = inside + cv2.erode(inside, CROSS) + cv2.dilate(inside, CROSS)
    pixels = COLOURS.take(kinds[1:-1, 1:-1])
    form = QImage.Format.Format_ARGB32_Premultiplied
    image = QImage(pixels.data, width, height, 4 * width, form)
    image.array = pixels  # the image does not keep its memory alive
    return image


def halved(chosen: np.ndarray) -> np.ndarray:
    """Squares of two by two cells, chosen where at least half of them are."""
    rows, columns = chosen.shape
    whole = np.pad(chosen, ((0, rows % 2), (0, columns % 2)), mode="edge")
    upper, lower = (whole[i::2, ::2].view(np.uint8) + whole[i::2, 1::2] for i in (0, 1))
    return upper + lower >= 2


def places(count: int, begin: float, side: float, cells: int) -> np.ndarray:
    """For each of `count` pixels the cell that it lies in, from 1 on; 0 and cells + 1 are none."""
    found = np.floor((np.arange(count) + 0.5 - begin) / side) + 1
    return np.clip(found, 0, cells + 1).astype(np.intp)
