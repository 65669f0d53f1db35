"""What the window asks of the worker. Each job does its own work, in the worker's thread."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import PictureError
from engine.pictures import Picture, read
from engine.settings import Settings
from engine.tiling import Region

if TYPE_CHECKING:
    from app.worker import Worker


@dataclass(frozen=True)
class Open:
    """Open a file, or a picture that was read before or has no file, for weights of that name."""

    name: str
    path: Path | None = None
    picture: Picture | None = None

    def work(self, worker: "Worker", generation: int) -> None:
        try:
            picture = self.picture or read(self.path)
        except PictureError as error:
            worker.refused.emit(generation, str(error))
            return
        upscaler = worker.load(self.name)
        if worker.wants(generation):
            worker.open(generation, upscaler, picture, self.path)


@dataclass(frozen=True)
class Compute:
    """Spend an effort with weights of that name on the open picture, `first` first."""

    name: str
    effort: float
    first: Region | None = None

    def work(self, worker: "Worker", generation: int) -> None:
        worker.compute(generation, self.name, self.effort, self.first)


@dataclass(frozen=True)
class Export:
    """Write the result of the settings, computing what is missing."""

    path: Path
    settings: Settings

    def work(self, worker: "Worker", generation: int) -> None:
        worker.export(generation, self.path, self.settings)


@dataclass(frozen=True)
class Stop:
    """Stop computing; what is done stays."""
