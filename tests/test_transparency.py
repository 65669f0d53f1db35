"""Transparent pictures look over any background as if that composite had been upscaled."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from engine import library
from engine.budget import Budget
from engine.pictures import Picture
from engine.plan import plan
from engine.resize import resized
from engine.run import load, run
from engine.settings import choose_device
from engine.tiling import Region
from engine.transparency import veil

BACKGROUNDS = {"black": (0, 0, 0), "white": (1, 1, 1), "green": (0.1, 0.7, 0.2), "grey": (0.5,) * 3}


@pytest.fixture(scope="module")
def upscalers():
    return {name: library.load(name, choose_device("cpu")) for name in ("adaedsr-x4", "rfdn-m-x4")}


def shadowed(dtype=np.uint8, size=48) -> Picture:
    """A white ring with a soft black shadow; what cannot be seen is red."""
    y, x = np.mgrid[0:size, 0:size] - size / 2
    ring = np.clip(size / 5 - abs(np.hypot(y, x) - size / 5) - size / 10, 0, 1)
    shadow = 0.5 * cv2.GaussianBlur(np.roll(ring, (3, 3), (0, 1)), None, 1.5)
    alpha = ring + (1 - ring) * shadow
    colour = np.where(alpha > 1 / 510, ring / np.maximum(alpha, 1e-9), 1)[:, :, None]
    colour = np.where(alpha[:, :, None] > 1 / 510, colour.repeat(3, axis=2), (1, 0, 0))
    limit = np.iinfo(dtype).max
    return Picture(*(np.rint(v * limit).astype(dtype) for v in (colour, alpha)))


def composite(picture: Picture, background: tuple[float, ...]) -> np.ndarray:
    """Pixels of a picture over a background, float on a scale of 255."""
    limit = np.iinfo(picture.pixels.dtype).max
    share = picture.alpha[:, :, None] / limit
    return picture.pixels * share * (255 / limit) + 255 * np.array(background) * (1 - share)


def laid(picture: Picture, background: tuple[float, ...]) -> Picture:
    limit = np.iinfo(picture.pixels.dtype).max
    flat = composite(picture, background) * (limit / 255)
    return Picture(np.rint(flat).astype(picture.pixels.dtype))


def upscale(upscaler, picture, *, first=None, events=None):
    x = load(upscaler, picture)
    survey = upscaler.survey(x)
    planned = plan(upscaler, survey, budget=Budget(share=0.5), first=first)
    generator = run(upscaler, picture, x=x, survey=survey, plan=planned)
    while True:
        try:
            event = next(generator)
        except StopIteration as stop:
            return stop.value
        if events is not None:
            events.append(event)


@pytest.mark.parametrize("name", ["adaedsr-x4", "rfdn-m-x4"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_edges_between_unlike_colours_have_no_outline(upscalers, name, dtype):
    """Exactly so over the backgrounds that are computed; a network's edges differ over others."""
    upscaler, picture = upscalers[name], shadowed(dtype)
    made = upscale(upscaler, picture).picture
    for name, background in BACKGROUNDS.items():
        right = upscale(upscaler, laid(picture, background)).picture.pixels
        right = right / (np.iinfo(dtype).max / 255)
        wrong = composite(made, background) - right
        assert np.sqrt((wrong**2).mean()) < (0.8 if name in ("black", "white") else 4), name
        assert np.abs(wrong).max() < 20 or name not in ("black", "white"), name


def test_what_cannot_be_seen_does_not_matter(upscalers):
    picture = shadowed()
    pixels = picture.pixels.copy()
    pixels[picture.alpha == 0] = 0, 255, 99
    made, other = (
        upscale(upscalers["adaedsr-x4"], p).picture
        for p in (picture, replace(picture, pixels=pixels))
    )
    assert (made.alpha == other.alpha).all() and (made.pixels == other.pixels).all()
    hidden = made.pixels[made.alpha == 0]
    assert (hidden[:, 0] == hidden[:, 1]).all()  # nor does it stay


@pytest.mark.parametrize("level", [0, 100, 255])
def test_one_alpha_for_all_costs_nothing(upscalers, drawn_pixels, level):
    plain = Picture(drawn_pixels(32, 40))
    clear = replace(plain, alpha=np.full((32, 40), level, np.uint8))
    one, other = (upscale(upscalers["adaedsr-x4"], p) for p in (plain, clear))
    assert (one.picture.pixels == other.picture.pixels).all()
    assert (other.picture.alpha == level).all() and one.stats.macs == other.stats.macs


def test_only_the_part_with_edges_is_computed_twice(upscalers, drawn_pixels):
    alpha = np.full((96, 128), 255, np.uint8)
    alpha[10:20, 12:30] = 0
    plain = Picture(drawn_pixels(96, 128))
    picture, events = replace(plain, alpha=alpha), []
    assert veil(picture) == Region(8, 22, 10, 32)
    made = upscale(upscalers["adaedsr-x4"], picture, events=events)
    once = upscale(upscalers["adaedsr-x4"], plain)
    assert once.stats.macs < made.stats.macs < 1.3 * once.stats.macs
    assert once.stats.full_macs < made.stats.full_macs < 1.1 * once.stats.full_macs
    progress = [event.progress for event in events]
    assert progress == sorted(progress) and progress[-1] == pytest.approx(1)
    assert events[-1].macs <= made.stats.macs
    far = made.picture.alpha[4 * 24 :]
    assert (far == 255).all() and (made.picture.alpha[4 * 12 : 4 * 18, 4 * 14 : 4 * 28] == 0).all()


def test_grey_pictures_stay_grey(upscalers):
    picture = shadowed()
    grey = replace(picture, pixels=picture.pixels[:, :, 1:2].copy())
    made = upscale(upscalers["adaedsr-x4"], grey).picture
    assert made.pixels.shape == (192, 192, 1)
    right = upscale(upscalers["adaedsr-x4"], laid(grey, (1,))).picture.pixels
    assert np.abs(composite(made, (1,)) - right).max() < 20


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(20, 31), (48, 90), (100, 100)])
def test_a_resized_picture_looks_like_its_resized_composite(dtype, size):
    picture = shadowed(dtype)
    made = resized(picture, size)
    for name, background in BACKGROUNDS.items():
        right = resized(laid(picture, background), size).pixels / (np.iinfo(dtype).max / 255)
        wrong = composite(made, background) - right
        most = 2 if name in ("black", "white") else 25  # what the filter adds beyond the range
        assert np.sqrt((wrong**2).mean()) < 3 and np.abs(wrong).max() < most, name
