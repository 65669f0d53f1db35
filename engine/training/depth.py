"""AdaDSR's losses and recipes: a trunk that stops well early, and the map that says where.

Source of the method: Liu et al., ECCV Workshops 2020 (see `engine.adaptive.depth`), section 3.4.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.adaptive.depth import FLOOR
from engine.networks import edsr
from engine.networks.adadsr import AdaDSR, Config, depth_loss, gate
from engine.training.recipe import Recipe, mean_square, noiseless, on_lesson, rms


def trunk_loss(network: edsr.EDSR, low: Tensor, high: Tensor, rng: np.random.Generator) -> Tensor:
    """The error behind the last block, and the distance behind a random earlier one of each patch.

    The picture behind an earlier block costs a twentieth of a pass more, and a trunk that never saw
    one is a poor early stopper.
    """
    blocks = network.config.blocks
    last = rng.integers(blocks // 8, blocks - 1, low.shape[0])  # of each patch, from 0
    z = z0 = network.extract(low).float()  # a float32 stream loses nothing to 16 additions
    stopped: list[Tensor] = []
    for block in range(blocks):
        z = z + network.residual(block, z)
        stopped += [z[i : i + 1] for i in np.flatnonzero(last == block)]
    z = torch.cat([z, *stopped])
    order = torch.from_numpy(np.argsort(last, kind="stable"))
    picture = network.reconstruct(z, torch.cat([z0, z0[order]]), torch.cat([low, low[order]]))
    whole, early = picture.float().chunk(2)
    error = rms(whole, high)
    return error.mean() + noiseless(early, whole[order].detach(), error[order]).mean()


def depth_recipe_loss(
    network: AdaDSR,
    low: Tensor,
    high: Tensor,
    rng: np.random.Generator,
    weight: float = 2e-3,
) -> Tensor:
    """The batch at full depth, half of it stopped where the map says, and the map's own losses.

    The error is each patch's root mean square, closer to PSNR than L1. What is stopped early learns
    from the picture at full depth, not from the original: what no network can know of the original
    is noise to it. Its distance is squared and divided by twice the error, so that its gradient is
    that of the error but for this noise.

    Deviation: the blocks of a pixel that is stopped early still see all its neighbours at full
    depth, so that one pass gives both pictures, at a tenth more than the cost of one. What sparse
    blocks really see comes with `taught_depth_loss`.
    """
    blocks, trunk, part = network.blocks, network.network, low.shape[0] // 2
    desired = torch.from_numpy(
        rng.uniform(0.15 * blocks, 1.1 * blocks, (part, 1, 1, 1)).astype(np.float32)
    )
    desired = desired.to(low.device)
    z = z0 = trunk.extract(low).float()
    raw = network.adapter(z0[:part], desired).float()
    stopped, gates = z0[:part], F.relu(raw)
    for block in range(blocks):
        residual = trunk.residual(block, z)
        z = z + residual
        stopped = stopped + gate(gates, block) * residual[:part]
        if block + 1 == max(1, blocks // EARLY):
            early = z[:part].detach()
    z, z0 = torch.cat([z, stopped, early]), torch.cat([z0, z0[:part], z0[:part]])
    picture = trunk.reconstruct(z, z0, torch.cat([low, low[:part], low[:part]])).float()
    whole, stopped, early = picture.split([low.shape[0], part, part])
    error = rms(whole, high)
    whole = whole[:part].detach()
    distance = noiseless(stopped, whole, error[:part])
    gain = depth_gain(whole, early.detach(), high[:part], trunk.config.scale)
    content = network.adapter(z0[:part].detach(), torch.ones_like(desired)).float()
    return (
        error.mean()
        + STOPPED_WEIGHT * distance.mean()
        + weight * depth_loss(raw, desired)
        + MAP_WEIGHT * F.l1_loss(content, gain)
    )


def taught_depth_loss(
    network: AdaDSR, low: Tensor, both: Tensor, rng: np.random.Generator
) -> Tensor:
    """The batch as the map says, a quarter of it at full depth as well, and the map's own losses.

    Both pictures learn from the teacher's. What a patch may cost, and not the desired depth, is
    drawn: patches full of detail have deep maps at any desired depth, and would never learn to do
    with little. As in use, what a pixel enters is added whole; the gradient of the map is that of
    Eq. 4's fractions.
    """
    high, lesson = both.chunk(2, dim=1)
    blocks, trunk, part = network.blocks, network.network, max(1, low.shape[0] // 4)
    share = rng.triangular(0.25, 0.5, 0.75, (low.shape[0], 1, 1, 1)).astype(np.float32)
    mean = blocks * torch.from_numpy(share).to(low.device)
    stopped = z0 = trunk.extract(low).float()
    content = network.adapter(z0, torch.ones_like(mean)).float()
    deep = content.detach() * desired_depth(content.detach(), mean, blocks)
    gates = F.relu(content + (deep - content.detach()))  # its gradient is that of the map at d = 1
    z = z0[:part]
    for block in range(blocks):
        z = z + trunk.residual(block, z)
        weight = gate(gates, block)
        whole = weight.ceil()
        residual = trunk.residual(block, stopped, whole)
        stopped = stopped + (whole + weight - weight.detach()) * residual
        if block + 1 == max(1, blocks // EARLY):
            early = z[:FEW].detach()
    order = [*range(part), *range(low.shape[0]), *range(len(early))]
    picture = trunk.reconstruct(torch.cat([z, stopped, early]), z0[order], low[order]).float()
    whole, stopped, early = picture.split([part, low.shape[0], len(early)])
    seen = lesson[: len(early)]
    gain = depth_gain(whole[: len(early)].detach(), early.detach(), seen, trunk.config.scale)
    alone = network.adapter(z0[: len(early)].detach(), torch.ones_like(mean[: len(early)])).float()
    return (
        FULL_WEIGHT * taught_distance(whole, high[:part], lesson[:part]).mean()
        + STOPPED_WEIGHT * taught_distance(stopped, high, lesson).mean()
        + 0.02 * depth_loss(content, torch.ones_like(mean))
        + MAP_WEIGHT * F.l1_loss(alone, gain)
    )


def taught_distance(picture: Tensor, high: Tensor, lesson: Tensor) -> Tensor:
    """The squared distance from the teacher's picture, as a share of the squared error that the
    picture has against the original; (N,)."""
    error = mean_square(picture - high).detach()
    return EASY * mean_square(picture - lesson) / (error + EASY**2)


EASY = 0.03  # the error (of 1) of a patch below which it counts no more for being easy
FEW = 4  # patches of a batch show the map what later blocks gain


def desired_depth(content: Tensor, mean: Tensor, blocks: int) -> Tensor:
    """The d (N, 1, 1, 1) with which the patches enter `mean` (N, 1, 1, 1) blocks on average.

    `content` (N, 1, H, W) is the map at d = 1.
    """
    low, high = torch.zeros_like(mean), torch.full_like(mean, 200.0)
    for _ in range(14):
        middle = (low + high) / 2
        entered = (middle * content.clamp(min=FLOOR)).ceil().clamp(max=blocks)
        less = entered.mean(dim=(1, 2, 3), keepdim=True) < mean
        low, high = torch.where(less, middle, low), torch.where(less, high, middle)
    return low


STOPPED_WEIGHT = 4  # at 1, half the work gains 0.02 dB less in 1,000 steps and full depth 0.05 more
FULL_WEIGHT = 1 / 8  # with the teacher: full depth gains from what half the work learns
EARLY = 4  # what comes behind the first D / EARLY blocks is called the gain
MAP_WEIGHT = 0.01


def depth_gain(full: Tensor, shallow: Tensor, target: Tensor, scale: int) -> Tensor:
    """The error that the later blocks take away, as a target (N, 1, H, W) for the map at depth 1.

    Not in the paper, whose map learns from the gates' gradient alone: over a short training that
    says almost nothing (the map was still flat after 1,000 steps). The mean depth is 1. What the
    later blocks only change, as the noise of a JPEG, is no gain.
    """
    less = (shallow - target).square() - (full - target).square()
    less = F.avg_pool2d(less.mean(dim=1, keepdim=True), scale)
    less = F.avg_pool2d(less, 3, stride=1, padding=1, count_include_pad=False)
    gain = F.relu(less).add(1e-8).sqrt()
    return gain / gain.mean()


def build_edsr() -> nn.Module:
    return edsr.EDSR(edsr.Config())


def build_adaedsr() -> nn.Module:
    return AdaDSR(edsr.EDSR(edsr.Config()), Config())


RECIPES = (
    Recipe("edsr-x4", 4, build_edsr, trunk_loss, lr=1e-3, floor=0.5, batch=10, patch=48),
    Recipe(
        "adaedsr-x4",
        4,
        build_adaedsr,
        depth_recipe_loss,
        start="edsr-x4",
        lr=8e-4,
        batch=10,
        patch=48,
    ),
    Recipe(
        "adaedsr-x4-taught",
        4,
        build_adaedsr,
        taught_depth_loss,
        start="adaedsr-x4",
        teachers=("adaedsr-x4", "fmen-x4"),
        lr=5e-4,
        floor=0.1,
        hold=0.4,
        patch=48,
        ema=0.9995,
    ),
    Recipe(
        "adaedsr-clean-x4",
        4,
        build_adaedsr,
        on_lesson(depth_recipe_loss),
        start="adaedsr-x4",
        teachers=("smfanet-plus-x4",),
        lr=5e-4,
        floor=0.1,
        hold=0.3,
        batch=12,
        patch=48,
        degrade=True,
        drawn=35,
    ),
)
