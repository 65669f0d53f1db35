"""Files of all formats that Pillow reads as they should be read."""

import io
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from engine.pictures import exif, xmp
from engine.pictures.formats import FORMATS, codecs, spoken
from engine.pictures.metadata import dots, orientation_of
from engine.pictures.picture import Picture
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
        names = spoken([form.name for form in FORMATS])
        raise RefusedError(f"is not a picture that Fovea can read; it reads {names}") from None
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
    if image.mode in ("CMYK", "LAB"):
        image = in_srgb(image, icc)
    clear = image.has_transparency_data
    if image.mode in ("1", "L", "LA", "La"):
        image = image.convert("LA" if clear else "L")
    else:
        image = image.convert("RGBA" if clear else "RGB")
    array = np.asarray(image)
    return array[:, :, None] if array.ndim == 2 else array


def in_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """CMYK or LAB through its profile, or plainly where it has none that works."""
    target = ImageCms.createProfile("sRGB")
    try:
        if image.mode == "LAB":
            source = ImageCms.createProfile("LAB")
        else:
            source = ImageCms.ImageCmsProfile(io.BytesIO(icc or b""))
        return ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, TypeError):
        if image.mode == "LAB":
            raise
        return image.convert("RGB")
