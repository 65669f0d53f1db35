"""Mask-guided acceleration: the whole picture coarsely, and the cells with the largest errors anew.

Source: Hu et al., "Restore Globally, Refine Locally: A Mask-Guided Scheme to Accelerate
Super-Resolution Networks", ECCV 2022, section 3.

The Base-Net makes a feature of the whole picture, once; from it come the coarse picture and the
error mask, one value for each cell of 4 x 4 pixels. The Refine-Net computes the K cells with the
largest values of the whole picture anew (section 3.3). K is the knob.

An effort is a share of all cells. MACs are compared with those of the decomposed network (D-Net),
which refines the whole feature at once: no cell at all costs the Base-Net's part of them, and all
cells, one by one, more than all of them, because their halos overlap.

Deviations:

* Of equal errors the cell further up, and further left, comes first; the paper does not say.
* K may follow the size of the picture, as a share of its cells; in the paper it is one number.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from engine import kernels
from engine.adaptive.halves import Feature, Halves
from engine.adaptive.refinement import Block, Refinement, Session, run_length
from engine.colour import Span
from engine.networks.cells import CELL, grid
from engine.networks.mga import MaskGuided
from engine.tiling import Region, strip_rows

BLOCK_PIXELS = 1 << 20  # a feature is computed at once for so many pixels, in 1 to 2 GiB
KEPT_BYTES = 1 << 30  # of features and pixels that are kept; what is beyond is computed again
ORDERS = ("largest", "random", "smallest")


@dataclass(frozen=True)
class Survey:
    """What is known of a picture before any budget, and the session that works on it.

    `errors` (rows, columns) float32 is the mask, `map` (H, W) the same for every pixel. `order`
    holds the numbers of all cells, row by row from 0 on, in the order in which they are refined.
    `macs` are those executed.
    """

    size: tuple[int, int]
    errors: np.ndarray
    map: Tensor
    order: np.ndarray
    blocks: tuple[Block, ...]
    session: Session
    macs: int


@dataclass(frozen=True)
class Allocation:
    """K chosen cells, and what the picture costs with them.

    `chosen` (rows, columns) bool; `order` their numbers, the most needed first. `map` (H, W) float
    is the error mask, estimated before any refinement.
    """

    knob: float
    map: Tensor
    macs: int
    chosen: np.ndarray
    order: np.ndarray
    survey: Survey


class MaskUpscaler:
    """A MaskGuided network ready to run. The knob is K, the number of refined cells.

    `dtype` is that of the products; None takes bfloat16 where the processor multiplies it.
    """

    knob_name, knob_unit, map_name = "K", "estimated remaining error", "error"
    map_from_run = False

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
            errors, more = self.halves.errors(feature, top, bottom)
            executed += macs + more
            masks.append(errors)
            free -= self._kept_bytes(feature)
            feature = feature if free >= 0 else None
            blocks.append(Block(top // CELL, -(-bottom // CELL), feature))
        mask = torch.cat(masks)
        Span().include(mask)
        errors = mask.cpu().numpy()
        session = Session(size, self.scale)
        order = np.argsort(-errors, axis=None, kind="stable")
        whole = np.repeat(np.repeat(errors, CELL, axis=0), CELL, axis=1)[:height, :width]
        shown = torch.from_numpy(np.ascontiguousarray(whole))
        return Survey(size, errors, shown, order, tuple(blocks), session, executed)

    def _kept_bytes(self, feature: Feature) -> int:
        """Of a feature, and of the coarse and refined pixels that a session adds (8 bits each)."""
        pixels = (feature.bottom - feature.top) * feature.width
        return feature.bytes + 2 * 3 * self.scale**2 * pixels

    def cost(self, survey: Survey, knob: int) -> int:
        """MACs executed for K = `knob` cells, those of the survey and all overlap included."""
        height, width = survey.size
        rows = CELL * run_length(strip_rows(width, on_cpu=self.device.type == "cpu"))
        total = survey.macs + knob * self.halves.cell_macs
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

    def at_effort(self, survey: Survey, effort: float) -> Allocation:
        """That share 0..1 of all cells."""
        return self.at_knob(survey, effort * len(survey.order))

    def execute(
        self, x: Tensor, allocation: Allocation, *, region: Region, strip: int
    ) -> Refinement:
        """A pass over a region of the picture x (H, W, 3); see `Refinement.place`."""
        return Refinement(self.halves, x, allocation, region=region, strip=strip)


def parts(height: int, width: int) -> list[tuple[int, int]]:
    """Rows top..bottom - 1 of about equal parts of BLOCK_PIXELS at most, whole cells each."""
    rows = grid(height, width)[0]
    count = min(rows, -(-height * width // BLOCK_PIXELS))
    ends = [CELL * (rows * i // count) for i in range(count)]
    return list(zip(ends, [*ends[1:], height], strict=True))


def reordered(survey: Survey, by: str, *, seed: int = 0) -> Survey:
    """The survey with its cells in another order, to show what the mask is worth (Table 7).

    `by` is one of ORDERS: the largest errors first, or the smallest, or any.
    """
    count = survey.errors.size
    order = {
        "largest": lambda: np.argsort(-survey.errors, axis=None, kind="stable"),
        "random": lambda: np.random.default_rng(seed).permutation(count),
        "smallest": lambda: np.argsort(survey.errors, axis=None, kind="stable"),
    }[by]()
    return replace(survey, order=order)
