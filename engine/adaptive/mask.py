"""Mask-guided acceleration: the whole picture coarsely, and the cells with the largest errors anew.

Source: Hu et al., "Restore Globally, Refine Locally: A Mask-Guided Scheme to Accelerate
Super-Resolution Networks", ECCV 2022, section 3.

The Base-Net makes a feature of the whole picture, once; from it come the coarse picture and the
error mask, one value for each cell of 4 x 4 pixels. The Refine-Net computes the K cells with the
largest values of the whole picture anew (section 3.3). K is the knob.

A share is one of all cells. MACs are compared with those of the decomposed network (D-Net), which
refines the whole feature at once: no cell at all costs the Base-Net's part of them. All cells, one
by one, would cost more than all of them, because their halos overlap; so where the cells of a share
would cost more than the decomposed network, that is what runs. K cells are always K cells.

Deviations:

* Of equal errors the cell further up, and further left, comes first; the paper does not say.
* K may follow the size of the picture, as a share of its cells; in the paper it is one number.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from engine import kernels
from engine.adaptive import cell_studies
from engine.adaptive.cell_state import CellState
from engine.adaptive.contract import Cells, Description, Fact, MapWords, Method
from engine.adaptive.halves import Feature, Halves
from engine.adaptive.refinement import Block, MaskPass, run_length
from engine.budget import Budget
from engine.colour import Span
from engine.networks.decomposed.cells import CELL, grid
from engine.networks.decomposed.mga import NETWORKS, MaskGuided
from engine.tiling import Region, strip_rows

BLOCK_PIXELS = 1 << 20  # a feature is computed at once for so many pixels, in 1 to 2 GiB
KEPT_BYTES = 1 << 30  # of features and pixels that are kept; what is beyond is computed again


@dataclass(frozen=True)
class Survey:
    """What is known of a picture before any budget, and the state of its cells.

    `errors` (rows, columns) float32 is the mask, `map` (H, W) the same for every pixel. `order`
    holds the numbers of all cells, row by row from 0 on, in the order in which they are refined.
    `macs` are those executed.
    """

    size: tuple[int, int]
    errors: np.ndarray
    map: Tensor
    order: np.ndarray
    blocks: tuple[Block, ...]
    state: CellState
    macs: int


@dataclass(frozen=True)
class Allocation:
    """K chosen cells, and what the picture costs with them.

    `chosen` (rows, columns) bool; `order` their numbers, the most needed first. With `whole` they
    are all cells, refined at once. `map` (H, W) float is the error mask, estimated before any
    refinement.
    """

    knob: float
    map: Tensor
    macs: int
    chosen: np.ndarray
    order: np.ndarray
    survey: Survey
    whole: bool = False

    @property
    def cells(self) -> Cells:
        return Cells(self.chosen, CELL)

    @property
    def facts(self) -> tuple[Fact, ...]:
        if self.whole:
            return (Fact("all {:,} cells, refined at once", (self.chosen.size,)),)
        return (Fact("K = {:,.0f} of {:,} cells", (self.knob, self.chosen.size)),)


class MaskUpscaler:
    """A MaskGuided network ready to run. The knob is K, the number of refined cells.

    `dtype` is that of the products; None takes bfloat16 where the processor multiplies it.
    """

    def __init__(
        self, name: str, module: MaskGuided, device: torch.device, dtype: torch.dtype | None = None
    ):
        dtype = dtype or kernels.product_type(device)
        self.name, self.device, self.dtype = name, device, str(dtype).removeprefix("torch.")
        self.halves = Halves(module, device, dtype)
        self.scale = self.halves.scale

    def map_range(self, values: np.ndarray) -> tuple[float, float]:
        """What the colours of a map (H, W) reach from and to; one cell in a hundred lies beyond,
        because few large errors would leave no colours to the others."""
        return 0.0, float(np.quantile(values[::CELL, ::CELL], 0.99))

    def full_macs(self, size: tuple[int, int]) -> int:
        """MACs of the decomposed network for a low-resolution size (height, width)."""
        costs = self.halves.costs(*size)
        return costs.base + costs.refine

    @torch.inference_mode()
    def survey(self, x: Tensor) -> Survey:
        """Feature and error mask of a picture x (H, W, 3) in [0, 1].

        Raises UpscalerError where the mask is no number.
        """
        size = height, width = x.shape[0], x.shape[1]
        blocks, masks, executed, free = [], [], 0, KEPT_BYTES
        for top, bottom in parts(height, width):
            feature, macs = self.halves.feature(x, top, bottom)
            part, more = self.halves.errors(feature, top, bottom)
            executed += macs + more
            masks.append(part)
            free -= self._kept_bytes(feature)
            kept = feature if free >= 0 else None
            blocks.append(Block(top // CELL, -(-bottom // CELL), kept))
        mask = torch.cat(masks)
        Span().include(mask)
        errors = mask.cpu().numpy()
        state = CellState(size, self.scale)
        order = largest(errors)
        whole = np.repeat(np.repeat(errors, CELL, axis=0), CELL, axis=1)[:height, :width]
        shown = torch.from_numpy(np.ascontiguousarray(whole))
        return Survey(size, errors, shown, order, tuple(blocks), state, executed)

    def _kept_bytes(self, feature: Feature) -> int:
        """Of a feature, and of the coarse and refined pixels that a session adds (8 bits each)."""
        pixels = (feature.bottom - feature.top) * feature.width
        return feature.bytes + 2 * 3 * self.scale**2 * pixels

    def cost(self, survey: Survey, knob: int) -> int:
        """MACs executed for K = `knob` cells, those of the survey and all overlap included."""
        return self._coarse_cost(survey) + knob * self.halves.cell_macs

    def whole_cost(self, survey: Survey) -> int:
        """MACs executed where the whole feature is refined at once."""
        return self._coarse_cost(survey) + self.halves.costs(*survey.size).refine

    def _coarse_cost(self, survey: Survey) -> int:
        height, width = survey.size
        rows = CELL * run_length(strip_rows(width, on_cpu=self.device.type == "cpu"))
        total = survey.macs
        for block in survey.blocks:
            top, bottom = CELL * block.top, min(height, CELL * block.bottom)
            for begin in range(top, bottom, rows):
                end = min(bottom, begin + rows)
                total += self.halves.coarse_macs(begin, end, survey.size)
            if block.feature is None:
                total += self.halves.feature_macs(top, bottom, survey.size)
        return total

    def at_knob(self, survey: Survey, knob: float) -> Allocation:
        """The paper's control: K cells, rounded, and no more than there are."""
        count = min(round(knob), len(survey.order))
        height, width = survey.size
        order = survey.order[:count]
        chosen = np.zeros(grid(height, width), bool)
        chosen.flat[order] = True
        return Allocation(count, survey.map, self.cost(survey, count), chosen, order, survey)

    def allocate(self, survey: Survey, budget: Budget) -> Allocation:
        """K cells, or that share of all cells; all at once where this costs less."""
        if budget.knob is not None:
            return self.at_knob(survey, budget.knob)
        some = self.at_knob(survey, (budget.share or 0.0) * len(survey.order))
        cost = self.whole_cost(survey)
        if some.macs < cost:
            return some
        every = self.at_knob(survey, len(survey.order))
        return replace(every, macs=cost, whole=True)

    def execute(self, x: Tensor, allocation: Allocation, *, region: Region, strip: int) -> MaskPass:
        """A pass over a region of the picture x (H, W, 3)."""
        return MaskPass(self.halves, x, allocation, region=region, strip=strip)


