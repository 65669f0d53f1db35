"""Quality against budget on a folder of pictures, as the papers measure it."""

import os
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.adaptive.contract import AnyUpscaler, Study, Survey
from engine.budget import Budget
from engine.degrade import DEGRADATIONS
from engine.errors import PictureError, SettingsError
from engine.metrics import SSIM_WINDOW, psnr_y, ssim_y
from engine.pictures import Picture, read
from engine.pictures.formats import readable
from engine.pictures.picture import shallow
from engine.resize import reduce
from engine.run import drain, load, surveyed, upscale


@dataclass(frozen=True)
class Row:
    """Means over all pictures at one budget (percent; None for a native knob value)."""

    budget: float | None
    knob: float
    effort: float
    compute: float
    psnr_y: float
    ssim_y: float
    gmacs: float
    gmacs_full: float
    seconds: float


def sources(folder: Path) -> list[Path]:
    """The pictures of a folder, by name. Raises SettingsError where there are none."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be listed: {error.strerror}.") from None
    found = [folder / name for name in names if Path(name).suffix.lower() in readable()]
    if not found:
        raise SettingsError(f"{folder} holds no pictures.")
    return found


def pair(
    path: Path, low: Path | None, scale: int, *, degrade: str = "none"
) -> tuple[Picture, Picture]:
    """A picture and its low-resolution partner, both as colours of 8 bits.

    The partner has the same name in the folder `low`, or is made by bicubic reduction, and is then
    degraded (`engine.degrade.DEGRADATIONS`). Raises
    PictureError where they do not fit, or are too small to be measured.
    """
    pixels = colours(read(path))
    height, width = (n - n % scale for n in pixels.shape[:2])
    if min(height, width) < SSIM_WINDOW + 2 * scale:
        least = -(-(SSIM_WINDOW + 2 * scale) // scale) * scale
        raise PictureError(
            f"{path} is too small to be measured: it has {pixels.shape[1]} × {pixels.shape[0]} "
            f"pixels, and {least} a side are the least."
        )
    pixels = np.ascontiguousarray(pixels[:height, :width])
    if low is None:
        return Picture(pixels), Picture(DEGRADATIONS[degrade](reduce(pixels, scale)))
    small = Picture(DEGRADATIONS[degrade](colours(read(low / path.name))))
    if small.size != (height // scale, width // scale):
        raise PictureError(f"{low / path.name} is not {path} reduced by {scale}.")
    return Picture(pixels), small


def colours(picture: Picture) -> np.ndarray:
    """Pixels (H, W, 3) uint8 of any picture, without its alpha."""
    pixels = shallow(picture.pixels)
    return np.repeat(pixels, 3, axis=2) if picture.grey else pixels


Variant = Callable[[Any], Survey]  # takes a survey of the upscaler's method


def unchanged(survey: Survey) -> Survey:
    return survey


def evaluate(
    upscaler: AnyUpscaler,
    files: Iterable[tuple[Picture, Picture]],
    budgets: list[Budget],
    *,
    variant: Variant = unchanged,
) -> list[Row]:
    """The means of `measure` over all pairs of pictures."""
    measured = [measure(upscaler, *pair, budgets, variant=variant) for pair in files]
    return means(measured)


def measure(
    upscaler: AnyUpscaler,
    high: Picture,
    low: Picture,
    budgets: list[Budget],
    *,
    variant: Variant = unchanged,
) -> list[Row]:
    """PSNR and SSIM on Y of one picture at each budget, border = scale.

    `variant` changes the survey first, to show what the map is worth.
    """
    known = surveyed(upscaler, low)
    known = replace(known, survey=variant(known.survey))
    rows = []
    for budget in budgets:
        result = drain(upscale(upscaler, low, budget, known=known))
        images = result.picture.pixels, high.pixels
        rows.append(
            Row(
                budget=None if budget.share is None else 100 * budget.share,
                knob=result.knob,
                effort=result.stats.compute,
                compute=result.stats.compute,
                psnr_y=psnr_y(*images, border=upscaler.scale),
                ssim_y=ssim_y(*images, border=upscaler.scale),
                gmacs=result.stats.macs / 1e9,
                gmacs_full=result.stats.full_macs / 1e9,
                seconds=result.stats.seconds,
            )
        )
    return rows


def means(measured: list[list[Row]]) -> list[Row]:
    """One row a budget: the mean of the rows of all pictures."""
    found = []
    for rows in zip(*measured, strict=True):
        values = np.mean([astuple(row)[1:] for row in rows], axis=0)
        found.append(Row(rows[0].budget, *(float(value) for value in values)))
    return found


def study(
    upscaler: AnyUpscaler, files: Iterable[tuple[Picture, Picture]], one: Study
) -> dict[str, float]:
    """The means of a study's numbers over all low-resolution pictures."""
    found = [one.measure(upscaler, load(upscaler, low)) for _, low in files]
    return {key: float(np.mean([numbers[key] for numbers in found])) for key in found[0]}
