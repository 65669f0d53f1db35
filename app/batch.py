"""What the window exports at once: which files, under which names, into which folder."""

import os
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from engine.adaptive.contract import AnyUpscaler
from engine.batch.export import Event, export, make_batch
from engine.batch.folder import Passed, listing, size_of
from engine.batch.journal import Journal, recall
from engine.batch.names import checked, jobs_of
from engine.batch.report import Report, completed, write_reports
from engine.batch.stages import Control
from engine.errors import UpscalerError
from engine.pictures.formats import readable
from engine.settings import Settings

OUTPUT = "Upscaled"  # the folder that is suggested, beside what was dropped


@dataclass(frozen=True)
class Item:
    """A file on the film strip. `place` is where it lies below the output folder, by its own name;
    `size` and `trouble` are those of the engine's Job."""

    source: Path
    place: PurePath
    size: tuple[int, int] | None = None
    trouble: str | None = None

    @property
    def key(self) -> str:
        return str(self.source)


@dataclass(frozen=True)
class Order:
    """One export of a film: all its items, of which those with the keys `only` are exported."""

    items: tuple[Item, ...]
    folder: Path
    settings: Settings
    overwrite: bool = False
    passed: tuple[Passed, ...] = ()  # what lay beside the items, and is no part of the export
    only: frozenset[str] | None = None
    control: Control = field(default_factory=Control)

    @property
    def chosen(self) -> list[Item]:
        return [item for item in self.items if self.only is None or item.key in self.only]


def is_folder(path: Path) -> bool:
    """Not where the name is one that nothing can have, either."""
    try:
        return path.is_dir()
    except OSError:
        return False


@dataclass(frozen=True)
class Listed:
    """The pictures that were found, and what was passed over."""

    items: list[Item] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)


def listed(paths: Iterable[Path]) -> Listed:
    """The pictures among files and in folders, each folder under its own name."""
    found = Listed()
    for path in paths:
        if is_folder(path):
            inside = listing(path, without=path / OUTPUT)
            places = [(source, path.name / source.place) for source in inside.sources]
            found.items.extend(Item(s.source, place, s.size, s.trouble) for s, place in places)
            found.passed.extend(inside.passed)
        elif path.suffix.lower() in readable():
            found.items.append(Item(path, PurePath(path.name), size_of(path)))
        else:
            found.passed.append(Passed(path, f"{path} is not a picture that Fovea can read."))
    return found


def steps(upscaler: AnyUpscaler, order: Order) -> Generator[Event, None, Report]:
    """Export what is ordered, event by event, and write the report of all items beside it.

    Raises FoveaError where the folder cannot be used, or the report not be written.
    """
    chosen = {item.key for item in order.chosen}
    with Journal(order.folder) as journal:
        made, scale = journal.memory.made, upscaler.scale
        jobs = jobs_of(order.items, order.folder, order.settings, scale=scale, made=made)
        batch = make_batch(
            [job for job in jobs if job.key in chosen],
            order.settings,
            upscaler=upscaler,
            journal=journal,
            overwrite=order.overwrite,
        )
        report = yield from export(batch, control=order.control)
        report = replace(completed(report, jobs, journal), passed=order.passed)
    write_reports(report, order.folder)
    if report.ended:
        raise UpscalerError(report.ended)
    return report


def again(order: Order, keys: Iterable[str]) -> Order:
    """The same export, for some of its items, under the same names."""
    return replace(order, only=frozenset(keys), control=Control())


@dataclass(frozen=True)
class Outlook:
    """What an export would meet: the keys of items whose outputs have files in their places
    already, and of those whose outputs cannot be, each with the reason."""

    there: frozenset[str] = frozenset()
    impossible: Mapping[str, str] = field(default_factory=dict)


def outlook(items: Iterable[Item], folder: Path, settings: Settings, *, scale: int) -> Outlook:
    """Look before the work at what can be known then; makes no folder."""
    made = recall(folder).made
    jobs = jobs_of(items, folder, settings, scale=scale, made=made)
    jobs = list(checked(jobs, settings, scale=scale))
    return Outlook(
        frozenset(job.key for job in jobs if os.path.lexists(job.target)),
        {j.key: j.trouble.replace(str(j.target), j.target.name) for j in jobs if j.trouble},
    )


def output_pixels(items: Iterable[Item], settings: Settings, *, scale: int) -> int:
    """The pixels of all outputs together, as far as the headers of the sources tell."""
    sizes = (settings.size.of(item.size, scale) for item in items if item.size)
    return sum(height * width for height, width in sizes)


def source_pixels(items: Iterable[Item]) -> int:
    """The pixels of all sources together, as far as their headers tell."""
    return sum(item.size[0] * item.size[1] for item in items if item.size)