def parts(height: int, width: int) -> list[tuple[int, int]]:
    """Rows top..bottom - 1 of about equal parts of BLOCK_PIXELS at most, whole cells each."""
    rows = grid(height, width)[0]
    count = min(rows, -(-height * width // BLOCK_PIXELS))
    ends = [CELL * (rows * i // count) for i in range(count)]
    return list(zip(ends, [*ends[1:], height], strict=True))


def in_order(survey: Survey, order: Callable[[np.ndarray], np.ndarray]) -> Survey:
    """The survey with its cells in another order, to show what the mask is worth (Table 7)."""
    return replace(survey, order=order(survey.errors))


def at_random(errors: np.ndarray) -> np.ndarray:
    return np.random.default_rng(0).permutation(errors.size)


def smallest(errors: np.ndarray) -> np.ndarray:
    return np.argsort(errors, axis=None, kind="stable")


def largest(errors: np.ndarray) -> np.ndarray:
    return np.argsort(-errors, axis=None, kind="stable")


def build(description: Description) -> MaskGuided:
    family = description["family"]
    return MaskGuided(family, NETWORKS[family].Config(**description["network"]))


def describe(module: MaskGuided) -> dict:
    network = asdict(module.config)
    return {"scale": module.config.scale, "family": module.name, "network": network}


METHOD = Method(
    key="mask",
    kind=MaskGuided,
    build=build,
    describe=describe,
    upscaler=MaskUpscaler,
    title=lambda description: NETWORKS[description["family"]].TITLE,
    map=MapWords(
        key="error",
        name="Error map",
        question="Show where the work goes",
        unit="estimated remaining error",
        value="error {:.3f} at {}, {}",
        lines="Outlined cells are refined.",
    ),
    knob="K",
    variants={
        "largest": partial(in_order, order=largest),
        "random": partial(in_order, order=at_random),
        "smallest": partial(in_order, order=smallest),
    },
    studies=cell_studies.STUDIES,
)
