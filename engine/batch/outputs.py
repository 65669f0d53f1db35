"""What lies in the place of an output, and whether it may be replaced."""

import hashlib
import os
import stat
from enum import Enum
from pathlib import Path
from typing import BinaryIO

from isal import isal_zlib

from engine.batch.journal import Record
from engine.errors import PictureError
from engine.pictures import read

CHUNK = 1 << 20


class There(Enum):
    """What lies in the place of an output."""

    NOTHING = "nothing"
    WHOLE = "the output, as it was written"
    DAMAGED = "what is left of the output"
    OTHER = "a file that we have not written, or that somebody has changed since"
    LINK = "a link"
    NO_FILE = "a folder, a device or the like"


def there(target: Path, record: Record | None) -> There:
    """What lies at `target`, by what the journal knows of it. Links are never followed.

    An output is damaged where it is empty, where it is as long as it was but not the same (bits
    have flipped, or a power cut has left zeros), and where it cannot be read any more. Otherwise
    somebody has worked on it. Raises PictureError where that cannot be told.
    """
    try:
        status = os.lstat(target)
        if stat.S_ISLNK(status.st_mode):
            return There.LINK
        if not stat.S_ISREG(status.st_mode):
            return There.NO_FILE
        if record is None:
            return There.OTHER
        if status.st_size == 0:
            return There.DAMAGED
        now, known = checksum_of(target), record["checksum"]
    except (FileNotFoundError, NotADirectoryError):
        return There.NOTHING
    except OSError as error:
        raise PictureError(f"{target} cannot be read: {error.strerror}.") from error
    if now == known:
        return There.WHOLE
    if now.partition("-")[0] == known.partition("-")[0]:
        return There.DAMAGED
    return There.OTHER if _readable(target) else There.DAMAGED


def check_place(target: Path, found: There, *, overwrite: bool, known: bool) -> None:
    """Raises PictureError where nothing may be written over what was found at `target`.

    `known`: the journal holds a record of the output.
    """
    if found is There.NO_FILE:
        raise PictureError(f"{target} is in the way, and no file; move it, or choose another name.")
    if overwrite or found in (There.NOTHING, There.DAMAGED):
        return
    if found is There.LINK:
        raise PictureError(f"{target} is a link; remove it, or allow overwriting to replace it.")
    if found is There.OTHER and known:
        raise PictureError(
            f"{target} exists already, and was changed after Fovea had made it; choose another "
            "name or allow overwriting."
        )
    raise PictureError(f"{target} exists already; choose another name or allow overwriting.")


def checksum(file: BinaryIO) -> str:
    """Length and CRC-32 of an open file from where it stands.

    Against damage, not against forgers, in a fortieth of a digest's time.
    """
    length = value = 0
    while data := file.read(CHUNK):
        length, value = length + len(data), isal_zlib.crc32(data, value)
    return f"{length}-{value:08x}"


def checksum_of(path: Path) -> str:
    """The checksum of a file. Raises OSError where it cannot be read."""
    with open(path, "rb") as file:
        return checksum(file)


def digest_of(data: bytes) -> str:
    """The digest of a source's bytes."""
    return hashlib.blake2b(data).hexdigest()[:32]


def _readable(path: Path) -> bool:
    try:
        read(path)
    except PictureError:
        return False
    return True
