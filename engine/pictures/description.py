"""What a picture says of itself, as far as a format can hold it."""

from dataclasses import replace

from engine.pictures import exif, xmp
from engine.pictures.formats import Format
from engine.pictures.picture import Picture
from engine.pictures.srgb import in_srgb


def described(picture: Picture, form: Format) -> Picture:
    """The picture with what a format can hold of its description, which fits its size.

    What its numbers mean is kept, or the pixels are converted to sRGB.
    """
    held = replace(
        picture,
        cicp=picture.cicp if form.cicp else None,
        icc=picture.icc if form.icc and _fits(picture, form) else None,
        gamma=picture.gamma if form.gamma else None,
    )
    if not (held.cicp or held.icc or held.gamma):
        held = in_srgb(picture)
    return replace(
        held,
        exif=exif.sized(picture.exif, picture.size) if form.exif else None,
        xmp=xmp.sized(picture.xmp, picture.size) if form.xmp else None,
        text=picture.text if form.text else (),
        dpi=picture.dpi if form.dpi else None,
    )


def _fits(picture: Picture, form: Format) -> bool:
    """Does the profile describe what will be written? One for RGB describes grey as well."""
    kind = (picture.icc or b"")[16:20]
    return kind == b"RGB " or (kind == b"GRAY" and picture.grey and form.grey)
