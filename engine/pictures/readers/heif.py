"""HEIC files: of several pictures the one that the file calls its own; 10 and 12 bits become 16."""

import io
from typing import BinaryIO

import numpy as np
import pillow_heif

from engine.pictures import exif, xmp
from engine.pictures.boxes import cicp_of
from engine.pictures.formats import codecs
from engine.pictures.picture import Picture, parted
from engine.pictures.readers.head import Head, RefusedError, damaged

# AVIF has some of the brands in common, but is another decoder's
SIGNATURE = rb"....ftyp(hei|hev|(mif1|mif2|msf1)(?!.{,48}avi[fs]))"


def opened(file: BinaryIO) -> pillow_heif.HeifImage:
    """The picture, not decoded yet; it is turned upright when it is decoded, whatever EXIF says."""
    found = pillow_heif.open_heif(file, convert_hdr_to_8bit=False)
    if not len(found):
        raise RefusedError("holds no picture that Fovea can read")
    return found[found.primary_index]


def head(file: BinaryIO) -> Head:
    """Nothing is decoded."""
    image = opened(file)
    (width, height), (kind, _, deep) = image.size, image.mode.partition(";")
    channels = {"L": 1, "I": 1, "LA": 2}.get(kind, len(kind))
    bits = 16 if deep else 8
    return Head(codecs()["HEIF"], height, width, channels, bits, taken=3 * channels * bits // 8)


def load(data: bytes, head: Head) -> Picture:
    """The picture upright."""
    image = opened(io.BytesIO(data))
    array = np.asarray(image)
    array = array[:, :, None] if array.ndim == 2 else array
    if array.shape[:2] != (head.height, head.width):
        raise damaged("its parts tell different sizes")
    colours = array.shape[2] - (array.shape[2] in (2, 4))
    pixels = array[:, :, :colours]
    alpha = array[:, :, colours] if array.shape[2] > colours else None
    if alpha is not None and image.premultiplied_alpha:
        pixels = parted(pixels, alpha)
    icc, told, packet = (_bytes(image.info.get(key)) for key in ("icc_profile", "exif", "xmp"))
    return Picture(
        pixels,
        alpha,
        icc=icc,
        cicp=None if icc else cicp_of(data),
        exif=exif.upright(told),
        xmp=xmp.upright(packet),
    )


def _bytes(value: object) -> bytes | None:
    """A block of metadata; None where there is none."""
    return value if isinstance(value, bytes) and value else None
