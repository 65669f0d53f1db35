"""PNG files of any depth with their metadata, which no single library writes.

Pillow cannot hold 16-bit colour and OpenCV cannot write a profile, EXIF or resolution. Both pack
so slowly that the next picture of a batch, which is computed meanwhile, would wait for them.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from isal import isal_zlib  # the zlib format in an eighth of zlib's time

from engine.pictures.picture import Picture, joined
from engine.pictures.srgb import SRGB

LEVEL = 2  # of isal's 0..3; about as small as zlib's 3
WINDOW = 10  # bits: behind a filter photographs repeat themselves nearby or not at all
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # channels -> grey, grey and alpha, RGB, RGBA
PAETH = 4  # a PNG filter
UNIT = 100_000  # of exponents and chromaticities
XMP = b"XML:com.adobe.xmp"  # what the text is called
BAND_BYTES = 1 << 19  # filtered at once, within the processor's cache


def write_png(file: BinaryIO, picture: Picture) -> None:
    """Every row after a byte that names Paeth's filter.

    Other filters make some rows smaller, but none comes so near to the best for every picture.
    """
    pixels = joined(picture)
    height, width, channels = pixels.shape
    depth, rows = pixels.itemsize, max(1, BAND_BYTES // pixels[0].nbytes)
    file.write(PNG_SIGNATURE)
    form = 8 * depth, PNG_COLOURS[channels], 0, 0, 0
    _chunk(file, b"IHDR", struct.pack(">II5B", width, height, *form))
    for name, body in (*_meaning(picture), *_told(picture)):
        _chunk(file, name, body)
    packer = isal_zlib.compressobj(LEVEL, wbits=WINDOW)
    above = np.zeros(pixels[0].nbytes, np.uint8)
    for top in range(0, height, rows):
        band = np.ascontiguousarray(pixels[top : top + rows], pixels.dtype.newbyteorder(">"))
        band = band.view(np.uint8).reshape(len(band), -1)
        packed = packer.compress(_filtered(band, above, channels * depth))
        if packed:
            _chunk(file, b"IDAT", packed)
        above = band[-1]
    _chunk(file, b"IDAT", packer.flush())
    _chunk(file, b"IEND", b"")


def _meaning(picture: Picture) -> Iterator[tuple[bytes, bytes]]:
    """Chunks that tell what the numbers mean."""
    if picture.cicp == SRGB and not picture.icc:
        yield b"sRGB", b"\0"
    elif picture.cicp:
        yield b"cICP", bytes([*picture.cicp, 0, 1])
    if picture.icc:
        yield b"iCCP", b"ICC profile\0\0" + isal_zlib.compress(picture.icc, LEVEL)
    if picture.gamma and picture.gamma.exponent:
        yield b"gAMA", struct.pack(">I", round(picture.gamma.exponent * UNIT))
    if picture.gamma and picture.gamma.chromaticities:
        yield b"cHRM", struct.pack(">8I", *(round(n * UNIT) for n in picture.gamma.chromaticities))


def _told(picture: Picture) -> Iterator[tuple[bytes, bytes]]:
    """Chunks that tell of the picture."""
    if picture.dpi:
        per_metre = [round(value / 0.0254) for value in picture.dpi]
        yield b"pHYs", struct.pack(">IIB", *per_metre, 1)
    if picture.exif:
        yield b"eXIf", picture.exif
    if picture.xmp:
        yield b"iTXt", XMP + b"\0\0\0\0\0" + picture.xmp
    yield from picture.text


def _filtered(rows: np.ndarray, above: np.ndarray, step: int) -> np.ndarray:
    """Rows (n, bytes) below the row `above`, each behind a byte that names Paeth's filter.

    Of a byte remains its difference to one of three neighbours, `step` bytes to the left, above,
    and in the corner between: to that nearest to left + above - corner. This is the lower of left
    and above where the corner lies near the higher or beyond it, the higher where it lies near the
    lower, else the corner.
    """
    up = np.concatenate([above[None], rows[:-1]])
    left, corner = np.zeros_like(rows), np.zeros_like(rows)
    left[:, step:], corner[:, step:] = rows[:, :-step], up[:, :-step]
    low, high = np.minimum(left, up), np.maximum(left, up)
    under = high - np.minimum(high, corner)  # how far the corner lies under it, at least 0
    over = corner - np.minimum(corner, low)
    apart = np.maximum(under, over) - np.minimum(under, over)
    # arithmetic with booleans: to choose by them takes five times as long
    guess = corner + (high - corner) * (over <= np.minimum(under, apart))
    guess += (low - guess) * (under <= np.minimum(over, apart))
    filtered = np.empty((len(rows), 1 + rows.shape[1]), np.uint8)
    filtered[:, 0] = PAETH
    np.subtract(rows, guess, out=filtered[:, 1:])
    return filtered


def _chunk(file: BinaryIO, name: bytes, data: bytes) -> None:
    file.write(struct.pack(">I", len(data)) + name)
    file.write(data)
    file.write(struct.pack(">I", isal_zlib.crc32(data, isal_zlib.crc32(name))))
