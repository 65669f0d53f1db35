"""From a folder of pictures to jobs: what is read, and where it is written."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import SettingsError
from engine.pictures import peek
from engine.pictures.formats import readable
from engine.settings import Settings, target_name


@dataclass(frozen=True)
class Job:
    """One picture to upscale. `key` names it in the journal and the report.

    `size` is the upright (height, width), None where the header does not tell; `trouble` says why
    the source cannot even be looked at.
    """

    key: str
    source: Path
    target: Path
    size: tuple[int, int] | None = None
    trouble: str | None = None

    @property
    def pixels(self) -> int:
        return self.size[0] * self.size[1] if self.size else 0


def jobs(
    source: Path, target: Path, settings: Settings, *, scale: int, recursive: bool = True
) -> list[Job]:
    """All pictures of a folder, sorted, with targets in a tree that mirrors it.

    Hidden files and what lies in `target` stay out. Two sources that would get one name keep it
    apart by their endings. Raises SettingsError where the folders cannot be used.
    """
    if not source.is_dir():
        raise SettingsError(f"{source} is not a folder; give a folder of pictures.")
    if target.exists() and not target.is_dir():
        raise SettingsError(f"{target} is a file; give a folder for the upscaled pictures.")
    if source.resolve() == target.resolve():
        raise SettingsError(f"{target} holds the sources; choose another folder for the output.")
    made: list[Job] = []
    taken: set[str] = set()
    for path, trouble in _pictures(source, target.resolve(), recursive):
        relative = path.relative_to(source)
        size = None if trouble else peek(path)
        stem = path.stem
        while True:
            named = path.with_name(stem + path.suffix)
            name = target_name(settings, named, size=size or (1, 1), scale=scale)
            place = relative.with_name(name)
            if str(place).casefold() not in taken:  # some file systems know no capitals
                break
            stem = f"{stem}_{path.suffix[1:]}"
        taken.add(str(place).casefold())
        made.append(Job(relative.as_posix(), path, target / place, size, trouble))
    return made


def _pictures(source: Path, without: Path, recursive: bool) -> Iterator[tuple[Path, str | None]]:
    """Paths of pictures in order; a folder that cannot be listed comes with the reason."""
    closed: list[OSError] = []
    for folder, below, names in os.walk(source, onerror=closed.append):
        here = Path(folder)
        for error in closed:
            path = Path(error.filename)
            yield path, f"{path} cannot be listed: {error.strerror}."
        closed.clear()
        for name in sorted(names):
            path = here / name
            if path.suffix.lower() in readable() and not name.startswith("."):
                yield path, None
        below[:] = sorted(
            name
            for name in below
            if recursive and not name.startswith(".") and (here / name).resolve() != without
        )
    for error in closed:
        path = Path(error.filename)
        yield path, f"{path} cannot be listed: {error.strerror}."
