"""The size that is asked for, and pictures brought to it."""

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from engine.errors import SettingsError
from engine.pictures import Picture

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

    The filter widens as the picture shrinks, so that nothing aliases.
    """
    if picture.size == size:
        return picture
    pixels = np.empty((*size, picture.pixels.shape[2]), picture.pixels.dtype)
    for channel in range(pixels.shape[2]):  # one by one: they are resized as 32-bit floats
        pixels[:, :, channel] = _plane(picture.pixels[:, :, channel], size)
    alpha = None if picture.alpha is None else _plane(picture.alpha, size)
    return replace(picture, pixels=pixels, alpha=alpha)


def reduce(high: np.ndarray, scale: int) -> np.ndarray:
    """The low-resolution partner (h/s, w/s, 3), uint8: antialiased bicubic, a = -0.5."""
    height, width = high.shape[0] // scale, high.shape[1] // scale
    return np.asarray(Image.fromarray(high).resize((width, height), Image.Resampling.BICUBIC))


def _plane(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """One channel (H, W) uint8 or uint16 at another size."""
    image = Image.fromarray(values.astype(np.float32))
    plane = np.array(image.resize(size[::-1], Image.Resampling.LANCZOS))
    limit = np.iinfo(values.dtype).max
    return np.rint(plane, out=plane).clip(0, limit, out=plane).astype(values.dtype)
