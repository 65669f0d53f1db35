"""The size that is asked for, and pictures brought to it."""

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from engine.errors import SettingsError
from engine.pictures import Picture
from engine.pictures.picture import flattened
from engine.transparency import covered, matted, mixed

LARGEST = 500_000  # pixels a side; beyond it someone has mistyped


@dataclass(frozen=True)
class Size:
    """At most one of: per cent of the source, width or height in pixels; else the network's."""

    percent: float | None = None
    width: int | None = None
    height: int | None = None

    def __post_init__(self) -> None:
        given = [v for v in (self.percent, self.width, self.height) if v is not None]
        if len(given) > 1:
            raise SettingsError("Give only one of per cent, width and height.")
        if given and not 0 < given[0] <= LARGEST:
            raise SettingsError(f"A size must lie between 1 and {LARGEST}, not at {given[0]:g}.")

    def of(self, source: tuple[int, int], scale: int) -> tuple[int, int]:
        """(height, width) of the output for a source (height, width) and a network's scale."""
        height, width = source
        factor = float(scale)
        if self.percent is not None:
            factor = self.percent / 100
        elif self.width is not None:
            factor = self.width / width
        elif self.height is not None:
            factor = self.height / height
        return max(1, round(height * factor)), max(1, round(width * factor))


def resized(picture: Picture, size: tuple[int, int]) -> Picture:
    """The picture at (height, width), filtered by Lanczos' window; `picture` itself if it has it.

    The filter widens as the picture shrinks, so that nothing aliases. A transparent picture looks
    over white and black, and nearly so over all else, as if it had been resized with them.
    """
    if picture.size == size:
        return picture
    if mixed(picture):
        white, black = (
            _planes(flattened(picture, v, np.dtype(np.uint16)), size) for v in (1.0, 0.0)
        )
        pixels, mask = matted(white, black, picture.pixels.dtype)
        return replace(picture, pixels=covered(picture, pixels, mask), alpha=mask)
    alpha = picture.alpha
    if alpha is not None:
        alpha = np.full(size, alpha[0, 0], alpha.dtype)
    return replace(picture, pixels=_planes(picture.pixels, size), alpha=alpha)


def _planes(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Pixels (H, W, C) uint8 or uint16 at another size."""
    planes, limit = np.empty((*size, pixels.shape[2]), pixels.dtype), np.iinfo(pixels.dtype).max
    for channel in range(pixels.shape[2]):  # one by one: they are resized as 32-bit floats
        image = Image.fromarray(pixels[:, :, channel].astype(np.float32))
        plane = np.array(image.resize(size[::-1], Image.Resampling.LANCZOS))
        planes[:, :, channel] = np.rint(plane, out=plane).clip(0, limit, out=plane)
    return planes


def reduce(high: np.ndarray, scale: int) -> np.ndarray:
    """The low-resolution partner (h/s, w/s, 3), uint8: antialiased bicubic, a = -0.5."""
    height, width = high.shape[0] // scale, high.shape[1] // scale
    return np.asarray(Image.fromarray(high).resize((width, height), Image.Resampling.BICUBIC))
