"""Quality against budget on a folder of pictures, as the papers measure it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.adaptive.mask import reordered
from engine.errors import PictureError
from engine.metrics import psnr_y, ssim_y
from engine.pictures import Picture, read
from engine.pictures.formats import readable
from engine.plan import Budget
from engine.resize import reduce
from engine.run import drain, surveyed, upscale


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
    paths = sorted(p for p in high.glob("*") if p.suffix.lower() in readable())
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
        known = surveyed(upscaler, low)
        if flat:
            survey = known.survey
            known = replace(known, survey=upscaler.survey_of(survey.content.new_ones(survey.size)))
        if order:
            known = replace(known, survey=reordered(known.survey, order))
        for rows, budget in zip(measured, budgets, strict=True):
            result = drain(upscale(upscaler, low, budget, known=known))
            images = result.picture.pixels, high.pixels
            rows.append(
                (
                    result.knob,
                    result.stats.effort,
                    psnr_y(*images, border=upscaler.scale),
                    ssim_y(*images, border=upscaler.scale),
                    result.stats.macs / 1e9,
                    result.stats.full_macs / 1e9,
                    result.stats.seconds,
                )
            )
    percents = [None if b.effort is None else 100 * b.effort for b in budgets]
    return [
        Row(percent, *(float(v) for v in np.mean(rows, axis=0)))
        for percent, rows in zip(percents, measured, strict=True)
    ]
