"""TIFF files of any depth with their metadata, deflated as fast as pictures are computed."""

import itertools
import struct
from typing import BinaryIO

import numpy as np
from isal import isal_zlib  # the zlib format in an eighth of zlib's time
from PIL import TiffImagePlugin

from engine.pictures.metadata import exif_tags

LEVEL = 2  # of isal's 0..3; about as small as zlib's 3
STRIP_BYTES = 4 << 20
LIMIT = (1 << 32) - (1 << 24)


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
        little = strip.astype(strip.dtype.newbyteorder("<"), order="C")
        little[:, 1:] -= strip[:, :-1]
        strips.append(isal_zlib.compress(little, LEVEL))
    counts = [len(strip) for strip in strips]
    offsets = [
        0,
        *itertools.accumulate(counts[:-1]),
    ]  # from the end of the table, which Pillow adds
    if sum(counts) > LIMIT:
        raise ValueError("it does not fit into a TIFF file of 4 GiB; choose PNG")
    table = TiffImagePlugin.ImageFileDirectory_v2()
    table.update(exif_tags(exif))
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
