"""What is trained, one recipe a line of weights: the network, its loss, and the schedule."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.adaptive import depth
from engine.colour import LUMA
from engine.networks import edsr, fmen, mga
from engine.networks.cells import CELL

Loss = Callable[[nn.Module, Tensor, Tensor, np.random.Generator], Tensor]


@dataclass(frozen=True)
class Recipe:
    """One training. The learning rate rises over `warmup` steps, stays, and falls from `hold` on.

    `start` names weights to begin from; `hold` and `floor` are shares of the whole and of `lr`.
    With `teachers`, batches hold their picture after the original (`engine.training.teacher`);
    with `degrade`, what is low has gone through blur, noise and JPEG; `drawn` pages of text and
    lines join the photographs.
    """

    name: str
    scale: int
    build: Callable[[], nn.Module]
    loss: Loss
    start: str | None = None
    teachers: tuple[str, ...] = ()
    lr: float = 2e-3
    floor: float = 0.0
    hold: float = 0.0
    batch: int = 16
    patch: int = 40
    warmup: int = 100
    clip: float = 1.0
    ema: float = 0.999
    seed: int = 0
    degrade: bool = False
    drawn: int = 0


def trunk_loss(network: nn.Module, low: Tensor, high: Tensor, rng: np.random.Generator) -> Tensor:
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
    network: nn.Module, low: Tensor, high: Tensor, rng: np.random.Generator, weight: float = 2e-3
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
        stopped = stopped + depth.gate(gates, block) * residual[:part]
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
        + weight * depth.depth_loss(raw, desired)
        + MAP_WEIGHT * F.l1_loss(content, gain)
    )


def taught_depth_loss(
    network: nn.Module, low: Tensor, both: Tensor, rng: np.random.Generator
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
        weight = depth.gate(gates, block)
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
        + 0.02 * depth.depth_loss(content, torch.ones_like(mean))
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
        entered = (middle * content.clamp(min=depth.FLOOR)).ceil().clamp(max=blocks)
        less = entered.mean(dim=(1, 2, 3), keepdim=True) < mean
        low, high = torch.where(less, middle, low), torch.where(less, high, middle)
    return low


def mean_square(difference: Tensor) -> Tensor:
    """(N, 3, H, W) -> (N,), half of it that of the luma, where the eye sees errors first."""
    luma = (difference * difference.new_tensor(LUMA).div_(sum(LUMA)).view(1, 3, 1, 1)).sum(dim=1)
    return (difference.square().mean(dim=(1, 2, 3)) + luma.square().mean(dim=(1, 2))) / 2


def rms(picture: Tensor, high: Tensor) -> Tensor:
    """The root of the `mean_square` of each patch, (N,)."""
    return mean_square(picture - high).add(1e-8).sqrt()


def noiseless(picture: Tensor, lesson: Tensor, error: Tensor) -> Tensor:
    """The squared distance from a picture to learn from, over twice the `error` (N,) that the
    picture has against the original: the gradient of `rms` but for what nobody can know; (N,)."""
    return mean_square(picture - lesson) / (2 * error.detach())


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


def on_lesson(loss: Loss) -> Loss:
    """A loss whose target is the teacher's picture alone."""

    def towards_teacher(
        network: nn.Module, low: Tensor, both: Tensor, rng: np.random.Generator
    ) -> Tensor:
        return loss(network, low, both.chunk(2, dim=1)[1], rng)

    return towards_teacher


def picture_loss(
    network: nn.Module,
    low: Tensor,
    high: Tensor,
    _: np.random.Generator,
    distance: Callable[[Tensor, Tensor], Tensor] = F.l1_loss,
) -> Tensor:
    """The distance of an FMEN's picture; L1 as in the paper, section 4.1, or `rms`.

    Head and tail see the whole picture and not a residual: they stay in float32, as they run.
    """
    with torch.autocast(low.device.type, enabled=False):
        x0 = network.extract(low)
    z = network.refine(x0)
    with torch.autocast(low.device.type, enabled=False):
        return distance(network.reconstruct(z.float(), x0), high).mean()


def decomposed_loss(
    network: mga.MaskGuided,
    low: Tensor,
    high: Tensor,
    _: np.random.Generator,
    *,
    cells: bool,
    distance: Callable[[Tensor, Tensor], Tensor],
    coarse_weight: float = 0.1,
) -> Tensor:
    """The distance of the refined picture and, by default, a tenth of that of the coarse one.

    Source: Hu et al., ECCV 2022, section 3.5: step 1 refines the whole feature, step 2 (`cells`)
    all cells by themselves. The released code weighs 10 to 1 in step 2. That of step 1 is not
    released; the same weights let the Base-Net's upsampler learn from the start. The distance is L1
    there; `rms` is closer to PSNR.
    """
    coarse, refined = network.everywhere(low) if cells else network(low)
    refined, coarse = (distance(picture.float(), high).mean() for picture in (refined, coarse))
    return refined + coarse_weight * coarse


def taught_rms(picture: Tensor, both: Tensor) -> Tensor:
    """`noiseless` towards the teacher's picture, behind the original's colours in `both`; (N,)."""
    high, lesson = both.chunk(2, dim=1)
    return noiseless(picture, lesson, rms(picture, high))


