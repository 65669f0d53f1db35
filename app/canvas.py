"""The arrays behind the screen: the upscaled picture and smaller copies of it.

The worker writes, the window only reads. Zoomed out, a smaller copy is painted: that is fast and
free of aliasing.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from PySide6.QtGui import QImage

from engine.pictures import Picture
from engine.pictures.picture import flattened, shallow
from engine.tiling import Region
from engine.transparency import mixed

SMALLEST = 1024  # no copy is made of a picture whose longer side is shorter


def image_of(array: np.ndarray) -> QImage:
    """A QImage over the memory of a contiguous uint8 array (H, W, 3) RGB or (H, W, 4), as `veiled`
    gives it; the image keeps the memory alive."""
    height, width, channels = array.shape
    form = {3: QImage.Format.Format_RGB888, 4: QImage.Format.Format_RGBA8888_Premultiplied}
    image = QImage(array.data, width, height, channels * width, form[channels])
    image.array = array
    return image


def shown(picture: Picture) -> np.ndarray:
    """A picture as contiguous uint8 RGB (H, W, 3), or with alpha as `veiled` gives it."""
    return np.ascontiguousarray(veiled(coloured(picture), picture.alpha))


def coloured(picture: Picture) -> np.ndarray:
    """Its pixels (H, W, 3), also where it is grey."""
    return np.repeat(picture.pixels, 3, axis=2) if picture.grey else picture.pixels


def veiled(pixels: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """RGB (H, W, 3) multiplied by alpha (H, W), and alpha: (H, W, 4) uint8. The hidden is black.

    Such pixels can be averaged: no hidden colour comes into sight. Without alpha the pixels alone.
    """
    pixels = shallow(pixels)
    if alpha is None:
        return pixels
    alpha = shallow(alpha)
    layers = [cv2.multiply(pixels[:, :, i], alpha, scale=1 / 255) for i in range(3)]
    return cv2.merge([*layers, alpha])


def lifted(white: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The same from RGB (H, W, 3) that lies on white."""
    white, alpha = shallow(white), shallow(alpha)
    rest = 255 - alpha
    layers = [cv2.min(cv2.subtract(white[:, :, i], rest), alpha) for i in range(3)]
    return cv2.merge([*layers, alpha])


@dataclass(frozen=True)
class Canvas:
    """`out` is what the engine writes; `levels` are uint8 as `veiled` gives them, each half as
    large as the one before. `alpha` (sH, sW) is interpolated, where the picture has any; where it
    differs from pixel to pixel, `out` lies on white."""

    out: np.ndarray
    levels: list[np.ndarray]
    images: list[QImage]
    alpha: np.ndarray | None = None
    on_white: bool = False

    def update(self, region: Region) -> None:
        """Carry a changed region of `out` into the levels."""
        if self.levels[0] is not self.out:
            place = region.rows, region.columns
            alpha = None if self.alpha is None else self.alpha[place]
            seen = lifted if self.on_white else veiled
            self.levels[0][place] = seen(self.out[place], alpha)
        self._carry(region)

    def reveal(self, made: Picture) -> None:
        """Show the whole result, whose alpha is not only interpolated."""
        self.levels[0][:] = veiled(coloured(made), made.alpha)
        self._carry(self.whole)

    @property
    def whole(self) -> Region:
        height, width = self.out.shape[:2]
        return Region(0, height, 0, width)

    def _carry(self, region: Region) -> None:
        """Carry a changed region of the first level into the others."""
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
    on_white, alpha = mixed(picture), picture.alpha
    pixels = flattened(picture) if on_white else picture.pixels
    pixels = coloured(replace(picture, pixels=pixels))
    out = cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC)
    if alpha is not None:
        alpha = cv2.resize(alpha, size, interpolation=cv2.INTER_CUBIC)
    levels = [lifted(out, alpha) if on_white else veiled(out, alpha)]
    while max(levels[-1].shape[:2]) > SMALLEST and min(levels[-1].shape[:2]) > 1:
        height, width = (n // 2 for n in levels[-1].shape[:2])
        levels.append(cv2.resize(levels[-1], (width, height), interpolation=cv2.INTER_AREA))
    return Canvas(out, levels, [image_of(level) for level in levels], alpha, on_white)
