"""What a file says of its picture: EXIF and resolution."""

import io
import struct
import zlib

import cv2
from PIL import Image

from engine.pictures.directory import Directory, directories
from engine.pictures.picture import Picture

ORIENTATION, EXIF_IFD, GPS_IFD, XP_TITLE, XP_SUBJECT = 0x0112, 0x8769, 0x8825, 0x9C9B, 0x9C9F
ACROSS, DOWN, UNIT = 282, 283, 296  # of the resolution
EXIF_WIDTH, EXIF_HEIGHT = 0xA002, 0xA003
DESCRIPTIVE = {  # TIFF tags that tell of the picture; all others tell how that one file stores it
    *(0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x8298),
    *(ORIENTATION, EXIF_IFD, GPS_IFD, *range(XP_TITLE, XP_SUBJECT + 1)),
}
DAMAGE = (OSError, ValueError, SyntaxError, EOFError, KeyError, struct.error, zlib.error, cv2.error)


def first_directory(block: bytes | None) -> Directory | None:
    """The first directory of an EXIF block, where there is one that is sound."""
    block = (block or b"").removeprefix(b"Exif\0\0")
    return next(directories(io.BytesIO(block)), None) if block[:2] in (b"II", b"MM") else None


def orientation_of(block: bytes | None) -> int:
    """EXIF's orientation of the pixels as stored, 1..8, 1 where a block tells none."""
    directory = first_directory(block)
    return 1 if directory is None else turned(directory)


def turned(directory: Directory) -> int:
    """The orientation, 1..8, 1 where the directory tells none."""
    value = directory.number(ORIENTATION, 1)
    return value if 1 <= value <= 8 else 1


def resolution(directory: Directory | None) -> tuple[float, float] | None:
    """Dots per inch, where the directory tells any that the other formats can hold."""
    if directory is None:
        return None
    unit = {2: 1.0, 3: 2.54}.get(directory.number(UNIT, 2), 0.0)
    return dots(*(unit * directory.numbers(tag, 0)[0] for tag in (ACROSS, DOWN)))


def upright(block: bytes | None) -> bytes | None:
    """An EXIF block, itself upright; a broken block must not cost the picture."""
    if not block:
        return None
    try:
        exif = Image.Exif()
        exif.load(block)
        if ORIENTATION in exif:
            exif[ORIENTATION] = 1
        return exif.tobytes() if len(exif) else None
    except Exception:
        return None


def tiff_exif(data: bytes, offset: int) -> bytes | None:
    """An EXIF block of what the directory at `offset` of a TIFF file tells of the picture."""
    try:
        exif = Image.Exif()
        exif.endian = "<" if data[:2] == b"II" else ">"
        exif.bigtiff = 43 in data[2:4]
        exif.load_from_fp(io.BytesIO(data), offset)
        kept = Image.Exif()
        kept.load(exif.tobytes())
        for tag in set(kept) - DESCRIPTIVE:
            del kept[tag]
        return upright(kept.tobytes()) if len(kept) else None
    except Exception:
        return None


def dots(across: float, down: float) -> tuple[float, float] | None:
    """Dots per inch, where they are such that the other formats can hold them."""
    if not (1 <= across <= 65_535 and 1 <= down <= 65_535):
        return None
    return float(across), float(down)


def refreshed(picture: Picture) -> bytes | None:
    """The EXIF block, upright and with the size tags of the picture as it is now."""
    if picture.exif is None:
        return None
    exif = Image.Exif()
    exif.load(picture.exif)
    inner = exif.get_ifd(EXIF_IFD) if EXIF_IFD in exif else {}
    for tag, value in ((EXIF_WIDTH, picture.width), (EXIF_HEIGHT, picture.height)):
        if tag in inner:
            inner[tag] = value
    for tag, value in ((256, picture.width), (257, picture.height), (ORIENTATION, 1)):
        if tag in exif:
            exif[tag] = value
    return exif.tobytes()


def exif_tags(exif: bytes | None) -> dict:
    """The descriptive tags of an EXIF block, its inner tables as dictionaries."""
    if not exif:
        return {}
    block = Image.Exif()
    block.load(exif)
    inner = {tag: block.get_ifd(tag) for tag in (EXIF_IFD, GPS_IFD) if tag in block}
    return {**{k: v for k, v in block.items() if k in DESCRIPTIVE}, **inner}
