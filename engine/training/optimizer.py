"""The optimizers of every recipe: Muon for the wide convolutions, Adam for the rest.

Muon (Jordan et al. 2024) replaces the momentum of a weight matrix by the nearest matrix with equal
singular values, so that every direction of a layer learns at the same pace. PyTorch's own
`torch.optim.Muon` takes matrices only; a convolution is the matrix of (outputs, inputs * k * k).

The biases beside them learn ten times slower than by Adam alone: faster than their weights, they
ran ahead of them, and within some thousand steps half of the blocks gave nothing but zeros behind
their ReLU.
"""

from typing import Any

import torch
from torch import Tensor, nn


def orthogonalise(gradients: Tensor, steps: int = 5) -> Tensor:
    """The near-orthogonal factor of each matrix (B, m, n), by a Newton-Schulz iteration."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = gradients / (gradients.norm(dim=(1, 2), keepdim=True) + 1e-7)
    transposed = x.shape[1] > x.shape[2]
    if transposed:
        x = x.mT
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if transposed else x


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised, with a step whose root mean square is 0.2 `lr`, as Adam's is.

    Weights decay by `decay` * `lr` a step (Liu et al. 2025), or they would grow without end.
    """

    def __init__(
        self, groups: list[dict[str, Any]], lr: float, momentum: float = 0.95, decay: float = 0.1
    ):
        """`groups` as PyTorch's optimizers take them: parameters beside other values."""
        super().__init__(groups, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:  # a loss need not reach every part of a network
                    by_shape.setdefault(parameter.shape, []).append(parameter)
            for shape, parameters in by_shape.items():
                gradients = torch.stack([self._momentum(p, group["momentum"]) for p in parameters])
                updates = orthogonalise(gradients.flatten(2)).view(-1, *shape)
                rms = 0.2 * max(shape[0], updates[0].numel() // shape[0]) ** 0.5
                for parameter, update in zip(parameters, updates, strict=True):
                    parameter.mul_(1 - group["lr"] * group["decay"])
                    parameter.add_(update, alpha=-group["lr"] * rms)

    def _momentum(self, parameter: Tensor, beta: float) -> Tensor:
        """Nesterov's momentum of the gradient."""
        state = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        gradient = parameter.grad
        assert gradient is not None  # `step` asks for those that have one
        state["momentum"].lerp_(gradient, 1 - beta)
        return gradient.lerp(state["momentum"], beta)


BIAS_PACE = 0.1


def make_optimizers(network: nn.Module, lr: float) -> list[torch.optim.Optimizer]:
    """One optimizer for the square inner convolutions and one for everything else.

    The learning rate of a group is that of the recipe times the group's `pace`.
    """
    named = {name: p for name, p in network.named_parameters() if p.requires_grad}
    wide = {n: p for n, p in named.items() if p.dim() == 4 and min(p.shape[:2]) >= 16}
    biases = {n.removesuffix("weight") + "bias" for n in wide} & named.keys()
    groups = [
        {"params": [p for n, p in named.items() if n not in wide and n not in biases], "pace": 1.0},
        {"params": [named[n] for n in sorted(biases)], "pace": BIAS_PACE},
    ]
    optimizers: list[torch.optim.Optimizer] = [torch.optim.Adam(groups, lr, betas=(0.9, 0.99))]
    if wide:
        optimizers.append(Muon([{"params": list(wide.values()), "pace": 1.0}], lr))
    return optimizers
