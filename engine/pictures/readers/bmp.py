"""BMP files: pixels in any bit masks, and of two bits, which Pillow does not read."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from engine.pictures.formats import codecs
from engine.pictures.metadata import dots
from engine.pictures.picture import BAND, Picture
from engine.pictures.readers import pillow
from engine.pictures.readers.head import Head, RefusedError, damaged

SIGNATURE = b"BM"
FILE_HEADER, OLD_HEADER = 14, 12  # bytes
HEADERS = (OLD_HEADER, 40, 52, 56, 64, 108, 124)
PLAIN, RLE8, RLE4, MASKED, ALPHA_MASKED = 0, 1, 2, 3, 6
KINDS = {  # packing -> bits a pixel
    **{PLAIN: (1, 2, 4, 8, 16, 24, 32), RLE8: (8,), RLE4: (4,)},
    **{MASKED: (16, 24, 32), ALPHA_MASKED: (16, 32)},
}
USUAL = {16: (0x7C00, 0x03E0, 0x001F), 32: (0xFF0000, 0xFF00, 0xFF)}  # masks of red, green, blue
INCH = 39.3701  # inches a metre


@dataclass(frozen=True)
class Header:
    """What the headers of a BMP file tell; `masks` are those of red, green, blue and alpha."""

    begin: int  # of the pixels
    size: int  # of the header after the file's
    width: int
    height: int
    upward: bool
    bits: int
    packing: int
    per_metre: Sequence[int]  # pixels
    colours: int
    masks: tuple[int, int, int, int]

    @property
    def ours(self) -> bool:
        """Is it a kind that is read here, not by Pillow?"""
        return self.packing in (PLAIN, MASKED, ALPHA_MASKED) and self.bits in (2, 16, 32)

    @property
    def wide(self) -> bool:
        """Has a colour more than 8 bits?"""
        return self.ours and self.bits > 2 and max(m.bit_count() for m in self.masks) > 8


def header_of(data: bytes) -> Header:
    """The headers in the first bytes of a file. Raises RefusedError where they make no sense."""
    data = data.ljust(FILE_HEADER + 56, b"\0")
    begin, size = struct.unpack_from("<I", data, 10)[0], struct.unpack_from("<I", data, 14)[0]
    if size not in HEADERS:
        raise unusual(f"a header of {size} bytes")
    per_metre, packing, colours, masks = (0, 0), PLAIN, 0, (0, 0, 0, 0)
    if size == OLD_HEADER:
        width, height, _, bits = struct.unpack_from("<4H", data, 18)
    else:
        width, height, _, bits, packing = struct.unpack_from("<2i2HI", data, 18)
        across, down, colours = struct.unpack_from("<2iI", data, 38)
        per_metre = across, down
    if bits not in KINDS.get(packing, ()):
        raise unusual(f"packing {packing}, {bits} bits")
    if width < 1 or not height:
        raise damaged("it tells no size")
    if packing in (MASKED, ALPHA_MASKED):
        masks = struct.unpack_from("<4I", data, 54)
        masks = masks if size >= 56 or packing == ALPHA_MASKED else (*masks[:3], 0)
    if not any(masks[:3]) and bits in USUAL:
        masks = (*USUAL[bits], masks[3])
    upward = height > 0
    return Header(begin, size, width, abs(height), upward, bits, packing, per_metre, colours, masks)


def unusual(kind: str) -> RefusedError:
    return RefusedError(f"is damaged, or a BMP file of an unusual kind ({kind}); save it as PNG")


def head(file: BinaryIO) -> Head:
    """Reads nothing but the headers."""
    header = header_of(file.read(FILE_HEADER + 56))
    bits, channels = 16 if header.wide else 8, 3 + bool(header.masks[3])
    taken = 4 + 2 * channels * bits // 8
    return Head(codecs()["BMP"], header.height, header.width, channels, bits, taken=taken)


def load(data: bytes, head: Head) -> Picture:
    """The picture as stored. Alpha that is nought everywhere was never meant, and is dropped."""
    header = header_of(data)
    rows, stride = header.height, (header.width * header.bits + 31) // 32 * 4
    if header.packing not in (RLE4, RLE8) and len(data) < header.begin + rows * stride:
        raise damaged("some of its pixels are missing")
    if not header.ours:
        return pillow.load(data, head)
    raw = np.frombuffer(data, np.uint8, rows * stride, header.begin).reshape(rows, stride)
    raw = raw[::-1] if header.upward else raw
    across, down = (value / INCH for value in header.per_metre)
    if header.bits == 2:
        return Picture(indexed(raw, header, data), dpi=dots(across, down))
    words = np.ascontiguousarray(raw).view("<u2" if header.bits == 16 else "<u4")
    values = words[:, : header.width]
    most = 65_535 if header.wide else 255
    pixels = np.stack([masked(values, mask, most) for mask in header.masks[:3]], axis=2)
    alpha = masked(values, header.masks[3], most) if header.masks[3] else None
    return Picture(
        pixels, alpha if alpha is not None and alpha.any() else None, dpi=dots(across, down)
    )


def masked(values: np.ndarray, mask: int, most: int) -> np.ndarray:
    """The bits of a mask as numbers from 0 to `most`."""
    form = np.uint8 if most == 255 else np.uint16
    if not mask:
        return np.zeros(values.shape, form)
    low = (mask & -mask).bit_length() - 1
    count = mask.bit_length() - low
    if mask.bit_count() < count:
        raise unusual("gaps in its bit masks")
    low, count = low + max(0, count - 16), min(count, 16)
    limit = (1 << count) - 1
    found = np.empty(values.shape, form)
    for top in range(0, len(values), BAND):
        part = values[top : top + BAND].astype(np.uint32) >> low & limit
        found[top : top + BAND] = (part * most + limit // 2) // limit
    return found


def indexed(raw: np.ndarray, header: Header, data: bytes) -> np.ndarray:
    """Pixels (H, W, 3), or (H, W, 1) of a grey palette, of two bits each."""
    step = 3 if header.size == OLD_HEADER else 4
    colours = np.zeros((4, 3), np.uint8)
    count = min(header.colours or 4, 4)
    table = np.frombuffer(data, np.uint8, count * step, FILE_HEADER + header.size)
    colours[:count] = table.reshape(count, step)[:, 2::-1]
    numbers = (raw[:, :, None] >> np.array([6, 4, 2, 0], np.uint8) & 3).reshape(len(raw), -1)
    grey = (colours == colours[:, :1]).all()
    return colours[numbers[:, : header.width]][:, :, : 1 if grey else 3]
