"""Files of all formats that Pillow reads as they should be read."""

import io
from collections.abc import Callable
from typing import BinaryIO, cast

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError
from PIL.ImageCms import ImageCmsProfile

from engine.pictures import exif, xmp
from engine.pictures.formats import codecs, named
from engine.pictures.metadata import dots, orientation_of
from engine.pictures.picture import BAND, Picture
from engine.pictures.readers.head import Head, RefusedError

CHANNELS = {"1": 1, "L": 1, "LA": 2, "La": 2, "PA": 4, "RGBA": 4, "RGBa": 4}  # others have 3
UNREADABLE = {
    "F": "floating-point numbers",
    "I": "32 bits a channel",
    "HSV": "hue and saturation",
}


def head(file: BinaryIO) -> Head:
    """Pillow opens a file without decoding it."""
    try:
        image = Image.open(file)
    except UnidentifiedImageError:
        raise RefusedError(f"is not a picture that Fovea can read; it reads {named()}") from None
    with image:
        form = codecs().get(image.format or "")
        if form is None:
            raise RefusedError(f"is a {image.format} file; save it as PNG or JPEG first")
        channels = CHANNELS.get(image.mode, 3)
        clear = channels in (1, 3) and image.has_transparency_data
        return Head(
            form,
            image.height,
            image.width,
            channels + clear,
            orientation=orientation_of(image.info.get("exif")),
            several=getattr(image, "is_animated", False),
            taken=4 + 3 * CHANNELS.get(image.mode, 3),
        )


def load(data: bytes, head: Head) -> Picture:
    """The picture as stored. CMYK becomes sRGB through its profile, which has then served."""
    with Image.open(io.BytesIO(data)) as image:
        return picture(image)


def picture(image: Image.Image) -> Picture:
    """An opened file, with all that Pillow knows of it."""
    icc = image.info.get("icc_profile")
    array = planes(image, icc)
    colours = array.shape[2] - (array.shape[2] in (2, 4))
    return Picture(
        array[:, :, :colours],
        array[:, :, colours] if array.shape[2] > colours else None,
        icc=icc if isinstance(icc, bytes) and icc and image.mode not in ("CMYK", "LAB") else None,
        exif=exif.upright(image.info.get("exif")),
        xmp=xmp.upright(image.info.get("xmp")),
        dpi=dots(*image.info.get("dpi", (0, 0))),
    )


def planes(image: Image.Image, icc: bytes | None = None) -> np.ndarray:
    """Pixels (H, W, 1..4) uint8; what is neither grey nor RGB becomes sRGB."""
    if image.mode in UNREADABLE or image.mode.startswith("I;"):
        kind = UNREADABLE.get(image.mode, "an unusual number of bits")
        raise RefusedError(f"has pixels of {kind}; save it as 8 or 16 bit RGB")
    convert = to_srgb(image.mode, icc) if image.mode in ("CMYK", "LAB") else None
    clear = image.has_transparency_data
    mode = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
    mode += "A" if clear else ""
    array = np.empty((image.height, image.width, len(mode)), np.uint8)
    for top in range(0, image.height, BAND):  # Pillow's own way takes three times the memory
        band = image.crop((0, top, image.width, min(top + BAND, image.height)))
        band = convert(band) if convert else band
        band = band if band.mode == mode else band.convert(mode)
        array[top : top + BAND] = np.asarray(band).reshape(-1, image.width, len(mode))
    return array


def to_srgb(mode: str, icc: bytes | None) -> Callable[[Image.Image], Image.Image]:
    """A conversion of CMYK or LAB, through the profile, or plainly where none works."""
    try:
        lab = mode == "LAB"
        source = ImageCms.createProfile("LAB") if lab else ImageCmsProfile(io.BytesIO(icc or b""))
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, TypeError):
        return lambda image: image.convert("RGB")
    return lambda image: cast(Image.Image, ImageCms.applyTransform(image, transform))
