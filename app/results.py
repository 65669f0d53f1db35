"""What the worker tells the window: a picture that can be shown, a plan in numbers, progress."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PySide6.QtGui import QImage

from app.canvas import Canvas, image_of
from app.language import tr
from engine import kernels
from engine.adaptive.contract import AnyUpscaler, Fact
from engine.colour import colourise
from engine.pictures import Picture
from engine.plan import Plan
from engine.tiling import Region


@dataclass(frozen=True)
class Opened:
    """A picture that can be shown: its interpolated canvas, and the original for comparison."""

    picture: Picture
    name: str
    path: Path | None
    scale: int
    device: str  # what computes, in words
    canvas: Canvas
    original: QImage


@dataclass(frozen=True, eq=False)
class Planned:
    """What a budget means: the knob, the share of the dense network's compute, and the map.

    `gmacs` are all of it, `ahead` those of the run after the survey. The map's `values` (H, W)
    reach from `least` to `most`, its colours from `low` to `high`; it and its `overlay` are None
    while only the run can tell them. `chosen` (rows, columns) are the refined cells, of `side` x
    `side` upscaled pixels, of methods that choose cells.
    """

    budget: float
    knob: float
    compute: float
    gmacs: float
    facts: tuple[Fact, ...]
    ahead: float
    chosen: np.ndarray | None
    side: int
    values: np.ndarray | None
    mean: float = 0.0
    low: float = 0.0
    high: float = 0.0
    least: float = 0.0
    most: float = 0.0
    overlay: QImage | None = None


@dataclass(frozen=True)
class Progress:
    """A region of the canvas that has become better; the seconds since the run began."""

    region: Region
    done: float
    seconds: float


@dataclass
class Speed:
    """Seconds and executed GMACs so far; what lies further back weighs less."""

    seconds: float = 0.0
    gmacs: float = 0.0

    def add(self, seconds: float, macs: int) -> None:
        self.seconds += seconds
        self.gmacs += macs / 1e9

    def fade(self) -> None:
        self.seconds, self.gmacs = self.seconds / 2, self.gmacs / 2

    @property
    def rate(self) -> float | None:
        """Seconds per GMAC, once anything has run."""
        return self.seconds / self.gmacs if self.gmacs else None


def device_name(device: torch.device) -> str:
    """What computes, in words: the graphics card's name, or the processor's kernels."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    processor = tr("processor, {}").format(kernels.describe())
    return processor if device.type == "cpu" else device.type


def describe(upscaler: AnyUpscaler, made: Plan, effort: float, *, survey: int) -> Planned:
    """The numbers of a plan, and its map where that is known, for people; `survey` are the survey's
    MACs."""
    allocation, cells = made.allocation, made.allocation.cells
    planned = Planned(
        budget=effort,
        knob=allocation.knob,
        compute=made.compute,
        gmacs=allocation.macs / 1e9,
        facts=allocation.facts,
        ahead=(allocation.macs - survey) / 1e9,
        chosen=cells.chosen if cells else None,
        side=cells.side * upscaler.scale if cells else 0,
        values=None,
    )
    if allocation.map is None:
        return planned
    return mapped(planned, upscaler, allocation.map.cpu().numpy())


def mapped(planned: Planned, upscaler: AnyUpscaler, values: np.ndarray) -> Planned:
    """With the map (H, W)."""
    low, high = upscaler.map_range(values)
    overlay = image_of(np.ascontiguousarray(colourise(values, low, high)))
    return replace(
        planned,
        values=values,
        mean=float(values.mean()),
        low=low,
        high=high,
        least=float(values.min()),
        most=float(values.max()),
        overlay=overlay,
    )
