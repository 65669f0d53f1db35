"""Pure geometry: regions of a picture, their order, and the strips in which they enter."""

from dataclasses import dataclass

STRIP_PIXELS = 24_576  # a strip of 64 channels then stays in the processor's cache
STRIP_ROWS = 8  # fewer would spend more on moving rows than on computing them
GPU_STRIP_PIXELS = 1 << 20


@dataclass(frozen=True)
class Region:
    """Rows top..bottom - 1 and columns left..right - 1 of a low-resolution picture."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def area(self) -> int:
        return self.height * self.width

    @property
    def rows(self) -> slice:
        return slice(self.top, self.bottom)

    @property
    def columns(self) -> slice:
        return slice(self.left, self.right)

    def grown(self, margin: int, height: int, width: int) -> "Region":
        """With `margin` more pixels on each side, as far as the picture reaches."""
        return Region(
            max(0, self.top - margin),
            min(height, self.bottom + margin),
            max(0, self.left - margin),
            min(width, self.right + margin),
        )


def strip_rows(width: int, *, on_cpu: bool) -> int:
    """How many rows of a picture enter the network at a time."""
    pixels = STRIP_PIXELS if on_cpu else GPU_STRIP_PIXELS
    return max(STRIP_ROWS, pixels // width // 2 * 2)  # kernels take rows in pairs


def order(height: int, width: int, first: Region | None) -> tuple[Region, ...]:
    """The whole picture; in front of it the part that is looked at, where that is a small one.

    Where it is large, the picture starts at its first row and wraps around, because computing the
    part twice would cost more than waiting for its last row saves.
    """
    whole = Region(0, height, 0, width)
    if first is None:
        return (whole,)
    if 4 * first.height * first.width < height * width:
        return first, whole
    if first.top == 0:
        return (whole,)
    return Region(first.top, height, 0, width), Region(0, first.top, 0, width)
