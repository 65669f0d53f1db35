"""Laws of the depth method: gates, sparse == masked dense, strips == whole, budgets kept."""

import pytest
import torch

from engine.adaptive import depth
from engine.budget import Budget
from engine.networks import adadsr, edsr
from engine.tiling import Region


def make_module(seed: int = 0, **config) -> depth.AdaDSR:
    """A small AdaDSR whose blocks and map do enough to be seen."""
    torch.manual_seed(seed)
    network = edsr.EDSR(edsr.Config(**{"blocks": 5, "channels": 8, **config}))
    module = depth.AdaDSR(network, depth.Config(width=4))
    with torch.no_grad():
        module.adapter.convs[-1].weight.mul_(30)
        for block in network.blocks:
            block.conv2.weight.mul_(10)
    return module.eval().requires_grad_(False)


def upscaler_of(module: depth.AdaDSR) -> depth.DepthUpscaler:
    return depth.DepthUpscaler("tiny", module, torch.device("cpu"), torch.float32)


def draw(height: int, width: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(height, width, 3, generator=torch.Generator().manual_seed(seed))


def picture_of(front) -> torch.Tensor:
    """All rows of a pass as one (3, sH, sW) picture."""
    rows = torch.cat(list(front.rows()))
    return rows.permute(4, 0, 2, 1, 3).flatten(3).flatten(1, 2)


def executed(upscaler, x, allocation, region=None, strip=8):
    region = region or Region(0, x.shape[0], 0, x.shape[1])
    front = upscaler.execute(x, allocation, region=region, strip=strip)
    return picture_of(front), front.macs


def test_gate_is_equation_4():
    d = torch.tensor([0.0, 0.4, 1.0, 1.7, 3.0])
    assert torch.allclose(adadsr.gate(d, 0), torch.tensor([0.0, 0.4, 1.0, 1.0, 1.0]))
    assert torch.allclose(adadsr.gate(d, 1), torch.tensor([0.0, 0.0, 0.0, 0.7, 1.0]))


@pytest.mark.parametrize("form", ["input", "output"])
def test_the_published_forms_of_the_adapter(form):
    torch.manual_seed(0)
    adapter = adadsr.Adapter(depth.Config(width=4, form=form), 8).requires_grad_(False)
    z0, one = torch.rand(1, 8, 9, 7), torch.ones(1, 1, 1, 1)
    once, thrice = adapter(z0, one), adapter(z0, 3 * one)
    if form == "output":
        assert torch.allclose(thrice, 3 * once)
    else:  # d * Theta_1: the same as an adapter whose first weights are three times as large
        adapter.convs[0].weight.mul_(3)
        assert torch.allclose(thrice, adapter(z0, one), atol=1e-6)
        assert not torch.allclose(thrice, 3 * once)


def test_the_adapter_is_as_light_as_the_papers():
    module = depth.AdaDSR(edsr.EDSR(edsr.Config()), depth.Config())
    weights = sum(c.weight.numel() for c in module.adapter.convs)
    assert weights < 0.02 * 16 * edsr.macs(edsr.Config()).block


@pytest.mark.parametrize("tail", ["direct", "classic"])
@pytest.mark.parametrize("size", [(40, 30), (3, 50), (1, 1), (90, 20)])
@pytest.mark.parametrize("effort", [0.0, 0.55, 0.8, 1.0])
def test_sparse_equals_masked_dense(tail, size, effort):
    module = make_module(tail=tail, residual_scale=0.7)
    upscaler, x = upscaler_of(module), draw(*size)
    allocation = upscaler.allocate(upscaler.survey(x), Budget(share=effort))
    sparse, _ = executed(upscaler, x, allocation)
    dense = module.masked(x.permute(2, 0, 1)[None], allocation.map[None, None])[0]
    assert torch.allclose(sparse, dense, atol=2e-5)


@pytest.mark.parametrize("strip", [1, 7, 64])
@pytest.mark.parametrize(
    "region",
    [Region(0, 60, 0, 33), Region(25, 60, 0, 33), Region(0, 9, 3, 4), Region(20, 31, 10, 30)],
)
def test_strips_and_regions_equal_the_whole(strip, region):
    upscaler, x = upscaler_of(make_module()), draw(60, 33)
    allocation = upscaler.allocate(upscaler.survey(x), Budget(share=0.7))
    whole, _ = executed(upscaler, x, allocation, strip=60)
    part, _ = executed(upscaler, x, allocation, region, strip)
    s = upscaler.scale
    inside = whole[:, s * region.top : s * region.bottom, s * region.left : s * region.right]
    assert torch.allclose(part, inside, atol=2e-6)


def test_the_whole_picture_is_computed_without_overlap():
    upscaler, x = upscaler_of(make_module()), draw(60, 33)
    survey = upscaler.survey(x)
    for effort in (0.0, 0.6, 0.8, 1.0):
        allocation = upscaler.allocate(survey, Budget(share=effort))
        _, macs = executed(upscaler, x, allocation, strip=8)
        assert survey.macs + macs == pytest.approx(allocation.macs, rel=1e-4)


def test_full_effort_is_the_dense_network():
    module = make_module()
    upscaler, x = upscaler_of(module), draw(24, 31)
    sparse, _ = executed(upscaler, x, upscaler.allocate(upscaler.survey(x), Budget(share=1.0)))
    assert torch.allclose(sparse, module.network(x.permute(2, 0, 1)[None])[0], atol=2e-5)


def test_survey_is_the_adapter_at_depth_one():
    module = make_module()
    upscaler, x = upscaler_of(module), draw(300, 20)  # more than two strips
    survey = upscaler.survey(x)
    z0 = module.network.extract(x.permute(2, 0, 1)[None])
    alone = module.depth(z0, torch.ones(1, 1, 1, 1))[0, 0].clamp(min=depth.FLOOR)
    assert torch.allclose(survey.content, depth.with_neighbours(alone), atol=1e-5)


def test_a_pixel_goes_about_as_deep_as_its_shallowest_neighbours():
    content = torch.rand(7, 9) + 0.1
    smooth = depth.with_neighbours(content)
    for row, column in ((0, 0), (3, 8), (4, 4)):
        near = content[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
        assert smooth[row, column] == pytest.approx(float(1 / (1 / near).mean()), rel=1e-5)
    assert torch.allclose(depth.with_neighbours(torch.full((5, 6), 0.3)), torch.tensor(0.3))


def test_depth_grows_with_the_knob_everywhere():
    upscaler, x = upscaler_of(make_module()), draw(30, 30)
    survey = upscaler.survey(x)
    before, cost = torch.zeros(30, 30), 0
    for knob in (0.0, 0.3, 1.0, 2.5, 5.0, 40.0):
        allocation = upscaler.at_knob(survey, knob)
        assert (allocation.map >= before).all() and allocation.macs >= cost
        before, cost = allocation.map, allocation.macs


def test_effort_is_kept_over_the_whole_picture():
    module = make_module(blocks=16, channels=16)
    upscaler, x = upscaler_of(module), draw(120, 90)
    survey = upscaler.survey(x)
    for effort in (0.25, 0.5, 0.75, 0.9):
        allocation = upscaler.allocate(survey, Budget(share=effort))
        _, macs = executed(upscaler, x, allocation)
        assert (survey.macs + macs) / upscaler.full_macs((120, 90)) == pytest.approx(
            effort, abs=0.02
        )


def test_a_flat_survey_spends_the_same_everywhere():
    upscaler, x = upscaler_of(make_module()), draw(20, 20)
    flat = upscaler.survey_of(upscaler.survey(x).content.new_ones(20, 20))
    assert upscaler.allocate(flat, Budget(share=0.7)).map.unique().numel() == 1


def test_depth_loss_is_the_depth_beyond_the_desired_one():
    raw = torch.zeros(1, 1, 9, 9)
    raw[0, 0, 4, 4] = 9.0
    assert adadsr.depth_loss(raw, torch.zeros(1, 1, 1, 1)) == pytest.approx(9 / 81)
    assert adadsr.depth_loss(raw, torch.full((1, 1, 1, 1), 2.0)) == 0


def test_a_block_costs_two_convolutions_at_each_pixel_that_enters_it():
    upscaler, x = upscaler_of(make_module()), draw(40, 30)
    allocation = upscaler.allocate(upscaler.survey(x), Budget(share=0.7))
    assert torch.equal(allocation.map, allocation.map.round()) and allocation.map.std() > 0.4
    _, macs = executed(upscaler, x, allocation)
    _, always = executed(upscaler, x, upscaler.at_knob(upscaler.survey(x), 0.0))
    assert macs - always == upscaler.costs.block * int(allocation.map.sum())


def test_macs_count_every_weight_once_per_pixel():
    for tail in ("direct", "classic"):
        for scale in (2, 3, 4):
            config = edsr.Config(scale=scale, blocks=2, channels=8, tail=tail)
            counted = count_macs(edsr.EDSR(config), torch.rand(1, 3, 4, 5))
            assert counted == edsr.macs(config).whole * 4 * 5


def count_macs(network: torch.nn.Module, x: torch.Tensor) -> int:
    """Multiplications of all convolutions in one pass, from the shapes they see."""
    total = 0

    def hook(conv, _, output):
        nonlocal total
        total += conv.weight.numel() * output.shape[2] * output.shape[3]

    handles = [
        m.register_forward_hook(hook) for m in network.modules() if isinstance(m, torch.nn.Conv2d)
    ]
    network(x)
    for handle in handles:
        handle.remove()
    return total


def test_the_papers_network_has_the_published_size():
    """32 x 256: 32 x 2 x 256 x 256 x 9 = 37.7 M weights in the body, as FLOPs tables quote."""
    assert 32 * edsr.macs(edsr.PAPER).block == 37_748_736
    baseline = sum(p.numel() for p in edsr.EDSR(edsr.BASELINE).parameters())
    assert baseline == 1_517_571
