"""Laws of the decomposed networks: published sizes, shapes, counted work, cells, reach."""

from dataclasses import replace
from functools import cache

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from engine.networks.decomposed import cells, fsrcnn, mga, pan, rcan, rfdn, srresnet

SMALL = {
    "fsrcnn": fsrcnn.Config(channels=8, inner=4, base=2),
    "pan": pan.Config(channels=8, upsampler=6, base=2, refine=1),
    "rfdn": rfdn.Config(channels=8, distilled=4, attention=3, base=1, refine=1),
    "srresnet": srresnet.Config(channels=6, base=1, refine=1, tail="classic"),
    "rcan": rcan.Config(channels=8, base=2, refine=1, blocks=1, reduction=2),
}
ODD = [(1, 1), (3, 5), (8, 8), (13, 30)]

# Parameters of the Base-Net and of Base- and Refine-Net, as the tables of Hu et al. print them in
# thousands or millions. They print the size of SRResNet x2 in the rows of x3 (cut, not rounded).
PARAMETERS = {
    ("fsrcnn", 2): (23_363, 41_694),
    ("fsrcnn", 3): (23_363, 41_694),
    ("fsrcnn", 4): (23_363, 41_694),
    ("pan", 3): (203_723, 296_174),
    ("pan", 4): (214_739, 312_998),
    ("rfdn", 3): (423_977, 697_754),
    ("rfdn", 4): (433_448, 716_696),
    ("srresnet", 2): (1_105_297, 1_675_929),
    ("srresnet", 4): (1_253_010, 1_971_355),
    ("rcan", 3): (11_052_339, 16_074_150),
    ("rcan", 4): (11_015_411, 16_000_294),
}
MASK_PARAMETERS = {
    "fsrcnn": 1_576,
    "pan": 15_212,
    "rfdn": 23_502,
    "srresnet": 38_132,
    "rcan": 38_132,
}


def make(name: str, seed: int = 0, **config) -> mga.MaskGuided:
    """A small network whose every part can be seen in the result."""
    torch.manual_seed(seed)
    network = mga.MaskGuided(name, replace(SMALL[name], **config)).eval().requires_grad_(False)
    for deconv in (m for m in network.modules() if isinstance(m, nn.ConvTranspose2d)):
        deconv.weight.mul_(100)
    return network


@cache
def paper(name: str, scale: int) -> mga.MaskGuided:
    return mga.MaskGuided(name, mga.NETWORKS[name].PAPER[scale])


def draw(height: int, width: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def size(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(("name", "scale"), PARAMETERS)
def test_the_published_sizes(name, scale):
    base, refine = size(paper(name, scale).base), size(paper(name, scale).refine)
    assert (base, base + refine) == PARAMETERS[name, scale]


@pytest.mark.parametrize("name", mga.NETWORKS)
def test_the_mask_module_has_the_published_size(name):
    network = paper(name, 4)
    assert size(network.mask) == MASK_PARAMETERS[name]
    assert size(network) == PARAMETERS[name, 4][1] + size(network.mask)


def test_the_small_rcan_fits_a_short_training():
    network = mga.MaskGuided("rcan", rcan.SMALL[4])
    assert 800_000 < size(network) < 1_200_000


@pytest.mark.parametrize("name", mga.NETWORKS)
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(("height", "width"), ODD)
def test_shapes(name, scale, height, width):
    network, x = make(name, scale=scale), draw(height, width)
    coarse, feature = network.base(x)
    assert coarse.shape == (1, 3, scale * height, scale * width)
    assert feature.shape == (1, network.base.features, height, width)
    assert network.mask(feature).shape == (1, 1, *cells.grid(height, width))
    for way in (network, network.everywhere):
        first, refined = way(x)
        assert torch.equal(first, coarse) and refined.shape == coarse.shape
    patches = torch.rand(5, network.base.features, 6, 6), torch.rand(5, 3, 6, 6)
    assert network.refine(*patches).shape == (5, 3, 4 * scale, 4 * scale)


@pytest.mark.parametrize("name", mga.NETWORKS)
@pytest.mark.parametrize("paper", [False, True])
def test_every_weight_is_used(name, paper):
    config = SMALL[name]
    if paper and name != "pan":
        config = replace(config, skip=False)
    if paper and name == "rcan":
        config = replace(config, window=None, tail="classic")
    torch.manual_seed(0)
    network = mga.MaskGuided(name, config)
    x = draw(20, 19)
    coarse, feature = network.base(x)
    _, refined = network(x)
    (coarse + refined).square().sum().add(network.mask(feature).square().sum()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


@pytest.mark.parametrize("name", mga.NETWORKS)
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(("height", "width"), ODD)
def test_macs_equal_a_count_by_hooks(name, scale, height, width):
    network, x = make(name, scale=scale), draw(height, width)
    check_macs(network, x)


@pytest.mark.parametrize("tail", ["direct", "classic"])
@pytest.mark.parametrize("window", [None, 4])
def test_macs_of_every_rcan(tail, window):
    check_macs(make("rcan", tail=tail, window=window), draw(9, 14))


@pytest.mark.parametrize("tail", ["direct", "classic"])
def test_macs_of_every_srresnet(tail):
    check_macs(make("srresnet", tail=tail), draw(9, 14))


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 5), (9, 4)])
def test_a_deconvolution_is_that_of_its_weights(scale, height, width):
    torch.manual_seed(0)
    deconv, x = fsrcnn.Deconv(5, 3, 9, scale).double(), torch.rand(2, 5, height, width).double()
    wanted = nn.ConvTranspose2d.forward(deconv, x)
    assert wanted.shape == (2, 3, scale * height, scale * width)
    assert torch.allclose(deconv(x), wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (6, 6), (5, 8)])
