"""JPEG files segment by segment: a picture that lacks its end, and one that breaks off.

Pillow is handed nothing but what the pixels need, so that no camera's notes can cost the picture.
"""

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import Image

from engine.pictures import exif, xmp
from engine.pictures.formats import codecs
from engine.pictures.metadata import dots, first_directory, orientation_of, resolution
from engine.pictures.picture import Picture
from engine.pictures.readers.head import Head, RefusedError, damaged
from engine.pictures.readers.pillow import planes

SIGNATURE = b"\xff\xd8\xff"
BEGIN, END, SCAN = b"\xff\xd8", b"\xff\xd9", 0xDA
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # segments that tell the size
PROGRESSIVE = 0xC2
ARITHMETIC = range(0xC9, 0xD0)  # not Huffman's code
ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a segment
COMMENT, JFIF, EXIF, ICC, ADOBE = 0xFE, 0xE0, 0xE1, 0xE2, 0xEE
NOTES = {*range(0xE0, 0xF0), COMMENT} - {JFIF, ADOBE}  # what the pixels do not need
CHANNELS = {1: 1, 3: 3, 4: 3}  # components -> channels of the picture
SCANS, SEGMENTS = 200, 10_000  # of one picture; more would only keep the machine busy
STRAY = 1 << 16  # bytes between two segments
BLOCK = 64  # pixels that take at least one bit
FILLING = b"\xa5" * 4096  # what might have followed


@dataclass(frozen=True)
class Frame:
    """What the frame header tells."""

    marker: int
    bits: int
    height: int
    width: int
    components: bytes  # their names


def segments(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Markers and segments up to the first scan's, after which the file stands."""
    file.seek(2)
    for _ in range(SEGMENTS):
        marker = _marker(file)
        if marker in ALONE:
            continue
        length = int.from_bytes(file.read(2), "big")
        body = file.read(max(0, length - 2))
        if not marker or length < 2 or len(body) < length - 2:
            return
        yield marker, body
        if marker == SCAN:
            return


def _marker(file: BinaryIO) -> int:
    """The next marker; a few bytes that are none are passed over. 0 where there is none."""
    before = b""
    for _ in range(STRAY):
        byte = file.read(1)
        if before == b"\xff" and byte not in b"\xff\0":
            return byte[0]
        before = byte
    return 0


def frame_of(parts: list[tuple[int, bytes]]) -> Frame:
    """The frame header. Raises RefusedError where it is missing or not for us."""
    marker, body = next((part for part in parts if part[0] in FRAMES), (0, b""))
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        raise damaged("it has no header")
    bits, height, width, count = struct.unpack(">BHHB", body[:6])
    if bits in (12, 16):
        raise RefusedError(f"is a JPEG of {bits} bits a channel; save it with 8, or as PNG")
    if bits != 8 or count not in CHANNELS or not height or not width:
        raise damaged("its header makes no sense")
    return Frame(marker, bits, height, width, body[6 : 6 + 3 * count : 3])


def head(file: BinaryIO) -> Head:
    """Reads up to the first scan."""
    parts = list(segments(file))
    frame = frame_of(parts)
    return Head(
        codecs()["JPEG"],
        frame.height,
        frame.width,
        CHANNELS[len(frame.components)],
        orientation=orientation_of(exif_of(parts)),
        taken=3 + 3 * len(frame.components),  # coefficients of two bytes, and pixels
    )


def load(data: bytes, head: Head) -> Picture:
    """The picture as stored. CMYK becomes sRGB through its profile, which has then served.

    Raises RefusedError where the pixels break off; the end marker alone may be missing.
    """
    file = io.BytesIO(data)
    parts = list(segments(file))
    frame = frame_of(parts)
    needed = [BEGIN]
    for marker, body in parts:
        if marker not in NOTES:
            needed += [struct.pack(">BBH", 0xFF, marker, len(body) + 2), body]
    scans = memoryview(data)[file.tell() :]
    most = 8 * BLOCK * len(scans)  # pixels
    if parts[-1][0] != SCAN or (
        frame.marker not in ARITHMETIC and frame.height * frame.width > most
    ):
        raise damaged("it breaks off")
    bare = b"".join([*needed, scans])
    if len(re.findall(b"\xff\xda", bare)) > SCANS:
        raise damaged("it has too many scans")
    icc, block = icc_of(parts), exif_of(parts)
    pixels = pixels_of(bare, icc, frame, ended=data.find(END, file.tell()) >= 0)
    return Picture(
        pixels,
        icc=None if len(frame.components) == 4 else icc,
        exif=exif.upright(block),
        dpi=jfif_resolution(parts) or resolution(first_directory(block)),
        xmp=xmp.upright(xmp.of_jpeg(body for marker, body in parts if marker == EXIF)),
    )


def pixels_of(bare: bytes, icc: bytes | None, frame: Frame, *, ended: bool) -> np.ndarray:
    """Pixels (H, W, 1 or 3).

    Without its end marker a file is decoded twice, as if something and as if nothing had followed.
    Where pixels are missing this makes a difference.
    """
    if ended:
        return decoded(bare, icc)
    cut = bare.rstrip(b"\0")  # what a disk or a download fills up with
    cut += b"\0" if cut.endswith(b"\xff") and len(cut) < len(bare) else b""
    one, other = decoded(cut + END, icc), decoded(cut + FILLING + END, icc)
    if not np.array_equal(one, other) or (frame.marker == PROGRESSIVE and not refined(cut, frame)):
        raise damaged("it breaks off")
    return one


def decoded(bare: bytes, icc: bytes | None) -> np.ndarray:
    with Image.open(io.BytesIO(bare)) as image:
        return planes(image, icc)


def refined(bare: bytes, frame: Frame) -> bool:
    """Do the scans of a progressive file bring every coefficient to its last bit?"""
    left = np.full((256, 64), 99)
    for scan in re.finditer(b"\xff\xda..(.)", bare, re.DOTALL):
        count, begin = scan[1][0], scan.end()
        body = bare[begin : begin + 2 * count + 3]
        if len(body) == 2 * count + 3:
            first, last, shift = body[-3:]
            left[list(body[: 2 * count : 2]), first : last + 1] = shift & 15
    return not left[list(frame.components)].any()


def exif_of(parts: list[tuple[int, bytes]]) -> bytes | None:
    """The EXIF block, which may be cut into pieces."""
    name = b"Exif\0\0"
    pieces = [body for marker, body in parts if marker == EXIF and body.startswith(name)]
    return name + b"".join(piece[len(name) :] for piece in pieces) if pieces else None


def icc_of(parts: list[tuple[int, bytes]]) -> bytes | None:
    """The ICC profile, put together; None where a piece of it is missing."""
    name = b"ICC_PROFILE\0"
    pieces = sorted(body[12:] for marker, body in parts if marker == ICC and body.startswith(name))
    whole = bool(pieces) and pieces[0][1:2] == bytes([len(pieces) & 255])
    return b"".join(piece[2:] for piece in pieces) if whole else None


def jfif_resolution(parts: list[tuple[int, bytes]]) -> tuple[float, float] | None:
    """Dots per inch, where the first segment tells any."""
    for marker, body in parts:
        if marker == JFIF and body.startswith(b"JFIF\0") and len(body) >= 12:
            unit, across, down = struct.unpack(">BHH", body[7:12])
            factor = {1: 1.0, 2: 2.54}.get(unit, 0.0)
            return dots(factor * across, factor * down)
    return None
