"""Pictures to files: each format keeps what it can hold.

PNG and TIFF are our own, for any depth; Pillow writes the others.
"""

import io
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from engine.errors import PictureError
from engine.pictures.atomic import atomic
from engine.pictures.boxes import with_cicp
from engine.pictures.description import described
from engine.pictures.exif import shortened, unoriented
from engine.pictures.formats import Format, written
from engine.pictures.metadata import DAMAGE
from engine.pictures.picture import Picture, flattened, joined, shallow
from engine.pictures.png import write_png
from engine.pictures.target import check_size, check_target
from engine.pictures.tiff import write_tiff
from engine.pictures.xmp import SEGMENT, jpeg_segments

JPEG_EXIF = b"Exif\0\0"  # what the segment is called
LOSSLESS_EFFORT = 50  # of 100: WebP's pixels stay whatever it is
OWN = {"PNG": write_png, "TIFF": write_tiff}  # formats of our own writers
# Not "optimize": a few per cent smaller, but it holds all coefficients in memory.
OPTIONS: dict[str, dict[str, object]] = {
    "JPEG": {"subsampling": 0},
    "AVIF": {"subsampling": "4:4:4"},
}


def write(
    picture: Picture, path: Path | str, *, overwrite: bool = False, quality: int = 95
) -> None:
    """Write a picture in the format of the path's ending, whole or not at all.

    A temporary file beside the target takes its place when it is complete and on the disk; an
    existing file goes only with `overwrite`. `quality` (1..100) is for JPEG (4:4:4), WebP and AVIF.
    What a format cannot hold is reduced: alpha lies on white, 16 bits become 8, other numbers than
    sRGB's become sRGB's, metadata stays out.
    Raises PictureError, whose one sentence names the file; nothing has then changed on the disk.
    """
    check_target(path, picture.size, overwrite)
    with atomic(path, overwrite=overwrite) as file:
        encode(picture, path, file, quality=quality)


def encode(picture: Picture, path: Path | str, file: BinaryIO, *, quality: int = 95) -> None:
    """Write a picture to an open file in the format of the path's ending; see `write`.

    Raises PictureError where the format cannot hold the picture or the file refuses it.
    """
    form = written()[Path(path).suffix.lower()]
    check_size(path, form, picture.size)
    try:
        _encode(picture, form, file, quality)
    except (*DAMAGE, RuntimeError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "out of memory"
        raise PictureError(f"{path} could not be written: {reason}.") from error


def _encode(picture: Picture, form: Format, file: BinaryIO, quality: int) -> None:
    picture = described(picture, form)
    if form.codec in OWN:
        OWN[form.codec](file, picture)
        return
    pixels = shallow(joined(picture) if form.alpha else flattened(picture))
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    del pixels  # Pillow has its own copy
    options = {**OPTIONS.get(form.codec, {}), **({"quality": quality} if form.quality else {})}
    told: dict[str, object] = {"icc_profile": picture.icc, "exif": picture.exif, "xmp": picture.xmp}
    if form.codec == "JPEG":
        exif = picture.exif and JPEG_EXIF + shortened(picture.exif, SEGMENT - len(JPEG_EXIF))
        told |= {"exif": exif, "xmp": None, "extra": jpeg_segments(picture.xmp)}
    elif form.codec == "WEBP" and picture.lossless:
        options |= {"lossless": True, "quality": LOSSLESS_EFFORT}
    told |= {"dpi": picture.dpi}
    options |= {name: value for name, value in told.items() if value}
    if form.codec == "AVIF":
        file.write(_avif(image, picture, options))
    else:
        image.save(file, form.codec, **options)


def _avif(image: Image.Image, picture: Picture, options: dict[str, object]) -> bytes:
    """An AVIF file as Pillow makes it, with codes of colour and EXIF as they are."""
    made, exif = io.BytesIO(), picture.exif
    if exif:  # Pillow would write a block anew that tells the orientation
        options = options | {"exif": unoriented(exif)}
    image.save(made, "AVIF", **options)
    data = made.getvalue()
    data = data.replace(unoriented(exif), exif, 1) if exif else data
    return with_cicp(data, picture.cicp) if picture.cicp else data
