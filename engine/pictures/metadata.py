"""What a file says of its picture: EXIF and resolution."""

import io
import struct
import zlib

import cv2

from engine.pictures.directory import Directory, directories

ORIENTATION = 0x0112
SIDEWAYS = (5, 6, 7, 8)  # the orientations that swap height and width
ACROSS, DOWN, UNIT = 282, 283, 296  # of the resolution
DAMAGE = (OSError, ValueError, SyntaxError, EOFError, KeyError, struct.error, zlib.error, cv2.error)


def first_directory(block: bytes | None) -> Directory | None:
    """The first directory of an EXIF block, where there is one that is sound."""
    block = bare(block or b"")
    return next(directories(io.BytesIO(block)), None) if block[:2] in (b"II", b"MM") else None


def bare(block: bytes) -> bytes:
    """An EXIF block without the name that stands before it in JPEG files."""
    return block.removeprefix(b"Exif\0\0")


def orientation_of(block: bytes | None) -> int:
    """EXIF's orientation of the pixels as stored, 1..8, 1 where a block tells none."""
    directory = first_directory(block)
    return 1 if directory is None else turned(directory)


def turned(directory: Directory) -> int:
    """The orientation, 1..8, 1 where the directory tells none."""
    value = directory.number(ORIENTATION, 1)
    return value if 1 <= value <= 8 else 1


def resolution(directory: Directory | None) -> tuple[float, float] | None:
    """Dots per inch, where the directory tells any that the other formats can hold."""
    if directory is None:
        return None
    unit = {2: 1.0, 3: 2.54}.get(directory.number(UNIT, 2), 0.0)
    return dots(*(unit * directory.numbers(tag, 0)[0] for tag in (ACROSS, DOWN)))


def dots(across: float, down: float) -> tuple[float, float] | None:
    """Dots per inch, where they are such that the other formats can hold them."""
    if not (1 <= across <= 65_535 and 1 <= down <= 65_535):
        return None
    return float(across), float(down)
