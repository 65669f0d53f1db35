"""A teacher's picture beside every training picture: a target without noise.

What no network can know of an original is noise to one that learns from it. The mean of what
several trained networks make of a picture in its eight orientations comes closer to the original
than any of them does alone, and holds none of that noise.

Sources: the mean over orientations is the self-ensemble of Lim et al., "Enhanced Deep Residual
Networks for Single Image Super-Resolution", CVPR Workshops 2017, section 3.4; to learn from what
trained networks give is Hinton et al., "Distilling the Knowledge in a Neural Network", 2015.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from hashlib import sha256
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from engine import library
from engine.adaptive.contract import AnyUpscaler
from engine.budget import FULL
from engine.colour import luma, to_pixels
from engine.pictures import Picture
from engine.resize import reduce
from engine.run import drain, upscale
from engine.training import smfanet
from engine.training.data import STEP, Pair, turned
from engine.training.drawn import page

Teacher = Callable[[np.ndarray], np.ndarray]  # (h, w, 3) uint8 -> (sh, sw, 3) uint8


def make_teacher(names: tuple[str, ...], device: torch.device, folder: Path | None) -> Teacher:
    """The one whose weights lie in `folder`, or else the mean of networks of the library."""
    path = folder / f"{names[0]}.safetensors" if folder else None
    if path and path.exists():
        network = smfanet.load(path, int(path.stem[-1])).to(device)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return partial(plain_picture, network)
    return partial(mean_picture, [library.load(name, device) for name in names])


@torch.inference_mode()
def plain_picture(network: smfanet.SMFANet, low: np.ndarray) -> np.ndarray:
    """What a network makes of a picture (h, w, 3) uint8, (sh, sw, 3) uint8."""
    x = torch.tensor(low).permute(2, 0, 1)[None].float().div_(255)
    y = network(x.to(next(network.parameters()).device))[0].permute(1, 2, 0)
    return to_pixels(y, np.dtype(np.uint8))


def taught(
    pairs: list[Pair], teacher: Teacher, folder: Path, *, patch: int, weigh: bool = True
) -> Iterator[Pair]:
    """Every pair, in `high` (sh, sw, 6) with the teacher's colours after those of the original.

    Its pictures are kept in `folder`, so that a resumed training need not wait for them again. To
    `weigh` is to tell by them what each `patch` is worth.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for pair in pairs:
        name = sha256(pair.low.tobytes()).hexdigest()  # the folders of photographs may change
        path = folder / f"{name}.png"
        if not path.exists():
            part = path.with_suffix(".part")
            Image.fromarray(teacher(pair.low)).save(part, "png", compress_level=1)
            part.replace(path)
        lesson = np.asarray(Image.open(path))
        both = np.concatenate([pair.high, lesson], axis=2)
        yield replace(pair, high=both, worth=worth(pair, lesson, patch) if weigh else None)


def drawn_pairs(count: int, scale: int, seed: int) -> list[Pair]:
    """Drawn pages, which are their own lesson: no teacher knows better."""
    rng = np.random.default_rng(seed)
    side = 576 // scale * scale
    pages = [page(rng, side) for _ in range(count)]
    return [Pair(np.concatenate([p, p], axis=2), reduce(p, scale)) for p in pages]


def worth(pair: Pair, lesson: np.ndarray, patch: int) -> np.ndarray:
    """By how many dB of luma the lesson beats bicubic interpolation, patch by patch, within bounds.

    On half of all patches of photographs by about one or less: there is little to learn from them.
    """
    height, width = pair.high.shape[:2]
    low = Image.fromarray(pair.low)
    bicubic = np.asarray(low.resize((width, height), Image.Resampling.BICUBIC))
    scale = height // pair.low.shape[0]
    original = luma(pair.high)
    first, last = (
        patch_means((original - luma(picture)) ** 2, STEP * scale, patch // STEP)
        for picture in (bicubic, lesson)
    )
    return np.clip(10 * np.log10((first + 0.5) / (last + 0.5)), *BOUNDS)


def patch_means(errors: np.ndarray, side: int, squares: int) -> np.ndarray:
    """The means over all patches of `squares` x `squares` squares of so many pixels' side."""
    rows, columns = (n // side for n in errors.shape)
    errors = errors[: rows * side, : columns * side].reshape(rows, side, columns, side)
    return sliding_window_view(errors.mean(axis=(1, 3)), (squares, squares)).mean(axis=(2, 3))


BOUNDS = 0.4, 5.0  # dB: every patch has its turn, and no few patches have all of them


def mean_picture(upscalers: list[AnyUpscaler], low: np.ndarray) -> np.ndarray:
    """The mean of all upscalers over eight orientations of a picture, (h, w, 3) -> (sh, sw, 3)."""
    total: np.ndarray = np.zeros(())
    for upscaler in upscalers:
        for turns, flip in product(range(4), (False, True)):
            y = upscaled(upscaler, turned(low, turns, flip))
            back = turns if flip else -turns  # a flipped one is turned back by turning on
            total = total + turned(y.astype(np.float32), back, flip)
    return np.rint(total / (8 * len(upscalers) * 257)).astype(np.uint8)


def upscaled(upscaler: AnyUpscaler, low: np.ndarray) -> np.ndarray:
    """In full, (h, w, 3) uint8 -> (sh, sw, 3) uint16, which rounds less than eight bits."""
    picture = Picture(low.astype(np.uint16) * 257)
    return drain(upscale(upscaler, picture, FULL)).picture.pixels
