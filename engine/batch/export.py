"""Upscale a batch of pictures: skip what is done, go on after a bad file, report at the end."""

import os
import time
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from dataclasses import dataclass, replace

from engine.adaptive.contract import AnyUpscaler
from engine.batch.eta import Clock
from engine.batch.journal import Journal
from engine.batch.local import here
from engine.batch.names import Job, checked
from engine.batch.report import Report, Row
from engine.batch.stages import DONE, FAILED, RUNNING, Batch, Control, Lane, Note, Step, identity
from engine.errors import FoveaError, defect
from engine.settings import Settings, fingerprint


@dataclass(frozen=True)
class Event:
    """What happened to a file, how far the batch is (0..1), and the seconds left where known."""

    job: Job
    state: str
    progress: float
    overall: float
    eta: float | None
    reason: str | None


def make_batch(
    jobs: list[Job],
    settings: Settings,
    *,
    upscaler: AnyUpscaler,
    journal: Journal,
    overwrite: bool = False,
) -> Batch:
    """A batch of jobs whose targets lie in the journal's folder.

    A target that cannot be is the job's trouble from the start.
    """
    looks = (os.stat, os.lstat)
    identities = (identity(job.source, look) for job in jobs for look in looks)
    return Batch(
        jobs=tuple(checked(jobs, settings, scale=upscaler.scale)),
        settings=settings,
        upscaler=upscaler,
        journal=journal,
        overwrite=overwrite,
        mark=fingerprint(settings, upscaler),
        sources=frozenset(i for i in identities if i),
    )


def export(
    batch: Batch,
    *,
    lane: Callable[[Batch, Control], Lane] = here,
    control: Control | None = None,
) -> Generator[Event, None, Report]:
    """Upscale all files of a batch and return the report; closing the generator stops at once.

    What cannot be done at all is told before anything is computed. A file whose output is whole, of
    the same content and settings, is skipped; one that fails is reported and the others go on.
    Killed or stopped, an export goes on where it was when it is started again. `lane` is where the
    work is done: on this machine or on a cluster; where it breaks down, the report says so.
    """
    control = control or Control()
    begun = time.monotonic()
    clock = Clock(batch.jobs, {job.key for job in batch.jobs if _recorded(batch, job)})
    rows = {job.key: Row(job) for job in batch.jobs}
    ended, notes = None, []
    batch.journal.begin()
    with closing(_steps(batch, lane, control)) as steps:
        while True:
            control.wait()
            since = time.monotonic()  # pauses do not count
            try:
                step = next(steps, None)
            except FoveaError as error:
                step, ended = None, str(error)
            except Exception as error:
                step, ended = None, f"The export has ended early; {defect(error)}"
            if step is None:
                break
            if isinstance(step, Note):
                notes.append(step.sentence)
                continue
            seconds, computed = time.monotonic() - since, step.state in (RUNNING, DONE)
            clock.note(step.job, step.progress, computed=computed, seconds=seconds)
            if step.state != RUNNING:
                rows[step.job.key] = Row(step.job, step.state, step.record, step.reason)
            if step.state == FAILED:
                with suppress(OSError):  # the disk is full; the report says so
                    batch.journal.append({"source": step.job.key, "error": step.reason or ""})
            yield Event(step.job, step.state, step.progress, clock.overall, clock.eta, step.reason)
    return Report(
        tuple(rows.values()), time.monotonic() - begun, control.stopped, ended, tuple(notes)
    )


def _steps(batch: Batch, lane: Callable[[Batch, Control], Lane], control: Control) -> Lane:
    """First what cannot be done, then the work."""
    for job in batch.jobs:
        if job.trouble:
            yield Step(job, FAILED, reason=job.trouble)
    possible = tuple(job for job in batch.jobs if not job.trouble)
    with closing(lane(replace(batch, jobs=possible), control)) as steps:
        yield from steps


def _recorded(batch: Batch, job: Job) -> bool:
    """Is the output probably there? The truth takes reading it."""
    record = batch.journal.record(job.target)
    return record is not None and record["settings"] == batch.mark
