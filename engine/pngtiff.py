"""PNG and TIFF files of any depth with their metadata, which no single library writes.

Pillow cannot hold 16-bit colour and OpenCV cannot write a profile, EXIF or resolution.
"""

import itertools
import struct
import zlib
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image, TiffImagePlugin

PNG_LEVEL = 3  # higher levels take several times as long for a few per cent
PNG_HEADER = 33  # signature and IHDR chunk
STRIP_BYTES = 4 << 20
TIFF_LIMIT = (1 << 32) - (1 << 24)
ORIENTATION, EXIF_IFD, GPS_IFD, XP_TITLE, XP_SUBJECT = 0x0112, 0x8769, 0x8825, 0x9C9B, 0x9C9F
DESCRIPTIVE = {  # TIFF tags that tell of the picture; all others tell how that one file stores it
    *(0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x8298),
    *(ORIENTATION, EXIF_IFD, GPS_IFD, *range(XP_TITLE, XP_SUBJECT + 1)),
}


def write_png(
    file: BinaryIO,
    pixels: np.ndarray,
    *,
    icc: bytes | None,
    exif: bytes | None,
    dpi: tuple[float, float] | None,
) -> None:
    """Pixels (H, W, 1..4) uint8 or uint16: OpenCV's file, with our chunks behind its header."""
    order = {1: [0], 2: [0, 0, 0, 1], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[pixels.shape[2]]
    ordered = pixels if order == [0] else np.ascontiguousarray(pixels[:, :, order])
    whole, encoded = cv2.imencode(".png", ordered, [cv2.IMWRITE_PNG_COMPRESSION, PNG_LEVEL])
    if not whole:
        raise ValueError("the picture could not be encoded as PNG")
    del ordered
    file.write(encoded[:PNG_HEADER])
    if icc:
        _chunk(file, b"iCCP", b"ICC profile\0\0" + zlib.compress(icc))
    if dpi:
        per_metre = [round(value / 0.0254) for value in dpi]
        _chunk(file, b"pHYs", struct.pack(">IIB", *per_metre, 1))
    if exif:
        _chunk(file, b"eXIf", exif.removeprefix(b"Exif\0\0"))
    file.write(encoded[PNG_HEADER:])


def _chunk(file: BinaryIO, name: bytes, data: bytes) -> None:
    file.write(struct.pack(">I", len(data)) + name + data)
    file.write(struct.pack(">I", zlib.crc32(data, zlib.crc32(name))))


def write_tiff(
    file: BinaryIO,
    pixels: np.ndarray,
    *,
    icc: bytes | None,
    exif: bytes | None,
    dpi: tuple[float, float] | None,
) -> None:
    """Pixels (H, W, 1..4) uint8 or uint16 in deflated strips with horizontal prediction."""
    if pixels.shape[2] == 2:  # few programs read grey with alpha
        pixels = pixels[:, :, [0, 0, 0, 1]]
    height, width, channels = pixels.shape
    rows = max(1, STRIP_BYTES // pixels[0].nbytes)
    strips = []
    for top in range(0, height, rows):
        strip = pixels[top : top + rows]
        little = strip.astype(strip.dtype.newbyteorder("<"))
        little[:, 1:] -= strip[:, :-1]
        strips.append(zlib.compress(little.tobytes(), PNG_LEVEL))
    counts = [len(strip) for strip in strips]
    offsets = [
        0,
        *itertools.accumulate(counts[:-1]),
    ]  # from the end of the table, which Pillow adds
    if sum(counts) > TIFF_LIMIT:
        raise ValueError("it does not fit into a TIFF file of 4 GiB; choose PNG")
    table = TiffImagePlugin.ImageFileDirectory_v2()
    table.update(_exif_tags(exif))
    table.update(
        {
            256: width,
            257: height,
            258: (8 * pixels.itemsize,) * channels,
            259: 8,
            262: 2 if channels > 2 else 1,
            277: channels,
            278: rows,
            284: 1,
            317: 2,
        }
    )
    table[273], table[279] = tuple(offsets), tuple(counts)
    table.tagtype[273] = table.tagtype[279] = 4
    if channels == 4:
        table[338] = 2
    if icc:
        table[34675] = icc
        table.tagtype[34675] = 7
    if dpi:
        table[282], table[283], table[296] = *dpi, 2
    file.write(b"II*\0" + struct.pack("<I", 8) + table.tobytes(8))
    file.writelines(strips)


def _exif_tags(exif: bytes | None) -> dict:
    """The descriptive tags of an EXIF block, its inner tables as dictionaries."""
    if not exif:
        return {}
    block = Image.Exif()
    block.load(exif)
    inner = {tag: block.get_ifd(tag) for tag in (EXIF_IFD, GPS_IFD) if tag in block}
    return {**{k: v for k, v in block.items() if k in DESCRIPTIVE}, **inner}
