"""Convolutions over a list of positions: only what is asked for is computed."""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.kernels import reference


@dataclass(frozen=True)
class PackedConv:
    """A convolution's weights in the order in which they are read; 3x3 or 1x1, stride 1."""

    weight: Tensor  # (Cout, Cin, k, k), in the type of the products
    bias: Tensor  # (Cout,) float32

    @property
    def outputs(self) -> int:
        return self.weight.shape[0]

    @property
    def macs(self) -> int:
        """Multiply-accumulates per position."""
        return self.weight.numel()


def pack(weight: Tensor, bias: Tensor, dtype: torch.dtype = torch.float32) -> PackedConv:
    """Pack a weight (Cout, Cin, k, k), k 1 or 3, and a bias (Cout,); once per network.

    Products are of type `dtype`, float32 or bfloat16; sums are float32.
    """
    weight = weight.detach().to(dtype, memory_format=torch.channels_last)
    return PackedConv(weight, bias.detach().float())


def convolve(
    source: Tensor,
    packed: PackedConv,
    positions: Tensor | None,
    target: Tensor,
    *,
    slope: float | Tensor = 1.0,
    scale: float | Tensor | None = None,
    add: bool = False,
) -> int:
    """Convolve at the listed positions of `target`; returns the MACs executed.

    `target` (n, pitch, Cout) and `source` (n + 2, pitch, Cin) are rows of channels-last pictures
    with a zero column on either side; the source has one row more above and below (for a 1x1
    convolution it has the target's rows). `positions` are ascending flat indices row * pitch +
    column of target pixels, int32; None means all but the zero columns. Nothing else is written.

    A result is bias + sum(weight * source), times `slope` (a number, (1,) or (Cout,)) where
    negative (0: ReLU, 1: none). It replaces the target or, with `add`, is added to it; before that
    it is multiplied by `scale`, a number or one per position (P,). Source and target are float32
    or bfloat16.
    """
    count = target.shape[0] * (target.shape[1] - 2) if positions is None else len(positions)
    reference.convolve(
        source, packed.weight, packed.bias, positions, target, slope=slope, scale=scale, add=add
    )
    return count * packed.macs


def describe() -> str:
    """Which path runs, for people."""
    return "PyTorch"
