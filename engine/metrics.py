"""PSNR and SSIM as super-resolution papers measure them: on Y, without a border."""

import cv2
import numpy as np

from engine.colour import luma

SSIM_WINDOW = 11  # pixels a side


def psnr_y(a: np.ndarray, b: np.ndarray, *, border: int) -> float:
    """PSNR in dB between the luma of two uint8 RGB pictures (H, W, 3); inf where they are equal."""
    difference = inner(luma(a) - luma(b), border)
    error = float(np.mean(difference**2))
    return float("inf") if error == 0 else 10 * np.log10(255**2 / error)


def ssim_y(a: np.ndarray, b: np.ndarray, *, border: int) -> float:
    """SSIM (Wang et al. 2004) of the luma: Gaussian window 11 x 11, sigma 1.5, valid part only."""
    x, y = inner(luma(a), border), inner(luma(b), border)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_x, mean_y = blurred(x), blurred(y)
    var_x, var_y = blurred(x * x) - mean_x**2, blurred(y * y) - mean_y**2
    covariance = blurred(x * y) - mean_x * mean_y
    above = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    below = (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    return float(np.mean(inner(above / below, SSIM_WINDOW // 2)))


def blurred(plane: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(plane, (SSIM_WINDOW, SSIM_WINDOW), 1.5)


def inner(plane: np.ndarray, border: int) -> np.ndarray:
    """A plane without `border` pixels on each side."""
    return plane[border : plane.shape[0] - border, border : plane.shape[1] - border]


def spearman(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's rank correlation, -1..1, of two arrays of one size; ties share their mean rank.

    0 where either is constant.
    """
    a, b = (_ranks(values) - (values.size + 1) / 2 for values in (one, other))
    spread = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / spread) if spread else 0.0


def _ranks(values: np.ndarray) -> np.ndarray:
    """1..n, flat."""
    _, inverse, counts = np.unique(values.ravel(), return_inverse=True, return_counts=True)
    return (counts.cumsum() - (counts - 1) / 2)[inverse]
