"""What to spend on a picture, and where: from a budget to a plan.

One rule holds for the budgets of all methods. An effort is a share of what the method has to give
out over a picture: 0 is the least that it can do, 1 is all of it at every pixel, and more effort
never does less. What is given out is

* depth: the MACs of the dense network; half the effort executes half of them;
* mask: cells; half the effort refines half of them. The Base-Net, most of the MACs, always runs;
* fixed: nothing; every effort is the whole.

What an effort costs is told by the plan, in MACs. Cells refined one by one cost more than the dense
network spends on them, because their halos overlap: all of them may cost more than 100 % of it.
"""

import math
from dataclasses import dataclass
from typing import Any

from engine.errors import BudgetError
from engine.tiling import Region, order, strip_rows


@dataclass(frozen=True)
class Budget:
    """What the user asks for: an effort 0..1 of all there is to do, or a native knob value."""

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

    `budget` is what it was made for. `allocation` is the method's own; its `macs` are those of the
    whole picture without overlap. `size` is the low-resolution (height, width), `effort` the
    planned MACs as a share of those of the dense network.
    """

    budget: Budget
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
        budget=budget,
        allocation=allocation,
        size=survey.size,
        regions=order(height, width, first),
        strip=strip_rows(width, on_cpu=upscaler.device.type == "cpu"),
        effort=allocation.macs / upscaler.full_macs(survey.size),
    )
