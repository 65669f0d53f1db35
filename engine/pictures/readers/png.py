"""PNG files chunk by chunk: what must be right for the pixels, and what may be wrong.

A wrong checksum of a chunk that the pixels need is damage. Any other chunk with a wrong checksum is
passed over, as its text, time or profile are not the picture. Pillow and OpenCV are handed a file
of nothing but pixels: they check no checksum, and refuse long texts.
"""

import io
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

import cv2
import numpy as np
from isal import isal_zlib
from PIL import Image

from engine.pictures.formats import codecs
from engine.pictures.metadata import orientation_of
from engine.pictures.picture import Picture
from engine.pictures.readers.head import Head, RefusedError, damaged
from engine.pictures.readers.pillow import planes
from engine.pictures.readers.png_notes import exif_of, told

SIGNATURE = b"\x89PNG\r\n\x1a\n"
NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # colour type -> samples a pixel
GREY, COLOUR, PALETTE, GREY_ALPHA = 0, 2, 3, 4  # colour types
PASSES = (  # of Adam7: first row and column, and the steps to the next ones
    *((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4)),
    *((2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)),
)
FILTERS = 5
MOST = 1 << 20  # chunks of one file; more would only keep the machine busy
RATIO = 1032  # the most that the zlib format can shorten
STORED = 0xFFFF  # bytes of the largest block that is not packed
DESCRIBING = (b"eXIf", b"tEXt", b"zTXt")  # where EXIF may be


@dataclass(frozen=True)
class Header:
    """The header of a PNG file."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool
    data: bytes

    @property
    def passes(self) -> list[tuple[int, int]]:
        """Rows, and bytes a row with that of its filter, of every pass of the unpacked pixels."""
        found = []
        for top, left, down, across in PASSES if self.interlaced else ((0, 0, 1, 1),):
            rows, columns = -((top - self.height) // down), -((left - self.width) // across)
            if rows > 0 and columns > 0:
                found.append((rows, 1 - (-columns * SAMPLES[self.colour] * self.depth // 8)))
        return found


@dataclass(frozen=True)
class Chunks:
    """A whole PNG file: header, packed pixels, palette, what is transparent, and other chunks."""

    header: Header
    pixels: list[bytes]
    palette: bytes | None
    clear: bytes | None
    others: dict[bytes, list[bytes]]


def head(file: BinaryIO) -> Head:
    """Reads nothing but the starts of the chunks, and EXIF."""
    header: Header | None = None
    clear, several = False, False
    others: dict[bytes, list[bytes]] = {}
    for name, length in walk(file):
        if name == b"IHDR":
            header = header_of(file.read(length))
        elif name == b"tRNS":
            clear = True
        elif name == b"acTL" and length == 8:
            several = struct.unpack(">I", file.read(4))[0] > 1
        elif name == b"IEND":
            break
        elif name in DESCRIBING and (body := sound(name, file, length)) is not None:
            others.setdefault(name, []).append(body)
    if header is None:
        raise damaged("it has no header")
    channels = clear + (3 if header.colour == PALETTE else SAMPLES[header.colour])
    bits = 16 if header.depth == 16 else 8
    return Head(
        codecs()["PNG"],
        header.height,
        header.width,
        channels,
        bits,
        orientation=orientation_of(exif_of(others)),
        several=several,
        # OpenCV makes room for three pictures of 16 bits with alpha where they have colour
        taken=9 * max(channels, 3) if bits == 16 and channels > 1 else 2 + 3 * channels * bits // 8,
    )


def load(data: bytes, head: Head) -> Picture:
    """The picture as stored. Raises RefusedError where a part that the pixels need is damaged."""
    chunks = whole(data)
    array = deep(chunks) if head.bits == 16 else plain(chunks)
    alpha = None
    if array.shape[2] in (2, 4):
        array, alpha = array[:, :, :-1], array[:, :, -1]
    elif chunks.clear and chunks.header.colour in (GREY, COLOUR):
        alpha = keyed(array, chunks.header, chunks.clear)
    return told(Picture(array, alpha), chunks.others)


def walk(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Names of the chunks and lengths of their data, where the file then stands."""
    end, here = file.seek(0, os.SEEK_END), len(SIGNATURE)
    for _ in range(MOST):
        if here + 8 > end:
            return
        file.seek(here)
        length, name = struct.unpack(">I4s", file.read(8))
        if here + 8 + length > end or not name.isalpha():
            return
        yield name, length
        here += length + 12


def header_of(data: bytes) -> Header:
    """The header in the data of an IHDR chunk. Raises RefusedError where it makes no sense."""
    if len(data) != 13:
        raise damaged("its header has a wrong length")
    width, height, depth, colour, packing, filtering, interlaced = struct.unpack(">II5B", data)
    sized = 0 < width < 1 << 31 and 0 < height < 1 << 31
    if not sized or depth not in DEPTHS.get(colour, ()) or packing or filtering or interlaced > 1:
        raise damaged("its header makes no sense")
    return Header(width, height, depth, colour, bool(interlaced), data)


