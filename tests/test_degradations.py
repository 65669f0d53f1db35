"""Laws of what training does to photographs: seeded, and within what is asked."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from engine.cli import main
from engine.degrade import DEGRADATIONS, jpeg
from engine.resize import reduce
from engine.training.data import Pair, sample
from engine.training.degradations import (
    BLUR,
    CLEAN,
    NOISE,
    QUALITY,
    Round,
    degraded,
    draw,
    draw_round,
)
from engine.training.drawn import page


def photograph(side: int = 192) -> np.ndarray:
    coarse = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))


def test_the_same_seed_gives_the_same_pictures():
    high = photograph()
    for seed in range(12):
        one, two = (np.random.default_rng(seed) for _ in range(2))
        assert np.array_equal(degraded(high, 4, draw(one), one), degraded(high, 4, draw(two), two))


def test_what_is_drawn_lies_within_what_is_asked():
    rng = np.random.default_rng(1)
    drawn = [draw(rng) for _ in range(4000)]
    assert np.mean([rounds == CLEAN for rounds in drawn]) == pytest.approx(0.25, abs=0.03)
    assert np.mean([len(rounds) == 2 for rounds in drawn]) == pytest.approx(0.25, abs=0.03)
    lasts = [rounds[-1] for rounds in drawn if rounds != CLEAN]
    assert all(one.size == 1 for one in lasts)
    assert all(0 <= sigma <= BLUR for one in lasts for sigma in one.blur)
    assert all(one.noise == 0 or NOISE[0] <= one.noise <= NOISE[1] for one in lasts)
    qualities = [one.quality for one in lasts if one.quality is not None]
    assert min(qualities) >= QUALITY[0] and max(qualities) < QUALITY[1]
    noise_alone = [one for one in lasts if one.noise and one.quality is None]
    assert 0.1 < len(noise_alone) / len(lasts) < 0.2  # phones in the dark, scans


def test_a_clean_picture_is_only_reduced():
    high = photograph()
    assert np.array_equal(degraded(high, 4, CLEAN, np.random.default_rng(0)), reduce(high, 4))


@pytest.mark.parametrize("sigma", [2.0, 8.0, 16.0])
@pytest.mark.parametrize("grey", [False, True])
def test_noise_has_the_deviation_asked_for(sigma, grey):
    high = np.full((512, 512, 3), 128, np.uint8)
    one = Round(noise=sigma, grey=grey)
    low = degraded(high, 4, (one,), np.random.default_rng(2)).astype(float)
    assert low.std() == pytest.approx(sigma, rel=0.05)
    assert low.mean() == pytest.approx(128, abs=0.5)
    assert (np.ptp(low, axis=2).max() == 0) == grey


def test_poisson_noise_grows_with_the_light():
    one = Round(noise=8.0, poisson=True)
    dark, light = (
        degraded(np.full((512, 512, 3), level, np.uint8), 4, (one,), np.random.default_rng(3))
        for level in (32, 128)
    )
    assert light.std() / dark.std() == pytest.approx(2.0, rel=0.1)


def test_blur_takes_detail_away_as_far_as_asked():
    high, rng = photograph(), np.random.default_rng(0)
    steps = [
        np.abs(np.diff(degraded(high, 4, (Round(blur=(s, s)),), rng).astype(int), axis=0)).mean()
        for s in (0.0, 0.6, 1.2)
    ]
    assert steps == sorted(steps, reverse=True) and steps[2] > 0


def test_jpeg_is_pillows():
    low = reduce(photograph(), 4)
    errors = [np.abs(jpeg(low, quality, 2).astype(int) - low).mean() for quality in (40, 70, 95)]
    assert errors == sorted(errors, reverse=True)
    packed = degraded(photograph(), 4, (Round(quality=40, subsampling=2),), None)
    assert np.array_equal(packed, jpeg(low, 40, 2))


def test_a_first_round_is_milder_and_larger():
    rng = np.random.default_rng(4)
    firsts = [draw_round(rng, size=1.5, share=0.5) for _ in range(500)]
    assert max(one.noise for one in firsts) <= NOISE[1] / 2
    large = replace(firsts[0], size=1.5, quality=None)
    assert degraded(photograph(), 4, (large, Round()), rng).shape == (48, 48, 3)


def test_degraded_patches_show_the_same_place_as_their_originals():
    high = photograph(384)
    pair = Pair(high, reduce(high, 4))
    low, original = sample([pair], np.random.default_rng(5), batch=40, patch=24, degrade=True)
    assert low.shape == (40, 3, 24, 24) and original.shape == (40, 3, 96, 96)
    shrunk = original.unflatten(3, (24, 4)).unflatten(2, (24, 4)).mean((3, 5))
    assert float((low - shrunk).abs().mean()) < 0.05


def test_drawn_pages_hold_plain_paper_and_ink():
    pages = [page(np.random.default_rng(seed), 288) for seed in range(6)]
    assert all(p.shape == (288, 288, 3) and p.dtype == np.uint8 for p in pages)
    assert np.array_equal(pages[0], page(np.random.default_rng(0), 288))
    for p in pages:
        flat = (np.diff(p.astype(int), axis=1) == 0).all(axis=2).mean()
        assert 0.5 < flat < 0.999  # not empty, and not full


def test_evaluate_degrades_what_the_network_sees(tmp_path, capsys):
    folder = tmp_path / "originals"
    folder.mkdir()
    Image.fromarray(photograph()).save(folder / "a.png")
    found = {}
    for kind in DEGRADATIONS:
        command = ["evaluate", str(folder), "-b", "100", "--degrade", kind, "--json"]
        assert main(command) == 0
        document = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert document["degrade"] == kind
        found[kind] = document["rows"][0]["psnr_y"]
    assert found["none"] > found["jpeg75"] > found["jpeg50"]
    assert found["none"] > found["noise5"] > found["noise15"]


def test_noise_is_always_the_same():
    pixels = np.full((256, 256, 3), 128, np.uint8)
    made = DEGRADATIONS["noise15"](pixels)
    assert np.array_equal(made, DEGRADATIONS["noise15"](pixels))
    assert made.astype(float).std() == pytest.approx(15, rel=0.02)
