"""A batch on a Dask cluster: one task a file, the weights sent once to every worker.

Sources are read and outputs written here, so that the workers need no disk in common with us; they
decode, upscale and encode. Every task is bound to one worker, which has proved that it gives the
same bytes as we (see `crew`); where that worker dies, another one gets the file.
"""

import asyncio
import queue
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import dask
from distributed import Client, Future, KilledWorker

from engine.batch.crew import Crew
from engine.batch.names import Job
from engine.batch.proof import proof
from engine.batch.scheduler import PATIENCE, connected
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
    reason,
    store,
)
from engine.batch.workers import PROVED, Computed, Weights, work
from engine.errors import PictureError, UpscalerError

GONE = "The Dask scheduler is gone; start it again, and the same command will go on."
PULSE = 0.5  # seconds between two looks at the workers, and at whether the user has stopped us
LOSSES = 3  # workers that may die with one file
LOST = (OSError, CancelledError, asyncio.CancelledError)  # what calls end in without a scheduler
LIMITS = {"distributed.admin.large-graph-warning-threshold": "1 TB"}  # pictures are large


def lane_to(address: str) -> Callable[[Batch, Control], Lane]:
    """The lane of the cluster whose scheduler is at `address`. Raises SettingsError without it."""
    return partial(there, connected(address))


def there(client: Client, batch: Batch, control: Control) -> Lane:
    """Upscale the jobs on a cluster. Raises UpscalerError where it breaks down."""
    export = Export(client, batch)
    try:
        yield from export.steps(control)
    except UpscalerError:
        raise
    except LOST:
        raise UpscalerError(GONE) from None
    finally:
        export.close()


@dataclass(frozen=True)
class Task:
    """A file that a worker has been given."""

    job: Job
    content: str
    worker: str
    future: Future


class Export:
    """One export on a cluster: what waits, what runs on which worker, and what they tell."""

    def __init__(self, client: Client, batch: Batch):
        self.client, self.batch = client, batch
        self.name = f"fovea-{uuid.uuid4().hex}"
        self.settings = replace(batch.settings, dtype=batch.upscaler.dtype)  # the same everywhere
        self.crew = Crew(client, proof(batch.upscaler, self.settings))
        self.news: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self.waiting = deque(batch.jobs)
        self.running: dict[str, Task] = {}  # by a token of their own
        self.losses: Counter[str] = Counter()  # how many workers have died with a file

    def steps(self, control: Control) -> Lane:
        self.client.subscribe_topic(self.name, lambda event: self.news.put(tuple(event[1])))
        try:
            self.client.register_plugin(Weights(self.settings, self.name), name=self.name)
        except Exception as error:  # of a worker without Fovea, which will prove nothing
            self.crew.silence += f" ({error})"
        while (self.waiting or self.running) and not control.stopped:
            self._check()
            if time.monotonic() > self.crew.looked + PULSE:
                yield from self.crew.look()
                yield from self._take_back()
            yield from self._submit(control)
            yield from self._listen()

    def close(self) -> None:
        """Let the cluster forget the export."""
        with suppress(Exception, asyncio.CancelledError):  # it may be gone
            if self.client.status == "running":
                self.client.cancel([task.future for task in self.running.values()])
                self.client.unregister_worker_plugin(self.name)
        with suppress(Exception, asyncio.CancelledError):
            self.client.close(timeout=PATIENCE)

    def _check(self) -> None:
        """Raises UpscalerError where the scheduler is gone."""
        if self.client.status != "running":
            raise UpscalerError(GONE)

    def _submit(self, control: Control) -> Iterator[Step]:
        """Give files to the workers that have room for them."""
        busy = Counter(task.worker for task in self.running.values())
        while self.waiting and not control.stopped and (worker := self.crew.free(busy)):
            job = self.waiting.popleft()
            try:
                content, data, record = fetch(self.batch, job)
            except Exception as error:
                yield Step(job, FAILED, reason=reason(job, error))
                continue
            if data is None:
                yield Step(job, SKIPPED, record=record)
                continue
            self._check()
            busy[worker] += 1
            self._send(worker, job, content, data)
            yield Step(job, RUNNING, 0.0)

    def _send(self, worker: str, job: Job, content: str, data: bytes) -> None:
        """Give a file to a worker, and to no other; the end of its work is news."""
        token = uuid.uuid4().hex
        with dask.config.set(LIMITS):
            future = self.client.submit(
                *(work, self.name, token, job, data),
                key=f"{self.name}-{token}",
                workers=[worker],
                allow_other_workers=False,
            )
        self.running[token] = Task(job, content, worker, future)
        future.add_done_callback(lambda _: self.news.put((token, None)))

    def _listen(self) -> Lane:
        """Wait for news, but not for long."""
        try:
            token, said = self.news.get(timeout=PULSE)
        except queue.Empty:
            return
        if token == PROVED:
            yield from self.crew.judge(*said)
        elif token not in self.running:
            return  # late news of a file that is done
        elif said is not None:
            yield Step(self.running[token].job, RUNNING, said)
        else:
            yield from self._finish(token)

    def _finish(self, token: str) -> Iterator[Step]:
        """Store what a task has brought."""
        task = self.running[token]
        try:
            brought = task.future.result(timeout=PULSE)
        except KilledWorker:
            brought = None
        except TimeoutError:  # on its way, or lost with its worker, which `look` will see
            self.news.put((token, None))
            return
        except LOST:
            raise UpscalerError(GONE) from None
        except Exception as error:  # the result could not be had
            brought = reason(task.job, error)
        if brought is None or (isinstance(brought, Computed) and brought.proof != self.crew.proof):
            self.crew.distrust(task.worker)
            yield from self._lose(token)
            return
        del self.running[token]
        yield self._stored(task, brought)

    def _stored(self, task: Task, brought: Computed | str) -> Step:
        job = task.job
        if isinstance(brought, str):
            return Step(job, FAILED, reason=brought)
        try:
            record = store(
                self.batch,
                job,
                content=task.content,
                facts=brought.facts,
                write=lambda file: file.write(brought.data),
            )
        except Exception as error:
            return Step(job, FAILED, reason=reason(job, error))
        return Step(job, DONE, record=record)

    def _take_back(self) -> Iterator[Step]:
        """Take back the files of workers that have gone."""
        for token, task in list(self.running.items()):
            if task.worker not in self.crew.threads:
                yield from self._lose(token)

    def _lose(self, token: str) -> Iterator[Step]:
        """Let another worker have a file, unless too many have died with it."""
        task = self.running.pop(token)
        task.future.cancel()
        self.losses[task.job.key] += 1
        if self.losses[task.job.key] < LOSSES:
            self.waiting.appendleft(task.job)
            return
        lost = PictureError(
            f"{task.job.source}: every worker that took it has died; it may need more memory than "
            "they have."
        )
        yield Step(task.job, FAILED, reason=reason(task.job, lost))
