"""The state of the window: what is open, what it should cost, and how far the work is."""

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.film import Film
from app.keeper import Keeper
from app.stops import SliderStop, stops_of
from app.worker import Compute, Export, Open, Opened, Planned, Progress, Stop, Worker
from engine import library
from engine.errors import SettingsError
from engine.pictures import Picture
from engine.plan import Budget
from engine.settings import TEMPLATE, Settings, target_name
from engine.tiling import Region

RECENT = 8
DEFAULT_EFFORT = 0.5
REMEMBERED = ("template", "format", "quality")  # of the settings, beside the effort


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
    settings_changed = Signal()
    message = Signal(str)
    failed = Signal(str)
    crashed = Signal(str)

    def __init__(self, name: str, parent: QObject | None = None):
        super().__init__(parent)
        self.store = Keeper()
        self.settings = remembered(name, self.store)
        self.picture: Opened | None = None
        self.plan: Planned | None = None
        self.done = 0.0
        self.left: float | None = None
        self.busy = False
        self.visible: Region | None = None  # the part of the picture on the screen
        self._generation = 0
        self._exporting: set[int] = set()
        self.worker = Worker()
        self.worker.opened.connect(self._opened)
        self.worker.planned.connect(self._planned)
        self.worker.mapped.connect(self._mapped)
        self.worker.progressed.connect(self._progressed)
        self.worker.finished_run.connect(self._finished)
        self.worker.exported.connect(self._exported)
        self.worker.failed.connect(self._failed)
        self.worker.crashed.connect(self._crashed)
        self.film = Film(self.name, self.worker)
        self.film.failed.connect(self.failed)
        self.film.crashed.connect(self.crashed)
        self.worker.start()

    # --- what the window asks for --------------------------------------------------------------

    def open(self, path: Path) -> None:
        self.opening.emit()
        self._request(Open(self.name, path))
        self.message.emit(self.tr("Opening {}…").format(path.name))

    def open_picture(self, picture: Picture) -> None:
        self.opening.emit()
        self._request(Open(self.name, picture=picture))

    def set_effort(self, effort: float) -> None:
        """Ask for another effort 0..1; the old pixels stay until better ones come."""
        effort = min(1.0, max(0.0, effort))
        if effort == self.effort:
            return
        self.settings = replace(self.settings, budget=Budget(effort=effort))
        self.store.setValue("effort", effort)
        self.compute()

    def set_name(self, name: str) -> None:
        """Go on with other weights; the old pixels stay as long as they have the right size."""
        if name == self.name:
            return
        self.settings = replace(self.settings, name=name)
        self.store.setValue("name", name)
        self.plan = None
        self.renamed.emit()
        opened = self.picture
        if opened is not None and opened.scale != self.scale:
            self._request(Open(name, opened.path, opened.picture))
        else:
            self.compute()

    def set_settings(self, settings: Settings) -> None:
        """How pictures are written from now on, this one and all on the film strip."""
        self.settings = settings
        for name in REMEMBERED:
            self.store.setValue(name, getattr(settings, name) or "")
        self.settings_changed.emit()

    def compute(self) -> None:
        if self.picture is not None:
            self._request(Compute(self.name, self.effort, self.visible))

    def export(self, path: Path) -> None:
        generation = self.worker.request(Export(path, self.settings))
        self._exporting.add(generation)
        self._set_busy(True)
        self.message.emit(self.tr("Exporting {}…").format(path.name))

    def stop(self) -> None:
        if self.busy:
            self._request(Stop())
            self._exporting.clear()
            self._set_busy(False)
            self.message.emit(self.tr("Stopped; what is done stays."))

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
    def method(self) -> str:
        return library.describe(self.name)["method"]

    @property
    def stops(self) -> tuple[SliderStop, ...]:
        """Of the slider, where the weights have no knob; `name` is that of one of them."""
        return stops_of(self.name)

    @property
    def effort(self) -> float:
        return self.settings.budget.effort

    @property
    def scale(self) -> int:
        return library.describe(self.name)["scale"]

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
        stored = self.store.value("recent", []) or []
        stored = [stored] if isinstance(stored, str) else stored
        return [path for path in map(Path, stored) if path.exists()]

    def suggestion(self) -> Path:
        """Where an export would go: beside the source, named after it."""
        opened = self.picture
        path = opened.path or Path.home() / self.tr("pasted.png")
        settings = replace(self.settings, format=self.settings.format or "png")
        size = opened.picture.size
        return path.with_name(target_name(settings, path, size=size, scale=opened.scale))

    # --- answers of the worker -----------------------------------------------------------------

    def _request(self, job: object) -> None:
        self._generation = self.worker.request(job)
        if not isinstance(job, Stop):
            self._set_busy(True)

    def _set_busy(self, busy: bool) -> None:
        self.busy = busy
        if not busy:
            self.left = None
        self.state_changed.emit()

    def _current(self, generation: int) -> bool:
        return generation == self._generation or generation in self._exporting

    def _opened(self, generation: int, opened: Opened) -> None:
        if not self._current(generation):
            return
        self.picture, self.plan, self.done = opened, None, 0.0
        if opened.path is not None:
            recent = [opened.path, *(p for p in self.recent if p != opened.path)][:RECENT]
            self.store.setValue("recent", [str(p) for p in recent])
        self.visible = None
        self.opened.emit()
        self.compute()

    def _planned(self, generation: int, planned: Planned) -> None:
        if self._current(generation):
            self.plan, self.done = planned, 0.0
            self.planned.emit()

    def _mapped(self, generation: int, planned: Planned) -> None:
        if self._current(generation):
            self.plan = planned
            self.planned.emit()

    def _progressed(self, generation: int, progress: Progress) -> None:
        if self._current(generation):
            self.done, self.left = progress.done, progress.left
            self.progressed.emit(progress)

    def _finished(self, generation: int, seconds: float) -> None:
        if not self._current(generation):
            return
        self.done = 1.0
        if seconds:
            self.message.emit(self.tr("Done in {:.1f} s").format(seconds))
        if not self._exporting:
            self._set_busy(False)

    def _exported(self, generation: int, path: str) -> None:
        self._exporting.discard(generation)
        self._set_busy(bool(self._exporting))
        self.message.emit(self.tr("Exported {}").format(Path(path).name))

    def _failed(self, generation: int, sentence: str) -> None:
        if self._current(generation):
            self._given_up(generation)
            self.failed.emit(sentence)

    def _crashed(self, generation: int, trace: str) -> None:
        self._given_up(generation)
        self.crashed.emit(trace)

    def _given_up(self, generation: int) -> None:
        self._exporting.discard(generation)
        if generation >= self._generation:
            self._set_busy(bool(self._exporting))


def remembered(name: str, store: Keeper) -> Settings:
    """The settings of last time; the usual ones, and the weights `name`, where what is stored makes
    no sense or its weights are gone."""
    name = store.value("name") if store.value("name") in library.names() else name
    budget = Budget(effort=float(store.value("effort", DEFAULT_EFFORT)))
    try:
        return Settings(
            name,
            budget=budget,
            template=store.value("template") or TEMPLATE,
            format=store.value("format") or None,
            quality=int(store.value("quality") or 95),
        )
    except (SettingsError, ValueError):
        return Settings(name, budget=budget)
