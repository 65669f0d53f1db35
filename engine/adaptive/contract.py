"""The contract: what every method of spending compute keeps.

    upscaler = METHOD.upscaler(name, module, device, dtype)
    survey = upscaler.survey(x)                       # once a picture, whatever the budget
    allocation = upscaler.allocate(survey, budget)    # at once: the slider waits for it
    work = upscaler.execute(x, allocation, region=region, strip=strip)
    for part in work.work(out):                       # `out` becomes better, part by part
        ...

A method is one file in this folder with a METHOD at its end, and one row in the table of
`engine.library`. Nothing else in the program knows it by name: the window, the command line,
batches, `bench` and `evaluate` work with what stands here.

Pictures in the engine are x (H, W, 3), float32 in [0, 1], on the upscaler's device; sizes are
(height, width) in low-resolution pixels unless said otherwise. One multiply-accumulate (MAC) is one
FLOP.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from engine.adaptive.flat import Flat, flat_of
from engine.budget import Budget
from engine.colour import Span, as_rows, squares, to_pixels
from engine.tiling import Region


class Survey(Protocol):
    """What is known of a picture before any budget. A method adds what it needs to allocate."""

    @property
    def size(self) -> tuple[int, int]: ...

    @property
    def macs(self) -> int:
        """Those executed for the survey."""


@dataclass(frozen=True)
class Cells:
    """The cells of a picture, from its top left corner on, that are refined.

    `chosen` (rows, columns) bool; each has `side` x `side` low-resolution pixels.
    """

    chosen: np.ndarray
    side: int


class Allocation(Protocol):
    """How a budget lies on a picture. A method adds what it needs to execute it."""

    @property
    def knob(self) -> float:
        """The native control: the desired depth, the number of cells."""

    @property
    def macs(self) -> int:
        """Those of the whole picture, the survey's included, without overlap."""

    @property
    def map(self) -> Tensor | None:
        """(H, W), what is known before any work; None where only the work tells."""

    @property
    def cells(self) -> Cells | None:
        """None for methods that do not choose cells."""

    @property
    def facts(self) -> tuple["Fact", ...]:
        """What it gives out, for people who want to know."""


@dataclass(frozen=True)
class Fact:
    """A sentence in English with gaps, which the window translates, and the numbers for them."""

    text: str
    numbers: tuple[float, ...] = ()

    def __str__(self) -> str:
        return self.text.format(*self.numbers)


@dataclass(frozen=True)
class Part:
    """A step of a pass: a part of the upscaled picture that is better now.

    `region` is in pixels of the upscaled picture; `left` is what of the pass's own region must be
    computed again should the pass end here; `done` the share 0..1 of the pass that is done.
    """

    region: Region
    left: Region
    done: float


class Pass(Protocol):
    """One pass over a region of a picture.

    `macs` counts what has been executed so far, overlap included; `span` has seen all values that
    the network gave.
    """

    macs: int
    span: Span

    def work(self, out: np.ndarray) -> Iterator[Part]:
        """Write into `out` (sH, sW, 3) uint8 or uint16, wherever it is needed.

        `out` may hold an earlier result of the same picture. Raises UpscalerError for values that
        are no numbers.
        """

    @property
    def map(self) -> Tensor:
        """(region height, region width), where the work went."""


S = TypeVar("S", bound=Survey)
A = TypeVar("A", bound=Allocation)


class Upscaler(Protocol[S, A]):
    """A network with its method and weights, ready to run, with one knob.

    `dtype` is that of the products, as PyTorch calls it.
    """

    name: str
    scale: int
    device: torch.device
    dtype: str

    def full_macs(self, size: tuple[int, int]) -> int:
        """MACs of the dense network for a picture of that size."""

    def survey(self, x: Tensor) -> S:
        """The expensive step that any budget needs."""

    def allocate(self, survey: S, budget: Budget) -> A:
        """The most of the budget that can be used, never more than that.

        No share costs more than the dense network; more of it never does less. Raises BudgetError
        where the method has no such knob.
        """

    def execute(self, x: Tensor, allocation: A, *, region: Region, strip: int) -> Pass:
        """A pass over a region, in which `strip` rows of the picture enter at a time."""

    def map_range(self, values: np.ndarray) -> tuple[float, float]:
        """What the colours of a map (H, W) reach from and to."""


