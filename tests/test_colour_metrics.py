"""Numbers inside, pixels outside; PSNR and SSIM against scikit-image."""

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from engine.colour import colourise, grey, luma, to_pixels, to_tensor
from engine.metrics import inner, psnr_y, ssim_y


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pixels_survive_the_way_in_and_out(dtype):
    pixels = np.random.default_rng(0).integers(
        0, np.iinfo(dtype).max, (7, 9, 3), dtype, endpoint=True
    )
    tensor = to_tensor(pixels)
    assert tensor.dtype == torch.float32 and tensor.min() >= 0 and tensor.max() <= 1
    assert (to_pixels(tensor, dtype) == pixels).all()


def test_grey_goes_in_as_three_equal_channels_and_comes_out_as_one():
    pixels = np.arange(35, dtype=np.uint8).reshape(5, 7, 1)
    tensor = to_tensor(pixels)
    assert tensor.shape == (5, 7, 3)
    assert (grey(to_pixels(tensor, np.uint8)) == pixels).all()


def test_values_beyond_the_range_are_clamped():
    assert to_pixels(torch.tensor([-1.0, 0.5, 2.0]), np.uint8).tolist() == [0, 128, 255]


def test_luma_of_black_and_white_is_studio_range():
    pair = np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)
    assert luma(pair) == pytest.approx(np.array([[16.0, 235.0]]))


def test_metrics_agree_with_scikit_image():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    b = np.clip(a + rng.normal(0, 20, a.shape), 0, 255).astype(np.uint8)
    x, y = inner(luma(a), 4), inner(luma(b), 4)
    assert psnr_y(a, b, border=4) == pytest.approx(peak_signal_noise_ratio(x, y, data_range=255))
    _, full = structural_similarity(
        x,
        y,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    assert ssim_y(a, b, border=4) == pytest.approx(inner(full, 5).mean(), abs=1e-6)
    assert psnr_y(a, a, border=4) == float("inf") and ssim_y(a, a, border=4) == pytest.approx(1)


def test_a_map_is_coloured_from_low_to_high():
    shades = colourise(np.array([[-1.0, 0.0, 8.0, 16.0, 99.0]]), 0, 16)
    assert (shades[0, 0] == shades[0, 1]).all() and (shades[0, 3] == shades[0, 4]).all()
    assert not (shades[0, 1] == shades[0, 2]).all() and shades.dtype == np.uint8
