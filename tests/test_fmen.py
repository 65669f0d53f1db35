"""Laws of FMEN: fused == unfused, strips == whole, counted memory and work, and it learns."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from engine import library
from engine.adaptive.fixed import FixedUpscaler
from engine.budget import Budget
from engine.cli import main
from engine.errors import BudgetError, UpscalerError
from engine.networks import fmen
from engine.networks.layers import Conv2d
from engine.peak import Peak
from engine.pictures import Picture, write
from engine.plan import plan
from engine.resize import reduce
from engine.run import load, run
from engine.tiling import Region
from engine.training.data import Pair
from engine.training.loop import Limit, Training, fitted, train
from engine.training.recipes import RECIPES

TINY = fmen.Config(scale=2, channels=8, pairs=2, attention=6, inner=1)
ALL = [pytest.param(c, id=f"{n}-x{c.scale}") for n, t in
       (("small", fmen.SMALL), ("large", fmen.LARGE)) for c in t.values()]  # fmt: skip


def make_wide(config: fmen.Config = TINY, seed: int = 0) -> fmen.FMEN:
    """A network as training might leave it: no weight at rest, no statistic trivial."""
    torch.manual_seed(seed)
    network = fmen.FMEN(config)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.01)
        for norm in (m for m in network.modules() if isinstance(m, nn.BatchNorm2d)):
            norm.weight.uniform_(0.5, 1.5)
            norm.bias.normal_(0, 0.5)
            norm.running_mean.normal_(0, 0.5)
            norm.running_var.uniform_(0.2, 2)
    return network.eval().requires_grad_(False)


def draw(height: int, width: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(height, width, 3, generator=torch.Generator().manual_seed(seed))


def planes(x: torch.Tensor) -> torch.Tensor:
    return x.permute(2, 0, 1)[None]


def upscaler_of(network: fmen.FMEN) -> FixedUpscaler:
    return FixedUpscaler("tiny", network, torch.device("cpu"), torch.float32)


def executed(upscaler, x, region=None, strip=8):
    """The region's picture (3, sh, sw), the pass and the allocation."""
    region = region or Region(0, x.shape[0], 0, x.shape[1])
    allocation = upscaler.allocate(upscaler.survey(x), Budget(share=1.0))
    front = upscaler.execute(x, allocation, region=region, strip=strip)
    rows = torch.cat(list(front.rows()))
    return rows.permute(4, 0, 2, 1, 3).flatten(3).flatten(1, 2), front, allocation


@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        (fmen.SMALL[4], 341_066),
        (fmen.LARGE[4], 769_428),
        (fmen.LARGE[3], 757_311),
        (fmen.LARGE[2], 748_656),
    ],
)
def test_the_plain_form_has_the_published_size(config, parameters):
    plain = fmen.FMEN(config, plain=True)
    assert sum(p.numel() for p in plain.parameters()) == parameters
    kinds = {type(m) for m in plain.modules() if not list(m.children())}
    assert kinds == {Conv2d}


@pytest.mark.parametrize("config", ALL)
def test_macs_count_every_weight_once_per_pixel(config):
    convs = [m for m in fmen.FMEN(config, plain=True).modules() if isinstance(m, nn.Conv2d)]
    sizes = [(c.in_channels, c.out_channels) for c in convs]
    assert sorted(sizes) == sorted(fmen.layers(config))
    assert fmen.macs(config) == sum(c.weight.numel() for c in convs)


