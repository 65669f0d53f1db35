"""How files become pictures: one module a container, each with `head` and `load`.

Formats that stand in no row here are read by Pillow.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from engine.pictures.picture import Picture
from engine.pictures.readers import avif, bmp, heif, jpeg, pillow, png, tiff, webp
from engine.pictures.readers.head import Head


@dataclass(frozen=True)
class Reader:
    """How files of one container are read.

    `signature` matches the first bytes. `head` reads no more of an open file than it needs;
    `load` gives the picture as stored, not turned upright. Both raise RefusedError, or whatever a
    library raises when it meets damage.
    """

    signature: bytes
    head: Callable[[BinaryIO], Head]
    load: Callable[[bytes, Head], Picture]


BEGINNING = 64  # bytes
READERS = (
    Reader(re.escape(png.SIGNATURE), png.head, png.load),
    Reader(jpeg.SIGNATURE, jpeg.head, jpeg.load),
    Reader(tiff.SIGNATURE, tiff.head, tiff.load),
    Reader(bmp.SIGNATURE, bmp.head, bmp.load),
    Reader(webp.SIGNATURE, webp.head, webp.load),
    Reader(avif.SIGNATURE, pillow.head, avif.load),
    Reader(heif.SIGNATURE, heif.head, heif.load),
    Reader(b"", pillow.head, pillow.load),  # all others
)


def reader_of(file: BinaryIO) -> Reader:
    """The reader of an open file, which then stands at its beginning again."""
    beginning = file.read(BEGINNING)
    file.seek(0)
    return next(r for r in READERS if re.match(r.signature, beginning, re.DOTALL))
