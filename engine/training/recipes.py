"""What is trained, one recipe a line of weights: the network, its loss, and the schedule."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.adaptive import depth
from engine.networks import edsr

Loss = Callable[[nn.Module, Tensor, Tensor, np.random.Generator], Tensor]


@dataclass(frozen=True)
class Recipe:
    """One training. The learning rate rises over `warmup` steps, stays, and falls from `hold` on.

    `start` names weights to begin from; `hold` and `floor` are shares of the whole and of `lr`.
    """

    name: str
    scale: int
    build: Callable[[], nn.Module]
    loss: Loss
    start: str | None = None
    lr: float = 2e-3
    floor: float = 0.0
    hold: float = 0.0
    batch: int = 16
    patch: int = 40
    warmup: int = 100
    clip: float = 1.0
    ema: float = 0.999
    seed: int = 0


def trunk_loss(network: nn.Module, low: Tensor, high: Tensor, _: np.random.Generator) -> Tensor:
    """L1 behind the last block."""
    z = z0 = network.extract(low).float()  # a float32 stream loses nothing to 16 additions
    for block in range(network.config.blocks):
        z = z + network.residual(block, z)
    return F.l1_loss(network.reconstruct(z, z0, low).float(), high)


def depth_recipe_loss(
    network: nn.Module, low: Tensor, high: Tensor, rng: np.random.Generator, weight: float = 2e-3
) -> Tensor:
    """L1 with half the batch at full depth, half at desired depths of their own; the depth loss.

    The full half keeps the picture at full effort as good as the trunk's.
    """
    batch, blocks = low.shape[0], network.blocks
    half = batch // 2
    desired = torch.from_numpy(rng.uniform(0.5, blocks, (half, 1, 1, 1)).astype(np.float32))
    desired = desired.to(low.device)
    z0 = network.network.extract(low).float()
    raw = network.adapter(z0[:half], desired).float()
    full = raw.new_full((batch - half, *raw.shape[1:]), blocks)
    sr = network.masked(low, torch.cat([F.relu(raw), full]), z0)
    return F.l1_loss(sr.float(), high) + weight * depth.depth_loss(raw, desired)


def build_edsr() -> nn.Module:
    return edsr.EDSR(edsr.Config())


def build_adaedsr() -> nn.Module:
    return depth.AdaDSR(edsr.EDSR(edsr.Config()), depth.Config())


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("edsr-x4", 4, build_edsr, trunk_loss, lr=1.2e-3, floor=0.4, hold=0.4, patch=32),
        Recipe(
            "adaedsr-x4",
            4,
            build_adaedsr,
            depth_recipe_loss,
            start="edsr-x4",
            lr=1e-3,
            hold=0.2,
            batch=12,
            patch=48,
        ),
    )
}
