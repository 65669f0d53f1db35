"""Laws of the mask method: all cells, no cells, parts, sessions, budgets, and the order."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from test_mga_networks import SMALL

from engine import library, maps
from engine.adaptive import cell_state, depth, halves, mask, refinement
from engine.adaptive.cell_studies import borders, changes
from engine.budget import Budget
from engine.cli import main
from engine.colour import LUMA, to_pixels
from engine.errors import UpscalerError
from engine.metrics import spearman
from engine.networks import edsr
from engine.networks.decomposed import mga
from engine.networks.decomposed.cells import grid
from engine.pictures import Picture, read, write
from engine.plan import plan
from engine.run import drain, load, run
from engine.tiling import Region

NAMES = list(mga.NETWORKS)
CPU = torch.device("cpu")
SIZES = [(1, 2), (3, 2), (4, 4), (5, 7), (13, 30), (60, 45)]


def make_module(name: str = "pan", **config) -> mga.MaskGuided:
    """A small network with things to see in its coarse and its refined picture, and in the mask."""
    torch.manual_seed(1)
    module = mga.MaskGuided(name, replace(SMALL[name], **config)).eval().requires_grad_(False)
    for part in module.modules():
        if isinstance(part, torch.nn.ConvTranspose2d):
            part.weight.mul_(100)
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean.uniform_(-0.5, 0.5)
            part.running_var.uniform_(0.5, 2)
            part.weight.uniform_(0.5, 2)
            part.bias.uniform_(-0.5, 0.5)
    module.mask.conv2.weight.mul_(5)
    return module


def upscaler_of(module: mga.MaskGuided, dtype: torch.dtype = torch.float32) -> mask.MaskUpscaler:
    return mask.MaskUpscaler("tiny", module, CPU, dtype)


def drawn(height: int = 60, width: int = 45, dtype=np.uint8) -> Picture:
    rng = np.random.default_rng(3)
    return Picture(rng.integers(0, np.iinfo(dtype).max, (height, width, 3), dtype=dtype))


class Desk:
    """An open picture, its survey and the array that every run writes to."""

    def __init__(self, upscaler: mask.MaskUpscaler, picture: Picture):
        self.upscaler, self.picture = upscaler, picture
        self.x = load(upscaler, picture)
        self.survey = upscaler.survey(self.x)
        height, width = (upscaler.scale * n for n in picture.size)
        self.out = np.full((height, width, 3), 7, picture.pixels.dtype)

    def events(self, knob: float | None = None, *, effort=None, first=None, out=None):
        budget = Budget(knob=knob, share=effort)
        planned = plan(self.upscaler, self.survey, budget=budget, first=first)
        return run(self.upscaler, self.picture, x=self.x, survey=self.survey, plan=planned, out=out)

    def work(self, knob: float, **others) -> int:
        """Work on the desk's own array; the MACs that this run has executed."""
        result = drain(self.events(knob, out=self.out, **others))
        return result.stats.macs - self.survey.macs

    def pixels(self, knob: float, **others) -> np.ndarray:
        """The picture in an array of its own."""
        return drain(self.events(knob, **others)).picture.pixels

    @property
    def cells(self) -> int:
        return self.survey.errors.size


