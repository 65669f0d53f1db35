"""What a training is: network, loss and schedule; and the distances that losses are made of."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from engine.colour import LUMA

Loss = Callable[..., Tensor]  # of (network, low, high, rng); the network is what `build` makes


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


OTHERS = {  # teachers that others have trained: who, and under which terms
    f"smfanet-plus-x{scale}": f"SMFANet+ x{scale} (Zheng et al., ECCV 2024; Apache-2.0)"
    for scale in (2, 3, 4)
}


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


def taught_rms(picture: Tensor, both: Tensor) -> Tensor:
    """`noiseless` towards the teacher's picture, behind the original's colours in `both`; (N,)."""
    high, lesson = both.chunk(2, dim=1)
    return noiseless(picture, lesson, rms(picture, high))


def on_lesson(loss: Loss) -> Loss:
    """A loss whose target is the teacher's picture alone."""

    def towards_teacher(
        network: nn.Module, low: Tensor, both: Tensor, rng: np.random.Generator
    ) -> Tensor:
        return loss(network, low, both.chunk(2, dim=1)[1], rng)

    return towards_teacher
