"""The way through: budgets, plans, the event stream, stopping, and networks that fail."""

import cv2
import numpy as np
import pytest
import torch

from engine import library
from engine.adaptive import depth
from engine.adaptive.contract import RowPass
from engine.budget import Budget
from engine.errors import BudgetError, UpscalerError
from engine.evaluate import evaluate
from engine.networks import edsr
from engine.pictures import Picture
from engine.plan import plan
from engine.run import bytes_for, drain, load, run
from engine.run import upscale as front_door
from engine.tiling import Region, order, strip_rows


@pytest.fixture
def module():
    torch.manual_seed(0)
    return depth.AdaDSR(edsr.EDSR(edsr.Config(blocks=4, channels=8)), depth.Config(width=4)).eval()


@pytest.fixture
def upscaler(module):
    return depth.DepthUpscaler(
        "tiny", module.requires_grad_(False), torch.device("cpu"), torch.float32
    )


def drawn(height=40, width=50, channels=3, dtype=np.uint8, alpha=False):
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, np.iinfo(dtype).max, (height, width, channels), dtype=dtype)
    return Picture(pixels, alpha=pixels[..., 0].copy() if alpha else None)


def upscale(upscaler, picture, effort=0.8, first=None, out=None):
    x = load(upscaler, picture)
    survey = upscaler.survey(x)
    planned = plan(upscaler, survey, budget=Budget(share=effort), first=first)
    return run(upscaler, picture, x=x, survey=survey, plan=planned, out=out)


@pytest.mark.parametrize("bad", [{}, {"share": 0.5, "knob": 1}, {"share": 1.2}, {"knob": -1}])
def test_a_budget_out_of_range_is_refused(bad):
    with pytest.raises(BudgetError):
        Budget(**bad)


@pytest.mark.parametrize(
    "first", [None, Region(3, 9, 2, 8), Region(0, 30, 0, 50), Region(12, 40, 0, 50)]
)
def test_every_region_order_gives_the_same_picture(upscaler, first):
    picture = drawn()
    whole = drain(upscale(upscaler, picture))
    other = drain(upscale(upscaler, picture, first=first))
    assert np.abs(whole.picture.pixels.astype(int) - other.picture.pixels).max() <= 1
    assert other.stats.macs >= whole.stats.macs


def test_a_small_visible_part_comes_first_and_a_large_one_wraps_around():
    assert order(100, 100, Region(40, 60, 40, 60))[0] == Region(40, 60, 40, 60)
    assert order(100, 100, Region(30, 100, 0, 100)) == (
        Region(30, 100, 0, 100),
        Region(0, 30, 0, 100),
    )


def test_events_tell_the_progress_and_what_is_done(upscaler):
    picture, events = drawn(300, 60), []
    out = np.zeros((1200, 240, 3), np.uint8)
    generator = upscale(upscaler, picture, out=out)
    while True:
        try:
            event = next(generator)
        except StopIteration as stop:
            result = stop.value
            break
        region = event.region
        assert (out[region.rows, region.columns] == event.pixels).all()
        events.append(event)
    assert events[-1].progress == 1 and [e.progress for e in events] == sorted(
        e.progress for e in events
    )
    assert sum(e.region.height for e in events) == 1200
    assert result.picture.pixels is out
    assert result.stats.compute == pytest.approx(0.8, abs=0.02)


def test_closing_the_generator_keeps_what_was_done(upscaler):
    picture = drawn(600, 60)
    out = np.full((2400, 240, 3), 7, np.uint8)
    generator = upscale(upscaler, picture, out=out)
    first = next(generator)
    generator.close()
    assert (out[first.region.bottom :] == 7).all() and not (out[: first.region.bottom] == 7).all()


@pytest.mark.parametrize(
    "kind", [{"dtype": np.uint16}, {"channels": 1}, {"alpha": True}, {"height": 1, "width": 1}]
)
def test_what_a_picture_is_survives(upscaler, kind):
    picture = drawn(**kind)
    result = drain(upscale(upscaler, picture)).picture
    assert result.pixels.dtype == picture.pixels.dtype and result.grey == picture.grey
    assert result.size == (4 * picture.height, 4 * picture.width)
    assert (result.alpha is None) == (picture.alpha is None)
    if picture.alpha is not None:
        assert result.alpha.shape == result.size and result.alpha.dtype == picture.alpha.dtype


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0])
def test_a_network_that_gives_no_picture_is_an_error(module, value):
    with torch.no_grad():
        for parameter in module.network.parameters():
            parameter.fill_(value)
        module.network.config = edsr.Config(blocks=4, channels=8)
    upscaler = depth.DepthUpscaler(
        "broken", module.requires_grad_(False), torch.device("cpu"), torch.float32
    )
    picture = drawn()
    if value == 0.0:  # the skip from the input alone would still be a picture
        upscaler.execute = constant
    with pytest.raises(UpscalerError):
        drain(upscale(upscaler, picture))


def constant(x, allocation, *, region, strip):
    class Black(RowPass):
        map = torch.zeros(region.height, region.width)

        def rows(self):
            yield torch.zeros(region.height, region.width, 4, 4, 3)

    return Black(x, region, 4)


