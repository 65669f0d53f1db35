"""WebP files. Their heads Pillow does not read without making room for the picture."""

import io
import os
import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from engine.pictures.formats import codecs
from engine.pictures.metadata import orientation_of
from engine.pictures.picture import Picture
from engine.pictures.readers import pillow
from engine.pictures.readers.head import Head, damaged

SIGNATURE = rb"RIFF....WEBP"
ALPHA, ANIMATED = 0x10, 0x02  # flags
MOST = 1 << 17  # parts of one file; more would only keep the machine busy
SIDE = 0x3FFF  # the bits of a side


def parts(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Names and lengths of the parts of a file, which then stands at their data."""
    file.seek(4)
    (told,) = struct.unpack("<I", file.read(4))
    end, here = min(told + 8, file.seek(0, os.SEEK_END)), 12
    for _ in range(MOST):
        if here + 8 > end:
            return
        file.seek(here)
        name, length = struct.unpack("<4sI", file.read(8))
        yield name, length
        here += 8 + length + length % 2


def head(file: BinaryIO) -> Head:
    """Reads nothing but the starts of the parts, and EXIF."""
    size, alpha, several, orientation, frames = None, False, False, 1, 0
    for name, length in parts(file):
        if name == b"EXIF":
            orientation = orientation_of(file.read(length))
        elif name == b"ANMF":
            frames += 1
        elif size is None and name in (b"VP8X", b"VP8 ", b"VP8L"):
            start = file.read(10).ljust(10, b"\0")
            flags, low = start[0], struct.unpack_from("<I", start, 1)[0]
            if name == b"VP8X":
                width, height = (int.from_bytes(start[i : i + 3], "little") + 1 for i in (4, 7))
                alpha, several = bool(flags & ALPHA), bool(flags & ANIMATED)
            elif name == b"VP8L":
                width, height = (low & SIDE) + 1, (low >> 14 & SIDE) + 1
                alpha = bool(low >> 28 & 1)
            else:
                width, height = (side & SIDE for side in struct.unpack_from("<HH", start, 6))
            size = height, width
    if size is None:
        raise damaged("it tells no size")
    several = several and frames > 1
    return Head(
        codecs()["WEBP"],
        *size,
        3 + alpha,
        orientation=orientation,
        several=several,
        taken=20,  # the library draws on two canvases
    )


def load(data: bytes, head: Head) -> Picture:
    """The picture as stored."""
    names = [name for name, _ in parts(io.BytesIO(data))]
    return replace(pillow.load(data, head), lossless=b"VP8L" in names)
