"""What an array of pixels shows of the cells of a picture, so that no cell is computed twice."""

import weakref
from collections.abc import Callable

import numpy as np

from engine.colour import as_rows, squares
from engine.networks.decomposed.cells import CELL, grid

UNKNOWN, COARSE, REFINED, WHOLE = range(4)  # what an array shows in a cell


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
        self._out = lambda: None  # until all below is there: memory may run out on the way
        self.shown = np.full(self.grid, UNKNOWN, np.uint8)
        self.known = np.zeros((3, rows, columns), bool)
        # What is never written takes no memory. Coarse pixels come in rows, refined ones in cells,
        # one behind the other as they are covered: a first touch of a page can take 0.2 ms.
        self._coarse = np.empty((rows * side, columns * side, 3), out.dtype)
        coarse = squares(self._coarse, side)
        self._kept = {COARSE: coarse, REFINED: np.empty((rows * columns, side), coarse.dtype)}
        self._slots, self._used = np.zeros(self.grid, np.int64), 0  # where refined ones are kept
        self._out = weakref.ref(out)

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
