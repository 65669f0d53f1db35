"""Training pictures: a folder of photographs held in memory, and random patches from it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from engine.resize import reduce
from engine.training.degradations import degraded, draw

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}
STEP = 8  # low-resolution pixels from one patch whose worth is known to the next


@dataclass(frozen=True)
class Pair:
    """A high-resolution picture (sh, sw, 3) and its partner (h, w, 3), both uint8.

    Where the `worth` (rows, columns) of patches is known, that of the one whose corner is in
    (STEP row, STEP column), they are drawn in proportion to it.
    """

    high: np.ndarray
    low: np.ndarray
    worth: np.ndarray | None = None


def load_pairs(folders: list[Path], scale: int) -> list[Pair]:
    """Every picture below the folders, cropped to a multiple of the scale."""
    pairs = []
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES):
            high = np.asarray(Image.open(path).convert("RGB"))
            height, width = (n - n % scale for n in high.shape[:2])
            high = high[:height, :width]
            pairs.append(Pair(high, reduce(high, scale)))
    return pairs


def sample(
    pairs: list[Pair], rng: np.random.Generator, *, batch: int, patch: int, degrade: bool = False
) -> tuple[Tensor, Tensor]:
    """Random patches, flipped and turned: low (N, 3, p, p) and high (N, 3, sp, sp) in [0, 1].

    Every picture is drawn equally often, whatever its size, or as often as its patches are worth.
    With `degrade` what is low has gone through blur, noise and JPEG (see `degradations`).
    """
    scale = pairs[0].high.shape[0] // pairs[0].low.shape[0]
    lows, highs = [], []
    for pair in (pairs[i] for i in chosen(pairs, rng, batch)):
        top, left = corner(pair, rng, patch)
        if degrade:
            low = degraded_patch(pair, (top, left), patch, rng)
        else:
            low = pair.low[top : top + patch, left : left + patch]
        end = (top + patch) * scale, (left + patch) * scale
        high = pair.high[top * scale : end[0], left * scale : end[1]]
        turns, flip = int(rng.integers(4)), bool(rng.integers(2))
        lows.append(turned(low, turns, flip))
        highs.append(turned(high, turns, flip))
    return _tensor(lows), _tensor(highs)


MARGIN = 8  # a JPEG block: the blocks may lie anywhere in a patch, and it shows no border


def degraded_patch(
    pair: Pair, corner: tuple[int, int], patch: int, rng: np.random.Generator
) -> np.ndarray:
    """The low-resolution patch (p, p, 3) at (top, left), cut from a degraded larger one."""
    scale = pair.high.shape[0] // pair.low.shape[0]
    before = [min(n, MARGIN + int(rng.integers(MARGIN))) for n in corner]
    (top, left), (height, width) = (
        [n - b for n, b in zip(corner, before, strict=True)],
        [min(n + patch + MARGIN, most) for n, most in zip(corner, pair.low.shape, strict=False)],
    )
    region = pair.high[top * scale : height * scale, left * scale : width * scale, :3]
    low = degraded(np.ascontiguousarray(region), scale, draw(rng), rng)
    return low[before[0] : before[0] + patch, before[1] : before[1] + patch]


def chosen(pairs: list[Pair], rng: np.random.Generator, batch: int) -> np.ndarray:
    """The indices of the pictures that give a patch each."""
    if pairs[0].worth is None:
        return rng.integers(len(pairs), size=batch)
    means = np.array([pair.worth.mean() for pair in pairs if pair.worth is not None])
    return rng.choice(len(pairs), size=batch, p=means / means.sum())


def corner(pair: Pair, rng: np.random.Generator, patch: int) -> tuple[int, int]:
    """Where a patch begins in the low-resolution picture."""
    lowest, rightmost = (n - patch for n in pair.low.shape[:2])
    if pair.worth is None:
        return rng.integers(lowest + 1), rng.integers(rightmost + 1)
    share = pair.worth.ravel() / pair.worth.sum()
    row, column = divmod(rng.choice(share.size, p=share), pair.worth.shape[1])
    top, left = (STEP * n + rng.integers(STEP) for n in (row, column))
    return min(top, lowest), min(left, rightmost)


def turned(pixels: np.ndarray, turns: int, flip: bool) -> np.ndarray:
    """Turned to the left by `turns` right angles, and then perhaps flipped."""
    pixels = np.rot90(pixels, turns)
    return pixels[:, ::-1] if flip else pixels


def _tensor(patches: list[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(patches)).permute(0, 3, 1, 2).float().div_(255)
