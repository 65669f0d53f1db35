"""Files to pictures: upright pixels, and all that must survive until they are written."""

import io
import logging
import re
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError
from pillow_heif import register_heif_opener

from engine.errors import PictureError
from engine.memory import available
from engine.pictures.metadata import SIDEWAYS
from engine.pictures.picture import Picture
from engine.pictures.readers import reader_of
from engine.pictures.readers.head import Head, RefusedError

register_heif_opener()
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # our sentence says it all
logging.getLogger("PIL").addHandler(logging.NullHandler())  # else Python prints it
warnings.filterwarnings("ignore", module=r"PIL\.")  # of oddities that do no harm
Image.MAX_IMAGE_PIXELS = None  # our own limit, with a sentence of its own, stands in `_check`
MAX_PIXELS = 500_000_000
LONGEST = 160  # letters of what a library says of damage
TURNS = {  # EXIF orientation -> how to turn the stored pixels upright
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a[::-1].swapaxes(0, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a[:, ::-1].swapaxes(0, 1),
}


def read(path: Path | str) -> Picture:
    """Read a picture upright, its EXIF orientation reset to 1; nothing is ever written.

    16 bits, grey and alpha stay. CMYK becomes sRGB through its profile, which has then served.
    Raises PictureError, whose one sentence names the file and what to do: a file that is no
    picture, damaged, animated, of several pages, above 500 megapixels, or too large for the memory.
    """
    return decode(contents(path), path)


def contents(path: Path | str) -> bytes:
    """The bytes of a file. Raises PictureError where it cannot be read."""
    with _sentences(path), _opened(path) as file:
        return file.read()


def decode(data: bytes, path: Path | str) -> Picture:
    """The picture that the bytes of a file hold; see `read`. `path` is only for the errors."""
    with _sentences(path):
        if not data:
            raise RefusedError("is empty; get a whole copy of it")
        file = io.BytesIO(data)
        reader = reader_of(file)
        head = reader.head(file)
        _check(head, 2 * len(data))
        return _upright(reader.load(data, head), head.orientation)


def peek(path: Path | str) -> tuple[int, int] | None:
    """Upright (height, width) by the file's head alone; None where that tells nothing."""
    try:
        with _opened(path) as file:
            return reader_of(file).head(file).size
    except Exception:  # `read` says what is wrong
        return None


@contextmanager
def _sentences(path: Path | str) -> Iterator[None]:
    """Whatever goes wrong becomes a PictureError: one sentence that names the file."""
    try:
        yield
    except RefusedError as refusal:
        raise PictureError(f"{path} {refusal}.") from None
    except MemoryError:
        raise PictureError(f"{path} is too large for this machine's memory.") from None
    except Exception as error:  # libraries raise anything when they meet damage
        if isinstance(error, cv2.error) and error.code == cv2.Error.StsNoMem:
            raise PictureError(f"{path} is too large for this machine's memory.") from None
        why = " ".join(str(error).split()).rstrip(".")[:LONGEST]
        if isinstance(error, UnidentifiedImageError) or not re.search(r"[^\W\d]{3}", why):
            why = "it breaks off, or makes no sense"
        raise PictureError(f"{path} is damaged ({why}); get a whole copy of it.") from error


@contextmanager
def _opened(path: Path | str) -> Iterator[BinaryIO]:
    """A regular file; anything else could block for ever. Raises RefusedError where it is none."""
    try:
        status = Path(path).stat()
        if stat.S_ISDIR(status.st_mode):
            raise RefusedError("is a folder, not a picture")
        if not stat.S_ISREG(status.st_mode):
            raise RefusedError("is no regular file but a device or a pipe; give a picture")
        if status.st_size > available():
            raise RefusedError("is too large for this machine's memory")
        with open(path, "rb") as file:
            yield file
    except FileNotFoundError:
        raise RefusedError("does not exist") from None
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise RefusedError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _check(head: Head, copies: int) -> None:
    """Raises RefusedError where a picture is not to be decoded, or cannot be for want of memory.

    `copies` are the bytes that copies of the file take.
    """
    if head.several:
        kind = "holds several pages" if head.form.codec == "TIFF" else "is animated"
        raise RefusedError(f"{kind}; save the one picture you want as a PNG file")
    if head.height * head.width > MAX_PIXELS:
        raise RefusedError(f"has more than {MAX_PIXELS // 10**6} megapixels; reduce it first")
    needed, free = head.memory + copies, available()
    if needed > free:
        raise RefusedError(
            f"takes {needed / 1e9:.1f} GB of memory to read, and {free / 1e9:.1f} GB are free; "
            "close other programs, or reduce it first"
        )


def _upright(picture: Picture, orientation: int) -> Picture:
    turn = TURNS.get(orientation, lambda a: a)
    alpha, dpi = picture.alpha, picture.dpi
    return replace(
        picture,
        dpi=dpi[::-1] if dpi and orientation in SIDEWAYS else dpi,
        pixels=np.ascontiguousarray(turn(picture.pixels)),
        alpha=None if alpha is None else np.ascontiguousarray(turn(alpha)),
    )
