"""What lies in a folder: the pictures to upscale, and what is passed over."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from engine.batch.journal import has_journal, recall
from engine.errors import SettingsError
from engine.pictures import peek
from engine.pictures.formats import readable

UNREAD = {  # endings of pictures that Fovea does not read -> what they are
    **dict.fromkeys((".jxl",), "a JPEG XL file"),
    **dict.fromkeys((".jp2", ".j2k", ".jpf", ".jpx", ".j2c"), "a JPEG 2000 file"),
    **dict.fromkeys((".jxr", ".wdp", ".hdp"), "a JPEG XR file"),
    **dict.fromkeys((".tga", ".targa"), "a Targa file"),
    **dict.fromkeys((".ico", ".cur", ".icns"), "an icon"),
    **dict.fromkeys((".psd", ".psb"), "a Photoshop file"),
    **dict.fromkeys((".xcf",), "a GIMP file"),
    **dict.fromkeys((".kra", ".ora"), "a file of layers"),
    **dict.fromkeys((".svg", ".svgz", ".eps", ".ai", ".wmf", ".emf"), "a drawing"),
    **dict.fromkeys((".exr", ".hdr", ".pfm"), "a picture of high dynamic range"),
    **dict.fromkeys((".ppm", ".pgm", ".pbm", ".pnm", ".pam"), "a Netpbm file"),
    **dict.fromkeys((".apng", ".flif", ".qoi", ".pcx", ".dds", ".xbm", ".xpm"), "a rare format"),
}
RAW = (  # of cameras
    *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq"),
    *(".k25", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw"),
    *(".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
)


@dataclass(frozen=True)
class Source:
    """A picture to upscale. `place` is where it lies below the folder that was searched.

    `size` is the upright (height, width), None where the header does not tell; `trouble` says why
    the source cannot even be looked at.
    """

    source: Path
    place: PurePath
    size: tuple[int, int] | None = None
    trouble: str | None = None

    @property
    def key(self) -> str:
        """What names it in the journal and the report."""
        return self.place.as_posix()


@dataclass(frozen=True)
class Passed:
    """Something that is not upscaled, and the sentence that says why."""

    source: Path
    reason: str


@dataclass(frozen=True)
class Listing:
    """The pictures of a folder, and what was passed over, both in order."""

    sources: list[Source] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)


def check_folders(source: Path, target: Path) -> None:
    """Raises SettingsError where the pictures of one folder cannot go to the other."""
    if not os.path.isdir(source):
        raise SettingsError(f"{source} is not a folder; give a folder of pictures.")
    if os.path.exists(target) and not os.path.isdir(target):
        raise SettingsError(f"{target} is a file; give a folder for the upscaled pictures.")
    if os.path.realpath(source) == os.path.realpath(target):
        raise SettingsError(f"{target} holds the sources; choose another folder for the output.")


def listing(folder: Path, *, without: Path | None = None, recursive: bool = True) -> Listing:
    """The pictures of a folder and of those below it.

    Hidden files and the folder `without` stay out. Passed over are pictures of kinds that Fovea
    does not read, links to folders, pipes and devices, folders with a journal of ours, and what
    the journal of `folder` itself knows as an output. Raises SettingsError where `folder` itself
    cannot be listed.
    """
    try:
        os.scandir(folder).close()
    except OSError as error:
        raise SettingsError(f"{folder} cannot be listed: {error.strerror}.") from None
    found = Listing()
    outputs = recall(folder).made
    left_out = os.path.realpath(without) if without else None
    for path, trouble in _entries(folder, left_out, recursive, found.passed):
        place = path.relative_to(folder)
        if trouble:
            found.sources.append(Source(path, place, trouble=trouble))
        elif place.as_posix() in outputs:
            found.passed.append(Passed(path, f"{path} was made by Fovea."))
        elif reason := _passed_over(path):
            found.passed.append(Passed(path, reason))
        elif path.suffix.lower() in readable():
            found.sources.append(Source(path, place, size_of(path)))
    return found


def size_of(path: Path) -> tuple[int, int] | None:
    """The upright (height, width) that a file's header tells, None where it tells none.

    No file can end a batch before it begins: whatever reading the header raises is met again when
    the picture is read, and is then the failure of this file alone.
    """
    try:
        size = peek(path)
    except Exception:
        return None
    return size if size and min(size) > 0 else None


def _entries(
    top: Path, without: str | None, recursive: bool, passed: list[Passed]
) -> Iterator[tuple[Path, str | None]]:
    """The files below `top` in order, and the folders that cannot be listed, with the reason."""
    closed: list[OSError] = []
    for folder, below, names in os.walk(top, onerror=closed.append):
        here = Path(folder)
        yield from _told(closed)
        yield from ((here / name, None) for name in sorted(names) if not name.startswith("."))
        below[:] = [
            name
            for name in sorted(below)
            if recursive and not name.startswith(".") and _entered(here / name, without, passed)
        ]
    yield from _told(closed)


def _told(closed: list[OSError]) -> Iterator[tuple[Path, str]]:
    """Tell of the folders that could not be listed, once."""
    while closed:
        error = closed.pop(0)
        path = Path(error.filename)
        yield path, f"{path} cannot be listed: {error.strerror}."


def _entered(path: Path, without: str | None, passed: list[Passed]) -> bool:
    """Are the pictures of a folder sources?"""
    if without and os.path.realpath(path) == without:
        return False
    if path.is_symlink():
        reason = "is a link to a folder, which is not followed; give that folder itself."
    elif has_journal(path):
        reason = "holds upscaled pictures and Fovea's journal of them."
    else:
        return True
    passed.append(Passed(path, f"{path} {reason}"))
    return False


def _passed_over(path: Path) -> str | None:
    """Why a file, though a picture by its name, is not upscaled."""
    ending = path.suffix.lower()
    if ending in readable():
        try:
            regular = stat.S_ISREG(os.stat(path).st_mode)
        except OSError:
            regular = True  # a link to nowhere: reading it will say so
        if not regular:
            return f"{path} is no file but a pipe, a device or the like."
    elif ending in RAW:
        return f"{path} is a raw photograph, which Fovea does not read; develop it to TIFF or JPEG."
    elif ending in UNREAD:
        return f"{path} is {UNREAD[ending]}, which Fovea does not read; save it as PNG or JPEG."
    return None
