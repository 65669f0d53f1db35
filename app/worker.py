"""The thread that owns the engine. One job at a time; a newer request replaces the older.

A batch is what it does when nobody waits for anything else: one step, then another look at what is
asked for.
"""

import os
import sys
import threading
import time
import traceback
from collections.abc import Generator
from pathlib import Path

import cv2
from PySide6.QtCore import QObject, QThread, Signal

from app.batch import Order, steps
from app.canvas import image_of, make_canvas, shown
from app.jobs import Compute, Export, Open, Stop
from app.language import tr
from app.results import (
    Opened,
    Planned,
    Progress,
    Speed,
    describe,
    device_name,
    mapped,
)
from engine import library
from engine.adaptive.contract import AnyUpscaler
from engine.batch.export import Event
from engine.batch.report import Report
from engine.budget import Budget
from engine.errors import FoveaError
from engine.pictures import Picture, check_target, write
from engine.plan import plan
from engine.resize import resized
from engine.run import run, surveyed
from engine.settings import Settings, choose_device
from engine.tiling import Region

NICENESS = 10  # the window must answer while all cores compute


class Worker(QThread):
    """Requests go in from any thread; signals carry the generation of the request they answer."""

    opened = Signal(int, object)
    planned = Signal(int, object)
    mapped = Signal(int, object)  # the plan once more, with the map that the run has made
    progressed = Signal(int, object)
    finished_run = Signal(int, float)
    exported = Signal(int, str)
    refused = Signal(int, str)  # the file that was to be opened is no picture
    failed = Signal(int, str)
    crashed = Signal(int, str)
    stepped = Signal(object)  # Event of the batch
    batch_ended = Signal(str)  # with the sentence of what ended it early, else an empty one

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self._wake = threading.Condition()
        self._jobs: list[tuple[int, Open | Compute | Export]] = []
        self._newest = 0
        self._replaced = 0  # the newest request that ends an older computation
        self._stopped = 0  # the newest request that ends everything older
        self._closing = False
        self._upscalers: dict[str, AnyUpscaler] = {}
        self._speeds: dict[str, Speed] = {}
        self._opened: Opened | None = None
        self._x = self._survey = self._surveyed = None  # by the upscaler of the last's name
        self._shown: Planned | None = None
        self._complete: tuple[str, float] | None = None  # what the canvas shows the whole result of
        self._made: Picture | None = None  # the whole result, with its alpha
        self._took = 0.0  # seconds, for that
        self._order: Order | None = None  # the batch, while there is one
        self._held = False
        self._steps: Generator[Event, None, Report] | None = None  # once the batch has begun

    # --- called from the window's thread -------------------------------------------------------

    def request(self, job: Open | Compute | Export | Stop) -> int:
        """Ask for a job (Open, Compute, Export, Stop); returns its generation.

        A job to open or to compute replaces those waiting and stops the one that runs. Exports from
        before a job to open or to stop come to nothing, and tell so.
        """
        with self._wake:
            self._newest += 1
            if isinstance(job, Open | Stop):
                self._jobs = [waiting for waiting in self._jobs if isinstance(waiting[1], Export)]
                self._stopped = self._newest
            if not isinstance(job, Export):
                self._replaced = self._newest
                self._jobs = [
                    waiting for waiting in self._jobs if not isinstance(waiting[1], Compute)
                ]
            if not isinstance(job, Stop):
                self._jobs.append((self._newest, job))
            self._wake.notify()
            return self._newest

    def export_all(self, order: Order) -> None:
        """Begin a batch; there must be none. It ends when its control is stopped."""
        with self._wake:
            self._order, self._held = order, False
            self._wake.notify()

    def hold(self, held: bool) -> None:
        """Pause the batch, or let it go on."""
        with self._wake:
            self._held = held
            self._wake.notify()

    def close(self) -> None:
        """End the thread, at the next strip."""
        with self._wake:
            self._closing = True
            self._replaced = self._stopped = self._newest + 1
            self._wake.notify()
        self.wait()

    def rate(self, name: str) -> float | None:
        """Seconds per executed GMAC with weights of that name, once they have run here."""
        return self._speeds.get(name, Speed()).rate

    # --- the thread ----------------------------------------------------------------------------

    def run(self) -> None:
        give_way()
        while True:
            with self._wake:
                while not (self._jobs or self._closing or (self._order and not self._held)):
                    self._wake.wait()
                if self._closing:
                    break
                generation, job = self._jobs.pop(0) if self._jobs else (0, None)
            if job is None:
                self._advance()
                continue
            try:
                job.work(self, generation)
            except FoveaError as error:
                self.failed.emit(generation, str(error))
            except Exception as error:
                if out_of_memory(error):
                    self.failed.emit(generation, no_memory())
                    continue
                self.crashed.emit(generation, traceback.format_exc())
        if self._steps is not None:
            self._steps.close()

    def _advance(self) -> None:
        """Take one step of the batch."""
        sentence = ""
        try:
            if self._steps is None:
                self._steps = steps(self.load(self._order.settings.name), self._order)
            self.stepped.emit(next(self._steps))
            return
        except StopIteration:
            pass
        except FoveaError as error:
            sentence = str(error)
        except Exception:
            self.crashed.emit(0, traceback.format_exc())
        with self._wake:
            self._order = self._steps = None
        self.batch_ended.emit(sentence)

    def load(self, name: str) -> AnyUpscaler:
        """The upscaler with the weights of that name."""
        if name not in self._upscalers:
            self._upscalers[name] = library.load(name, choose_device("auto"))
            self._speeds[name] = Speed()
        return self._upscalers[name]

    def wants(self, generation: int) -> bool:
        """Nothing has been asked for since that ends all from before."""
        return generation >= self._stopped

    def open(
        self, generation: int, upscaler: AnyUpscaler, picture: Picture, path: Path | None
    ) -> None:
        canvas = make_canvas(picture, upscaler.scale)
        original = image_of(shown(picture))
        device = device_name(upscaler.device)
        name = path.name if path else ""
        self._opened = Opened(picture, name, path, upscaler.scale, device, canvas, original)
        self._survey = self._x = self._surveyed = self._complete = self._made = None
        for speed in self._speeds.values():
            speed.fade()
        self.opened.emit(generation, self._opened)

    def compute(
        self,
        generation: int,
        name: str,
        effort: float,
        first: Region | None,
        *,
        lasting: bool = False,
    ) -> bool:
        """Plan and run; True when the canvas shows the whole result.

        A newer computation ends this one, unless it is `lasting`; stopping always does.
        """
        opened, upscaler = self._opened, self.load(name)
        if opened is None:
            return False
        if opened.scale != upscaler.scale:  # it was opened for other weights meanwhile
            self.open(generation, upscaler, opened.picture, opened.path)
            opened = self._opened
        if self._complete == (name, effort):
            self.planned.emit(generation, self._shown)
            self.finished_run.emit(generation, self._took)
            return True
        self._look(upscaler)
        first = within(first, opened.picture.size)
        made = plan(upscaler, self._survey, budget=Budget(share=effort), first=first)
        self._shown = describe(upscaler, made, effort, survey=self._survey.macs)
        self.planned.emit(generation, self._shown)
        self._complete = None
        begun = before = time.perf_counter()
        spent = 0
        events = run(
            upscaler,
            opened.picture,
            x=self._x,
            survey=self._survey,
            plan=made,
            out=opened.canvas.out,
        )
        while True:
            try:
                event = next(events)
            except StopIteration as stop:
                self._complete, self._made = (name, effort), stop.value.picture
                self._took = stop.value.stats.seconds
                if self._made.alpha is not None:
                    opened.canvas.reveal(self._made)
                    done = Progress(opened.canvas.whole, 1.0, self._took)
                    self.progressed.emit(generation, done)
                if self._shown.values is None:
                    self._shown = mapped(self._shown, upscaler, stop.value.map)
                    self.mapped.emit(generation, self._shown)
                self.finished_run.emit(generation, self._took)
                return True
            opened.canvas.update(event.region)
            now = time.perf_counter()
            self._speeds[name].add(now - before, event.macs - spent)
            before, spent = now, event.macs
            self.progressed.emit(generation, Progress(event.region, event.progress, now - begun))
            if generation < (self._stopped if lasting else self._replaced):
                events.close()
                return False

    def _look(self, upscaler: AnyUpscaler) -> None:
        """Survey the open picture, unless this upscaler has done so."""
        if self._surveyed == upscaler.name:
            return
        self._survey = self._surveyed = self._complete = None  # first give their memory back
        known = surveyed(upscaler, self._opened.picture)
        self._x, self._survey, self._surveyed = known.x, known.survey, upscaler.name
        self._speeds[upscaler.name].add(known.seconds, self._survey.macs)

    def export(self, generation: int, path: Path, settings: Settings) -> None:
        check_target(path, overwrite=True)
        name, effort = settings.name, settings.budget.share
        if not (
            self.wants(generation) and self.compute(generation, name, effort, None, lasting=True)
        ):
            raise FoveaError(tr("The export was stopped; nothing was written."))
        opened = self._opened
        picture = resized(self._made, settings.size.of(opened.picture.size, opened.scale))
        write(picture, path, overwrite=True, quality=settings.quality)  # the dialog has asked
        self.exported.emit(generation, str(path))


def give_way() -> None:
    """Let the window's thread go before this one and before those that this one will start."""
    if sys.platform == "linux":  # elsewhere it would be the whole program
        thread = threading.get_native_id()
        nice = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, nice + NICENESS)


def within(seen: Region | None, size: tuple[int, int]) -> Region | None:
    """What is seen as far as it lies in a picture of that size: it may be of the one before."""
    inside = seen and seen.grown(0, *size)
    return inside if inside and inside.height > 0 and inside.width > 0 else None


def no_memory() -> str:
    return tr(
        "There is not enough memory for this picture; close other programs or reduce it first."
    )


def out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or (
        isinstance(error, cv2.error) and error.code == cv2.Error.StsNoMem
    )
