"""What to spend on a picture, and where: from a budget to a plan."""

import math
from dataclasses import dataclass
from typing import Any

from engine.adaptive.wavefront import Region
from engine.errors import BudgetError

STRIP_PIXELS = 16_384  # a strip of 64 channels then stays in the processor's cache
STRIP_ROWS = 8  # fewer would spend more on moving rows than on computing them
GPU_STRIP_PIXELS = 1 << 20


@dataclass(frozen=True)
class Budget:
    """What the user asks for: an effort 0..1 of the full compute, or a value of the native knob."""

    effort: float | None = None
    knob: float | None = None

    def __post_init__(self) -> None:
        if (self.effort is None) == (self.knob is None):
            raise BudgetError("Give either an effort or a knob value.")
        if self.effort is not None and not 0 <= self.effort <= 1:
            raise BudgetError(f"The budget must lie between 0 and 100 %, not at {self.effort:.0%}.")
        if self.knob is not None and not (math.isfinite(self.knob) and self.knob >= 0):
            raise BudgetError(f"The knob must be 0 or more, not {self.knob:g}.")


@dataclass(frozen=True)
class Plan:
    """Regions in the order in which they are computed, and how the effort lies on the picture.

    `allocation` is the method's own; its `macs` are those of the whole picture without overlap.
    `size` is the low-resolution (height, width), `effort` the planned share of the dense network.
    """

    allocation: Any
    size: tuple[int, int]
    regions: tuple[Region, ...]
    strip: int
    effort: float


def plan(upscaler: Any, survey: Any, *, budget: Budget, first: Region | None = None) -> Plan:
    """Solve for the budget over the whole picture; `first` is what should be computed first."""
    height, width = survey.size
    if budget.effort is not None:
        allocation = upscaler.at_effort(survey, budget.effort)
    else:
        allocation = upscaler.at_knob(survey, budget.knob)
    return Plan(
        allocation=allocation,
        size=survey.size,
        regions=order(height, width, first),
        strip=strip_rows(upscaler, width),
        effort=allocation.macs / upscaler.full_macs(survey.size),
    )


def strip_rows(upscaler: Any, width: int) -> int:
    """How many rows of a picture enter the network at a time."""
    pixels = STRIP_PIXELS if upscaler.device.type == "cpu" else GPU_STRIP_PIXELS
    return max(STRIP_ROWS, pixels // width)


def order(height: int, width: int, first: Region | None) -> tuple[Region, ...]:
    """The whole picture; in front of it the part that is looked at, where that is a small one.

    Where it is large, the picture starts at its first row and wraps around, because computing the
    part twice would cost more than waiting for its last row saves.
    """
    whole = Region(0, height, 0, width)
    if first is None:
        return (whole,)
    if 4 * first.height * first.width < height * width:
        return first, whole
    if first.top == 0:
        return (whole,)
    return Region(first.top, height, 0, width), Region(0, first.top, 0, width)