def near(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and np.abs(one.astype(int) - other).max() <= 1


def pixels_of(y: torch.Tensor) -> np.ndarray:
    return to_pixels(y[0].permute(1, 2, 0).clone(), np.uint8)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", SIZES)
def test_no_cell_is_the_base_net_and_all_cells_are_everywhere(name, size):
    module, picture = make_module(name), drawn(*size)
    desk = Desk(upscaler_of(module), picture)
    coarse, refined = module.everywhere(desk.x.permute(2, 0, 1)[None])
    assert near(desk.pixels(0), pixels_of(coarse))
    assert near(desk.pixels(desk.cells), pixels_of(refined))
    assert near(desk.pixels(1e9), pixels_of(refined))
    assert not near(pixels_of(coarse), pixels_of(refined))


@pytest.mark.parametrize("scale", [2, 3])
def test_other_scales(scale):
    module = make_module("fsrcnn", scale=scale)
    desk = Desk(upscaler_of(module), drawn(13, 30, np.uint16))
    _, refined = module.everywhere(desk.x.permute(2, 0, 1)[None])
    there = desk.pixels(desk.cells)
    assert there.dtype == np.uint16 and near(to_pixels(torch.from_numpy(there / 65535), np.uint8),
                                             pixels_of(refined))  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_some_cells_are_those_of_everywhere_and_the_rest_is_coarse(name):
    module, picture = make_module(name), drawn()
    desk = Desk(upscaler_of(module), picture)
    planned = plan(desk.upscaler, desk.survey, budget=Budget(knob=40))
    chosen = planned.allocation.chosen
    assert chosen.sum() == 40
    assert desk.survey.errors[chosen].min() >= desk.survey.errors[~chosen].max()
    fine = np.repeat(np.repeat(chosen, 16, axis=0), 16, axis=1)[:240, :180, None]
    coarse, refined = (pixels_of(y) for y in module.everywhere(desk.x.permute(2, 0, 1)[None]))
    assert near(desk.pixels(40), np.where(fine, refined, coarse))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kept", [0, 1 << 30])
def test_parts_change_neither_the_picture_nor_the_chosen_cells(name, kept, monkeypatch):
    module, picture = make_module(name), drawn(230, 17)
    whole = Desk(upscaler_of(module), picture)
    monkeypatch.setattr(mask, "BLOCK_PIXELS", 17 * 48)
    monkeypatch.setattr(mask, "KEPT_BYTES", kept)
    parts = Desk(upscaler_of(module), picture)
    assert len(whole.survey.blocks) == 1 and len(parts.survey.blocks) >= 5
    assert all((block.feature is None) == (kept == 0) for block in parts.survey.blocks)
    assert np.allclose(whole.survey.errors, parts.survey.errors, atol=1e-5)
    assert (whole.survey.order[:60] == parts.survey.order[:60]).all()
    for knob in (0, 60, whole.cells):
        assert near(whole.pixels(knob), parts.pixels(knob))


def test_a_halo_of_bounded_size_is_almost_exact(monkeypatch):
    module, picture = make_module("rfdn"), drawn(230, 17)
    whole = Desk(upscaler_of(module), picture)
    monkeypatch.setattr(mask, "BLOCK_PIXELS", 17 * 100)
    monkeypatch.setattr(halves, "LIMIT", 12)
    parts = Desk(upscaler_of(module), picture)
    assert np.abs(whole.pixels(0).astype(int) - parts.pixels(0)).mean() < 1


@pytest.mark.parametrize("kept", [0, 1 << 30])
def test_up_and_down_returns_the_same_bytes(kept, monkeypatch):
    monkeypatch.setattr(mask, "BLOCK_PIXELS", 45 * 24)
    monkeypatch.setattr(mask, "KEPT_BYTES", kept)
    desk, other = (Desk(upscaler_of(make_module()), drawn()) for _ in range(2))
    seen = {}
    for knob in (0, 30, 100, desk.cells, 100, 30, 0):
        desk.work(knob)
        if knob not in seen:
            assert near(desk.out, other.pixels(knob))
        assert (seen.setdefault(knob, desk.out.copy()) == desk.out).all()
    assert len({pixels.tobytes() for pixels in seen.values()}) == len(seen)


def test_more_cells_cost_the_new_cells_alone_and_fewer_cost_nothing():
    desk = Desk(upscaler_of(make_module()), drawn())
    cell = desk.upscaler.halves.cell_macs
    coarse = desk.work(0)
    assert coarse == pytest.approx(desk.upscaler.cost(desk.survey, 0) - desk.survey.macs)
    assert desk.work(30) == 30 * cell
    assert desk.work(100) == 70 * cell
    assert desk.work(20) == 0
    assert desk.work(90) == 0
    assert desk.work(101) == cell
    assert desk.work(101) == 0
    assert desk.work(0) == 0


def test_another_array_begins_anew():
    desk = Desk(upscaler_of(make_module()), drawn())
    first = desk.work(30)
    desk.out = desk.out.copy()
    assert desk.work(30) == first
    alone = drain(desk.events(30)).stats.macs
    assert alone == first + desk.survey.macs == drain(desk.events(30)).stats.macs


@pytest.mark.parametrize("name", NAMES)
def test_a_share_is_one_of_all_cells_and_never_costs_more_than_the_dense_network(name):
    desk = Desk(upscaler_of(make_module(name)), drawn(60, 90))
    shares = []
    for effort in (0.0, 0.1, 0.5, 1.0):
        planned = plan(desk.upscaler, desk.survey, budget=Budget(share=effort))
        count = desk.cells if planned.allocation.whole else round(effort * desk.cells)
        assert planned.allocation.chosen.sum() == count
        stats = drain(desk.events(effort=effort)).stats
        assert stats.compute == pytest.approx(planned.compute, rel=1e-6)
        shares.append(stats.compute)
    costs = desk.upscaler.halves.costs(60, 90)
    own = desk.survey.macs - costs.base + desk.upscaler.cost(desk.survey, 0) - desk.survey.macs
    dense = desk.upscaler.full_macs((60, 90))
    assert shares == sorted(shares) and 0 < shares[0] < shares[-1] <= 1 + own / dense + 1e-9
    every = plan(desk.upscaler, desk.survey, budget=Budget(knob=desk.cells))
    assert every.compute > 1 and not every.allocation.whole  # the paper's K stays K cells


@pytest.mark.parametrize("name", NAMES)
def test_a_full_share_is_the_dense_networks_picture(name):
    module = make_module(name)
    desk = Desk(upscaler_of(module), drawn(60, 90))
    _, refined = module(desk.x.permute(2, 0, 1)[None])
    full = drain(desk.events(effort=1.0, out=desk.out)).picture.pixels
    assert near(full, pixels_of(refined))
    for knob in (30, 0, 30):  # down and up again from there
        assert near(desk.pixels(knob, out=desk.out), desk.pixels(knob))
    again = drain(desk.events(effort=1.0, out=desk.out))
    assert near(again.picture.pixels, pixels_of(refined))
    assert drain(desk.events(effort=1.0, out=desk.out)).stats.macs == desk.survey.macs


def test_features_computed_again_are_counted(monkeypatch):
    monkeypatch.setattr(mask, "KEPT_BYTES", 0)
    desk = Desk(upscaler_of(make_module()), drawn())
    stats = drain(desk.events(knob=30)).stats
    assert stats.macs == desk.upscaler.cost(desk.survey, 30)


def test_the_coarse_picture_comes_first_and_then_the_largest_errors(monkeypatch):
    monkeypatch.setattr(refinement, "LARGE", 1)
    desk = Desk(upscaler_of(make_module("fsrcnn")), drawn(300, 220))
    events, refined = [], []
    for event in desk.events(knob=2500, out=desk.out):
        region = event.region
        assert (desk.out[region.rows, region.columns] == event.pixels).all()
        events.append(event)
        if len(events) > 1:
            refined.append((desk.survey.state.shown == 2).sum())
    assert events[-1].progress == 1
    assert [e.progress for e in events] == sorted(e.progress for e in events)
    assert events[0].region.top == 0 and events[0].region.width == 880
    assert 0 in refined and refined[-1] == 2500  # all rows were coarse before any was refined
    assert len(set(refined)) > 3
    generator = desk.events(knob=2500, out=np.full_like(desk.out, 7))
    for _ in range(refined.index(next(n for n in refined if n)) + 2):
        next(generator)
    shown = desk.survey.state.shown == 2
    assert 0 < shown.sum() < 2500
    rank = np.empty(desk.cells, int)
    rank[desk.survey.order] = np.arange(desk.cells)
    assert rank[shown.flat].max() < 2500 / 2


@pytest.mark.parametrize(
    "first", [Region(21, 30, 6, 19), Region(10, 60, 0, 45), Region(0, 45, 0, 45)]
)
def test_what_is_looked_at_first_costs_the_overlap_of_two_cuts_at_most(first):
    upscaler, picture = upscaler_of(make_module("fsrcnn")), drawn()
    plain, looked = Desk(upscaler, picture), Desk(upscaler, picture)
    base = upscaler.halves.base
    extra = looked.work(50, first=first) - plain.work(50)
    assert 0 <= extra <= 2 * base.tail_macs(2 * base.tail_reach, 45)
    assert near(looked.out, plain.out)


def test_a_stopped_run_is_gone_on_with(monkeypatch):
    monkeypatch.setattr(refinement, "LARGE", 1)
    desk = Desk(upscaler_of(make_module("fsrcnn")), drawn(300, 220))
    generator = desk.events(knob=2500, out=desk.out)
    next(generator)
    while not (desk.survey.state.shown == 2).any():
        next(generator)
    generator.close()
    spent = int((desk.survey.state.shown == 2).sum()) * desk.upscaler.halves.cell_macs
    assert spent > 0
    assert desk.work(2500) == 2500 * desk.upscaler.halves.cell_macs - spent
    assert (desk.out == desk.pixels(2500)).all()


def test_out_of_memory_is_met_with_smaller_batches():
    desk = Desk(upscaler_of(make_module()), drawn())
    real, asked = desk.upscaler.halves.refined, []

    def tight(feature, x, rows, columns):
        asked.append(len(rows))
        if len(rows) > 20:
            raise MemoryError
        return real(feature, x, rows, columns)

    desk.upscaler.halves.refined = tight
    planned = plan(desk.upscaler, desk.survey, budget=Budget(knob=100))
    planned = replace(planned, strip=24)
    result = drain(run(desk.upscaler, desk.picture, x=desk.x, survey=desk.survey, plan=planned))
    assert asked[0] > 20 and result.stats.strip < 24
    desk.upscaler.halves.refined = real
    assert near(result.picture.pixels, desk.pixels(100))


@pytest.mark.parametrize("part", ["base", "mask", "refine"])
def test_a_network_that_gives_no_numbers_is_an_error(part):
    module = make_module()
    for parameter in getattr(module, part).parameters():
        parameter.fill_(float("nan"))
    with pytest.raises(UpscalerError, match="no numbers"):
        Desk(upscaler_of(module), drawn()).pixels(5)


def test_a_network_that_gives_one_colour_is_an_error_but_one_flat_cell_is_none():
    desk = Desk(upscaler_of(make_module()), drawn())
    desk.work(5)
    desk.upscaler.halves.refined = lambda f, s, rows, c: (torch.zeros(len(rows), 16, 16, 3), 0)
    desk.work(6)
    desk.upscaler.halves.coarse = lambda f, x, top, end: (torch.zeros(4 * (end - top), 180, 3), 0)
    with pytest.raises(UpscalerError, match="one colour"):
        desk.pixels(desk.cells)


def test_normalisation_is_taken_into_the_convolutions():
    module = make_module("srresnet")
    x = torch.rand(1, 3, 14, 17)
    folded = halves.without_norms(module)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in folded.modules())
    assert any(isinstance(m, torch.nn.BatchNorm2d) for m in module.modules())
    for one, other in zip(folded.everywhere(x), module.everywhere(x), strict=True):
        assert torch.allclose(one, other, atol=1e-4, rtol=1e-4)
    assert folded.macs(14, 17) == module.macs(14, 17)


