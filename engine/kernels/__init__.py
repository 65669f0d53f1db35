"""Convolutions over a list of positions: only what is asked for is computed."""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.kernels import reference


@dataclass(frozen=True)
class PackedConv:
    """A convolution's weights in the order in which they are read; 3x3 or 1x1, stride 1."""

    weight: Tensor
    bias: Tensor

    @property
    def outputs(self) -> int:
        return self.weight.shape[0]

    @property
    def macs(self) -> int:
        """Multiply-accumulates per position."""
        return self.weight.numel()


def pack(weight: Tensor, bias: Tensor) -> PackedConv:
    """Pack a weight (Cout, Cin, k, k), k 1 or 3, and a bias (Cout,); once per network."""
    return PackedConv(weight.contiguous(memory_format=torch.channels_last), bias)


def convolve(
    source: Tensor,
    packed: PackedConv,
    positions: Tensor | None,
    target: Tensor,
    *,
    slope: float = 1.0,
    scale: Tensor | None = None,
    add: bool = False,
) -> int:
    """Convolve at the listed positions of `target`; returns the MACs executed.

    `target` (n, pitch, Cout) and `source` (n + 2, pitch, Cin) are rows of channels-last pictures
    with a zero column on either side; the source has one row more above and below (for a 1x1
    convolution it has the target's rows). `positions` are ascending flat indices row * pitch +
    column of target pixels, int32; None means all but the zero columns. Nothing else is written.

    A result is bias + sum(weight * source), times `slope` where negative (0: ReLU, 1: none). It
    replaces the target, or with `add` is added to it, times `scale` (P,) where given.
    """
    reference.convolve(
        source, packed.weight, packed.bias, positions, target, slope=slope, scale=scale, add=add
    )
    count = target.shape[0] * (target.shape[1] - 2) if positions is None else len(positions)
    return count * packed.macs


def describe() -> str:
    """Which path runs, for people."""
    return "PyTorch"
