"""Files that appear whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from engine.errors import PictureError


@contextmanager
def atomic(path: Path | str, *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """A hidden file beside `path` that takes its place when the block ends without an error.

    Before that it is brought to the disk; after an error nothing is left of it. Raises PictureError
    where that fails, also for an OSError of the block: a disk that is full, a folder closed to us.
    """
    path = Path(path)
    temporary = temporary_beside(path)
    try:
        with open(temporary, "x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        check_place(path, overwrite=overwrite)  # the block took its time
        os.replace(temporary, path)
    except OSError as error:
        raise PictureError(f"{path} could not be written: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def temporary_prefix(process: int) -> str:
    """How the names of all temporary files of a process begin."""
    return f".fovea-{process}-"


def temporary_beside(path: Path) -> Path:
    """A new name for a temporary file in the folder of `path`."""
    return path.with_name(f"{temporary_prefix(os.getpid())}{os.urandom(4).hex()}.part")


def check_place(path: Path, *, overwrite: bool) -> None:
    """Raises PictureError where a file may not come to be at `path`."""
    try:
        taken, folder = path.exists(), path.is_dir()
    except OSError as error:
        raise PictureError(f"{path} cannot be written: {error.strerror}.") from None
    if folder:
        raise PictureError(f"{path} is a folder; choose a name for the file.")
    if taken and not overwrite:
        raise PictureError(f"{path} exists already; choose another name or allow overwriting.")
