"""TIFF files of any depth with their metadata, deflated as fast as pictures are computed."""

import itertools
import struct
from fractions import Fraction
from typing import BinaryIO

import numpy as np
from isal import isal_zlib  # the zlib format in an eighth of zlib's time

from engine.pictures.exif import BYTE, LONG, RATIONAL, SHORT, UNDEFINED, Tags, embedded, packed
from engine.pictures.picture import Picture, joined

LEVEL = 2  # of isal's 0..3; about as small as zlib's 3
STRIP_BYTES = 4 << 20
LIMIT = (1 << 32) - (1 << 24)


def write_tiff(file: BinaryIO, picture: Picture) -> None:
    """Deflated strips with horizontal prediction.

    The file begins with the EXIF block and is in its byte order, so that whatever the block points
    to is where it was. Raises ValueError where 4 GiB are too little.
    """
    order, block, rows = embedded(picture.exif)
    pixels = joined(picture)
    height = max(1, STRIP_BYTES // pixels[0].nbytes)
    strips = [_strip(pixels[top : top + height], order) for top in range(0, len(pixels), height)]
    counts = [len(strip) for strip in strips]
    if sum(counts) + len(block) > LIMIT:
        raise ValueError("it does not fit into a TIFF file of 4 GiB; choose PNG")
    tags = _tags(picture, pixels, order) | {
        278: (LONG, 1, struct.pack(f"{order}I", height)),
        279: (LONG, len(counts), struct.pack(f"{order}{len(counts)}I", *counts)),
    }
    start = len(block)
    end = start + len(packed(Tags(tags | {273: tags[279]}), order, start, rows))
    offsets = itertools.accumulate(counts[:-1], initial=end)
    tags[273] = LONG, len(counts), struct.pack(f"{order}{len(counts)}I", *offsets)
    file.write(block[:4] + struct.pack(f"{order}I", start) + block[8:])
    file.write(packed(Tags(tags), order, start, rows))
    file.writelines(strips)


def _strip(pixels: np.ndarray, order: str) -> bytes:
    """Rows as their differences to the pixels to the left, packed."""
    kind = np.dtype(order + pixels.dtype.str[1:])  # "|u1" and "<u2" begin with their order
    ordered = pixels.astype(kind, order="C")
    ordered[:, 1:] -= pixels[:, :-1]
    return isal_zlib.compress(ordered, LEVEL)


def _tags(picture: Picture, pixels: np.ndarray, order: str) -> dict[int, tuple[int, int, bytes]]:
    """What tells of the pixels but for the strips: tag -> type, count and bytes."""
    height, width, channels = pixels.shape
    numbers = {  # 259: deflated, 284: samples side by side, 296: in inches, 317: with differences
        **{259: 8, 262: 1 if picture.grey else 2, 277: channels, 284: 1, 296: 2, 317: 2},
        **({} if picture.alpha is None else {338: 2}),
    }
    tags = {tag: (SHORT, 1, struct.pack(f"{order}H", n)) for tag, n in numbers.items()}
    for tag, side in ((256, width), (257, height)):
        tags[tag] = LONG, 1, struct.pack(f"{order}I", side)
    depths = [8 * pixels.itemsize] * channels
    tags[258] = SHORT, channels, struct.pack(f"{order}{channels}H", *depths)
    if picture.dpi:
        for tag, value in zip((282, 283), picture.dpi, strict=True):
            ratio = Fraction(value).limit_denominator(10_000)
            tags[tag] = RATIONAL, 1, struct.pack(f"{order}II", *ratio.as_integer_ratio())
    if picture.icc:
        tags[34675] = UNDEFINED, len(picture.icc), picture.icc
    if picture.xmp:
        tags[700] = BYTE, len(picture.xmp), picture.xmp
    return tags
