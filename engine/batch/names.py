"""Under which name each picture of a batch is written. A name that was given once stays."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path, PurePath
from typing import Protocol

from engine.batch.journal import Record
from engine.batch.outputs import digest_of
from engine.errors import PictureError
from engine.pictures import contents
from engine.pictures.formats import written
from engine.pictures.target import check_folder, check_names, check_size
from engine.settings import Settings, target_name


class Sourced(Protocol):
    """What a job is made of: an `engine.batch.folder.Source`, or the window's own kind of it."""

    @property
    def key(self) -> str: ...
    @property
    def source(self) -> Path: ...
    @property
    def place(self) -> PurePath: ...
    @property
    def size(self) -> tuple[int, int] | None: ...
    @property
    def trouble(self) -> str | None: ...


@dataclass(frozen=True)
class Job:
    """One picture to upscale. `key` names it in the journal and the report.

    `size` is the upright (height, width), None where the header does not tell; `trouble` says why
    the source cannot be read or the target not be written, where that is known beforehand.
    """

    key: str
    source: Path
    target: Path
    size: tuple[int, int] | None = None
    trouble: str | None = None

    @property
    def pixels(self) -> int:
        return self.size[0] * self.size[1] if self.size else 0


def jobs_of(
    sources: Iterable[Sourced],
    folder: Path,
    settings: Settings,
    *,
    scale: int,
    made: Mapping[str, Record] | None = None,
) -> list[Job]:
    """A job for every source, whose target lies where the source's `place` is, below `folder`.

    Two that would get one name keep it apart by their endings. What the journal's records `made`
    tell comes first: an output keeps its name, whatever has come or gone beside its source.
    """
    sources = list(sources)
    places = _places([s for s in sources if not s.trouble], settings, scale, made or {})
    return [
        Job(s.key, s.source, folder / places.get(s.key, s.place), s.size, s.trouble)
        for s in sources
    ]


def checked(jobs: Iterable[Job], settings: Settings, *, scale: int) -> Iterator[Job]:
    """The jobs, with the trouble of those whose targets cannot be written."""
    closed: dict[Path, str | None] = {}  # folder -> why nothing can be written there
    for job in jobs:
        if not job.trouble:
            job = replace(job, trouble=_trouble(job, settings, scale, closed))
        yield job


def _trouble(
    job: Job, settings: Settings, scale: int, closed: dict[Path, str | None]
) -> str | None:
    target, folder = job.target, job.target.parent
    try:
        if job.size:
            form = written()[target.suffix.lower()]
            check_size(target, form, settings.size.of(job.size, scale))
        check_names(target)
    except PictureError as error:
        return str(error)
    if folder not in closed:
        closed[folder] = None
        try:
            check_folder(target, folders=True)
        except PictureError as error:
            closed[folder] = str(error)
    return closed[folder]


@dataclass(frozen=True)
class Owners:
    """Which source the outputs in the journal were made of: by their places, and by its key.

    Places are folded, as some file systems know neither capitals nor kinds of accents.
    """

    records: dict[str, Record]
    places: dict[str, list[str]]


def _owners(made: Mapping[str, Record]) -> Owners:
    records = {folded(place): record for place, record in made.items()}
    places: dict[str, list[str]] = {}
    for place, record in records.items():
        places.setdefault(record["source"], []).append(place)
    return Owners(records, places)


def _places(
    sources: list[Sourced], settings: Settings, scale: int, made: Mapping[str, Record]
) -> dict[str, PurePath]:
    """Where each source's output lies below the folder, by the source's key."""
    owners = _owners(made)
    taken: set[str] = set()
    given: dict[str, PurePath] = {}
    for choice in (_kept, _moved, _free):
        for source in sources:
            if source.key in given:
                continue
            place = choice(source, _candidates(source, settings, scale), owners, taken)
            if place is not None:
                given[source.key] = place
                taken.add(folded(place))
    return given


def _candidates(source: Sourced, settings: Settings, scale: int) -> Iterator[PurePath]:
    """The names that a source's output may have, from the best on, each longer than the last."""
    stem, suffix, size = source.place.stem, source.place.suffix, source.size or (1, 1)
    while True:
        named = source.source.with_name(stem + suffix)
        yield source.place.with_name(target_name(settings, named, size=size, scale=scale))
        stem = f"{stem}_{suffix[1:]}"


def _kept(
    source: Sourced, candidates: Iterator[PurePath], owners: Owners, taken: set[str]
) -> PurePath | None:
    """The name that the source's output has had."""
    places = set(owners.places.get(source.key, ())) - taken
    longest = max(map(len, places), default=0)
    names = takewhile(lambda place: len(folded(place)) <= longest, candidates)
    return next((place for place in names if folded(place) in places), None)


def _moved(
    source: Sourced, candidates: Iterator[PurePath], owners: Owners, taken: set[str]
) -> PurePath | None:
    """The name that the output had of a file of the same name and content, elsewhere."""
    for place in candidates:
        owner = owners.records.get(folded(place))
        if owner is None:
            return None
        if folded(place) not in taken and PurePath(owner["source"]).name == source.place.name:
            try:
                content = digest_of(contents(source.source))
            except PictureError:
                return None
            if content == owner["content"]:
                return place
    return None


def _free(
    source: Sourced, candidates: Iterator[PurePath], owners: Owners, taken: set[str]
) -> PurePath | None:
    """The first name that is nobody's."""
    return next(
        place
        for place in candidates
        if folded(place) not in taken and folded(place) not in owners.records
    )


def folded(place: PurePath | str) -> str:
    """A place as the least particular file system knows it."""
    return unicodedata.normalize("NFC", str(PurePath(place).as_posix())).casefold()
