"""Transparent pictures: what lies over two backgrounds tells colour and alpha.

A network is not linear: colours and alpha that pass through it apart do not fit each other along
the edges any more. So the picture is upscaled over white, W, and over black, K. For each pixel
W - K = 1 - alpha, and K is its colour times alpha: over both backgrounds the result is the
network's own picture, and nearly so over all others. Where a picture is opaque, or nothing of it is
to be seen, W says all; K is computed only where it is needed.
"""

from dataclasses import replace

import cv2
import numpy as np
import torch
from torch import Tensor

from engine.colour import grey, to_tensor
from engine.pictures import Picture
from engine.pictures.picture import BAND, bleed
from engine.tiling import Region

NEAR = np.ones((5, 5), np.uint8)  # the alpha of an upscaled pixel lies between those around it


def mixed(picture: Picture) -> bool:
    """Do the pixels of a picture differ in alpha?"""
    alpha = picture.alpha
    return alpha is not None and bool(alpha.min() != alpha.max())


def alpha_of(picture: Picture) -> np.ndarray:
    """The alpha (H, W) of a picture that has one."""
    assert picture.alpha is not None
    return picture.alpha


def over(picture: Picture, background: float, *, device: torch.device) -> Tensor:
    """A picture over a grey of 0..1 as the engine's (H, W, 3) tensor.

    One that has the same alpha everywhere passes as if it were opaque.
    """
    x = to_tensor(picture.pixels, device=device)
    if picture.alpha is None or not mixed(picture):
        return x
    share = to_tensor(picture.alpha[:, :, None], device=device)
    return x.sub_(background).mul_(share).add_(background)


def veil(picture: Picture) -> Region | None:
    """The part of a picture whose alpha one background does not tell; None where there is none.

    Where it is large it is the whole, because its borders would cost more than they save.
    """
    if picture.alpha is None or not mixed(picture):
        return None
    low, high = _reach(picture.alpha)
    unsure = (high > 0) & (low < np.iinfo(low.dtype).max)
    rows, columns = np.flatnonzero(unsure.any(axis=1)), np.flatnonzero(unsure.any(axis=0))
    part = Region(int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)
    whole = Region(0, picture.height, 0, picture.width)
    return part if 4 * part.area < whole.area else whole


def unveiled(picture: Picture, out: np.ndarray) -> Picture:
    """The upscaled picture from its pixels (sH, sW, 3), where its alpha is the same everywhere."""
    pixels, alpha = grey(out) if picture.grey else out, picture.alpha
    if alpha is not None:
        alpha = np.full(out.shape[:2], alpha[0, 0], alpha.dtype)
    return replace(picture, pixels=pixels, alpha=alpha)


def revealed(picture: Picture, white: np.ndarray, black: np.ndarray, part: Region) -> Picture:
    """The upscaled picture from its pixels (sH, sW, 3) over white, and over black within `part`.

    `part` is in pixels of `picture`.
    """
    size, scale = white.shape[:2], white.shape[0] // picture.height
    low, high = (
        cv2.resize(bound, size[::-1], interpolation=cv2.INTER_NEAREST)
        for bound in _reach(alpha_of(picture))
    )
    rows = slice(part.top * scale, part.bottom * scale)
    there = rows, slice(part.left * scale, part.right * scale)
    pixels, alpha = (grey(white) if picture.grey else white.copy()), high.copy()
    colours, alpha[there] = matted(
        white[there], black[there], white.dtype, reach=(low[there], high[there])
    )
    colours = grey(colours) if picture.grey else colours
    pixels[there] = np.where(low[there][:, :, None] == high.max(), pixels[there], colours)
    return replace(picture, pixels=covered(picture, pixels, alpha), alpha=alpha)


def matted(
    white: np.ndarray,
    black: np.ndarray,
    kind: np.dtype,
    *,
    reach: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Colours (H, W, C) and alpha (H, W) as uint8 or uint16 `kind` from the same over two grounds.

    `white` and `black` (H, W, C) are of one type, uint8 or uint16. `reach` is the least and the
    greatest alpha (H, W) of `kind` that a pixel may have.
    """
    limit, full = np.iinfo(white.dtype).max, np.iinfo(kind).max
    colours, alpha = np.empty(white.shape, kind), np.empty(white.shape[:2], kind)
    for top in range(0, len(white), BAND):
        rows = slice(top, top + BAND)
        w, k = (values[rows].astype(np.float32) / limit for values in (white, black))
        share = (1 - (w - k).mean(axis=2)).clip(0, 1)
        if reach is not None:
            low, high = (bound[rows] / np.float32(full) for bound in reach)
            share = share.clip(low, high)
        alpha[rows] = np.rint(share * full)
        share = share[:, :, None]
        seen = (w + k - 1 + share) / (2 * share.clip(min=1 / full))
        colours[rows] = np.rint(seen.clip(0, 1) * full)
    return colours, alpha


def covered(picture: Picture, pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Pixels made of a picture whose unseen ones take the colours around them."""
    hidden = alpha == 0
    if hidden.any():
        near, size = bleed(picture.pixels, alpha_of(picture)), alpha.shape[::-1]
        near = cv2.resize(near, size, interpolation=cv2.INTER_LINEAR)
        pixels[hidden] = near.reshape(pixels.shape)[hidden]
    return pixels


def _reach(alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest alpha around each pixel."""
    return cv2.erode(alpha, NEAR), cv2.dilate(alpha, NEAR)