def test_the_published_numbers_of_convolutions_and_multiplications():
    assert len(fmen.layers(fmen.SMALL[4])) == 34
    assert int(fmen.macs(fmen.SMALL[4]) * 256 * 256 / 1e7) == 2228  # Table 4
    for scale, tenths in {4: 442, 3: 772, 2: 1720}.items():  # Table 3, cut off behind the point
        pixels = (1280 // scale) * (720 // scale)
        assert int(fmen.macs(fmen.LARGE[scale]) * pixels / 1e8) == tenths


@pytest.mark.parametrize("config", ALL)
def test_fused_equals_unfused_up_to_the_border(config):
    wide, x = make_wide(config), planes(draw(17, 12))
    assert torch.allclose(fmen.fuse(wide)(x), wide(x), atol=1e-5, rtol=0)


@pytest.mark.parametrize("config", [fmen.SMALL[4], fmen.LARGE[4]], ids=["small", "large"])
def test_fused_float32_is_close_to_unfused_float64(config):
    wide, x = make_wide(config), planes(draw(20, 24))
    want = wide.double()(x.double())
    error = (fmen.fuse(wide)(x).double() - want).abs().max() / want.abs().max()
    assert error < 1e-5


def test_each_block_merges_exactly():
    torch.manual_seed(0)
    wide = make_wide().double()
    z = torch.randn(1, 8, 5, 7, dtype=torch.float64)
    for block in (wide.erbs[0].conv1, wide.hfabs[0].squeeze):
        weight, bias = block.fused()
        merged = nn.functional.conv2d(z, weight, bias, padding=1)
        assert torch.allclose(merged, block(z), atol=1e-12)


def test_a_block_in_training_is_the_block_itself():
    """Multiplied-out kernels: the same values, the same gradients."""
    torch.manual_seed(0)
    block, x = fmen.RRRB(5).double(), torch.randn(2, 5, 6, 7, dtype=torch.float64)
    seen = []
    for training in (True, False):
        block.train(training).zero_grad()
        y = block(x)
        (y**2).sum().backward()
        seen.append([y.detach(), *(p.grad.clone() for p in block.parameters())])
    for a, b in zip(*seen, strict=True):
        assert torch.allclose(a, b, rtol=1e-10)


def test_fusing_twice_changes_nothing():
    once = fmen.fuse(make_wide())
    twice = fmen.fuse(once)
    assert all(
        torch.equal(a, b) for a, b in zip(once.parameters(), twice.parameters(), strict=True)
    )


def test_a_new_network_repeats_pixels():
    network, x = fmen.FMEN(replace(TINY, scale=3)), planes(draw(6, 5))
    tail = network.tail
    bare = nn.functional.conv2d(network.extract(x)[:, :3], tail.weight[:, :3], padding=1)
    nearest = nn.functional.interpolate(x, scale_factor=3, mode="nearest")
    assert torch.allclose(nn.functional.pixel_shuffle(bare, 3), nearest)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("size", [(40, 30), (3, 50), (1, 1), (90, 20)])
def test_strips_equal_the_network(scale, size):
    wide, x = make_wide(replace(TINY, scale=scale)), draw(*size)
    y, _, _ = executed(upscaler_of(wide), x)
    assert torch.allclose(y, wide(planes(x))[0], atol=1e-5)


@pytest.mark.parametrize("strip", [1, 7, 64])
@pytest.mark.parametrize(
    "region",
    [Region(0, 60, 0, 33), Region(25, 60, 0, 33), Region(0, 9, 3, 4), Region(31, 42, 10, 30)],
)
def test_strips_and_regions_equal_the_whole(strip, region):
    upscaler, x = upscaler_of(make_wide()), draw(60, 33)
    whole, known, _ = executed(upscaler, x, strip=60)
    part, front, _ = executed(upscaler, x, region, strip)
    s = upscaler.scale
    inside = whole[:, s * region.top : s * region.bottom, s * region.left : s * region.right]
    assert torch.allclose(part, inside, atol=2e-6)
    there = region.rows, region.columns
    assert torch.allclose(front.map, known.map[there], atol=2e-6)


def test_a_region_far_from_the_border_is_exact():
    """The region's cone of influence lies inside the picture on all sides."""
    upscaler, x = upscaler_of(make_wide()), draw(70, 70)
    region = Region(33, 37, 30, 41)
    assert len(upscaler.steps) < 30
    whole, _, _ = executed(upscaler, x)
    part, _, _ = executed(upscaler, x, region, 5)
    assert torch.allclose(part, whole[:, 66:74, 60:82], atol=2e-6)


def test_the_map_is_the_last_attention():
    wide, x = make_wide(), draw(31, 22)
    _, front, _ = executed(upscaler_of(wide), x)
    last = []
    wide.erbs[-1].register_forward_hook(lambda *a: last.append(a[2].clone()))
    wide(planes(x))
    want = wide.hfabs[-1].attention(last[0]).mean(dim=1)[0]
    assert torch.allclose(front.map, want, atol=1e-5)
    assert front.map.min() > 0 and front.map.max() < 1


def test_the_work_is_executed_once():
    upscaler, x = upscaler_of(make_wide()), draw(60, 33)
    _, front, allocation = executed(upscaler, x)
    assert front.macs == allocation.macs == upscaler.full_macs((60, 33))


def test_there_is_no_knob():
    upscaler, x = upscaler_of(make_wide()), draw(9, 9)
    survey = upscaler.survey(x)
    assert upscaler.allocate(survey, Budget(share=0.1)).macs == upscaler.full_macs((9, 9))
    with pytest.raises(BudgetError, match="no knob"):
        upscaler.allocate(survey, Budget(knob=3.0))


def peak_elements(upscaler, x, strip: int) -> float:
    """The most float32 elements that live at once during a pass, each strip of output included."""
    allocation = upscaler.allocate(upscaler.survey(x), Budget(share=1.0))
    region = Region(0, x.shape[0], 0, x.shape[1])
    with Peak() as peak:
        front = upscaler.execute(x, allocation, region=region, strip=strip)
        for _ in front.rows():
            pass
    return peak.bytes / 4


@pytest.mark.parametrize("kernels", ["on", "off"])
@pytest.mark.parametrize("size", [(32, 32), (48, 40), (64, 128), (128, 48)])
@pytest.mark.parametrize("strip", [8, 16, 1000])
def test_at_most_four_feature_maps_are_held(monkeypatch, kernels, size, strip):
    monkeypatch.setenv("FOVEA_KERNELS", kernels)
    upscaler = upscaler_of(fmen.FMEN(fmen.SMALL[2]))
    assert peak_elements(upscaler, draw(*size), strip) <= 4 * upscaler.channels * size[0] * size[1]


def test_the_memory_does_not_grow_with_the_height():
    upscaler = upscaler_of(make_wide())
    short, tall = (peak_elements(upscaler, draw(height, 20), 8) for height in (100, 400))
    assert tall - short <= 300 * (20 + 6)  # the map, 20 wide, alone is for the whole picture


def test_the_peak_counts_what_lives():
    x = torch.rand(100)
    with Peak() as peak:
        a = x + 1
        b = a[10:] * 2
        del a
        c = b.add_(1)[3:]
        del b
        _ = c + x[:87]
    assert peak.bytes == 4 * (100 + 90)
    assert peak.now == 4 * (90 + 87)


def drain(generator):
    while True:
        try:
            next(generator)
        except StopIteration as stop:
            return stop.value


def test_weights_are_saved_plain_and_loaded_again(tmp_path, drawn_pixels):
    wide, picture = make_wide(), Picture(drawn_pixels(30, 41))
    library.save("tiny", wide, {"seed": 0}, tmp_path)
    assert library.describe("tiny", tmp_path)["method"] == "fixed"
    saved = library.load_module("tiny", tmp_path)
    assert saved.config == TINY and saved.plain
    upscaler = library.load("tiny", "cpu", tmp_path, dtype=torch.float32)
    x = load(upscaler, picture)
    survey = upscaler.survey(x)
    planned = plan(upscaler, survey, budget=Budget(share=0.3))
    result = drain(run(upscaler, picture, x=x, survey=survey, plan=planned))
    want = (wide(planes(x))[0].clamp(0, 1) * 255).round().permute(1, 2, 0).to(torch.uint8).numpy()
    assert np.abs(result.picture.pixels.astype(int) - want).max() <= 1
    assert result.stats.compute == planned.compute == 1
    assert result.map.shape == (30, 41) and result.map.min() > 0


def test_only_what_a_method_runs_is_saved(tmp_path):
    with pytest.raises(UpscalerError, match="No method"):
        library.save("bare", nn.Conv2d(3, 3, 3), {}, tmp_path)


def test_products_in_bfloat16_stay_close():
    wide, x = make_wide(fmen.SMALL[4]), draw(40, 40)
    exact, _, _ = executed(upscaler_of(wide), x)
    upscaler = FixedUpscaler("tiny", wide, torch.device("cpu"), torch.bfloat16)
    rounded, _, _ = executed(upscaler, x)
    assert (rounded - exact).square().mean().sqrt() < 0.01 * exact.square().mean().sqrt()


def test_the_command_line_measures_memory(tmp_path, monkeypatch, capsys):
    library.save("tiny", fmen.FMEN(fmen.SMALL[2]), {}, tmp_path)
    monkeypatch.setenv("FOVEA_MODELS", str(tmp_path))
    size = ["--size", "64x48", "--dtype", "float32"]
    assert main(["bench", "--memory", "-n", "tiny", *size, "--json"]) == 0
    document = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    peaks = {row["name"]: row["peak_bytes"] for row in document["memory"]}
    assert peaks["fovea 100%"] < peaks["pytorch-fused"] < peaks["pytorch-unfused"]
    assert document["feature_bytes"] == 50 * 64 * 48 * 4
    assert peaks["fovea 100%"] <= 4 * document["feature_bytes"]


def test_the_command_line_sets_the_fused_form_beside_the_unfused(tmp_path, monkeypatch, capsys):
    library.save("tiny", make_wide(), {}, tmp_path)
    monkeypatch.setenv("FOVEA_MODELS", str(tmp_path))
    options = ["--size", "32x24", "--rounds", "1", "--dtype", "float32", "--json"]
    assert main(["bench", "-n", "tiny", *options]) == 0
    document = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    names = [row["name"] for row in document["runners"]]
    assert names[:3] == ["fovea 100%", "pytorch-fused", "pytorch-unfused"]


def test_a_network_without_a_knob_is_evaluated_once(tmp_path, monkeypatch, capsys, drawn_pixels):
    library.save("tiny", make_wide(), {}, tmp_path / "models")
    monkeypatch.setenv("FOVEA_MODELS", str(tmp_path / "models"))
    (tmp_path / "hr").mkdir()
    write(Picture(drawn_pixels(24, 32)), tmp_path / "hr" / "a.png")
    assert main(["evaluate", str(tmp_path / "hr"), "-n", "tiny", "--json"]) == 0
    document = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert [row["budget"] for row in document["rows"]] == [100]


@pytest.fixture(scope="module")
def pairs() -> dict[int, list[Pair]]:
    """Coarse random pictures, by scale."""
    rng = np.random.default_rng(0)
    highs = [rng.integers(0, 256, (8, 8, 3), np.uint8).repeat(18, 0).repeat(18, 1) for _ in "ab"]
    return {scale: [Pair(high, reduce(high, scale)) for high in highs] for scale in (2, 3, 4)}


@pytest.mark.parametrize("name", ["fmen-s-x2", "fmen-s-x3", "fmen-s-x4", "fmen-x4"])
def test_recipes_train(name, pairs, tmp_path):
    """Twenty steps lower the loss, and the averaged weights and statistics are usable."""
    recipe = replace(RECIPES[name], batch=2, patch=16, warmup=5)
    training = Training(recipe, torch.device("cpu"))
    limit = Limit(steps=20)
    made = train(training, pairs[recipe.scale], limit=limit, checkpoint=tmp_path / "c", every=5)
    losses = [report.loss for report in made]
    assert losses[-1] < losses[0]
    averaged = recipe.build()
    averaged.load_state_dict(training.ema)
    counted = averaged.hfabs[0].squeeze.before.num_batches_tracked
    assert counted == 20
    x = draw(12, 10)
    y, _, _ = executed(upscaler_of(averaged), x)
    assert torch.isfinite(y).all() and y.abs().max() < 3


def test_a_resumed_training_equals_an_uninterrupted_one(pairs, tmp_path):
    recipe = replace(RECIPES["fmen-s-x2"], build=lambda: fmen.FMEN(TINY), batch=2, patch=8)
    trainings = [Training(recipe, torch.device("cpu")) for _ in range(3)]
    whole, begun, resumed = trainings
    for training, steps in ((whole, 6), (begun, 6)):
        made = train(
            training, pairs[2], limit=Limit(steps=steps), checkpoint=tmp_path / "c", every=2
        )
        for report in made:
            if training is begun and report.step == 4:
                break
    resumed.restore(tmp_path / "c")
    assert resumed.step == 4
    list(train(resumed, pairs[2], limit=Limit(steps=6), checkpoint=tmp_path / "d"))
    for key, value in whole.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[key])
        assert torch.equal(whole.ema[key], resumed.ema[key])


@pytest.mark.parametrize("scale", [3, 4])
def test_another_scale_starts_from_its_nearest_pixels(scale):
    old, new = (fmen.FMEN(replace(TINY, scale=s)).eval().requires_grad_(False) for s in (2, scale))
    new.load_state_dict(fitted(old.state_dict(), new.state_dict()))
    x = planes(draw(9, 8))
    nearest = torch.arange(scale) * 2 // scale
    want = old(x).unflatten(3, (8, 2)).unflatten(2, (9, 2))[:, :, :, nearest][..., nearest]
    assert torch.allclose(new(x), want.flatten(4).flatten(2, 3), atol=1e-6)


def test_rms_may_follow_every_recipe():
    for name in ("fmen-s-x2", "fmen-s-x3", "fmen-s-x4", "fmen-x4"):
        assert RECIPES[f"{name}-rms"].start == name
        assert RECIPES[f"{name}-rms"].scale == RECIPES[name].scale
