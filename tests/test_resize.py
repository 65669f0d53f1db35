"""Pictures at the size that is asked for."""

import numpy as np
import pytest
from test_picture import scene

from engine.cli import main
from engine.pictures import Picture, read, write
from engine.resize import resized


@pytest.mark.parametrize(
    "options, size",
    [
        (["--percent", "150"], (45, 60)),
        (["--width", "100"], (75, 100)),
        (["--height", "300"], (300, 400)),
    ],
)
@pytest.mark.usefixtures("weights")
def test_the_output_has_the_size_that_is_asked_for(tmp_path, options, size):
    write(Picture(scene(30, 40)), tmp_path / "a.png")
    target = tmp_path / "b.png"
    assert (
        main(["upscale", str(tmp_path / "a.png"), "-o", str(target), "-n", "tiny", *options]) == 0
    )
    assert read(target).size == size


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_resizing_keeps_levels_greys_and_flat_colours(dtype):
    fine = Picture(scene(64, 600, 1, dtype), alpha=scene(64, 600, 1, dtype)[:, :, 0])
    small = resized(fine, (32, 300))
    assert small.size == (32, 300) and small.grey and small.pixels.dtype == dtype
    assert small.alpha.shape == (32, 300)
    levels = len(np.unique(small.pixels))
    assert levels > 256 if dtype == np.uint16 else levels > 200
    limit = np.iinfo(dtype).max
    error = np.abs(small.pixels.astype(float) - scene(32, 300, 1, dtype)).max()
    assert error < limit / 100
    flat = Picture(np.full((20, 20, 3), limit, dtype))
    assert (resized(flat, (7, 33)).pixels == limit).all() and resized(flat, (20, 20)) is flat
