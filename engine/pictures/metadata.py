"""What a file says of its picture: EXIF and resolution."""

import struct
import zlib

import cv2
from PIL import Image

from engine.pictures.picture import Picture

ORIENTATION, EXIF_IFD, GPS_IFD, XP_TITLE, XP_SUBJECT = 0x0112, 0x8769, 0x8825, 0x9C9B, 0x9C9F
EXIF_WIDTH, EXIF_HEIGHT = 0xA002, 0xA003
XRESOLUTION = 282
DESCRIPTIVE = {  # TIFF tags that tell of the picture; all others tell how that one file stores it
    *(0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x8298),
    *(ORIENTATION, EXIF_IFD, GPS_IFD, *range(XP_TITLE, XP_SUBJECT + 1)),
}
SIDEWAYS = (5, 6, 7, 8)  # the orientations that swap height and width
DAMAGE = (OSError, ValueError, SyntaxError, EOFError, KeyError, struct.error, zlib.error, cv2.error)


def upright_exif(image: Image.Image) -> tuple[int, bytes | None]:
    """Orientation and EXIF block, itself upright; a broken block must not cost the picture."""
    try:
        exif = image.getexif()
        orientation = exif.get(ORIENTATION, 1)
        if ORIENTATION in exif:
            exif[ORIENTATION] = 1  # also keeps Pillow from turning a TIFF file while loading it
        kept = Image.Exif()
        kept.load(exif.tobytes())
        for tag in set(kept) - DESCRIPTIVE if image.format == "TIFF" else ():
            del kept[tag]
        return orientation, kept.tobytes() if len(kept) else None
    except (*DAMAGE, TypeError):
        return 1, None


def resolution(image: Image.Image) -> tuple[float, float] | None:
    """Dots per inch, where the file states any that the other formats can hold."""
    if hasattr(image, "tag_v2") and XRESOLUTION not in image.tag_v2:
        return None  # Pillow reports 1 dpi for these
    dpi = image.info.get("dpi")
    if dpi is None or not all(1 <= value <= 65_535 for value in dpi):
        return None
    return float(dpi[0]), float(dpi[1])


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
