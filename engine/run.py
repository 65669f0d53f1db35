"""From a picture and a plan to the upscaled picture: a generator of small events."""

import math
import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from engine.colour import grey, to_pixels, to_tensor
from engine.errors import UpscalerError
from engine.picture import Picture, bleed
from engine.plan import Plan
from engine.tiling import Region

RETRIES = 3  # out of memory: so often again with strips of half the height


@dataclass(frozen=True)
class StripDone:
    """Rows of the upscaled picture: `region` in its pixels, `progress` 0..1 over the whole run."""

    region: Region
    pixels: np.ndarray
    progress: float


@dataclass(frozen=True)
class Stats:
    """How a run went. MACs are executed ones, overlap and survey included."""

    macs: int
    full_macs: int
    seconds: float
    strip: int
    device: str
    dtype: str

    @property
    def effort(self) -> float:
        return self.macs / self.full_macs


@dataclass(frozen=True)
class Result:
    """The upscaled picture, the map (H, W) float32 of where the work went, and the stats."""

    picture: Picture
    map: np.ndarray
    stats: Stats


def load(upscaler: Any, picture: Picture) -> Tensor:
    """The picture as the engine's (H, W, 3) float tensor on the upscaler's device."""
    pixels = picture.pixels if picture.alpha is None else bleed(picture.pixels, picture.alpha)
    return to_tensor(pixels, device=upscaler.device)


def run(
    upscaler: Any,
    picture: Picture,
    *,
    x: Tensor,
    survey: Any,
    plan: Plan,
    out: np.ndarray | None = None,
) -> Generator[StripDone, None, Result]:
    """Compute the plan; closing the generator stops it between two strips.

    `out` (sH, sW, 3) of the picture's depth may be given, so that what it held before stays where
    nothing better has been computed yet. Raises UpscalerError where the network yields no picture.
    """
    begun = time.perf_counter()
    height, width = (n * upscaler.scale for n in plan.size)
    out = np.empty((height, width, 3), picture.pixels.dtype) if out is None else out
    total = sum(r.height * r.width for r in plan.regions)
    done, macs, span, strip = 0, survey.macs, Span(), plan.strip
    for region in plan.regions:
        retries = 0
        while region.height:
            front = None
            try:
                front = upscaler.execute(x, plan.allocation, region=region, strip=strip)
                for _, y in front.run():
                    span.include(y)
                    placed = _place(out, y, region, upscaler.scale)
                    done += y.shape[0] * y.shape[1]
                    region = replace(region, top=region.top + y.shape[0])
                    yield StripDone(placed, out[placed.rows, placed.columns], done / total)
            except (MemoryError, RuntimeError) as error:
                retries, strip = retries + 1, strip // 2
                if not _out_of_memory(error):
                    raise
                if retries > RETRIES or strip == 0:
                    raise UpscalerError(
                        "There is not enough memory for this picture; close other programs or "
                        "reduce it first."
                    ) from error
            finally:
                macs += front.macs if front else 0
    if span.constant and int(picture.pixels.max()) != int(picture.pixels.min()):
        raise UpscalerError(
            f"{upscaler.name} gave a picture of one colour; its weights are damaged."
        )
    stats = Stats(
        macs=macs,
        full_macs=upscaler.full_macs(plan.size),
        seconds=time.perf_counter() - begun,
        strip=strip,
        device=upscaler.device.type,
        dtype=upscaler.dtype,
    )
    return Result(finish(picture, out), plan.allocation.map.cpu().numpy(), stats)


class Span:
    """The range of all values seen, to tell a picture from what a broken network gives."""

    def __init__(self) -> None:
        self.low, self.high = float("inf"), float("-inf")

    def include(self, y: Tensor) -> None:
        low, high = (float(v) for v in y.aminmax())
        if not (math.isfinite(low) and math.isfinite(high)):
            raise UpscalerError(
                "The network gave values that are no numbers; its weights are damaged."
            )
        self.low, self.high = min(self.low, low), max(self.high, high)

    @property
    def constant(self) -> bool:
        return self.low == self.high


def _out_of_memory(error: Exception) -> bool:
    """PyTorch has a type of its own for the GPU and only a message for the CPU."""
    known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return known or "can't allocate memory" in str(error)


def _place(out: np.ndarray, y: Tensor, region: Region, scale: int) -> Region:
    """Round y (n, w, 3, s, s) into its place in `out`; returns that place, in pixels of `out`."""
    rows, width = y.shape[:2]
    pixels = to_pixels(y, out.dtype).transpose(0, 3, 1, 4, 2)
    pixels = pixels.reshape(rows * scale, width * scale, 3)
    top, left = region.top * scale, region.left * scale
    placed = Region(top, top + rows * scale, left, left + width * scale)
    out[placed.rows, placed.columns] = pixels
    return placed


def finish(picture: Picture, out: np.ndarray) -> Picture:
    """The upscaled pixels with all that the picture carries: greyness, alpha, profile, EXIF."""
    alpha = picture.alpha
    if alpha is not None:
        alpha = cv2.resize(alpha, (out.shape[1], out.shape[0]), interpolation=cv2.INTER_CUBIC)
    return replace(picture, pixels=grey(out) if picture.grey else out, alpha=alpha)
