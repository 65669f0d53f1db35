"""Flat stays flat: a place of one colour keeps it, at every budget and with every method."""

import numpy as np
import pytest
import torch

from engine import library
from engine.adaptive.flat import flat_of
from engine.budget import Budget
from engine.pictures import Picture
from engine.run import drain, upscale
from engine.tiling import Region

SHARES = (0.0, 0.25, 0.5, 1.0)


def screenshot(height: int = 41, width: int = 50) -> np.ndarray:
    """White paper up to the border, with a few letters of ink and a blue bar below."""
    pixels = np.full((height, width, 3), 255, np.uint8)
    rng = np.random.default_rng(0)
    pixels[10:15, 12:36] = rng.integers(0, 2, (5, 24, 1)) * 255
    pixels[-9:] = (20, 60, 200)
    return pixels


@pytest.fixture(scope="module", params=library.names())
def upscaler(request):
    return library.load(request.param, dtype=torch.float32)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_paper_stays_white_away_from_ink(upscaler, share, dtype):
    given = screenshot().astype(dtype) * (1 if dtype == np.uint8 else 257)
    made = drain(upscale(upscaler, Picture(given), Budget(share=share))).picture.pixels
    scale, limit = upscaler.scale, np.iinfo(dtype).max
    assert (made[: 8 * scale] == limit).all()  # the upper border, and its corners
    assert (made[:, : 10 * scale][: 28 * scale] == limit).all()
    assert (made[-7 * scale :] == given[-1, 0]).all()  # the lower border
    assert made[10 * scale : 15 * scale, 12 * scale : 36 * scale].min() < limit // 4  # ink is ink


def test_a_plain_picture_comes_out_plain(upscaler):
    plain = np.full((13, 22, 3), (30, 80, 220), np.uint8)
    for share in SHARES:
        made = drain(upscale(upscaler, Picture(plain), Budget(share=share))).picture.pixels
        assert (made == plain[0, 0]).all()


def test_what_is_flat_has_one_colour_two_pixels_around():
    x = torch.zeros(20, 30, 3)
    x[10, 14, 1] = 0.01
    found = flat_of(x, Region(0, 20, 0, 30)).where
    want = np.ones((20, 30), bool)
    want[8:13, 12:17] = False
    assert (found == want).all()
    part = flat_of(x, Region(9, 20, 13, 30))
    assert (part.where == want[9:, 13:]).all() and part.x.shape == (11, 17, 3)
