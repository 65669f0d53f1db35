"""What photographs suffer on their way to people: JPEG and noise, as `evaluate --degrade` asks."""

import io
from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image

FULL_COLOUR, HALF_COLOUR = 0, 2  # JPEG's 4:4:4 and 4:2:0, as Pillow numbers them


def jpeg(pixels: np.ndarray, quality: int, subsampling: int = HALF_COLOUR) -> np.ndarray:
    """uint8 RGB (H, W, 3) as JPEG gives it back."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(file))


def noisy(pixels: np.ndarray, sigma: float) -> np.ndarray:
    """uint8 RGB (H, W, 3) with Gaussian noise of so many levels of 255, always the same."""
    noise = np.random.default_rng(0).normal(0, sigma, pixels.shape)
    return np.rint(pixels + noise).clip(0, 255).astype(np.uint8)


DEGRADATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "none": lambda pixels: pixels,
    "jpeg75": partial(jpeg, quality=75),
    "jpeg50": partial(jpeg, quality=50),
    "noise5": partial(noisy, sigma=5.0),
    "noise15": partial(noisy, sigma=15.0),
}
