"""The one table of file formats: dialogs, settings, batches and the command line read it.

A new format that Pillow knows is one row here; one of our own also names its writer in `encode`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    """What Fovea knows of one file format.

    `codec` is Pillow's name of it, `parts` are further names that Pillow gives to its files.
    Files with one of `endings` are read and written, the first is the usual one; those with one of
    `aliases` are only read, and what is made of them is written with the ending `instead`.
    `side` is the most pixels that a side may have, `megapixels` the most of a picture, where the
    format or its writer has a limit; `bits` are the most bits a channel that are written. `grey`:
    it stores grey as grey. `quality`: it is lossy, from 1 to 100. The others are what it can hold
    of a `Picture`; a format that stores no grey holds no profile of grey.
    """

    name: str
    codec: str
    endings: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    instead: str = ""
    parts: tuple[str, ...] = ()
    side: int | None = None
    megapixels: int | None = None
    bits: int = 8
    alpha: bool = False
    grey: bool = True
    quality: bool = False
    icc: bool = True
    cicp: bool = False
    gamma: bool = False
    exif: bool = True
    xmp: bool = True
    text: bool = False
    dpi: bool = False


FORMATS = (
    Format(
        "PNG",
        "PNG",
        (".png",),
        side=2**31 - 1,
        bits=16,
        alpha=True,
        cicp=True,
        gamma=True,
        text=True,
        dpi=True,
    ),
    Format(
        "JPEG",
        "JPEG",
        (".jpg", ".jpeg"),
        aliases=(".jpe", ".jfif", ".mpo"),
        instead=".jpg",
        parts=("MPO",),  # a camera's JPEG and its preview
        side=65_500,
        quality=True,
        dpi=True,
    ),
    Format(
        "TIFF",
        "TIFF",
        (".tif", ".tiff"),
        megapixels=1_400,  # a file has at most 4 GiB
        bits=16,
        alpha=True,
        dpi=True,
    ),
    Format("WebP", "WEBP", (".webp",), side=16_383, alpha=True, grey=False, quality=True),
    Format(
        "AVIF", "AVIF", (".avif",), side=65_535, alpha=True, grey=False, quality=True, cicp=True
    ),
    Format(
        "BMP",
        "BMP",
        (".bmp",),
        aliases=(".dib",),
        instead=".bmp",
        parts=("DIB",),
        megapixels=1_400,  # a file has at most 4 GiB
        icc=False,
        exif=False,
        xmp=False,
        dpi=True,
    ),
    Format("HEIC", "HEIF", aliases=(".heic", ".heif", ".hif"), instead=".jpg", quality=True),
    Format("GIF", "GIF", aliases=(".gif",), instead=".png"),
)


def written_formats() -> list[Format]:
    """The formats that pictures can be written in."""
    return [form for form in FORMATS if form.endings]


def written() -> dict[str, Format]:
    """The endings that pictures can be written with, and their formats."""
    return {ending: form for form in FORMATS for ending in form.endings}


def readable() -> dict[str, Format]:
    """The endings of pictures, and their formats."""
    return written() | {ending: form for form in FORMATS for ending in form.aliases}


def replaced() -> dict[str, str]:
    """The endings that are only read, and what is written in their place."""
    return {ending: form.instead for form in FORMATS for ending in form.aliases}


def codecs() -> dict[str, Format]:
    """Pillow's names of files that are pictures, and their formats."""
    return {name: form for form in FORMATS for name in (form.codec, *form.parts)}


def named() -> str:
    """All formats as a part of a sentence: "PNG, JPEG and TIFF"."""
    *names, last = (form.name for form in FORMATS)
    return f"{', '.join(names)} and {last}"
