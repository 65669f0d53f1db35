"""What the cells of a mask-guided network are worth: its mask judged, and its borders measured."""

from collections.abc import Iterable

import numpy as np
import torch

from engine.adaptive.mask import MaskUpscaler
from engine.colour import luma, to_pixels
from engine.metrics import spearman
from engine.networks.cells import CELL
from engine.pictures import Picture
from engine.plan import Budget
from engine.run import Surveyed, drain, surveyed, upscale


def correlation(upscaler: MaskUpscaler, files: Iterable[tuple[Picture, Picture]]) -> float:
    """How well the mask orders the cells: Spearman's rank correlation of its values with what the
    Refine-Net changes in each cell, the mean over all pictures."""
    found = []
    for _, low in files:
        known = surveyed(upscaler, low)
        found.append(spearman(known.survey.errors, changes(upscaler, low, known)))
    return float(np.mean(found))


def borders(
    upscaler: MaskUpscaler, files: Iterable[tuple[Picture, Picture]]
) -> tuple[float, float]:
    """Whether the borders of cells show: mean |Y(cells) - Y(whole)|, on a scale of 255, in the
    outermost pixels of the cells and in all others.

    Cells are all refined by themselves; the whole is the feature refined at once.
    """
    side, sums = CELL * upscaler.scale, np.zeros((2, 2))
    for _, low in files:
        known = surveyed(upscaler, low)
        cells = refined(upscaler, low, known, len(known.survey.order))
        with torch.inference_mode():
            feature, _ = upscaler.halves.feature(known.x, 0, low.height)
            whole = luma(to_pixels(upscaler.halves.whole(feature, known.x), np.uint16))
        places = np.arange(max(whole.shape)) % side
        edge = (places == 0) | (places == side - 1)
        border = edge[: whole.shape[0], None] | edge[: whole.shape[1]]
        for index, where in enumerate((border, ~border)):
            sums[index] += np.abs(cells - whole)[where].sum() / 257, where.sum()
    border, inside = sums[:, 0] / sums[:, 1]
    return float(border), float(inside)


def refined(upscaler: MaskUpscaler, low: Picture, known: Surveyed, count: int) -> np.ndarray:
    """Y (sH, sW) with `count` cells refined, on a scale of 65535: finer than what is shown."""
    height, width = (upscaler.scale * n for n in low.size)
    out = np.empty((height, width, 3), np.uint16)
    drain(upscale(upscaler, low, Budget(knob=count), known=known, out=out))
    return luma(out)


def changes(upscaler: MaskUpscaler, low: Picture, known: Surveyed) -> np.ndarray:
    """Mean |Y(refined) - Y(coarse)| of each cell (rows, columns), on a scale of 65535."""
    errors = known.survey.errors
    rows, columns = errors.shape
    side = CELL * upscaler.scale
    height, width = (upscaler.scale * n for n in low.size)
    change = np.full((rows * side, columns * side), np.nan)
    none, every = (refined(upscaler, low, known, n) for n in (0, errors.size))
    change[:height, :width] = np.abs(every - none)
    return np.nanmean(change.reshape(rows, side, columns, side), axis=(1, 3))
