"""What to spend on a picture, and where: from a budget to a plan.

One rule holds for the budgets of all methods. A share 0..1 reaches from the least that a method can
do over a picture to all of it at every pixel, which is the dense network's picture; more of it
never does less, and none costs more than the dense network. Between them lie

* depth: the MACs of the dense network; half of them for a share of a half;
* mask: cells; a share of a half refines half of them. The Base-Net, most of the MACs, always runs;
* fixed: nothing; every share is the whole.

What a share costs is told by the plan, in MACs.
"""

from dataclasses import dataclass

from engine.adaptive.contract import Allocation, AnyUpscaler, Survey
from engine.budget import Budget
from engine.tiling import Region, order, strip_rows


@dataclass(frozen=True)
class Plan:
    """Regions in the order in which they are computed, and how the budget lies on the picture.

    `budget` is what it was made for. `allocation` is the method's own; its `macs` are those of the
    whole picture without overlap. `size` is the low-resolution (height, width), `compute` the
    planned MACs as a share of those of the dense network.
    """

    budget: Budget
    allocation: Allocation
    size: tuple[int, int]
    regions: tuple[Region, ...]
    strip: int
    compute: float


def plan(
    upscaler: AnyUpscaler, survey: Survey, *, budget: Budget, first: Region | None = None
) -> Plan:
    """Solve for the budget over the whole picture; `first` is what should be computed first."""
    height, width = survey.size
    allocation = upscaler.allocate(survey, budget)
    return Plan(
        budget=budget,
        allocation=allocation,
        size=survey.size,
        regions=order(height, width, first),
        strip=strip_rows(width, on_cpu=upscaler.device.type == "cpu"),
        compute=allocation.macs / upscaler.full_macs(survey.size),
    )
