"""The state of the window: what is open, what it should cost, and how far the work is."""

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app import stored
from app.film import Film
from app.jobs import Compute, Export, Open, Stop
from app.keeper import Keeper
from app.language import tr
from app.results import Opened, Planned, Progress
from app.stops import SliderStop, Weights, choices, stops_of, usable, weights
from app.timing import Timing
from app.worker import Worker
from engine.budget import Budget
from engine.errors import FoveaError
from engine.pictures import Picture, check_target
from engine.pictures.formats import written
from engine.settings import Settings, target_name
from engine.tiling import Region

RECENT = 8
ENDING = ".png"  # of what is exported, unless another was chosen the last time


class Session(QObject):
    """Widgets show it and call its methods; nothing else holds state.

    Signals carry no values where the state itself tells them.
    """

    opening = Signal()
    opened = Signal()
    renamed = Signal()  # other weights are in use
    planned = Signal()
    progressed = Signal(object)  # Progress
    state_changed = Signal()
    refused = Signal(object, str)  # the path of a file that could not be opened, and why
    failed = Signal(str)
    crashed = Signal(str)

    def __init__(self, name: str, parent: QObject | None = None):
        super().__init__(parent)
        self._there = usable() or [weights(name)]
        self.store = Keeper()
        # those of the picture on the screen; batches have their own
        self.settings = stored.remembered(name, self._there, self.store)
        self._batch = stored.remembered_batch(self.settings, self.store)
        self.picture: Opened | None = None
        self.plan: Planned | None = None
        self.timing = Timing()  # of the newest computation
        self.visible: Region | None = None  # the part of the picture on the screen
        self._generation = 0  # of the newest job to open, to compute or to stop
        self._job: Open | Compute | None = None  # that job, until it is finished
        self._exporting: dict[int, Export] = {}
        self._news = ""  # what happened last, until something else is asked for
        self.worker = Worker()
        self.worker.opened.connect(self._opened)
        self.worker.planned.connect(self._planned)
        self.worker.mapped.connect(self._mapped)
        self.worker.progressed.connect(self._progressed)
        self.worker.finished_run.connect(self._finished)
        self.worker.exported.connect(self._exported)
        self.worker.refused.connect(self._refused)
        self.worker.failed.connect(self._failed)
        self.worker.crashed.connect(self._crashed)
        self.film = Film(self.worker)
        self.film.failed.connect(self.failed)
        self.film.crashed.connect(self.crashed)
        self.worker.start()

    # --- what the window asks for --------------------------------------------------------------

    def open(self, path: Path) -> None:
        self._request(Open(self.name, path))

    def open_picture(self, picture: Picture) -> None:
        self._request(Open(self.name, picture=picture))

    def set_effort(self, effort: float) -> None:
        """Ask for another effort 0..1; the old pixels stay until better ones come."""
        effort = min(1.0, max(0.0, effort))
        if effort == self.effort:
            return
        self.settings = replace(self.settings, budget=Budget(share=effort))
        self.store.setValue("effort", effort)
        self.compute()

    def set_name(self, name: str) -> None:
        """Go on with other weights; the old pixels stay as long as they have the right size."""
        if name == self.name:
            return
        if name not in [each.name for each in self._there]:
            self.renamed.emit()  # whoever has chosen them shows the old ones again
            self.failed.emit(tr("The weights {} cannot be used.").format(name))
            return
        self.settings = replace(self.settings, name=name)
        self.store.setValue("name", name)
        self.plan = None
        self.renamed.emit()
        opened = self.picture
        if self.opens:
            self._request(replace(self._job, name=name))
        elif opened is not None and opened.scale != self.scale:
            self._request(Open(name, opened.path, opened.picture))
        else:
            self.compute()

    def set_batch(self, settings: Settings) -> None:
        """How the pictures of batches are written from now on."""
        self._batch = settings
        self.store.setValue("template", settings.template)
        self.store.setValue("format", settings.format or "")
        self.store.setValue("quality", settings.quality)

    def compute(self) -> None:
        """Ask for the result anew; a picture that is being opened will be computed anyway."""
        if self.picture is not None and not self.opens:
            self._request(Compute(self.name, self.effort, self.visible))

    def export(self, path: Path) -> None:
        """Write the result to a file that may be replaced; what cannot be is told at once."""
        opened = self.picture
        size = self.settings.size.of(opened.picture.size, opened.scale)
        try:
            check_target(path, size, overwrite=True)
        except FoveaError as error:
            self.failed.emit(str(error))
            return
        self.store.setValue("ending", path.suffix.lower())
        job = Export(path, self.settings)
        self._exporting[self.worker.request(job)] = job
        self._news = ""
        self.state_changed.emit()

    def stop(self) -> None:
        if self.busy:
            self._generation, self._job = self.worker.request(Stop()), None
            self._exporting.clear()
            self._news = tr("Stopped; what is done stays.")
            self.state_changed.emit()

    def tell(self, words: str) -> None:
        """What has happened, and is neither good nor bad."""
        self._news = words
        self.state_changed.emit()

    def close(self) -> None:
        self.film.close()
        self.worker.close()
        self.store.close()

    # --- what it tells -------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Of the weights."""
        return self.settings.name

    @property
    def batch(self) -> Settings:
        """How the pictures of a batch are upscaled and written."""
        return replace(self._batch, name=self.name, budget=self.settings.budget)

    @property
    def status(self) -> str:
        """What goes on, or has happened last, in words."""
        if self.opens:
            path = self._job.path
            return tr("Opening {}…").format(path.name) if path else tr("Opening the picture…")
        if self._exporting:
            names = ", ".join(path.name for path in self.exporting)
            return tr("Exporting {}…").format(names)
        if isinstance(self._job, Compute) and self.plan is None:
            return tr("Looking at the picture…")
        return self._news

    @property
    def busy(self) -> bool:
        return self._job is not None or bool(self._exporting)

    @property
    def opens(self) -> bool:
        """Is a picture being opened?"""
        return isinstance(self._job, Open)

    @property
    def exporting(self) -> list[Path]:
        """The files that are still to be written, those of batches not among them."""
        return [job.path for job in self._exporting.values()]

    @property
    def planned_for_now(self) -> bool:
        """Does the plan belong to what is asked for now?"""
        return self.plan is not None and self.plan.budget == self.effort

    @property
    def done(self) -> float:
        """How much of the newest computation is done, 0..1."""
        return self.timing.done

    @property
    def weights(self) -> Weights:
        return next(each for each in self._there if each.name == self.name)

    @property
    def stops(self) -> tuple[SliderStop, ...]:
        """Of the slider, where the weights have no knob; `name` is that of one of them."""
        return stops_of(self.weights, self._there)

    @property
    def choices(self) -> list[str]:
        """The names of weights to choose from."""
        return choices(self.name, self._there)

    @property
    def effort(self) -> float:
        return self.settings.budget.share

    @property
    def scale(self) -> int:
        return self.weights.scale

    @property
    def seconds_per_pixel(self) -> float | None:
        """Of a source, at the effort of now, once something has run here."""
        if self.seconds is None:
            return None
        height, width = self.picture.picture.size
        return self.seconds / (height * width)

    @property
    def seconds(self) -> float | None:
        """How long the plan will take, once something has run here."""
        rate = self.worker.rate(self.name)
        return None if rate is None or self.plan is None else rate * self.plan.gmacs

    @property
    def recent(self) -> list[Path]:
        """Files opened before that still exist, the newest first."""
        return [
            path for path in map(Path, stored.texts(self.store, "recent")) if stored.exists(path)
        ]

    @property
    def folder(self) -> str:
        """Where the newest file came from; empty where that is gone."""
        return next((str(path.parent) for path in self.recent), "")

    def suggestion(self) -> Path:
        """Where an export would go: beside the source, named after it."""
        opened = self.picture
        path = opened.path or Path.home() / tr("pasted.png")
        ending = stored.choice(self.store, "ending", ENDING, list(written()))
        settings = replace(self.settings, format=ending)
        size = opened.picture.size
        return path.with_name(target_name(settings, path, size=size, scale=opened.scale))

    # --- answers of the worker -----------------------------------------------------------------

    def _request(self, job: Open | Compute) -> None:
        self._news = ""
        if isinstance(job, Open):
            self.opening.emit()
        self._generation, self._job = self.worker.request(job), job
        self.state_changed.emit()

    def _current(self, generation: int) -> bool:
        return generation == self._generation or generation in self._exporting

    def _opened(self, generation: int, opened: Opened) -> None:
        """Whatever has been asked for since, this is the picture that the worker has now."""
        self.picture, self.plan, self.timing = opened, None, Timing()
        if generation == self._generation:
            self._job = None
        if opened.path is not None:
            recent = [opened.path, *(p for p in self.recent if p != opened.path)][:RECENT]
            self.store.setValue("recent", [str(p) for p in recent])
        self.visible = None
        self.opened.emit()
        self.compute()

    def _planned(self, generation: int, planned: Planned) -> None:
        if self._current(generation):
            rate = self.worker.rate(self.name)
            self.timing = Timing(None if rate is None else rate * planned.ahead)
            self._show_plan(generation, planned)

    def _mapped(self, generation: int, planned: Planned) -> None:
        if self._current(generation):
            self._show_plan(generation, planned)

    def _show_plan(self, generation: int, planned: Planned) -> None:
        """Unless it is that of an export after which something else has been asked for."""
        export = self._exporting.get(generation)
        asked = self.name, self.settings.budget
        if export is None or (export.settings.name, export.settings.budget) == asked:
            self.plan = planned
            self.planned.emit()

    def _progressed(self, generation: int, progress: Progress) -> None:
        if self._current(generation):
            self.timing = replace(self.timing, elapsed=progress.seconds, done=progress.done)
            self.progressed.emit(progress)

    def _finished(self, generation: int, seconds: float) -> None:
        if self._current(generation):
            self.timing = replace(self.timing, elapsed=seconds, done=1.0)
            if generation == self._generation:
                self._job = None
            self.state_changed.emit()

    def _exported(self, generation: int, path: str) -> None:
        if generation in self._exporting:
            del self._exporting[generation]
            self._news = tr("Exported {}").format(Path(path).name)
            self.state_changed.emit()

    def _refused(self, generation: int, sentence: str) -> None:
        if self._current(generation):
            job = self._given_up(generation)
            if self.done < 1 or not self.planned_for_now:
                self.compute()  # the picture that was to be left stays
            self.refused.emit(job.path, sentence)

    def _failed(self, generation: int, sentence: str) -> None:
        if self._current(generation):
            self._given_up(generation)
            self.failed.emit(sentence)

    def _crashed(self, generation: int, trace: str) -> None:
        self._given_up(generation)
        self.crashed.emit(trace)

    def _given_up(self, generation: int) -> Open | Compute | Export | None:
        """Returns the job that came to nothing, if it was still wanted."""
        job = self._exporting.pop(generation, None)
        if generation == self._generation:
            job, self._job = self._job, None
        self.state_changed.emit()
        return job
