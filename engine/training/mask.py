"""The mask-guided networks' losses and the recipes of their three steps.

Source: Hu et al., ECCV 2022 (see `engine.adaptive.mask`), section 3.5.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.colour import LUMA
from engine.networks.decomposed import mga
from engine.networks.decomposed.cells import CELL
from engine.training.recipe import Recipe, rms, taught_rms


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


def build_mga(family: str, *, only_mask: bool = False) -> nn.Module:
    module = mga.MaskGuided(family, mga.NETWORKS[family].Config())
    if only_mask:
        module.base.requires_grad_(False)
        module.refine.requires_grad_(False)
    return module


def mask_guided_recipes(
    family: str,
    *,
    distance: Callable[[Tensor, Tensor], Tensor] = rms,
    teachers: tuple[str, ...] = (),
    coarse_weight: float = 0.1,
    lr: float = 1e-3,
    floor: float = 1.0,
    hold: float = 0.0,
) -> tuple[Recipe, ...]:
    """The three steps of a network: decomposed, all cells by themselves, the mask alone.

    `lr`, `floor` and `hold` are the first's, `coarse_weight` the second's. They start where the
    step before has ended; the paper begins anew with a full learning rate, which a short training
    has no time for. So the rate of the first stays as it is, and that of the second falls little:
    the mean over the last weights, which is what is kept, does what a fall to zero would do.
    """
    whole, every, guided = (f"{family}-{step}-x4" for step in ("d", "all", "m"))
    build, frozen = partial(build_mga, family), partial(build_mga, family, only_mask=True)
    loss = partial(decomposed_loss, distance=taught_rms if teachers else distance)
    first = Recipe(
        whole,
        4,
        build,
        partial(loss, cells=False),
        teachers=teachers,
        lr=lr,
        floor=floor,
        hold=hold,
        patch=48,
    )
    second = replace(
        first,
        name=every,
        loss=partial(loss, cells=True, coarse_weight=coarse_weight),
        start=whole,
        lr=8e-4,
        floor=0.4,
        hold=0.3,
    )
    return first, second, Recipe(guided, 4, frozen, mask_loss, every, lr=4e-3, batch=8, patch=48)


TEACHERS = ("adaedsr-x4", "fmen-x4")

RECIPES = (
    *mask_guided_recipes("fsrcnn", lr=2e-3, floor=0.0, hold=0.3, distance=F.l1_loss),
    *mask_guided_recipes("pan", teachers=TEACHERS, coarse_weight=0.2),
    *mask_guided_recipes("rfdn"),
    *mask_guided_recipes("srresnet"),
    *mask_guided_recipes("rcan", teachers=TEACHERS, coarse_weight=0.4),
)