def test_a_patch_within_one_square_is_weighed_by_its_own_means(height, width):
    torch.manual_seed(0)
    attention = rcan.Attention(replace(SMALL["rcan"], window=8))
    z = torch.rand(2, 8, height, width)
    wanted = z * attention.factors(z.mean((2, 3), keepdim=True))
    larger = F.pad(z, (0, 8, 0, 8), mode="replicate")  # more squares, so interpolated
    assert attention(z).equal(wanted)
    assert not attention(larger)[:, :, :height, :width].equal(wanted)


def check_macs(network: mga.MaskGuided, x: torch.Tensor) -> None:
    features, (height, width) = network.base.features, x.shape[2:]
    rows, columns = cells.grid(height, width)
    macs = network.macs(height, width)
    feature = torch.rand(1, features, height, width)
    around = torch.rand(1, features, height + 2, width + 2), draw(height + 2, width + 2)
    assert macs.base == count(network.base, x)
    assert macs.refine == count(network.refine, *around)
    assert macs.cell == count(network.refine, torch.rand(1, features, 6, 6), draw(6, 6))
    assert macs.mask == count(network.mask, feature) + 25 * rows * columns
    assert macs.cells == rows * columns


def count(module: nn.Module, *inputs: torch.Tensor) -> int:
    """Multiplications of all convolutions in one pass, from the shapes they see."""
    total = 0

    def hook(conv, seen, output):
        nonlocal total
        at = seen[0] if isinstance(conv, nn.ConvTranspose2d) else output
        total += conv.weight.numel() * at.shape[2] * at.shape[3]

    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    handles = [m.register_forward_hook(hook) for m in module.modules() if isinstance(m, kinds)]
    module(*inputs)
    for handle in handles:
        handle.remove()
    return total


# Published multiplications of Base-Net and D-Net and of all cells by themselves, in 1e9, at x4 on
# pictures of 429 521 low-resolution pixels on average (the set Test4K of Hu et al., Table 1).
COSTS = {
    "pan": (185.96, 321.74, 406.34),
    "rfdn": (177.51, 295.53, 418.02),
    "srresnet": (826.38, 1424.36, 1622.31),
    "rcan": (4889.71, 7213.30, 9688.46),
}


@pytest.mark.parametrize("name", COSTS)
def test_the_published_costs(name):
    macs = paper(name, 4).macs(480, 960)
    ours = [macs.base, macs.base + macs.refine, macs.base + macs.cells * macs.cell]
    scaled = [429_521 / (480 * 960) * m / 1e9 for m in ours]
    assert scaled == pytest.approx(COSTS[name], rel=0.008)


def test_the_published_costs_of_fsrcnn_count_the_deconvolution_per_fine_pixel():
    extra = 15 * 56 * 3 * 81
    macs, pixels = paper("fsrcnn", 4).macs(480, 960), 480 * 960
    base, refine, cell = macs.base / pixels, macs.refine / pixels, macs.cell / 16
    ours = [base + extra, base + refine + 2 * extra, base + cell + 2 * extra]
    assert [429_521 * m / 1e9 for m in ours] == pytest.approx([97.57, 193.01, 194.41], rel=0.002)


@pytest.mark.parametrize(("height", "width"), ODD)
def test_cells_joined_again_are_the_picture(height, width):
    x = torch.rand(2, 3, height, width)
    patches = cells.cells(x, border="constant")
    assert patches.shape == (2, *cells.grid(height, width), 3, 6, 6)
    assert torch.equal(cells.joined(patches[..., 1:-1, 1:-1], height, width), x)
    around = F.pad(x, (1, 1, 1, 1))
    assert torch.equal(patches[:, 0, 0, :, :3, :3], around[:, :, :3, :3])


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_cells_are_enlarged_as_in_the_whole_picture(scale):
    x = draw(13, 18)
    patches = cells.cells(x, border="replicate")
    parts = cells.enlarged(patches.flatten(0, 2), scale, halo=1)
    whole = cells.joined(parts.unflatten(0, patches.shape[:3]), 13, 18)
    assert torch.allclose(whole, cells.enlarged(x, scale), atol=1e-6)


