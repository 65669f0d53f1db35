"""One pass of the mask-guided method: coarse rows, then refined cells, most needed first.

Source: Hu et al., ECCV 2022, sections 3.3 and 3.4 (see `engine.adaptive.halves`). A refined cell
replaces the coarse one, without overlap or blending, as in the paper.

A `CellState` remembers what the array that a pass writes to shows. So a pass does only what the
array lacks: more cells refine the new ones alone, and fewer put coarse pixels back as they were.

Where all cells are refined, the Refine-Net looks at the whole feature at once, which costs less
than cell by cell and has no borders within.
"""

import weakref
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from engine import all_memory_kept
from engine.adaptive.contract import Part
from engine.adaptive.flat import flat_of
from engine.adaptive.halves import Feature, Halves
from engine.colour import Span, as_rows, squares, to_pixels
from engine.networks.decomposed.cells import CELL, grid
from engine.tiling import Region

UNKNOWN, COARSE, REFINED, WHOLE = range(4)  # what an array shows in a cell
LARGE = 4  # strips' worth of coarse pixels are reconstructed at once
WAVES = 4  # a wave of cells is refined from top to bottom, the waves by falling errors


@dataclass(frozen=True)
class Block:
    """The rows of cells `top`..`bottom` - 1, and their feature where there is memory for it."""

    top: int
    bottom: int
    feature: Feature | None


class CellState:
    """What one array of pixels shows, cell by cell, and what has been computed for it.

    It lasts as long as runs are given the same array; another array begins a new one.
    """

    def __init__(self, size: tuple[int, int], scale: int):
        self.grid, self.side = grid(*size), CELL * scale
        self._out: Callable[[], np.ndarray | None] = lambda: None

    def begin(self, out: np.ndarray) -> None:
        """Go on where the last pass over `out` (sH, sW, 3) has ended."""
        if self._out() is out:
            return
        rows, columns = self.grid
        side = self.side
        self._out = weakref.ref(out)
        self.shown = np.full(self.grid, UNKNOWN, np.uint8)
        self.known = np.zeros((3, rows, columns), bool)
        # What is never written takes no memory. Coarse pixels come in rows, refined ones in cells,
        # one behind the other as they are covered: a first touch of a page can take 0.2 ms.
        self._coarse = np.empty((rows * side, columns * side, 3), out.dtype)
        coarse = squares(self._coarse, side)
        self._kept = {COARSE: coarse, REFINED: np.empty((rows * columns, side), coarse.dtype)}
        self._slots, self._used = np.zeros(self.grid, np.int64), 0  # where refined ones are kept

    def restore(self, rows: np.ndarray, columns: np.ndarray, level: int) -> None:
        """Show cells as they were computed before."""
        if level == COARSE:
            self._keep_refined(rows, columns)
        where = (rows, columns) if level == COARSE else self._slots[rows, columns]
        self._show(rows, columns, level, self._kept[level][where])

    def show(self, rows: np.ndarray, columns: np.ndarray, pixels: np.ndarray) -> None:
        """Write refined cells (n, 4s, 4s, 3) into the array."""
        self._show(rows, columns, REFINED, as_rows(pixels.reshape(len(rows), -1), self.side))

    def _show(self, rows: np.ndarray, columns: np.ndarray, level: int, pixels: np.ndarray) -> None:
        whole, inside = self._inside(rows, columns)
        if inside.all():  # without a copy of the pixels
            whole[rows, columns] = pixels
        else:
            whole[rows[inside], columns[inside]] = pixels[inside]
            for index in np.flatnonzero(~inside):
                there = self._part(rows[index], columns[index])
                there[:] = self._square(pixels[index])[: there.shape[0], : there.shape[1]]
        self.shown[rows, columns] = level

    def _keep_refined(self, rows: np.ndarray, columns: np.ndarray) -> None:
        """Remember the refined among these cells before they are covered; until then the array
        itself does, and most are never covered."""
        new = (self.shown[rows, columns] == REFINED) & ~self.known[REFINED, rows, columns]
        rows, columns = rows[new], columns[new]
        kept, slots = self._kept[REFINED], self._used + np.arange(len(rows))
        self._slots[rows, columns] = slots
        self._used += len(rows)
        whole, inside = self._inside(rows, columns)
        kept[slots[inside]] = whole[rows[inside], columns[inside]]
        for index in np.flatnonzero(~inside):
            there = self._part(rows[index], columns[index])
            self._square(kept[slots[index]])[: there.shape[0], : there.shape[1]] = there
        self.known[REFINED, rows, columns] = True

    def _inside(self, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """All cells that lie within the array as a whole, and which of the given ones do."""
        whole = squares(self._array(), self.side)
        return whole, (rows < whole.shape[0]) & (columns < whole.shape[1])

    def _array(self) -> np.ndarray:
        """The array that is written to; whoever lets a pass work holds it."""
        out = self._out()
        assert out is not None
        return out

    def _part(self, row: int, column: int) -> np.ndarray:
        """What of the array lies in a cell."""
        top, left = row * self.side, column * self.side
        return self._array()[top : top + self.side, left : left + self.side]

    def _square(self, pixels: np.ndarray) -> np.ndarray:
        """The rows of one cell (4s,) as its pixels (4s, 4s, 3), in the same memory."""
        return pixels.view(self._coarse.dtype).reshape(self.side, self.side, 3)

    def show_rows(
        self, top: int, bottom: int, level: int, pixels: np.ndarray, *, keep: bool = False
    ) -> None:
        """Write the rows of cells top..bottom - 1 (pixels as in the picture), coarse or whole."""
        if level == WHOLE:
            rows, columns = np.nonzero(self.shown[top:bottom] == REFINED)
            self._keep_refined(rows + top, columns)
        place = slice(top * self.side, top * self.side + pixels.shape[0])
        self._array()[place] = pixels
        self.shown[top:bottom] = level
        if keep:
            self._coarse[place, : pixels.shape[1]] = pixels
            self.known[COARSE, top:bottom] = True


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
