"""FMEN's loss and recipes.

Source: Du et al., CVPR Workshops 2022 (see `engine.networks.fmen`), section 4.1.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.networks import fmen
from engine.training.recipe import Recipe, rms


def picture_loss(
    network: fmen.FMEN,
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


def fmen_recipe(name: str, config: fmen.Config, start: str | None = None) -> Recipe:
    """An FMEN; one that starts from another scale has less to learn."""
    lr, hold = (1.2e-3, 0.3) if start is None else (6e-4, 0.2)
    build = partial(fmen.FMEN, config)
    return Recipe(name, config.scale, build, picture_loss, start, lr=lr, hold=hold, patch=48)


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


RECIPES = (*FMENS, *(ended_with_rms(recipe) for recipe in FMENS))
