"""What runs on the workers of a cluster: an export's weights, their proof, the work on a file."""

import asyncio
import io
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from distributed import Worker, WorkerPlugin, get_worker

from engine import library
from engine.batch.journal import Facts
from engine.batch.names import Job
from engine.batch.proof import Proof, proof
from engine.batch.stages import fill, reason, upscaled
from engine.pictures.decode import decode
from engine.settings import Settings, load_upscaler

PROVED = "proved"  # the token of this piece of news


@dataclass(frozen=True)
class Computed:
    """A result: the facts about it, its encoded file, and the proof of the worker that made it."""

    facts: Facts
    data: bytes
    proof: Proof


class Weights(WorkerPlugin):
    """What every worker holds during one export; its end stops the pictures still computed there.

    Workers that join later get it, too. Each proves that it gives the same bytes as we.
    """

    def __init__(self, settings: Settings, name: str):
        files = [library.shipped() / f"{settings.name}{e}" for e in (".json", ".safetensors")]
        self.files = {file.name: file.read_bytes() for file in files}
        self.settings, self.name = replace(settings, name=Path(settings.name).name), name

    async def setup(self, worker: Worker) -> None:
        self.computing = threading.Lock()  # a picture alone uses all cores
        self.ended = threading.Event()
        said = await asyncio.to_thread(self._load)  # meanwhile the worker answers its scheduler
        worker.log_event(self.name, [PROVED, [worker.contact_address, said]])

    def teardown(self, worker: Worker) -> None:
        self.ended.set()

    def _load(self) -> Proof | str:
        """The proof, or why there is none."""
        try:
            with TemporaryDirectory() as folder:
                for name, data in self.files.items():
                    (Path(folder) / name).write_bytes(data)
                self.upscaler = load_upscaler(self.settings, Path(folder))
            self.proof = proof(self.upscaler, self.settings)
        except Exception as error:
            return str(error) or type(error).__name__
        self.files = {}
        return self.proof


def work(name: str, token: str, job: Job, data: bytes) -> Computed | str | None:
    """On a worker: the result; the reason of a failure; None if stopped."""
    worker = get_worker()
    held = cast(Weights, worker.plugins[name])
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
                worker.log_event(name, [token, progress])
            else:
                return None
        file = io.BytesIO()
        fill(file, result.picture, job.target, facts=facts, settings=held.settings)
        return Computed(facts, file.getvalue(), held.proof)
    except Exception as error:  # a defect met in one picture must not cost the others
        return reason(job, error)
