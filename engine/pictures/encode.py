"""Pictures to files: each format keeps what it can hold.

PNG and TIFF are our own, for any depth; Pillow writes the others.
"""

from pathlib import Path
from typing import BinaryIO

from PIL import Image

from engine.errors import PictureError
from engine.pictures.atomic import atomic
from engine.pictures.formats import Format, written
from engine.pictures.metadata import DAMAGE, refreshed
from engine.pictures.picture import Picture, flattened, joined, shallow
from engine.pictures.png import write_png
from engine.pictures.target import check_size, check_target
from engine.pictures.tiff import write_tiff

JPEG_EXIF = 65_533  # bytes that fit into one JPEG segment
OWN = {"PNG": write_png, "TIFF": write_tiff}  # formats of our own writers
OPTIONS = {  # not "optimize": a few per cent smaller, but it holds all coefficients in memory
    "JPEG": {"subsampling": 0},
    "AVIF": {"subsampling": "4:4:4"},
}


def write(
    picture: Picture, path: Path | str, *, overwrite: bool = False, quality: int = 95
) -> None:
    """Write a picture in the format of the path's ending, whole or not at all.

    A temporary file beside the target takes its place when it is complete and on the disk; an
    existing file goes only with `overwrite`. `quality` (1..100) is for JPEG (4:4:4), WebP and AVIF.
    What a format cannot hold is reduced: alpha lies on white, 16 bits become 8, metadata stays out.
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
    exif = refreshed(picture)
    if form.codec in OWN:
        OWN[form.codec](file, joined(picture), icc=picture.icc, exif=exif, dpi=picture.dpi)
        return
    pixels = shallow(joined(picture) if form.alpha else flattened(picture))
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    del pixels  # Pillow has its own copy
    options = {**OPTIONS.get(form.codec, {}), **({"quality": quality} if form.quality else {})}
    described = form.grey or (picture.icc or b"")[16:20] != b"GRAY"  # by a profile of its kind
    if form.icc and picture.icc and described:
        options["icc_profile"] = picture.icc
    if form.exif and exif and not (form.codec == "JPEG" and len(exif) > JPEG_EXIF):
        options["exif"] = exif
    if form.dpi and picture.dpi:
        options["dpi"] = picture.dpi
    image.save(file, form.codec, **options)