@pytest.mark.parametrize("name", NAMES)
def test_reduced_products_change_little(name):
    module, picture = make_module(name), drawn(13, 30)
    exact, reduced = (
        Desk(upscaler_of(module, dtype), picture) for dtype in (torch.float32, torch.bfloat16)
    )
    difference = exact.pixels(40).astype(int) - reduced.pixels(40)
    assert np.abs(difference).mean() < 4


def test_equal_errors_are_taken_from_the_top_left():
    module = make_module()
    module.mask.kernels.weight.zero_()
    module.mask.kernels.bias.zero_()
    survey = Desk(upscaler_of(module), drawn()).survey
    assert (survey.order == np.arange(survey.errors.size)).all()


def test_other_orders_for_the_order_law():
    desk = Desk(upscaler_of(make_module()), drawn())
    errors = desk.survey.errors.flat
    means = {}
    for by, variant in mask.METHOD.variants.items():
        survey = variant(desk.survey)
        assert sorted(survey.order) == list(range(desk.cells))
        chosen = desk.upscaler.at_knob(survey, 30).chosen
        assert chosen.sum() == 30
        means[by] = np.mean(desk.survey.errors[chosen])
    assert means["largest"] > means["random"] > means["smallest"]
    assert (mask.METHOD.variants["largest"](desk.survey).order == desk.survey.order).all()
    assert errors[desk.survey.order[0]] == max(errors)