# Those who only pass surveys and allocations on need not know which method's they are.
AnyUpscaler: TypeAlias = Upscaler[Any, Any]

Description = Mapping[str, Any]  # what JSON holds of weights: any kind of value


@dataclass(frozen=True)
class MapWords:
    """What a map is called, in English; the window translates it.

    `key` is for names of files. `question` is what showing it answers; `unit` stands below its
    legend; `value` has gaps for a value and its column and row; `lines` says what outlines mean.
    """

    key: str
    name: str
    question: str
    unit: str
    value: str
    lines: str = ""


@dataclass(frozen=True)
class Study:
    """A measurement that `evaluate` offers: numbers by name for one picture x, and the text, with
    gaps for their means over all pictures, that tells them."""

    text: str
    measure: Callable[[Any, Tensor], dict[str, float]]  # takes an Upscaler of its method


@dataclass(frozen=True)
class Method:
    """All that the program knows of a method; see `engine.library` for the table.

    * `key` is its name in JSON files; `kind` the class of the trained modules it runs.
    * `build` makes such a module of what a JSON file says, `describe` says it.
    * `upscaler` makes it ready to run; `dtype` None is the fastest there.
    * `title` is the network's name for people.
    * `knob` is the name of the native control; without one, the networks of a method are stops of
      one slider (`graded` is False) in the order of their cost.
    * `to_inference` is the form in which a module is saved and run.
    * `dense` are plain networks that do the same for every pixel, for comparisons.
    * `variants` change a survey, to show what its map is worth; `studies` measure. Both are known
      in `evaluate` by their names.
    """

    key: str
    kind: type[nn.Module]
    build: Callable[[Description], nn.Module]
    describe: Callable[[Any], dict[str, Any]]  # takes a `kind`
    upscaler: Callable[[str, Any, torch.device, torch.dtype | None], AnyUpscaler]  # takes a `kind`
    title: Callable[[Description], str]
    map: MapWords
    knob: str = ""
    to_inference: Callable[[Any], nn.Module] = lambda module: module  # takes a `kind`
    dense: Callable[[Any], dict[str, nn.Module]] = lambda module: {"full": module}
    variants: Mapping[str, Callable[[Any], Survey]] = field(default_factory=dict)  # its own surveys
    studies: Mapping[str, Study] = field(default_factory=dict)

    @property
    def graded(self) -> bool:
        """Does the slider move freely?"""
        return bool(self.knob)


class RowPass:
    """A pass that computes a region of a picture x (H, W, 3) row by row from its top on.

    A method adds `rows`. Flat places keep their colour (`engine.adaptive.flat`).
    """

    def __init__(self, x: Tensor, region: Region, scale: int):
        self.region, self.scale = region, scale
        self.macs, self.span = 0, Span()
        self.flat = flat_of(x, region)

    def rows(self) -> Iterator[Tensor]:
        """Yields y (n, region width, s, s, 3) float, the s x s pixels of each low-resolution one,
        for the next n rows; not clamped."""
        raise NotImplementedError

    def work(self, out: np.ndarray) -> Iterator[Part]:
        """See `Pass.work`."""
        left = self.region
        for y in self.rows():
            self.span.include(y)
            placed = place(out, y, left, self.scale, self.flat)
            self.flat = self.flat.below(y.shape[0])
            left = replace(left, top=left.top + y.shape[0])
            yield Part(placed, left, 1 - left.height / self.region.height)


def place(out: np.ndarray, y: Tensor, region: Region, scale: int, flat: Flat) -> Region:
    """Round y (n, w, s, s, 3) into the first rows of a region's place in `out` (sH, sW, 3), but for
    what is flat there; returns that place, in pixels of `out`."""
    rows, width = y.shape[:2]
    top, left = region.top * scale, region.left * scale
    placed = Region(top, top + rows * scale, left, left + width * scale)
    there = squares(out, scale)[region.top :, region.left :][:rows, :width]
    there[:] = as_rows(to_pixels(y, out.dtype).reshape(rows, width, -1), scale)
    flat.above(rows).restore_squares(there, out.dtype)
    return placed
