"""Quality against budget on a folder of pictures, as the papers measure it."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.adaptive.mask import MaskUpscaler, Survey, reordered
from engine.colour import luma, to_pixels
from engine.errors import PictureError
from engine.metrics import psnr_y, spearman, ssim_y
from engine.networks.cells import CELL
from engine.pictures import Picture, read
from engine.plan import Budget, plan
from engine.run import load, run
from engine.training.data import SUFFIXES, reduce


@dataclass(frozen=True)
class Row:
    """Means over all pictures at one budget (percent; None for a native knob value)."""

    budget: float | None
    knob: float
    effort: float
    psnr_y: float
    ssim_y: float
    gmacs: float
    gmacs_full: float
    seconds: float


def pairs(high: Path, low: Path | None, scale: int) -> list[tuple[Picture, Picture]]:
    """High- and low-resolution pictures of one name; without `low` made by bicubic reduction."""
    paths = sorted(p for p in high.glob("*") if p.suffix.lower() in SUFFIXES)
    if not paths:
        raise PictureError(f"{high} holds no pictures.")
    found = []
    for path in paths:
        whole = read(path)
        height, width = (n - n % scale for n in whole.size)
        pixels = np.repeat(whole.pixels, 3, axis=2) if whole.grey else whole.pixels
        pixels = np.ascontiguousarray(pixels[:height, :width])
        small = read(low / path.name) if low else Picture(reduce(pixels, scale))
        if small.size != (height // scale, width // scale):
            raise PictureError(f"{low / path.name} is not {path} reduced by {scale}.")
        found.append((Picture(pixels), small))
    return found


def drain(generator: Any) -> Any:
    """Run a generator to its end and return its result."""
    while True:
        try:
            next(generator)
        except StopIteration as stop:
            return stop.value


def evaluate(
    upscaler: Any,
    files: list[tuple[Picture, Picture]],
    budgets: list[Budget],
    *,
    flat: bool = False,
    order: str | None = None,
) -> list[Row]:
    """PSNR and SSIM on Y at each budget, border = scale.

    `flat`: the same depth everywhere; `order`: cells in that order (`engine.adaptive.mask.ORDERS`).
    """
    measured: list[list[tuple[float, ...]]] = [[] for _ in budgets]
    for high, low in files:
        begun = time.perf_counter()
        x = load(upscaler, low)
        survey = upscaler.survey(x)
        surveyed = time.perf_counter() - begun
        if flat:
            survey = upscaler.survey_of(survey.content.new_ones(survey.size))
        if order:
            survey = reordered(survey, order)
        for rows, budget in zip(measured, budgets, strict=True):
            planned = plan(upscaler, survey, budget=budget)
            result = drain(run(upscaler, low, x=x, survey=survey, plan=planned))
            images = result.picture.pixels, high.pixels
            rows.append(
                (
                    planned.allocation.knob,
                    result.stats.effort,
                    psnr_y(*images, border=upscaler.scale),
                    ssim_y(*images, border=upscaler.scale),
                    result.stats.macs / 1e9,
                    result.stats.full_macs / 1e9,
                    surveyed + result.stats.seconds,
                )
            )
    percents = [None if b.effort is None else 100 * b.effort for b in budgets]
    return [
        Row(percent, *(float(v) for v in np.mean(rows, axis=0)))
        for percent, rows in zip(percents, measured, strict=True)
    ]


def correlation(upscaler: MaskUpscaler, files: list[tuple[Picture, Picture]]) -> float:
    """How well the mask orders the cells: Spearman's rank correlation of its values with what the
    Refine-Net changes in each cell, the mean over all pictures."""
    found = []
    for _, low in files:
        x = load(upscaler, low)
        survey = upscaler.survey(x)
        found.append(spearman(survey.errors, changes(upscaler, low, x, survey)))
    return float(np.mean(found))


def borders(upscaler: MaskUpscaler, files: list[tuple[Picture, Picture]]) -> tuple[float, float]:
    """Whether the borders of cells show: mean |Y(cells) - Y(whole)|, on a scale of 255, in the
    outermost pixels of the cells and in all others.

    Cells are all refined by themselves; the whole is the feature refined at once.
    """
    side, sums = CELL * upscaler.scale, np.zeros((2, 2))
    for _, low in files:
        x = load(upscaler, low)
        survey = upscaler.survey(x)
        cells = refined(upscaler, low, x, survey, len(survey.order))
        with torch.inference_mode():
            feature, _ = upscaler.halves.feature(x, 0, x.shape[0])
            whole = luma(to_pixels(upscaler.halves.whole(feature, x), np.uint16))
        places = np.arange(max(whole.shape)) % side
        edge = (places == 0) | (places == side - 1)
        border = edge[: whole.shape[0], None] | edge[: whole.shape[1]]
        for index, where in enumerate((border, ~border)):
            sums[index] += np.abs(cells - whole)[where].sum() / 257, where.sum()
    border, inside = sums[:, 0] / sums[:, 1]
    return float(border), float(inside)


def refined(
    upscaler: MaskUpscaler, low: Picture, x: Tensor, survey: Survey, count: int
) -> np.ndarray:
    """Y (sH, sW) with `count` cells refined, on a scale of 65535: finer than what is shown."""
    planned = plan(upscaler, survey, budget=Budget(knob=count))
    height, width = (upscaler.scale * n for n in survey.size)
    out = np.empty((height, width, 3), np.uint16)
    drain(run(upscaler, low, x=x, survey=survey, plan=planned, out=out))
    return luma(out)


def changes(upscaler: MaskUpscaler, low: Picture, x: Tensor, survey: Survey) -> np.ndarray:
    """Mean |Y(refined) - Y(coarse)| of each cell (rows, columns), on a scale of 65535."""
    rows, columns = survey.errors.shape
    side = CELL * upscaler.scale
    height, width = (upscaler.scale * n for n in survey.size)
    change = np.full((rows * side, columns * side), np.nan)
    none, every = (refined(upscaler, low, x, survey, n) for n in (0, survey.errors.size))
    change[:height, :width] = np.abs(every - none)
    return np.nanmean(change.reshape(rows, side, columns, side), axis=(1, 3))
