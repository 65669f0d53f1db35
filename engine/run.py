"""From a picture to the upscaled one: a generator of small events.

`upscale` is the front door. The window takes its steps apart: `load`, the upscaler's survey, a plan
and `run`.

What an Upscaler, its passes and all between them are is said in `engine.adaptive.contract`.
"""

import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from torch import Tensor

from engine.adaptive.contract import AnyUpscaler, Cells, Pass, Survey
from engine.budget import Budget
from engine.colour import Span
from engine.errors import UpscalerError, out_of_memory
from engine.pictures import Picture
from engine.plan import Plan, plan
from engine.room import bytes_for, check_memory, told_of_memory
from engine.tiling import Region
from engine.transparency import over, revealed, unveiled, veil

Ended = TypeVar("Ended")
RETRIES = 3  # out of memory: so often again with strips of half the height


@dataclass(frozen=True)
class StripDone:
    """A part of the upscaled picture is better now, or some pixels within that part.

    `region` is in pixels of the upscaled picture, `progress` 0..1 over the whole run. `macs` are
    those that the run has executed so far; the survey's are not among them.
    """

    region: Region
    pixels: np.ndarray
    progress: float
    macs: int


@dataclass(frozen=True)
class Stats:
    """How a run went. MACs are executed ones, overlap and survey included.

    `full_macs` are those of the dense network, `compute` the executed ones as a share of them.
    """

    macs: int
    full_macs: int
    seconds: float
    strip: int
    device: str
    dtype: str

    @property
    def compute(self) -> float:
        return self.macs / self.full_macs


@dataclass(frozen=True)
class Result:
    """The upscaled picture, the map (H, W) float32 of where the work went, and the stats.

    `knob` is the native value that the work was planned with. `cells` are the refined ones of
    methods that choose cells.
    """

    picture: Picture
    map: np.ndarray
    stats: Stats
    knob: float
    cells: Cells | None = None


@dataclass(frozen=True)
class Surveyed:
    """A picture on the upscaler's device, x (H, W, 3), the upscaler's survey of it, and the seconds
    that both took."""

    x: Tensor
    survey: Survey
    seconds: float


@told_of_memory()
def surveyed(upscaler: AnyUpscaler, picture: Picture) -> Surveyed:
    """What `upscale` begins with; several budgets may share it."""
    begun = time.perf_counter()
    x = load(upscaler, picture)
    survey = upscaler.survey(x)
    return Surveyed(x, survey, time.perf_counter() - begun)


def upscale(
    upscaler: AnyUpscaler,
    picture: Picture,
    budget: Budget,
    *,
    known: Surveyed | None = None,
    out: np.ndarray | None = None,
) -> Generator[StripDone, None, Result]:
    """Survey, plan and run; the seconds of the stats include the survey.

    `known` is the survey where it has been made before; `out` as in `run`. Raises UpscalerError at
    once where the picture is too large for the memory that there is.
    """
    if out is None:
        check_memory(bytes_for(upscaler, picture))
    known = known or surveyed(upscaler, picture)
    begun = time.perf_counter()
    made = plan(upscaler, known.survey, budget=budget)
    result = yield from run(upscaler, picture, x=known.x, survey=known.survey, plan=made, out=out)
    seconds = known.seconds + time.perf_counter() - begun
    return replace(result, stats=replace(result.stats, seconds=seconds))


def drain(events: Generator[Any, None, Ended]) -> Ended:
    """Run a generator to its end and return its result."""
    while True:
        try:
            next(events)
        except StopIteration as stop:
            return stop.value


def load(upscaler: AnyUpscaler, picture: Picture) -> Tensor:
    """The picture, on white, as the engine's (H, W, 3) float tensor on the upscaler's device."""
    return over(picture, 1.0, device=upscaler.device)


def run(
    upscaler: AnyUpscaler,
    picture: Picture,
    *,
    x: Tensor,
    survey: Survey,
    plan: Plan,
    out: np.ndarray | None = None,
) -> Generator[StripDone, None, Result]:
    """Compute the plan; closing the generator stops it between two events.

    `out` (sH, sW, 3) of the picture's depth may be given, so that what it held before stays where
    nothing better has been computed yet. It shows transparent pictures on white; only the result
    has colours and alpha. Raises UpscalerError where the network yields no picture, or memory runs
    out.
    """
    with told_of_memory():
        return (yield from _run(upscaler, picture, x, survey, plan, out))


