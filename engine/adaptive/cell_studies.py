"""What the cells of a mask-guided network are worth: its mask judged, and its borders measured.

Source: Hu et al., ECCV 2022 (see `engine.adaptive.mask`), sections 4.3 and 4.4.
"""

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from engine.adaptive.contract import AnyUpscaler, Study
from engine.adaptive.halves import Halves
from engine.budget import Budget
from engine.colour import luma, to_pixels
from engine.metrics import spearman
from engine.networks.decomposed.cells import CELL
from engine.tiling import Region, strip_rows


class WithCells(Protocol):
    """What of the survey is judged."""

    errors: np.ndarray


class WithHalves(AnyUpscaler, Protocol):
    """What of the upscaler is compared."""

    halves: Halves


def correlation(upscaler: WithHalves, x: Tensor) -> dict[str, float]:
    """How well the mask orders the cells: Spearman's rank correlation of its values with what the
    Refine-Net changes in each cell."""
    survey = upscaler.survey(x)
    return {"correlation": spearman(survey.errors, changes(upscaler, x, survey))}


def borders(upscaler: WithHalves, x: Tensor) -> dict[str, float]:
    """Whether the borders of cells show: mean |Y(cells) - Y(whole)|, on a scale of 255, in the
    outermost pixels of the cells and in all others.

    Cells are all refined by themselves; the whole is the feature refined at once.
    """
    survey, height = upscaler.survey(x), x.shape[0]
    cells = refined(upscaler, x, survey, survey.errors.size)
    with torch.inference_mode():
        feature, _ = upscaler.halves.feature(x, 0, height)
        y, _ = upscaler.halves.whole(feature, x, 0, height)
    difference = np.abs(cells - luma(to_pixels(y, np.dtype(np.uint16)))) / 257
    places = np.arange(max(difference.shape)) % (CELL * upscaler.scale)
    edge = (places == 0) | (places == CELL * upscaler.scale - 1)
    border = edge[: difference.shape[0], None] | edge[: difference.shape[1]]
    return {
        "border": float(difference[border].mean()),
        "inside": float(difference[~border].mean()),
    }


def refined(upscaler: WithHalves, x: Tensor, survey: WithCells, count: int) -> np.ndarray:
    """Y (sH, sW) with `count` cells refined, on a scale of 65535: finer than what is shown."""
    height, width = x.shape[:2]
    out = np.empty((upscaler.scale * height, upscaler.scale * width, 3), np.uint16)
    allocation = upscaler.allocate(survey, Budget(knob=count))
    strip = strip_rows(width, on_cpu=upscaler.device.type == "cpu")
    region = Region(0, height, 0, width)
    for _ in upscaler.execute(x, allocation, region=region, strip=strip).work(out):
        pass
    return luma(out)


def changes(upscaler: WithHalves, x: Tensor, survey: WithCells) -> np.ndarray:
    """Mean |Y(refined) - Y(coarse)| of each cell (rows, columns), on a scale of 65535."""
    rows, columns = survey.errors.shape
    side = CELL * upscaler.scale
    height, width = (upscaler.scale * n for n in x.shape[:2])
    change = np.full((rows * side, columns * side), np.nan)
    none, every = (refined(upscaler, x, survey, n) for n in (0, survey.errors.size))
    change[:height, :width] = np.abs(every - none)
    return np.nanmean(change.reshape(rows, side, columns, side), axis=(1, 3))


STUDIES = {
    "correlation": Study(
        "rank correlation of estimated and true errors of the cells: {correlation:.3f}", correlation
    ),
    "borders": Study(
        "cells refined by themselves differ from the whole, mean |Y| on a scale of 255, by\n"
        "{border:.3f} along their borders and {inside:.3f} inside",
        borders,
    ),
}
