"""Whether there is memory for a picture: known before the work, and said when it runs out."""

from collections.abc import Iterator
from contextlib import contextmanager

from engine.adaptive.contract import AnyUpscaler
from engine.errors import UpscalerError, out_of_memory
from engine.memory import available
from engine.pictures import Picture
from engine.transparency import mixed

MAPS = 4  # of 4 bytes a pixel, that any method holds: what it knows, allots, has done, and shows


def working_bytes(
    upscaler: AnyUpscaler, size: tuple[int, int], *, itemsize: int = 1, mixed: bool = False
) -> int:
    """The least memory in which a picture of (height, width) can be upscaled, beside its own.

    `itemsize` are the bytes of a sample; `mixed`: it is transparent, more or less so.
    """
    pixels = size[0] * size[1]
    tensors = 4 * (3 + MAPS) if upscaler.device.type == "cpu" else 4 * MAPS
    output = 3 * itemsize * upscaler.scale**2
    return pixels * (tensors + output + (2 * output + 4 * 3 if mixed else 0))


def bytes_for(upscaler: AnyUpscaler, picture: Picture) -> int:
    """`working_bytes` of a picture."""
    itemsize, many = picture.pixels.itemsize, mixed(picture)
    return working_bytes(upscaler, picture.size, itemsize=itemsize, mixed=many)


def check_memory(needed: int) -> None:
    """Raises UpscalerError where the bytes needed to upscale a picture are more than there are."""
    free = available()
    if needed > free:
        raise UpscalerError(
            f"It takes {needed / 1e6:,.0f} MB of memory to upscale, and {free / 1e6:,.0f} MB are "
            "free; close other programs, or reduce the picture first."
        )


@contextmanager
def told_of_memory() -> Iterator[None]:
    """Raises UpscalerError where what is done within runs out of memory."""
    try:
        yield
    except Exception as error:
        if isinstance(error, UpscalerError) or not out_of_memory(error):
            raise
        raise UpscalerError(
            "There is not enough memory for this picture; close other programs or reduce it first."
        ) from error
