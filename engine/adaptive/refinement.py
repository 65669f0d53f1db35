"""One pass of the mask-guided method: coarse rows, then refined cells, most needed first.

Source: Hu et al., ECCV 2022, sections 3.3 and 3.4 (see `engine.adaptive.halves`). A refined cell
replaces the coarse one, without overlap or blending, as in the paper.

A `CellState` remembers what the array that a pass writes to shows. So a pass does only what the
array lacks: more cells refine the new ones alone, and fewer put coarse pixels back as they were.

Where all cells are refined, the Refine-Net looks at the whole feature at once, which costs less
than cell by cell and has no borders within.
"""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from engine import all_memory_kept
from engine.adaptive.cell_state import COARSE, REFINED, UNKNOWN, WHOLE, CellState
from engine.adaptive.contract import Part
from engine.adaptive.flat import flat_of
from engine.adaptive.halves import Feature, Halves
from engine.colour import Span, to_pixels
from engine.networks.decomposed.cells import CELL
from engine.tiling import Region

LARGE = 4  # strips' worth of coarse pixels are reconstructed at once
WAVES = 4  # a wave of cells is refined from top to bottom, the waves by falling errors


@dataclass(frozen=True)
class Block:
    """The rows of cells `top`..`bottom` - 1, and their feature where there is memory for it."""

    top: int
    bottom: int
    feature: Feature | None


class Surveyed(Protocol):
    """What a pass needs of the survey."""

    @property
    def blocks(self) -> tuple[Block, ...]: ...

    @property
    def state(self) -> CellState: ...


class Chosen(Protocol):
    """What a pass needs of an allocation: all cells at once (`whole`), or the chosen ones, by their
    numbers in `order`, the most needed first."""

    @property
    def map(self) -> Tensor: ...

    @property
    def chosen(self) -> np.ndarray: ...

    @property
    def order(self) -> np.ndarray: ...

    @property
    def whole(self) -> bool: ...

    @property
    def survey(self) -> Surveyed: ...


