"""The arrays behind the screen: the upscaled picture and smaller copies of it.

The worker writes, the window only reads. Zoomed out, a smaller copy is painted: that is fast and
free of aliasing.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from PySide6.QtGui import QImage

from engine.pictures import Picture
from engine.pictures.picture import flattened, shallow
from engine.tiling import Region

SMALLEST = 1024  # no copy is made of a picture whose longer side is shorter


def image_of(array: np.ndarray) -> QImage:
    """A QImage over the memory of a contiguous uint8 RGB array, which it keeps alive."""
    height, width = array.shape[:2]
    image = QImage(array.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    image.array = array
    return image


def shown(picture: Picture) -> np.ndarray:
    """A picture as uint8 RGB (H, W, 3), transparent parts on white."""
    pixels = shallow(flattened(picture))
    return np.ascontiguousarray(np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels)


@dataclass(frozen=True)
class Canvas:
    """`out` is what the engine writes; `levels` are uint8, each half as large as the one before."""

    out: np.ndarray
    levels: list[np.ndarray] = field(default_factory=list)
    images: list[QImage] = field(default_factory=list)

    def update(self, region: Region) -> None:
        """Carry a changed region of `out` into the levels."""
        if self.levels[0] is not self.out:
            self.levels[0][region.rows, region.columns] = shallow(
                self.out[region.rows, region.columns]
            )
        top, bottom, left, right = region.top, region.bottom, region.left, region.right
        for fine, coarse in zip(self.levels, self.levels[1:], strict=False):
            top, left = top // 2, left // 2
            bottom, right = (
                min(-(-bottom // 2), coarse.shape[0]),
                min(-(-right // 2), coarse.shape[1]),
            )
            if bottom > top and right > left:
                source = fine[2 * top : 2 * bottom, 2 * left : 2 * right]
                size = right - left, bottom - top
                coarse[top:bottom, left:right] = cv2.resize(
                    source, size, interpolation=cv2.INTER_AREA
                )

    def level(self, zoom: float) -> int:
        """The smallest copy with a pixel for every screen pixel, at `zoom` screen pixels each."""
        index = 0
        while index + 1 < len(self.levels) and zoom * 2 ** (index + 1) <= 1:
            index += 1
        return index


def make_canvas(picture: Picture, scale: int) -> Canvas:
    """A canvas for `scale` times the picture, filled with the interpolated picture."""
    size = picture.width * scale, picture.height * scale
    pixels = np.repeat(picture.pixels, 3, axis=2) if picture.grey else picture.pixels
    out = cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC)
    levels = [out if out.dtype == np.uint8 else shallow(out)]
    while max(levels[-1].shape[:2]) > SMALLEST and min(levels[-1].shape[:2]) > 1:
        height, width = (n // 2 for n in levels[-1].shape[:2])
        levels.append(cv2.resize(levels[-1], (width, height), interpolation=cv2.INTER_AREA))
    return Canvas(out, levels, [image_of(level) for level in levels])