def mask_loss(network: mga.MaskGuided, low: Tensor, _: Tensor, __: np.random.Generator) -> Tensor:
    """L1 of the error mask against what the Refine-Net changes, section 3.5, step 3.

    The two halves stay as they are, their batch normalisation included.
    """
    network.base.eval()
    network.refine.eval()
    with torch.no_grad():
        feature = network.base.extract(low)
        coarse, refined = network.everywhere(low)
        target = remaining_error(coarse.float(), refined.float(), network.config.scale)
    with torch.autocast(low.device.type, enabled=False):
        return F.l1_loss(network.mask(feature.float()), target)


def remaining_error(coarse: Tensor, refined: Tensor, scale: int) -> Tensor:
    """What the mask shall predict, (N, 1, rows, columns) within 0..1: |Y(refined) - Y(coarse)|.

    As released, it is brought to 0..1 over the whole batch, averaged over cells, and brought to
    0..1 again.
    """
    luma = coarse.new_tensor(LUMA).div_(LUMA.sum()).view(1, 3, 1, 1)
    change = ((refined - coarse) * luma).sum(1, keepdim=True).abs()
    return _unit(F.avg_pool2d(_unit(change), CELL * scale, ceil_mode=True))


def _unit(values: Tensor) -> Tensor:
    low, high = values.aminmax()
    return (values - low) / (high - low).clamp(min=1e-9)


def build_edsr() -> nn.Module:
    return edsr.EDSR(edsr.Config())


def build_adaedsr() -> nn.Module:
    return depth.AdaDSR(edsr.EDSR(edsr.Config()), depth.Config())


def fmen_recipe(name: str, config: fmen.Config, start: str | None = None) -> Recipe:
    """An FMEN; one that starts from another scale has less to learn."""
    rates = {"lr": 1.2e-3, "hold": 0.3} if start is None else {"lr": 6e-4, "hold": 0.2}
    build = partial(fmen.FMEN, config)
    return Recipe(name, config.scale, build, picture_loss, start, patch=48, **rates)


def ended_with_rms(recipe: Recipe) -> Recipe:
    """What may follow a recipe, at a high rate again: `rms` instead of L1.

    Not in the paper. It is what PSNR counts, but for the logarithm: 0.03 dB more after 1,000 steps.
    """
    loss = partial(picture_loss, distance=rms)
    return replace(
        recipe, name=f"{recipe.name}-rms", loss=loss, start=recipe.name, lr=1e-3, ema=0.9993
    )


FMENS = (
    fmen_recipe("fmen-s-x2", fmen.SMALL[2]),
    fmen_recipe("fmen-s-x3", fmen.SMALL[3], "fmen-s-x2"),
    fmen_recipe("fmen-s-x4", fmen.SMALL[4], "fmen-s-x2"),
    fmen_recipe("fmen-x4", fmen.LARGE[4]),
)


def build_mga(family: str, *, only_mask: bool = False) -> nn.Module:
    module = mga.MaskGuided(family, mga.NETWORKS[family].Config())
    if only_mask:
        module.base.requires_grad_(False)
        module.refine.requires_grad_(False)
    return module


def mask_guided_recipes(
    family: str,
    *,
    distance: Callable = rms,
    teachers: tuple[str, ...] = (),
    coarse_weight: float = 0.1,
    **rates: float,
) -> tuple[Recipe, ...]:
    """The three steps of a network: decomposed, all cells by themselves, the mask alone.

    `rates` change the first, `coarse_weight` the second. They start where the step before has
    ended; the paper begins anew with a full learning rate, which a short training has no time for.
    So the rate of the first stays as it is, and that of the second falls little: the mean over the
    last weights, which is what is kept, does what a fall to zero would do.
    """
    whole, every, guided = (f"{family}-{step}-x4" for step in ("d", "all", "m"))
    build, frozen = partial(build_mga, family), partial(build_mga, family, only_mask=True)
    loss = partial(decomposed_loss, distance=taught_rms if teachers else distance)
    first = partial(loss, cells=False)
    second = partial(loss, cells=True, coarse_weight=coarse_weight)
    settings = {"lr": 1e-3, "floor": 1.0, "patch": 48, **rates}
    last = {**settings, "lr": 8e-4, "floor": 0.4, "hold": 0.3}
    return (
        Recipe(whole, 4, build, first, teachers=teachers, **settings),
        Recipe(every, 4, build, second, whole, teachers, **last),
        Recipe(guided, 4, frozen, mask_loss, every, lr=4e-3, batch=8, patch=48),
    )


TEACHERS = ("adaedsr-x4", "fmen-x4")

MASK_GUIDED = {
    "fsrcnn": {"lr": 2e-3, "floor": 0.0, "hold": 0.3, "distance": F.l1_loss},  # as it was trained
    "pan": {"teachers": TEACHERS, "coarse_weight": 0.2},
    "rfdn": {},
    "srresnet": {},
    "rcan": {"teachers": TEACHERS, "coarse_weight": 0.4},
}

RECIPES = {
    recipe.name: recipe
    for recipe in (
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
            teachers=TEACHERS,
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
        *FMENS,
        *(ended_with_rms(recipe) for recipe in FMENS),
        *(r for name, rates in MASK_GUIDED.items() for r in mask_guided_recipes(name, **rates)),
    )
}