def test_weights_saved_and_loaded_give_the_same_picture(tmp_path):
    for name in NAMES:
        module = make_module(name)
        library.save(f"{name}-m", module, {"seed": 1}, tmp_path)
        assert library.describe(f"{name}-m", tmp_path)["method"] == "mask"
        again = library.load(f"{name}-m", "cpu", tmp_path, dtype=torch.float32)
        one, two = Desk(upscaler_of(module), drawn(9, 9)), Desk(again, drawn(9, 9))
        assert (one.pixels(4) == two.pixels(4)).all()


def test_the_map_is_the_mask_at_every_pixel():
    desk = Desk(upscaler_of(make_module()), drawn(13, 30))
    result = drain(desk.events(knob=5))
    assert result.map.shape == (13, 30) and result.map.dtype == np.float32
    assert desk.survey.errors.shape == grid(13, 30)
    assert (result.map[4:8, 28:] == desk.survey.errors[1, 7]).all()


def test_upscale_writes_the_error_map_and_the_chosen_cells(tmp_path, monkeypatch, capsys):
    module = make_module("fsrcnn")
    library.save("tiny", module, {}, tmp_path / "models")
    monkeypatch.setenv("FOVEA_MODELS", str(tmp_path / "models"))
    write(drawn(13, 30), tmp_path / "photo.png")
    command = ["upscale", str(tmp_path / "photo.png"), "-o", str(tmp_path / "out.png")]
    options = ["-n", "tiny", "--knob", "9", "--maps", str(tmp_path), "--json"]
    assert main([*command, *options, "--dtype", "float32"]) == 0
    entry = json.loads(capsys.readouterr().out.strip().splitlines()[-1])["files"][0]
    assert entry["knob"] == 9
    values = np.load(tmp_path / "photo_error.npy")
    assert values.shape == (13, 30) and (tmp_path / "photo_error.png").exists()
    marked, plain = read(tmp_path / "photo_patches.png").pixels, read(tmp_path / "out.png").pixels
    changed = (marked != plain).any(axis=2)
    assert marked.shape == (52, 120, 3) and (marked[changed] == maps.OUTLINE).all()
    touched = {(r // 16, c // 16) for r, c in np.argwhere(changed)}
    desk = Desk(upscaler_of(module), drawn(13, 30))
    chosen = plan(desk.upscaler, desk.survey, budget=Budget(knob=9)).allocation.chosen
    assert touched <= set(map(tuple, np.argwhere(chosen)))


def test_cells_side_by_side_are_outlined_as_one():
    chosen = np.zeros((3, 4), bool)
    chosen[0, 1:3] = chosen[2, 3] = True
    marked = maps.outlined(np.zeros((22, 30, 3), np.uint8), chosen, 8)
    line = (marked == maps.OUTLINE).all(axis=2)
    assert line[0, 8:24].all() and line[7, 8:24].all() and not line[1:7, 9:23].any()
    assert line[1:7, 8].all() and line[1:7, 23].all()
    assert line[16, 24:].all() and not line[17:, 25:].any() and line.sum() == 44 + 11


def test_rank_correlation():
    ranks = np.arange(12.0).reshape(3, 4)
    assert spearman(ranks, ranks**3) == pytest.approx(1)
    assert spearman(ranks, -ranks) == pytest.approx(-1)
    assert spearman(ranks, np.ones((3, 4))) == 0
    with_ties = np.array([1.0, 2, 2, 3]), np.array([1.0, 2, 3, 4])
    assert spearman(*with_ties) == pytest.approx(np.corrcoef([1, 2.5, 2.5, 4], [1, 2, 3, 4])[0, 1])


def test_the_true_changes_of_the_cells():
    module, picture = make_module(), drawn(13, 30)
    desk = Desk(upscaler_of(module), picture)
    made = changes(desk.upscaler, desk.x, desk.survey)
    coarse, refined = (y.clamp(0, 1) for y in module.everywhere(desk.x.permute(2, 0, 1)[None]))
    weights = torch.tensor(LUMA, dtype=torch.float32).view(1, 3, 1, 1)
    change = ((refined - coarse) * weights).sum(1, keepdim=True).abs() * 65535
    want = torch.nn.functional.avg_pool2d(change, 16, ceil_mode=True)[0, 0]
    assert made.shape == grid(13, 30) and np.allclose(made, want, atol=3)


def test_evaluate_compares_orders_and_tells_the_correlation(tmp_path, monkeypatch, capsys):
    library.save("tiny", make_module("fsrcnn"), {}, tmp_path / "models")
    library.save("other", tiny_adadsr(), {}, tmp_path / "models")
    monkeypatch.setenv("FOVEA_MODELS", str(tmp_path / "models"))
    folder = tmp_path / "hr"
    folder.mkdir()
    write(drawn(52, 120), folder / "a.png")
    command = ["evaluate", str(folder), "-n", "tiny", "-b", "0,25,100", "--json"]
    scores = {}
    for order in mask.METHOD.variants:
        assert main([*command, "--order", order, "--correlation", "--borders"]) == 0
        document = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
        assert [row["knob"] for row in document["rows"]] == [0, 8, 32]
        assert -1 <= document["correlation"] <= 1
        assert document["border"] > 0 and document["inside"] >= 0
        scores[order] = [row["psnr_y"] for row in document["rows"]]
    none, some, everything = zip(*scores.values(), strict=True)
    assert len(set(none)) == len(set(everything)) == 1 and len(set(some)) == 3
    assert main(["evaluate", str(folder), "-n", "other", "--order", "random"]) == 2


def test_bench_sets_shares_of_cells_beside_the_dense_network(tmp_path, monkeypatch, capsys):
    library.save("tiny", make_module("rcan"), {}, tmp_path)
    monkeypatch.setenv("FOVEA_MODELS", str(tmp_path))
    options = ["--size", "48x36", "--rounds", "1", "--dtype", "float32", "--json"]
    assert main(["bench", "-n", "tiny", *options]) == 0
    document = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    rows = {row["name"]: row for row in document["runners"]}
    efforts = [rows[f"fovea {share}%"]["compute"] for share in (25, 50, 100)]
    assert efforts == sorted(efforts) and efforts[0] < efforts[-1] < 1.05  # the mask itself
    assert rows["pytorch-full"]["compute"] == 1 and rows["pytorch-full"]["seconds"] > 0


def test_borders_differ_from_the_whole_only_where_cells_see_less(monkeypatch):
    module, picture = make_module("fsrcnn"), drawn(22, 30)
    upscaler = upscaler_of(module)
    x = load(upscaler, picture)
    border, inside = borders(upscaler, x).values()
    cells, whole = (y.clamp(0, 1) for y in (module.everywhere(planes(x))[1], module(planes(x))[1]))
    luma = torch.tensor(LUMA, dtype=torch.float32).view(1, 3, 1, 1)
    difference = ((cells - whole) * luma).sum(1)[0].abs() * 255
    ring = torch.zeros(88, 120, dtype=torch.bool)
    for place in (0, 15):
        ring[place::16] = ring[:, place::16] = True
    assert border == pytest.approx(float(difference[ring].mean()), abs=0.01) and border > 0
    assert inside == pytest.approx(float(difference[~ring].mean()), abs=0.01)
    monkeypatch.setattr(upscaler.halves, "whole", lambda _, x, *rows: (everywhere(module, x), 0))
    assert tuple(borders(upscaler, x).values()) == pytest.approx((0, 0), abs=0.01)


def planes(x: torch.Tensor) -> torch.Tensor:
    return x.permute(2, 0, 1)[None]


def everywhere(module: mga.MaskGuided, x: torch.Tensor) -> torch.Tensor:
    return module.everywhere(planes(x))[1][0].permute(1, 2, 0)


def tiny_adadsr() -> depth.AdaDSR:
    return depth.AdaDSR(edsr.EDSR(edsr.Config(blocks=2, channels=8)), depth.Config(width=4))


@pytest.mark.gpu
@pytest.mark.parametrize("name", NAMES)
def test_another_device_gives_the_same_picture(name):
    device = torch.device("cuda" if torch.cuda.is_available() else "mps")
    module, picture = make_module(name), drawn()
    here = Desk(upscaler_of(module), picture)
    there = Desk(mask.MaskUpscaler("tiny", module, device, torch.float32), picture)
    assert np.allclose(here.survey.errors, there.survey.errors, atol=1e-2)
    assert np.abs(here.pixels(here.cells).astype(int) - there.pixels(here.cells)).mean() < 1


def test_an_array_that_finds_no_memory_can_be_begun_again(monkeypatch):
    desk = Desk(upscaler_of(make_module("fsrcnn")), drawn())
    whole, real, asked = desk.pixels(9), cell_state.np.empty, []

    def tight(*values, **others):
        asked.append(values)
        if len(asked) == 1:
            raise MemoryError
        return real(*values, **others)

    fresh = Desk(desk.upscaler, drawn())
    monkeypatch.setattr(cell_state.np, "empty", tight)
    assert (drain(fresh.events(9, out=fresh.out)).picture.pixels == whole).all()