class MaskPass:
    """A pass over a region of the picture x (H, W, 3); see `contract.Pass`.

    `strip` rows of the picture are the measure for how much is computed at once. Coarse rows are
    computed in their whole width; cells are refined where the region touches them.
    """

    def __init__(
        self, halves: Halves, x: Tensor, allocation: Chosen, *, region: Region, strip: int
    ):
        self.halves, self.x, self.region = halves, x, region
        self.blocks, self.state = allocation.survey.blocks, allocation.survey.state
        self.chosen, self.order, self.whole = allocation.chosen, allocation.order, allocation.whole
        self.map = allocation.map[region.rows, region.columns]
        self.rows = run_length(strip)
        self.batch = max(1, strip * x.shape[1] // (CELL + 2) ** 2)
        self.macs, self.span = 0, Span()
        self.flat = flat_of(x, Region(0, x.shape[0], 0, x.shape[1]))
        self._recomputed: tuple[Block, Feature] | None = None

    @torch.inference_mode()
    def work(self, out: np.ndarray) -> Iterator[Part]:
        """See `contract.Pass`. What is left is always the whole region, because what is done
        already is not done again."""
        self.state.begin(out)
        steps = list(self._steps(out))
        total, done = sum(weight for weight, _ in steps), 0
        # Coarse rows are of large arrays, and what these leave goes back before cells are refined,
        # whose memory is then there for the cells of the next pass as well.
        for coarse, some in groupby(steps, key=lambda step: step[1].func == self._coarse):
            with all_memory_kept() if coarse else nullcontext():
                for weight, step in some:
                    placed = step()
                    done += weight
                    yield Part(placed, self.region, done / total)

    def _steps(self, out: np.ndarray) -> Iterator[tuple[int, partial[Region]]]:
        """What there is to do, each with its weight: about its MACs."""
        shown, known, region = self.state.shown, self.state.known, self.region
        inside = np.zeros(shown.shape, bool)
        rows = slice(region.top // CELL, -(-region.bottom // CELL))
        inside[rows, region.left // CELL : -(-region.right // CELL)] = True
        restorable = known[COARSE] | self.chosen | (shown == COARSE)
        lacking = np.zeros(shown.shape[0], bool)
        lacking[rows] = ((shown == UNKNOWN) | (inside & ~restorable))[rows].any(axis=1)
        now = np.where(lacking[:, None], COARSE, shown)
        wanted = np.where(self.chosen, WHOLE if self.whole else REFINED, COARSE)
        wrong = inside & (now != wanted)
        fresh = wrong & self.chosen & ~known[REFINED]

        kept = [block for block in self.blocks if block.feature]
        for group in [kept, *([block] for block in self.blocks if not block.feature)]:
            for block in group:
                for top, bottom in runs(lacking, block, self.rows):
                    weight = (bottom - top) * self._row_weight()
                    yield weight, partial(self._coarse, block, top, bottom, out)
            if self.whole:
                for block in group:
                    if wrong[block.top : block.bottom].any():
                        weight = (block.bottom - block.top) * self._row_weight()
                        yield weight, partial(self._at_once, block, out)
                continue
            within = np.zeros(shown.shape, bool)
            for block in group:
                within[block.top : block.bottom] = True
            for level in (COARSE, REFINED):
                again = np.nonzero(wrong & ~fresh & within & (wanted == level))
                if again[0].size:
                    yield again[0].size, partial(self._again, again[0], again[1], level, out)
            todo = self.order[(fresh & within).flat[self.order]]
            for block, batch in batches(todo, group, shown.shape[1], self.batch):
                weight = len(batch) * (self.halves.cell_macs + 1)
                yield weight, partial(self._refine, block, batch, out)

    def _row_weight(self) -> int:
        width = self.x.shape[1]
        return self.halves.base.tail_macs(CELL, width) + width

    def _coarse(self, block: Block, top: int, bottom: int, out: np.ndarray) -> Region:
        """Compute and show coarse rows of cells."""
        end = min(CELL * bottom, self.x.shape[0])
        y, macs = self.halves.coarse(self._feature(block), self.x, CELL * top, end)
        self.macs += macs
        self.span.include(y)
        pixels = self._pixels(y, CELL * top, out.dtype)
        self.state.show_rows(top, bottom, COARSE, pixels, keep=block.feature is not None)
        begin = top * self.state.side
        return Region(begin, begin + pixels.shape[0], 0, pixels.shape[1])

    def _pixels(self, y: Tensor, top: int, dtype: np.dtype) -> np.ndarray:
        """Rows y (sh, sW, 3) of the picture from row `top` on, rounded, but for what is flat."""
        pixels, scale = to_pixels(y, dtype), self.halves.scale
        self.flat.below(top).above(pixels.shape[0] // scale).restore(pixels, scale)
        return pixels

    def _at_once(self, block: Block, out: np.ndarray) -> Region:
        """Refine all cells of a block together."""
        end = min(CELL * block.bottom, self.x.shape[0])
        y, macs = self.halves.whole(self._feature(block), self.x, CELL * block.top, end)
        self.macs += macs
        self.span.include(y)
        pixels = self._pixels(y, CELL * block.top, out.dtype)
        self.state.show_rows(block.top, block.bottom, WHOLE, pixels)
        begin = block.top * self.state.side
        return Region(begin, begin + pixels.shape[0], 0, pixels.shape[1])

    def _again(self, rows: np.ndarray, columns: np.ndarray, level: int, out: np.ndarray) -> Region:
        """Show cells that were computed before."""
        self.state.restore(rows, columns, level)
        return bounding(rows, columns, self.state.side, out.shape)

    def _refine(self, block: Block, batch: np.ndarray, out: np.ndarray) -> Region:
        """Refine cells, given by their numbers in the picture."""
        rows, columns = np.divmod(batch, self.state.grid[1])
        where = (torch.from_numpy(i).to(self.x.device) for i in (rows, columns))
        y, macs = self.halves.refined(self._feature(block), self.x, *where)
        self.macs += macs
        self.span.include(y)
        pixels = to_pixels(y, out.dtype)
        flat = self.flat.cells(rows, columns, CELL)
        flat.restore(pixels.reshape(-1, *pixels.shape[2:]), self.halves.scale)
        self.state.show(rows, columns, pixels)
        return bounding(rows, columns, self.state.side, out.shape)

    def _feature(self, block: Block) -> Feature:
        """That of the survey, or the one computed again for the block that is worked on."""
        if block.feature:
            return block.feature
        if self._recomputed is None or self._recomputed[0] is not block:
            self._recomputed = None  # first give its memory back
            end = min(CELL * block.bottom, self.x.shape[0])
            feature, macs = self.halves.feature(self.x, CELL * block.top, end)
            self.macs += macs
            self._recomputed = block, feature
        return self._recomputed[1]


def run_length(strip: int) -> int:
    """How many rows of cells are reconstructed at once where strips have so many rows."""
    return max(1, LARGE * strip // CELL)


def runs(lacking: np.ndarray, block: Block, longest: int) -> Iterator[tuple[int, int]]:
    """Runs top..bottom - 1 of True among the rows of a block, of at most `longest` rows."""
    top = block.top
    while top < block.bottom:
        bottom = top
        while bottom < block.bottom and lacking[bottom] and bottom - top < longest:
            bottom += 1
        if bottom > top:
            yield top, bottom
        top = max(bottom, top + 1)


def batches(
    todo: np.ndarray, group: list[Block], columns: int, size: int
) -> Iterator[tuple[Block, np.ndarray]]:
    """Cells, the most needed first, as batches of at most `size` of one block.

    Every wave holds larger errors than the next and runs from top to bottom, so that a batch lies
    in few rows of the picture.
    """
    length = max(size, -(-len(todo) // WAVES))
    for start in range(0, len(todo), length):
        wave = np.sort(todo[start : start + length])
        for block in group:
            part = wave[(wave >= block.top * columns) & (wave < block.bottom * columns)]
            for index in range(0, len(part), size):
                yield block, part[index : index + size]


def bounding(rows: np.ndarray, columns: np.ndarray, side: int, shape: tuple[int, ...]) -> Region:
    """The least region of a picture of `shape` pixels that holds the cells."""
    return Region(
        int(rows.min()) * side,
        min(shape[0], (int(rows.max()) + 1) * side),
        int(columns.min()) * side,
        min(shape[1], (int(columns.max()) + 1) * side),
    )
