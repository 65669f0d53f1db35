"""A batch on this machine: one picture is computed, the next read and the one before written."""

import os
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest

from engine.batch.journal import Facts, Record
from engine.batch.names import Job
from engine.batch.stages import (
    DONE,
    FAILED,
    RUNNING,
    SKIPPED,
    Batch,
    Control,
    Lane,
    Step,
    fetch,
    fill,
    reason,
    store,
    upscaled,
)
from engine.errors import PictureError
from engine.memory import available
from engine.pictures import Picture
from engine.pictures.decode import decode
from engine.room import bytes_for

MARGIN = 256 << 20  # bytes that overlapping may add to what the largest picture takes alone
WRITING = 3  # a picture being written takes so many times its pixels: reordered, and encoded
READING = 9  # bytes a pixel of a picture being read, its file included
TENSOR = 12  # bytes a pixel of the source while it is computed
WORKING = 256 << 20  # bytes that a network takes meanwhile for its strips, whatever the picture


def here(batch: Batch, control: Control) -> Lane:
    """Upscale the jobs in their order, reading one ahead and writing one behind."""
    with (
        ThreadPoolExecutor(1, initializer=step_back) as reader,
        ThreadPoolExecutor(1, initializer=step_back) as writer,
    ):
        line = Line(batch, reader, writer)
        for job, following in zip_longest(batch.jobs, batch.jobs[1:]):
            if control.stopped:
                break
            try:
                yield from _one(line, job, following, control)
            except Exception as error:  # a defect met in one picture must not cost the others
                yield Step(job, FAILED, reason=reason(job, error))
        yield from line.settle(wait=True)


def step_back() -> None:
    """Let this thread run where the computing ones leave a core idle, as they wait for each other.

    Only Linux gives threads priorities of their own.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)


@dataclass
class Line:
    """The picture being read ahead and the one being written behind, each in its own thread."""

    batch: Batch
    reader: ThreadPoolExecutor
    writer: ThreadPoolExecutor
    ahead: Future | None = None
    behind: tuple[Job, Future] | None = None
    writing: int = 0  # bytes
    largest: int = 0  # bytes that a picture so far has taken alone

    def arrive(self, job: Job) -> tuple[str, Picture | None, Record | None]:
        """What was read of a job, ahead or now; raises what reading raised."""
        future, self.ahead = self.ahead or self.reader.submit(read, self.batch, job), None
        return future.result()

    def look_ahead(self, following: Job | None, used: int = 0) -> None:
        """Begin to read the next picture where `used` bytes leave room for it."""
        if self.ahead or following is None:
            return
        room = max(self.largest, following.pixels * 3 * self.batch.upscaler.scale**2 * WRITING)
        if used + self.writing + following.pixels * READING <= room + MARGIN:
            self.ahead = self.reader.submit(read, self.batch, following)

    def settle(self, *, wait: bool = False, used: int = 0) -> Lane:
        """Tell of the picture behind, if it is written, must be waited for, or lacks room."""
        if self.behind is None:
            return
        job, future = self.behind
        crowded = used + self.writing > self.largest + MARGIN
        if not (wait or crowded or future.done()):
            return
        error = future.exception()
        self.behind, self.writing = None, 0
        if error is None:
            yield Step(job, DONE, record=future.result())
        elif isinstance(error, Exception):
            yield Step(job, FAILED, reason=reason(job, error))
        else:
            raise error

    def hand_over(self, job: Job, content: str, picture: Picture, facts: Facts) -> None:
        """Begin to write a picture; there must be none behind."""
        self.writing = WRITING * picture.pixels.nbytes
        write = partial(
            fill, picture=picture, target=job.target, facts=facts, settings=self.batch.settings
        )
        future = self.writer.submit(
            store, self.batch, job, content=content, facts=facts, write=write
        )
        self.behind = job, future


def read(batch: Batch, job: Job) -> tuple[str, Picture | None, Record | None]:
    """Fetch a source and decode it where its output is not there yet."""
    content, data, record = fetch(batch, job)
    return content, decode(data, job.source) if data is not None else None, record


def _one(line: Line, job: Job, following: Job | None, control: Control) -> Lane:
    """Read, compute and hand over one picture."""
    early = line.ahead is not None
    try:
        content, picture, record = line.arrive(job)
    except PictureError:
        if not early:
            raise
        yield from line.settle(wait=True)  # perhaps only the memory was lacking meanwhile
        content, picture, record = read(line.batch, job)
    if picture is None:
        line.look_ahead(following)
        yield Step(job, SKIPPED, record=record)
        return
    upscaler = line.batch.upscaler
    source = 3 * picture.height * picture.width * picture.pixels.itemsize
    output = source * upscaler.scale**2
    if bytes_for(upscaler, picture) > available():  # until the one behind is written
        yield from line.settle(wait=True)
    line.largest = max(line.largest, output * WRITING)
    yield Step(job, RUNNING, 0.0)
    progress = strip = 0.0
    with closing(upscaled(upscaler, picture, line.batch.settings)) as work:
        while not control.stopped:
            # the rows of the output take memory only as they are filled
            used = min(WORKING, output) + source + TENSOR * picture.height * picture.width
            used += int(output * (progress + strip))
            yield from line.settle(used=used)
            line.look_ahead(following, used)
            try:
                before, progress = progress, next(work).progress
            except StopIteration as stop:
                result, facts = stop.value
                break
            strip = progress - before
            yield Step(job, RUNNING, progress)
        else:
            return
    yield from line.settle(wait=True)
    line.hand_over(job, content, result.picture, facts)
