"""Where `upscale` writes: every output and every map, checked before the first picture is read."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from engine.adaptive.contract import AnyUpscaler, MapWords
from engine.batch.folder import size_of
from engine.batch.names import Job, folded, jobs_of
from engine.batch.stages import identity
from engine.errors import FoveaError, PictureError, sentence
from engine.maps import MapFiles, map_files
from engine.pictures import check_target, read
from engine.pictures.atomic import check_place
from engine.pictures.target import check_folder, check_names
from engine.room import check_memory, working_bytes
from engine.settings import Settings


@dataclass(frozen=True)
class Wanted:
    """What `upscale` was asked for: `output` is a folder, or the file itself for a single input.

    `words` are those of the network's maps, `maps` is the folder for them. With `overwrite` files
    that are there may be replaced, but never one of the inputs.
    """

    inputs: tuple[Path, ...]
    output: Path
    settings: Settings
    upscaler: AnyUpscaler
    words: MapWords
    maps: Path | None = None
    overwrite: bool = False

    @property
    def to_file(self) -> bool:
        single = len(self.inputs) == 1 and bool(self.output.suffix)
        return single and not os.path.isdir(self.output)


@dataclass(frozen=True)
class Order:
    """One picture to upscale, and where its maps are written. The job's trouble is final."""

    job: Job
    maps: MapFiles | None = None


@dataclass(frozen=True)
class Given:
    """An input as a source of `engine.batch.names.jobs_of`."""

    source: Path
    size: tuple[int, int] | None = None
    trouble: str | None = None

    @property
    def key(self) -> str:
        return str(self.source)

    @property
    def place(self) -> PurePath:
        return PurePath(self.source.name)


def orders_of(wanted: Wanted) -> list[Order]:
    """An order for every input; no two write the same file."""
    sources = [given(path) for path in wanted.inputs]
    if wanted.to_file:
        jobs = [Job(s.key, s.source, wanted.output, s.size, s.trouble) for s in sources]
    else:
        jobs = jobs_of(sources, wanted.output, wanted.settings, scale=wanted.upscaler.scale)
    kept = {identity(path) for path in wanted.inputs} - {None}
    return [checked(order, wanted, kept) for order in with_maps(jobs, wanted)]


def given(path: Path) -> Given:
    """An input, and why it cannot be one."""
    if os.path.isdir(path):
        return Given(
            path, trouble=f"{path} is a folder; `batch` upscales the pictures in a folder."
        )
    size = size_of(path)
    if size:
        return Given(path, size)
    try:  # what has no sound head is refused at once
        return Given(path, read(path).size)
    except PictureError as error:
        return Given(path, trouble=str(error))


def with_maps(jobs: list[Job], wanted: Wanted) -> Iterator[Order]:
    """The jobs with their maps, named after the sources. What would be one file is kept apart by
    the sources' endings, as outputs are."""
    taken = {folded(job.target) for job in jobs}
    for job in jobs:
        if wanted.maps is None:
            yield Order(job)
            continue
        stem = job.source.stem
        while taken & names_of(maps := map_files(wanted.maps, stem, wanted.words.key)):
            stem = f"{stem}_{job.source.suffix[1:]}"
        taken |= names_of(maps)
        yield Order(job, maps)


def names_of(maps: MapFiles) -> set[str]:
    return {folded(path) for path in (maps.values, maps.drawn, maps.patches)}


def checked(order: Order, wanted: Wanted, kept: set[tuple[int, int] | None]) -> Order:
    """The order, with the trouble of one whose files cannot be written.

    `kept` are the identities of all inputs, none of which may be replaced.
    """
    job, size = order.job, None
    if job.trouble:
        return order
    # Whether cells are chosen, so that patches are written, only the work will tell.
    maps = (order.maps.values, order.maps.drawn) if order.maps else ()
    try:
        for path in (job.target, *maps):
            if identity(path) in kept:
                raise PictureError(f"{path} is itself a source; choose another output.")
        if job.size:
            size = wanted.settings.size.of(job.size, wanted.upscaler.scale)
        check_target(job.target, size, wanted.overwrite, folders=not wanted.to_file)
        for path in maps:
            check_names(path)
            check_folder(path, folders=True)
            check_place(path, overwrite=wanted.overwrite)
        if job.size:
            check_memory(least_bytes(wanted, job.size))
    except FoveaError as error:
        return replace(order, job=replace(job, trouble=sentence(error, job.source, job.target)))
    return order


def least_bytes(wanted: Wanted, size: tuple[int, int]) -> int:
    """The least memory in which a picture of (height, width) and 8 bits is upscaled and written."""
    upscaler = wanted.upscaler
    source, (high, wide) = 3 * size[0] * size[1], wanted.settings.size.of(size, upscaler.scale)
    output, target = source * upscaler.scale**2, 3 * high * wide
    writing = output + target  # an encoder's copy
    if target != output:  # colour by colour, as floats of 4 bytes
        writing = max(writing, output + target + 4 * (output + target) // 3)
    return max(source + working_bytes(upscaler, size), writing)