def whole(data: bytes) -> Chunks:
    """All chunks. Raises RefusedError where one that the pixels need is wrong or missing."""
    needed: dict[bytes, list[bytes]] = {}
    others: dict[bytes, list[bytes]] = {}
    file = io.BytesIO(data)
    for name, length in walk(file):
        if name == b"IEND":
            break
        body = sound(name, file, length)
        if name in NEEDED:
            if body is None:
                raise damaged(f"the checksum of its part {name.decode()} is wrong")
            needed.setdefault(name, []).append(body)
        elif body is not None:
            if name[:1].isupper():
                raise RefusedError(
                    f"has a part {name.decode()} that Fovea does not know; save it anew"
                )
            others.setdefault(name, []).append(body)
    if b"IHDR" not in needed or b"IDAT" not in needed:
        raise damaged("it has no pixels")
    header = header_of(needed[b"IHDR"][0])
    palette, clear = (needed.get(name, [None])[0] for name in (b"PLTE", b"tRNS"))
    if header.colour == PALETTE and not palette:
        raise damaged("it has no palette")
    pixels = needed[b"IDAT"]
    if RATIO * sum(map(len, pixels)) < sum(rows * length for rows, length in header.passes):
        raise damaged("it is too short for its size")
    return Chunks(header, pixels, palette, clear, others)


def sound(name: bytes, file: BinaryIO, length: int) -> bytes | None:
    """The data of the chunk at which the file stands; None where its checksum is wrong."""
    body = file.read(length)
    return body if file.read(4) == checksum(name, body) else None


def checksum(name: bytes, body: bytes) -> bytes:
    """What follows the data of a chunk."""
    return struct.pack(">I", isal_zlib.crc32(body, isal_zlib.crc32(name)))


def bare(chunks: Chunks, pixels: Iterable[bytes]) -> memoryview:
    """A file of these packed pixels, without anything that they do not need."""
    parts = [(b"IHDR", chunks.header.data)]
    if chunks.header.colour == PALETTE:
        parts += [(b"PLTE", chunks.palette or b"")]
        parts += [(b"tRNS", chunks.clear)] if chunks.clear else []
    file = io.BytesIO()
    file.write(SIGNATURE)
    for name, body in chain(parts, ((b"IDAT", piece) for piece in pixels), [(b"IEND", b"")]):
        file.write(struct.pack(">I", len(body)) + name)
        file.write(body)
        file.write(checksum(name, body))
    return file.getbuffer()


def plain(chunks: Chunks) -> np.ndarray:
    """Pixels of up to 8 bits (H, W, 1..4), by Pillow."""
    with Image.open(io.BytesIO(bare(chunks, chunks.pixels))) as image:
        return planes(image)


def deep(chunks: Chunks) -> np.ndarray:
    """Pixels of 16 bits (H, W, 1..4), by OpenCV.

    They are unpacked before, in less time than libpng takes for it: what is wrong with them libpng
    would print where nobody has asked for it.
    """
    header = chunks.header
    file = np.frombuffer(bare(chunks, stored(b"".join(chunks.pixels), header)), np.uint8)
    array = cv2.imdecode(file, cv2.IMREAD_UNCHANGED)
    del file
    if array is None or array.dtype != np.uint16:
        raise damaged("its pixels cannot be decoded")
    if array.ndim == 2:
        return array[:, :, None]
    order = [0, 3] if header.colour == GREY_ALPHA else [2, 1, 0, 3][: array.shape[2]]
    return array[:, :, order]  # grey is repeated beside alpha, and colours are reversed


def stored(packed: bytes, header: Header) -> Iterator[bytes]:
    """The same pixels in the zlib format, right to the last bit and not packed at all."""
    size = sum(rows * length for rows, length in header.passes)
    raw = isal_zlib.decompressobj().decompress(packed, size)
    if len(raw) < size:
        raise damaged("some of its pixels are missing")
    flat, begin = np.frombuffer(raw, np.uint8), 0
    for rows, length in header.passes:
        if flat[begin : begin + rows * length : length].max() >= FILTERS:
            raise damaged("its pixels make no sense")
        begin += rows * length
    yield b"\x78\x01"
    for begin in range(0, size, STORED):
        block = raw[begin : begin + STORED]
        last = begin + STORED >= size
        yield struct.pack("<BHH", last, len(block), len(block) ^ STORED) + block
    yield struct.pack(">I", zlib.adler32(raw))


def keyed(array: np.ndarray, header: Header, clear: bytes) -> np.ndarray | None:
    """Alpha (H, W) of pixels, one of whose colours is transparent; None if that makes no sense."""
    limit = (1 << header.depth) - 1
    key = np.frombuffer(clear[: 2 * array.shape[2]], ">u2") & limit
    if len(key) != array.shape[2]:
        return None
    if header.depth < 8:
        key = key * (255 // limit)
    opaque = (array != key.astype(array.dtype)).any(axis=2)
    return opaque.astype(array.dtype) * np.iinfo(array.dtype).max