def test_out_of_memory_is_met_with_smaller_strips(upscaler):
    real, asked = upscaler.execute, []

    def tight(x, allocation, *, region, strip):
        asked.append(strip)
        if strip > plan_strip // 3:
            raise MemoryError
        return real(x, allocation, region=region, strip=strip)

    picture = drawn(64, 40)
    plan_strip = strip_rows(40, on_cpu=True)
    upscaler.execute = tight
    result = drain(upscale(upscaler, picture))
    assert asked == [plan_strip, plan_strip // 2, plan_strip // 4]
    assert result.stats.strip == plan_strip // 4
    upscaler.execute = real
    assert (drain(upscale(upscaler, picture)).picture.pixels == result.picture.pixels).all()


def test_weights_saved_and_loaded_give_the_same_picture(module, upscaler, tmp_path):
    library.save("tiny", module, {"seed": 0}, tmp_path)
    assert library.names(tmp_path) == ["tiny"] and library.describe("tiny", tmp_path)["seed"] == 0
    again = library.load("tiny", "cpu", tmp_path, dtype=torch.float32)
    picture = drawn()
    one, two = drain(upscale(upscaler, picture)), drain(upscale(again, picture))
    assert (one.picture.pixels == two.picture.pixels).all()


@pytest.mark.parametrize("damage", ["missing", "json", "weights", "config"])
def test_damaged_weights_give_one_clear_sentence(module, tmp_path, damage):
    library.save("tiny", module, {}, tmp_path)
    json_file, weights = tmp_path / "tiny.json", tmp_path / "tiny.safetensors"
    if damage == "missing":
        json_file.unlink()
    elif damage == "json":
        json_file.write_text("{")
    elif damage == "weights":
        weights.write_bytes(weights.read_bytes()[:100])
    else:
        json_file.write_text(json_file.read_text().replace('"channels": 8', '"channels": 9'))
    with pytest.raises(UpscalerError, match="tiny"):
        library.load("tiny", "cpu", tmp_path)


def test_evaluate_measures_each_budget(upscaler):
    high = drawn(48, 48)
    low = Picture(np.ascontiguousarray(high.pixels[::4, ::4]))
    rows = evaluate(upscaler, [(high, low)], [Budget(share=0.7), Budget(share=1.0), Budget(knob=2)])
    assert [row.budget for row in rows] == [pytest.approx(70), 100, None]
    assert rows[0].gmacs < rows[1].gmacs and rows[2].knob == 2
    assert all(0 < row.psnr_y < 60 and row.seconds > 0 for row in rows)


def test_recorded_scores_stand_in_the_table(module, tmp_path):
    library.save("tiny", module, {"recipe": "adaedsr-x4", "steps": 7}, tmp_path)
    row = {"budget": 50.0, "gmacs": 1.25, "gmacs_full": 2.5, "psnr_y": 31.23456, "ssim_y": 0.9}
    library.record("tiny", "Set5", [row], tmp_path)
    assert library.describe("tiny", tmp_path)["scores"]["Set5"][0]["psnr_y"] == 31.2346
    assert "| Set5 | 50 % | 1.25 | 2.50 | 31.235 |" in (tmp_path / "README.md").read_text()
    assert library.load("tiny", "cpu", tmp_path).blocks == 4


def test_the_shipped_table_is_made_from_the_shipped_files():
    folder = library.shipped()
    assert (folder / "README.md").read_text(encoding="utf-8") == library.table(folder)


WITHOUT_MEMORY = [
    MemoryError(),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes."),
    RuntimeError("CUDA out of memory. Tried to allocate 4 bytes."),
    cv2.error("OpenCV: (-4:Insufficient memory) Failed to allocate 4 bytes"),
]


@pytest.mark.parametrize("error", WITHOUT_MEMORY, ids=range(len(WITHOUT_MEMORY)))
@pytest.mark.parametrize("step", ["survey", "execute"])
def test_memory_that_runs_out_is_one_sentence(upscaler, monkeypatch, error, step):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(upscaler, step, fail)
    with pytest.raises(UpscalerError, match="not enough memory"):
        drain(front_door(upscaler, drawn(), Budget(share=0.5)))


@pytest.mark.parametrize("alpha", [False, True])
def test_a_picture_too_large_is_refused_before_its_survey(upscaler, monkeypatch, alpha):
    free, picture = 2_000_000, drawn(150, 150, alpha=alpha)
    monkeypatch.setattr(upscaler, "survey", lambda x: pytest.fail("the work has begun"))
    monkeypatch.setattr("engine.room.available", lambda: free)
    whole = drawn(120, 120)
    assert bytes_for(upscaler, whole) < free < bytes_for(upscaler, drawn(170, 170))
    assert bytes_for(upscaler, drawn(120, 120, dtype=np.uint16)) > bytes_for(upscaler, whole)
    if not alpha:
        picture = drawn(170, 170)
    with pytest.raises(UpscalerError, match="of memory to upscale"):
        drain(front_door(upscaler, picture, Budget(share=0.5)))