def _run(
    upscaler: AnyUpscaler,
    picture: Picture,
    x: Tensor,
    survey: Survey,
    plan: Plan,
    out: np.ndarray | None,
) -> Generator[StripDone, None, Result]:
    begun, part = time.perf_counter(), veil(picture)
    height, width = (n * upscaler.scale for n in plan.size)
    out = np.empty((height, width, 3), picture.pixels.dtype) if out is None else out
    area = sum(region.area for region in plan.regions)
    share = area / (area + part.area) if part else 1.0
    first = yield from _within(_compute(upscaler, x, plan, out), out, end=share)
    macs, strip, evidence = first
    if part:
        events = _over_black(upscaler, picture, plan.budget, part)
        black, more = yield from _within(events, out, begin=share, macs=macs)
        made, macs = revealed(picture, out, black, part), macs + more
    else:
        made = unveiled(picture, out)
    whole = plan.size[0] * plan.size[1]
    stats = Stats(
        macs=survey.macs + macs,
        full_macs=upscaler.full_macs(plan.size) * (whole + (part.area if part else 0)) // whole,
        seconds=time.perf_counter() - begun,
        strip=strip,
        device=upscaler.device.type,
        dtype=upscaler.dtype,
    )
    return Result(made, evidence, stats, plan.allocation.knob, plan.allocation.cells)


def _within(
    events: Generator[StripDone, None, Ended],
    out: np.ndarray,
    *,
    begin: float = 0.0,
    end: float = 1.0,
    macs: int = 0,
) -> Generator[StripDone, None, Ended]:
    """Events as those of the part `begin` to `end` of a run that shows `out`, after `macs`."""
    with closing(events):
        while True:
            try:
                event = next(events)
            except StopIteration as stop:
                return stop.value
            pixels = out[event.region.rows, event.region.columns]
            progress = begin + (end - begin) * event.progress
            yield StripDone(event.region, pixels, progress, macs + event.macs)


def _compute(
    upscaler: AnyUpscaler, x: Tensor, plan: Plan, out: np.ndarray
) -> Generator[StripDone, None, tuple[int, int, np.ndarray]]:
    """Compute a plan for x into `out`; returns the MACs, how high the strips were at the end, and
    the map (H, W)."""
    total, finished = sum(region.area for region in plan.regions), 0
    macs, span, strip = 0, Span(), plan.strip
    evidence = np.zeros(plan.size, np.float32)
    for region in plan.regions:
        left, retries = region, 0
        while left.height:
            work: Pass | None = None
            part = left
            try:
                work = upscaler.execute(x, plan.allocation, region=part, strip=strip)
                for step in work.work(out):
                    left, done = step.left, finished + region.area - (1 - step.done) * part.area
                    pixels = out[step.region.rows, step.region.columns]
                    yield StripDone(step.region, pixels, done / total, macs + work.macs)
                left = replace(left, top=left.bottom)
            except Exception as error:
                retries, strip = retries + 1, strip // 2
                if not out_of_memory(error) or retries > RETRIES or strip == 0:
                    raise
            finally:
                if work:
                    macs += work.macs
                    span.join(work.span)
                    evidence[part.rows, part.columns] = work.map.cpu().numpy()
        finished += region.area
    seen = [x[region.rows, region.columns] for region in plan.regions]
    if span.constant and _constant(out) and not all(_constant(part) for part in seen):
        raise UpscalerError(
            f"{upscaler.name} gave a picture of one colour; its weights are damaged."
        )
    return macs, strip, evidence


def _over_black(
    upscaler: AnyUpscaler, picture: Picture, budget: Budget, part: Region
) -> Generator[StripDone, None, tuple[np.ndarray, int]]:
    """Upscale `part` of a picture over black; returns an array as large as the whole, and MACs."""
    x = over(picture, 0.0, device=upscaler.device)
    survey = upscaler.survey(x)
    planned = replace(plan(upscaler, survey, budget=budget), regions=(part,))
    height, width = (n * upscaler.scale for n in planned.size)
    black = np.zeros((height, width, 3), picture.pixels.dtype)
    macs, _, _ = yield from _compute(upscaler, x, planned, black)
    return black, survey.macs + macs


def _constant(values: np.ndarray | Tensor) -> bool:
    return bool(values.max() == values.min())
