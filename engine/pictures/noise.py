"""How noisy pixels are, by the standard deviation of the noise in grey levels of 255.

Noise lies under all of a picture, texture over some of it: the blocks of 8 x 8 pixels with the
least going on show the noise alone, or nearly. What texture is left in them is told from noise in
two ways, and the larger of the two results counts:

* white noise is as strong in the finest coefficients as in coarser ones, texture is weaker there;
* noise that a camera has smoothed is missing from the finest ones. In middling ones it is still as
  strong in many blocks as in the flattest few, whereas texture soon grows. As fine even texture
  looks like it, such noise counts for less.
"""

import numpy as np

from engine.pictures.blocks import SIDE, coefficients

FREQUENCY = np.add.outer(np.arange(SIDE), np.arange(SIDE))  # vertical and horizontal together
ORDER = (FREQUENCY >= 2) & (FREQUENCY <= 6)  # what tells how much is going on; shading does not
COARSE = (FREQUENCY >= 3) & (FREQUENCY <= 5)
MIDDLE = (FREQUENCY >= 5) & (FREQUENCY <= 8)
FINE = FREQUENCY >= 10
FLATTEST = 0.005  # share of the blocks
FLAT = 10  # times as many
FEWEST = 12  # blocks that tell anything
FALL = 5.0  # how much weaker texture is in fine coefficients than in coarse ones, as energy
GROWTH = 1.8  # how much stronger texture is in flat blocks than in the flattest, as energy
SMOOTHED = 0.8  # what smoothed noise counts for
CLIPPED = 1.0  # grey levels from black and white within which noise is cut off
ENOUGH = 0.1  # of the blocks
SPARED = 1 / 50, 1 / 4, 1  # the share of a block that may be clipped; more where few have less


def noise(values: np.ndarray, spacing: int = SIDE) -> float:
    """The noise in windows (N, h, w, C) float32 in 0..255; 0 where they are too small to tell.

    Blocks begin every `spacing` pixels. Channels count as pictures of their own.
    """
    blocks = _blocks(values, spacing)
    if len(blocks) <= FEWEST * FLAT:
        return 0.0
    energy = coefficients(blocks) ** 2
    count = max(FEWEST, round(FLATTEST * len(energy)))
    flattest, flat = _flattest(energy, count), _flattest(energy, FLAT * count)
    white = (FALL * flattest[FINE].mean() - flattest[COARSE].mean()) / (FALL - 1)
    smoothed = (GROWTH * flattest[MIDDLE].mean() - flat[MIDDLE].mean()) / (GROWTH - 1)
    return max(float(white), SMOOTHED**2 * float(smoothed), 0.0) ** 0.5


def _flattest(energy: np.ndarray, count: int) -> np.ndarray:
    """The mean energy (8, 8) of the blocks (n, 8, 8) with the least going on."""
    order = energy[:, ORDER].sum(axis=1)
    return energy[np.argpartition(order, count)[:count]].mean(axis=0)


def _blocks(values: np.ndarray, spacing: int) -> np.ndarray:
    """All blocks (n, 8, 8) in which noise would show: not exactly flat, and little clipped."""
    if min(values.shape[1:3]) < SIDE:
        return np.empty((0, SIDE, SIDE), np.float32)
    blocks = np.lib.stride_tricks.sliding_window_view(values, (SIDE, SIDE), axis=(1, 2))
    blocks = blocks[:, ::spacing, ::spacing].reshape(-1, SIDE * SIDE)
    blocks = blocks[np.ptp(blocks, axis=1) > 0]
    clipped = ((blocks <= CLIPPED) | (blocks >= 255 - CLIPPED)).mean(axis=1)
    for share in SPARED:
        usable = clipped <= share
        if usable.sum() > max(FEWEST * FLAT, ENOUGH * len(blocks)):
            break
    return blocks[usable].reshape(-1, SIDE, SIDE)
