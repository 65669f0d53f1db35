"""From a picture to the upscaled one: a generator of small events.

`upscale` is the front door. The window takes its steps apart: `load`, the upscaler's survey, a plan
and `run`.

An Upscaler's `execute` makes a pass over a region. A pass counts `macs`, the executed ones, and has
one of two ways to work:

* `run()` yields (row, y), row by row from the top of the region on;
* `place(out, span)` writes into `out` itself, wherever it is needed, and may know what `out` shows
  from an earlier run that was given the same array (see `engine.adaptive.refinement`).
"""

import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from engine.colour import Span, as_rows, squares, to_pixels
from engine.errors import UpscalerError
from engine.pictures import Picture
from engine.plan import Budget, Plan, plan
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

    `full_macs` are those of the dense network, `effort` the executed ones as a share of them.
    """

    macs: int
    full_macs: int
    seconds: float
    strip: int
    device: str
    dtype: str

    @property
    def effort(self) -> float:
        return self.macs / self.full_macs


@dataclass(frozen=True)
class Result:
    """The upscaled picture, the map (H, W) float32 of where the work went, and the stats.

    `knob` is the native value that the work was planned with. `chosen` (rows, columns) bool are the
    refined cells of methods that choose cells.
    """

    picture: Picture
    map: np.ndarray
    stats: Stats
    knob: float
    chosen: np.ndarray | None = None


@dataclass(frozen=True)
class Surveyed:
    """A picture on the upscaler's device, x (H, W, 3), the upscaler's survey of it, and the seconds
    that both took."""

    x: Tensor
    survey: Any
    seconds: float


def surveyed(upscaler: Any, picture: Picture) -> Surveyed:
    """What `upscale` begins with; several budgets may share it."""
    begun = time.perf_counter()
    x = load(upscaler, picture)
    survey = upscaler.survey(x)
    return Surveyed(x, survey, time.perf_counter() - begun)


def upscale(
    upscaler: Any,
    picture: Picture,
    budget: Budget,
    *,
    known: Surveyed | None = None,
    out: np.ndarray | None = None,
) -> Generator[StripDone, None, Result]:
    """Survey, plan and run; the seconds of the stats include the survey.

    `known` is the survey where it has been made before; `out` as in `run`.
    """
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


def load(upscaler: Any, picture: Picture) -> Tensor:
    """The picture, on white, as the engine's (H, W, 3) float tensor on the upscaler's device."""
    return over(picture, 1.0, device=upscaler.device)


def run(
    upscaler: Any,
    picture: Picture,
    *,
    x: Tensor,
    survey: Any,
    plan: Plan,
    out: np.ndarray | None = None,
) -> Generator[StripDone, None, Result]:
    """Compute the plan; closing the generator stops it between two events.

    `out` (sH, sW, 3) of the picture's depth may be given, so that what it held before stays where
    nothing better has been computed yet. It shows transparent pictures on white; only the result
    has colours and alpha. Raises UpscalerError where the network yields no picture.
    """
    begun, part = time.perf_counter(), veil(picture)
    height, width = (n * upscaler.scale for n in plan.size)
    out = np.empty((height, width, 3), picture.pixels.dtype) if out is None else out
    area = sum(region.area for region in plan.regions)
    share = area / (area + part.area) if part else 1.0
    macs, strip = yield from _within(_compute(upscaler, x, plan, out), out, end=share)
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
    spent = plan.allocation
    chosen = getattr(spent, "chosen", None)
    return Result(made, spent.map.cpu().numpy(), stats, spent.knob, chosen)


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
    upscaler: Any, x: Tensor, plan: Plan, out: np.ndarray
) -> Generator[StripDone, None, tuple[int, int]]:
    """Compute a plan for x into `out`; returns the MACs and how high the strips were at the end."""
    total, finished = sum(region.area for region in plan.regions), 0
    macs, span, strip = 0, Span(), plan.strip
    for region in plan.regions:
        left, retries = region, 0
        while left.height:
            front, part = None, left
            try:
                front = upscaler.execute(x, plan.allocation, region=part, strip=strip)
                for placed, rest, share in _work(front, out, span, part, upscaler.scale):
                    left, done = rest, finished + region.area - (1 - share) * part.area
                    pixels, spent = out[placed.rows, placed.columns], macs + front.macs
                    yield StripDone(placed, pixels, done / total, spent)
                left = replace(left, top=left.bottom)
            except (MemoryError, RuntimeError) as error:
                retries, strip = retries + 1, strip // 2
                if not _out_of_memory(error):
                    raise
                if retries > RETRIES or strip == 0:
                    raise UpscalerError(
                        "There is not enough memory for this picture; close other programs or "
                        "reduce it first."
                    ) from error
            finally:
                macs += front.macs if front else 0
        finished += region.area
    seen = [x[region.rows, region.columns] for region in plan.regions]
    if span.constant and _constant(out) and not all(_constant(part) for part in seen):
        raise UpscalerError(
            f"{upscaler.name} gave a picture of one colour; its weights are damaged."
        )
    return macs, strip


def _over_black(
    upscaler: Any, picture: Picture, budget: Budget, part: Region
) -> Generator[StripDone, None, tuple[np.ndarray, int]]:
    """Upscale `part` of a picture over black; returns an array as large as the whole, and MACs."""
    x = over(picture, 0.0, device=upscaler.device)
    survey = upscaler.survey(x)
    planned = replace(plan(upscaler, survey, budget=budget), regions=(part,))
    height, width = (n * upscaler.scale for n in planned.size)
    black = np.zeros((height, width, 3), picture.pixels.dtype)
    macs, _ = yield from _compute(upscaler, x, planned, black)
    return black, survey.macs + macs


def _work(
    front: Any, out: np.ndarray, span: Span, region: Region, scale: int
) -> Iterator[tuple[Region, Region, float]]:
    """Let a pass over `region` work; yields the part of `out` that is better now, what is left of
    the region should it end here, and the share 0..1 of the pass that is done."""
    if hasattr(front, "place"):
        yield from front.place(out, span)
        return
    height = region.height
    for _, y in front.run():
        span.include(y)
        placed = _place(out, y, region, scale)
        region = replace(region, top=region.top + y.shape[0])
        yield placed, region, 1 - region.height / height


def _constant(values: np.ndarray | Tensor) -> bool:
    return bool(values.max() == values.min())


def _out_of_memory(error: Exception) -> bool:
    """PyTorch has a type of its own for the GPU and only a message for the CPU."""
    known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return known or "can't allocate memory" in str(error)


def _place(out: np.ndarray, y: Tensor, region: Region, scale: int) -> Region:
    """Round y (n, w, s, s, 3) into its place in `out`; returns that place, in pixels of `out`."""
    rows, width = y.shape[:2]
    top, left = region.top * scale, region.left * scale
    placed = Region(top, top + rows * scale, left, left + width * scale)
    there = squares(out, scale)[region.top :, region.left :][:rows, :width]
    there[:] = as_rows(to_pixels(y, out.dtype).reshape(rows, width, -1), scale)
    return placed
