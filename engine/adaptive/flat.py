"""Flat places stay flat: where a picture does not change, nothing can be added to it.

Not in any of the papers. What a network makes of a plain colour is off by some levels where pixels
leave it early, and beside the border of the picture, beyond which it sees zeros: by up to 14 on the
white paper of a screenshot, 28 in the corner of a blue square. So a pixel whose surroundings all
have its colour keeps it. On photographs there are hardly any such pixels.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from torch import Tensor

from engine.colour import as_rows, squares, to_pixels
from engine.tiling import Region

AROUND = 5  # pixels a side that must have one colour


@dataclass(frozen=True)
class Flat:
    """Which pixels of a picture are flat (H, W), and the colours (H, W, 3) float of all."""

    where: np.ndarray
    x: Tensor

    def above(self, row: int) -> "Flat":
        """Of the rows up to `row` - 1 alone."""
        return Flat(self.where[:row], self.x[:row])

    def below(self, row: int) -> "Flat":
        """Of the rows from `row` on alone."""
        return Flat(self.where[row:], self.x[row:])

    def cells(self, rows: np.ndarray, columns: np.ndarray, side: int) -> "Flat":
        """Of the cells (rows[i], columns[i]) of `side` pixels, one below the other.

        Where cells reach beyond the picture nothing is flat.
        """
        height, width = self.where.shape
        down = (side * rows[:, None] + np.arange(side)).reshape(-1, 1)
        right = np.repeat(side * columns[:, None] + np.arange(side), side, axis=0)
        inside = (down < height) & (right < width)
        down, right = np.minimum(down, height - 1), np.minimum(right, width - 1)
        return Flat(self.where[down, right] & inside, self.x[down, right])

    def restore(self, pixels: np.ndarray, scale: int) -> None:
        """Give flat places their colour in upscaled pixels (sH, sW, 3), contiguous."""
        self.restore_squares(squares(pixels, scale), pixels.dtype)

    def restore_squares(self, there: np.ndarray, dtype: np.dtype) -> None:
        """The same for the squares (H, W, s) of `engine.colour.squares`."""
        if not self.where.any():
            return
        side = there.shape[2]
        colours = to_pixels(self.x[np.nonzero(self.where)].clone(), dtype)  # (n, 3)
        there[self.where] = as_rows(np.tile(colours, side), side)


def flat_of(x: Tensor, region: Region) -> Flat:
    """Of a region of a picture x (H, W, 3), beyond whose border there is nothing to differ."""
    outer = region.grown(AROUND // 2, x.shape[0], x.shape[1])
    pixels = np.ascontiguousarray(x[outer.rows, outer.columns].cpu().numpy())
    kernel = np.ones((AROUND, AROUND), np.uint8)
    same = (cv2.dilate(pixels, kernel) == cv2.erode(pixels, kernel)).all(axis=2)
    top, left = region.top - outer.top, region.left - outer.left
    where = same[top : top + region.height, left : left + region.width]
    return Flat(where, x[region.rows, region.columns])
