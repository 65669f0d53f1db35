"""Whether a target can be: told before any work is done for it."""

import os
from contextlib import suppress
from pathlib import Path

from PIL import Image

from engine.errors import PictureError
from engine.pictures.atomic import check_place, temporary_beside
from engine.pictures.formats import Format, written

NAME_BYTES = 255  # that a file system takes for one name


def check_target(
    path: Path | str,
    size: tuple[int, int] | None = None,
    overwrite: bool = False,
    *,
    folders: bool = False,
) -> Format:
    """The format that a target's name stands for, where it can be written.

    `size` is the (height, width) to be written, where that is known; with `folders`, missing
    folders are going to be made. Raises PictureError, whose one sentence names the target: an
    ending that cannot be written, a size beyond the format's, a name too long, a folder that is
    missing, is a file or is closed to us, or a file that is there and must not be replaced.
    """
    path = Path(path)
    form = written().get(path.suffix.lower())
    if form is None:
        known = ", ".join(sorted(written()))
        raise PictureError(f"{path} has no ending that Fovea can write; choose one of {known}.")
    if form.codec not in Image.SAVE and form.codec not in _installed():
        raise PictureError(f"{path}: this Pillow cannot write {form.name}; choose another ending.")
    if size is not None:
        check_size(path, form, size)
    check_names(path)
    check_folder(path, folders=folders)
    check_place(path, overwrite=overwrite)
    return form


def check_size(path: Path | str, form: Format, size: tuple[int, int]) -> None:
    """Raises PictureError where a format cannot hold a picture of (height, width)."""
    height, width = size
    if form.side and max(size) > form.side:
        limit = f"no side above {form.side:,} pixels"
    elif form.megapixels and height * width > form.megapixels * 10**6:
        limit = f"at most {form.megapixels:,} megapixels"
    else:
        return
    raise PictureError(
        f"{path} would have {width:,} × {height:,} pixels, but {form.name} holds {limit}; choose "
        "PNG, or a smaller size."
    )


def check_names(path: Path) -> None:
    """Raises PictureError where no file system takes the names in a path."""
    for name in path.parts:
        try:
            fits = len(os.fsencode(name)) <= NAME_BYTES and "\0" not in name
        except UnicodeEncodeError:
            fits = False
        if not fits:
            shown = ascii(name)[1:-1]
            raise PictureError(
                f"{shown} cannot be the name of a file or folder: it is too long (above "
                f"{NAME_BYTES} bytes) or has letters that no name may have; choose another."
            )


def check_folder(path: Path, *, folders: bool = False) -> None:
    """Raises PictureError where no file can be made beside `path`; a file is made to find out.

    With `folders`, that is where the nearest folder that there is lets us make others.
    """
    folder = path.parent
    while folders and not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    probe = temporary_beside(folder / path.name)
    try:
        probe.touch(exist_ok=False)
    except OSError as error:
        if not os.path.lexists(folder):
            raise PictureError(f"{folder} does not exist; make the folder first.") from None
        if not folder.is_dir():
            raise PictureError(f"{path}: {folder} is no folder; choose another place.") from None
        raise PictureError(f"{path} cannot be written: {folder}: {error.strerror}.") from None
    finally:
        with suppress(OSError):
            probe.unlink()


def make_folder(folder: Path) -> None:
    """Make a folder and those above it. Raises PictureError where that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PictureError(f"{folder} could not be made: {error.strerror}.") from error


def _installed() -> set[str]:
    """All formats of this Pillow, which loads most of them when it is first asked to."""
    Image.init()
    return set(Image.SAVE)
