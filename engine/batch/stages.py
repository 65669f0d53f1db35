"""The stages of one file of a batch, whichever machine they run on: fetch, upscale, fill, store."""

import os
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.adaptive.contract import AnyUpscaler
from engine.batch.journal import Facts, Journal, Record
from engine.batch.names import Job
from engine.batch.outputs import There, check_place, checksum, checksum_of, digest_of, there
from engine.errors import PictureError, sentence
from engine.pictures import Picture, contents
from engine.pictures.atomic import atomic
from engine.pictures.encode import encode
from engine.resize import resized
from engine.run import Result, StripDone, upscale
from engine.settings import Settings

WAITING, RUNNING, DONE, SKIPPED, FAILED = "waiting", "running", "done", "skipped", "failed"


@dataclass(frozen=True)
class Batch:
    """What all stages share. `mark` stands for settings and weights in the journal; `sources` are
    the identities of all sources, none of which may be overwritten."""

    jobs: tuple[Job, ...]
    settings: Settings
    upscaler: AnyUpscaler
    journal: Journal
    overwrite: bool
    mark: str
    sources: frozenset[tuple[int, int]]


@dataclass(frozen=True)
class Step:
    """News of one file: `record` is the journal's where it is done, `reason` why it failed."""

    job: Job
    state: str
    progress: float = 1.0
    record: Record | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Note:
    """Something that is to be told of a whole export: a sentence."""

    sentence: str


Lane = Generator[Step | Note]  # the news of an export, wherever the work is done


class Control:
    """Pause, resume and stop an export from any thread; it heeds them between two strips."""

    def __init__(self) -> None:
        self._going = threading.Event()
        self._going.set()
        self.stopped = False

    def pause(self) -> None:
        self._going.clear()

    def resume(self) -> None:
        self._going.set()

    def stop(self) -> None:
        self.stopped = True
        self._going.set()

    def wait(self) -> None:
        """Return when the export may go on, or is to stop."""
        self._going.wait()


def fetch(batch: Batch, job: Job) -> tuple[str, bytes | None, Record | None]:
    """The digest of a source, and its bytes or, where the output is whole, the output's record."""
    data = contents(job.source)
    content = digest_of(data)
    record = batch.journal.record(job.target)
    same = record and (record["content"], record["settings"]) == (content, batch.mark)
    if same and there(job.target, record) is There.WHOLE:
        return content, None, record
    guard(batch, job)  # better now than after the computation
    return content, data, None


def upscaled(
    upscaler: AnyUpscaler, picture: Picture, settings: Settings
) -> Generator[StripDone, None, tuple[Result, Facts]]:
    """Returns the result at the network's scale, and the facts about it."""
    result = yield from upscale(upscaler, picture, settings.budget)
    height, width = settings.size.of(picture.size, upscaler.scale)
    stats = result.stats
    return result, {
        "height": height,
        "width": width,
        "effort": stats.compute,
        "knob": result.knob,
        "gmacs": stats.macs / 1e9,
        "gmacs_full": stats.full_macs / 1e9,
        "seconds": stats.seconds,
    }


def fill(
    file: BinaryIO, picture: Picture, target: Path, *, facts: Facts, settings: Settings
) -> None:
    """Write an upscaled picture, at the size that the facts tell, to an open file."""
    sized = resized(picture, (facts["height"], facts["width"]))
    encode(sized, target, file, quality=settings.quality)


def store(
    batch: Batch, job: Job, *, content: str, facts: Facts, write: Callable[[BinaryIO], object]
) -> Record:
    """Write an output, enter it in the journal, and only then let it appear; returns its record."""
    guard(batch, job)
    folder = job.target.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PictureError(
            f"{job.target} could not be written: {folder}: {error.strerror}."
        ) from error
    with atomic(job.target, overwrite=True) as file:
        write(file)
        file.seek(0)
        made = checksum(file)
        guard(batch, job, made)  # writing took its time
        record: Record = {
            "source": job.key,
            "content": content,
            "settings": batch.mark,
            "output": batch.journal.place(job.target),
            "checksum": made,
            **facts,
        }
        batch.journal.append(record)
    return record


def guard(batch: Batch, job: Job, made: str | None = None) -> None:
    """Raises PictureError where writing would touch a source, or a file against the user's will.

    Where lines of the journal are damaged, a file that it does not know may be our own. It is, if
    it has the checksum of what was `made`.
    """
    if identity(job.target, os.lstat) in batch.sources:
        raise PictureError(f"{job.target} is itself a source; choose another folder or name.")
    record = batch.journal.record(job.target)
    found = there(job.target, None if batch.overwrite else record)
    unknown = found is There.OTHER and record is None and batch.journal.memory.damaged
    if unknown and made in (None, checksum_of(job.target)):
        return
    check_place(job.target, found, overwrite=batch.overwrite, known=record is not None)


def identity(
    path: Path, look: Callable[[Path], os.stat_result] = os.stat
) -> tuple[int, int] | None:
    """What a file is known by whatever its name; None where there is none."""
    try:
        status = look(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def reason(job: Job, error: Exception) -> str:
    """One sentence for the report, which names the file."""
    return sentence(error, job.source, job.target)
