"""A batch on a Dask cluster: one task a file, the weights sent once to every worker.

Sources are read and outputs written here, so that the workers need no disk in common with us; they
decode, upscale and encode. A task whose worker dies is given to another one.
"""

import io
import queue
import threading
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dask
from distributed import (
    CancelledError,
    Client,
    Future,
    KilledWorker,
    Worker,
    WorkerPlugin,
    get_worker,
)

from engine import library
from engine.batch.names import Job
from engine.batch.stages import (
    DONE,
    FAILED,
    RUNNING,
    SKIPPED,
    Batch,
    Control,
    Step,
    fetch,
    fill,
    reason,
    store,
    upscaled,
)
from engine.errors import PictureError, SettingsError, UpscalerError
from engine.pictures.decode import decode
from engine.settings import Settings, load_upscaler

PATIENCE = 10  # seconds for the scheduler to answer
GONE = "The Dask scheduler is gone; start it again, and the same command will go on."
PULSE = 0.5  # seconds between two looks at whether the user has stopped the export
LIMITS = {"distributed.admin.large-graph-warning-threshold": "1 TB"}  # pictures are large

Computed = tuple[dict[str, Any], bytes]  # the facts about a result, and its encoded file


class Weights(WorkerPlugin):
    """What every worker holds during one export; its end stops the pictures still computed there.

    Workers that join later get it, too.
    """

    def __init__(self, settings: Settings, name: str):
        self.settings, self.name = settings, name
        files = [library.shipped() / f"{settings.name}{e}" for e in (".json", ".safetensors")]
        self.files = {file.name: file.read_bytes() for file in files}

    def setup(self, worker: Worker) -> None:
        with TemporaryDirectory() as folder:
            for name, data in self.files.items():
                (Path(folder) / name).write_bytes(data)
            self.upscaler = load_upscaler(self.settings, Path(folder))
        self.files = {}
        self.computing = threading.Lock()  # a picture alone uses all cores
        self.ended = threading.Event()

    def teardown(self, worker: Worker) -> None:
        self.ended.set()


def work(name: str, job: Job, data: bytes) -> Computed | str | None:
    """On a worker: the facts and the encoded output; the reason of a failure; None if stopped."""
    worker = get_worker()
    held: Weights = worker.plugins[name]
    try:
        picture = decode(data, job.source)
        with held.computing:
            steps = upscaled(held.upscaler, picture, held.settings)
            while not held.ended.is_set():
                try:
                    progress = next(steps).progress
                except StopIteration as stop:
                    result, facts = stop.value
                    break
                worker.log_event(name, [job.key, progress])
            else:
                return None
        file = io.BytesIO()
        fill(file, result.picture, job.target, facts=facts, settings=held.settings)
        return facts, file.getvalue()
    except Exception as error:  # a defect met in one picture must not cost the others
        return reason(job, error)


def lane_to(address: str) -> Callable[[Batch, Control], Generator[Step]]:
    """The lane of the cluster whose scheduler is at `address`. Raises SettingsError without it."""
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"There is no Dask scheduler at {address} ({error}); start one with: dask scheduler."
        ) from None
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        client.close()
        raise SettingsError(
            f"The scheduler at {address} has no workers; start some with: dask worker {address}."
        ) from None
    return partial(there, client)


def there(client: Client, batch: Batch, control: Control) -> Generator[Step]:
    """Upscale the jobs on a cluster, as many at once as its workers have threads, and one more each
    so that none waits for the network."""
    name = f"fovea-{uuid.uuid4().hex}"
    news: queue.SimpleQueue[tuple[str, float | None]] = queue.SimpleQueue()
    running: dict[str, tuple[Job, str, Future]] = {}
    settings = replace(batch.settings, dtype=batch.upscaler.dtype)  # the same on every worker
    waiting = iter(batch.jobs)
    try:
        _send(client, Weights(settings, name))
        client.subscribe_topic(name, lambda event: news.put(tuple(event[1])))
        while not control.stopped:
            yield from _submit(client, name, batch, waiting=waiting, running=running, news=news)
            if not running:
                break
            try:
                key, progress = news.get(timeout=PULSE)
            except queue.Empty:
                _check(client)
                continue
            if key not in running:
                continue  # late news of a file that is done
            job, content, future = running[key]
            if progress is not None:
                yield Step(job, RUNNING, progress)
                continue
            del running[key]
            yield _finish(batch, job, content, future)
    finally:
        with suppress(Exception):  # the cluster may be gone
            client.cancel([future for _, _, future in running.values()])
            client.unregister_worker_plugin(name)
        client.close()


def _send(client: Client, weights: Weights) -> None:
    """Hand the weights to all workers. Raises SettingsError where they cannot take them."""
    try:
        client.register_plugin(weights, name=weights.name)
    except Exception as error:  # whatever the worker raised: no Fovea there, no such device
        raise SettingsError(
            f"The workers of {client.scheduler.address} cannot run Fovea: {error}"
        ) from error


def _check(client: Client) -> None:
    """Raises UpscalerError where the scheduler is gone."""
    if client.status != "running":
        raise UpscalerError(GONE)


def _submit(
    client: Client,
    name: str,
    batch: Batch,
    *,
    waiting: Iterator[Job],
    running: dict[str, tuple[Job, str, Future]],
    news: queue.SimpleQueue,
) -> Generator[Step]:
    """Send more files while the workers have room for them."""
    _check(client)
    threads = client.nthreads().values()
    room = max(2, sum(threads) + len(threads))
    while len(running) < room and (job := next(waiting, None)):
        try:
            content, data, record = fetch(batch, job)
        except Exception as error:
            yield Step(job, FAILED, reason=reason(job, error))
            continue
        if data is None:
            yield Step(job, SKIPPED, record=record)
            continue
        with dask.config.set(LIMITS):
            future = client.submit(work, name, job, data, pure=False)
        running[job.key] = job, content, future
        future.add_done_callback(lambda _, key=job.key: news.put((key, None)))
        yield Step(job, RUNNING, 0.0)


def _finish(batch: Batch, job: Job, content: str, future: Future) -> Step:
    """Store what a task has brought."""
    try:
        brought = future.result()
        if isinstance(brought, str):
            return Step(job, FAILED, reason=brought)
        facts, data = brought
        record = store(
            batch, job, content=content, facts=facts, write=lambda file: file.write(data)
        )
        return Step(job, DONE, record=record)
    except CancelledError:  # not by us
        raise UpscalerError(GONE) from None
    except KilledWorker:
        lost = PictureError(
            f"{job.source}: every worker that took it has died; it may need more memory than "
            "they have."
        )
        return Step(job, FAILED, reason=reason(job, lost))
    except Exception as error:
        return Step(job, FAILED, reason=reason(job, error))