@pytest.mark.parametrize("name", mga.NETWORKS)
def test_a_cell_refined_alone_is_that_of_all_cells(name):
    network, x = make(name), draw(14, 17)
    feature = network.base(x)[1]
    chosen = [2, 0], [1, 4]
    patches = cells.cells(feature, border="constant")[0][chosen]
    refined = network.refine(patches, cells.cells(x, border="replicate")[0][chosen])
    whole = F.pad(network.everywhere(x)[1], (0, 12, 0, 8))
    for part, row, column in zip(refined, *chosen, strict=True):
        there = whole[0, :, 16 * row : 16 * row + 16, 16 * column : 16 * column + 16]
        shown = there.abs().sum(0) > 0
        assert torch.allclose(part[:, shown], there[:, shown], atol=1e-5)


@pytest.mark.parametrize("name", mga.NETWORKS)
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_part_with_the_reach_around_it_comes_out_as_in_the_whole(name, scale):
    network = make(name, scale=scale)
    reach, pitch = network.base.reach, network.base.pitch
    begin = 12 * pitch
    top = begin + -(-reach // pitch) * pitch  # the first row far enough from the part's border
    x = draw(top + 12 + reach + 40, 30)
    coarse, feature = network.base(x)
    part, part_feature = network.base(x[:, :, begin : top + 12 + reach])
    rows, inside = slice(top, top + 12), slice(top - begin, top - begin + 12)
    assert torch.allclose(part_feature[:, :, inside], feature[:, :, rows], atol=1e-5)
    assert torch.allclose(fine(part, inside, scale), fine(coarse, rows, scale), atol=5e-5)

    mask, reach = network.mask, network.mask.reach
    whole = mask(feature)
    begin, top = 4 * 5, 4 * 5 + 4 * -(-reach // 4)
    part = mask(feature[:, :, begin : top + 4 + reach])
    assert torch.allclose(part[:, :, (top - begin) // 4], whole[:, :, top // 4], atol=1e-5)


def fine(y: torch.Tensor, rows: slice, scale: int) -> torch.Tensor:
    return y[:, :, scale * rows.start : scale * rows.stop]


@pytest.mark.parametrize("name", ["fsrcnn", "pan", "rfdn", "srresnet"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_cell_with_the_reach_around_it_is_refined_as_in_the_whole(name, scale):
    network = make(name, scale=scale)
    x, feature = draw(90, 12), torch.rand(1, network.base.features, 90, 12)
    reach = network.refine.reach
    top = 40 + (40 - reach) % network.refine.pitch
    whole = network.refine(feature, x)
    begin = top - reach
    part = network.refine(
        feature[:, :, begin : top + 4 + reach], x[:, :, begin : top + 4 + reach]
    )  # both lose one row at either end
    inside, rows = slice(reach - 1, reach + 3), slice(top - 1, top + 3)
    assert torch.allclose(fine(part, inside, scale), fine(whole, rows, scale), atol=1e-5)


@pytest.mark.parametrize("name", ["fsrcnn", "pan", "rfdn", "srresnet"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_no_reach_is_larger_than_it_must_be(name, scale):
    """What is influenced, measured: the least and the greatest row that a fine row looks at."""
    network = make(name, scale=scale).double()
    for part, reach in ((network.base, network.base.reach), (network.refine, network.refine.reach)):
        rows = 2 * reach + 40
        inputs = [draw(rows, 6).double().requires_grad_()]
        if part is network.refine:
            shape = (1, network.base.features, rows, 6)
            inputs.insert(0, torch.rand(shape, dtype=torch.double, requires_grad=True))
        seen = 0
        halo = 1 if part is network.refine else 0
        for row in range(reach + 12, reach + 12 + part.pitch):
            y = part(*inputs)
            y = y[0] if isinstance(y, tuple) else y
            first = scale * (row - halo)
            (grad,) = torch.autograd.grad(y[:, :, first : first + scale].square().sum(), inputs[0])
            touched = grad.abs().sum((0, 1, 3)).nonzero().flatten()
            seen = max(seen, row - int(touched.min()), int(touched.max()) - row)
        assert seen <= reach
        assert seen == reach or name == "rfdn"  # whose pooling looks at one of 49 at a time


def test_a_small_change_of_the_feature_stays_within_the_mask_s_surroundings():
    network = make("pan")
    feature = torch.rand(1, 8, 60, 60)
    other = feature.clone()
    other[:, :, 30, 30] += 1
    changed = (network.mask(feature) - network.mask(other))[0, 0].abs() > 0
    assert changed.any() and not changed[:4].any() and not changed[11:].any()


def test_the_mask_grows_with_the_doubt():
    """With kernels that only weigh a cell itself, the mask is the mean of being under-resolved."""
    mask = make("pan").mask
    mask.kernels.weight.zero_()
    mask.kernels.bias.zero_()
    mask.kernels.bias[12] = 1
    feature = torch.rand(1, 8, 10, 9)
    under = torch.softmax(mask.conv2(F.relu(mask.conv1(feature))), 1)[0, 1]
    errors = mask(feature)[0, 0]
    assert errors[1, 1] == pytest.approx(under[4:8, 4:8].mean().item(), rel=1e-5)
    assert errors[2, 2] == pytest.approx(under[8:, 8:].mean().item(), rel=1e-5)
