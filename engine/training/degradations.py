"""What happens to photographs before people have them: blur, reduction, noise and JPEG.

A quarter of all pictures is reduced and nothing else, half goes through one round of blur, noise
and JPEG, a quarter through two. Source of the idea: Wang et al., "Real-ESRGAN: Training Real-World
Blind Super-Resolution with Pure Synthetic Data", ICCV Workshops 2021, section 3.1; the ranges are
narrower, those of ordinary photographs.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from engine.degrade import FULL_COLOUR, HALF_COLOUR, jpeg

RESIZERS = (Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)
BLUR, NOISE, QUALITY = 1.2, (1.0, 16.0), (38, 96)


@dataclass(frozen=True)
class Round:
    """One way through a camera, a program or the web.

    `size` is the side afterwards, as a multiple of that at the end. `blur` are the deviations
    across and down, in pixels of that size; `noise` the deviation in levels of 255, of mid-grey
    where it is `poisson`, equal in all channels where it is `grey`. `quality` is JPEG's; None is
    no JPEG.
    """

    size: float = 1.0
    resizer: Image.Resampling = Image.Resampling.BICUBIC
    blur: tuple[float, float] = (0.0, 0.0)
    noise: float = 0.0
    poisson: bool = False
    grey: bool = False
    quality: int | None = None
    subsampling: int = FULL_COLOUR


CLEAN = (Round(),)


def draw(rng: np.random.Generator) -> tuple[Round, ...]:
    """The rounds that a picture goes through; the last one ends at its final size."""
    kind = rng.random()
    if kind < 0.25:
        return CLEAN
    if kind < 0.75:
        return (draw_round(rng),)
    return draw_round(rng, size=rng.uniform(1.0, 2.0), share=0.5), draw_round(rng)


def draw_round(rng: np.random.Generator, *, size: float = 1.0, share: float = 1.0) -> Round:
    """One round; `share` brings its blur and noise down. Few have neither noise nor JPEG."""
    across = rng.uniform(0, BLUR) * share * (rng.random() < 0.35)
    down = across if rng.random() < 0.6 else across * rng.uniform(0.3, 1.0)
    noisy, packed = rng.random() < 0.5, rng.random() < 0.7
    return Round(
        size=size,
        resizer=RESIZERS[rng.choice(3, p=(0.2, 0.2, 0.6))],
        blur=(across, down),
        noise=float(np.exp(rng.uniform(*np.log(NOISE)))) * share if noisy else 0.0,
        poisson=rng.random() < 0.3,
        grey=rng.random() < 0.33,
        quality=int(rng.integers(*QUALITY)) if packed else None,
        subsampling=HALF_COLOUR if rng.random() < 0.6 else FULL_COLOUR,
    )


def degraded(
    high: np.ndarray, scale: int, rounds: tuple[Round, ...], rng: np.random.Generator
) -> np.ndarray:
    """The low-resolution partner of uint8 RGB (h, w, 3) after these rounds: (h/s, w/s, 3) uint8."""
    height, width = high.shape[0] // scale, high.shape[1] // scale
    pixels = high
    for index, one in enumerate(rounds):
        last = index == len(rounds) - 1
        side = 1.0 if last else one.size
        pixels = passed(pixels, (round(height * side), round(width * side)), one, rng)
    return pixels


def passed(
    pixels: np.ndarray, size: tuple[int, int], one: Round, rng: np.random.Generator
) -> np.ndarray:
    """uint8 RGB (H, W, 3) after one round, at `size` (height, width)."""
    if max(one.blur) > 0:
        factor = pixels.shape[0] / size[0]
        across, down = (max(sigma * factor, 1e-3) for sigma in one.blur)
        pixels = cv2.GaussianBlur(pixels, (0, 0), across, sigmaY=down)
    pixels = np.asarray(Image.fromarray(pixels).resize(size[::-1], one.resizer))
    if one.noise:
        pixels = noisy(pixels, one, rng)
    return pixels if one.quality is None else jpeg(pixels, one.quality, one.subsampling)


def noisy(pixels: np.ndarray, one: Round, rng: np.random.Generator) -> np.ndarray:
    """With Gaussian noise, which grows with the root of the light where it is `poisson`."""
    height, width = pixels.shape[:2]
    noise = rng.standard_normal((height, width, 1 if one.grey else 3), np.float32) * one.noise
    if one.poisson:
        noise = noise * np.sqrt(pixels / np.float32(128))
    return np.rint(pixels + noise).clip(0, 255).astype(np.uint8)
