"""Convolutions over a list of positions: only what is asked for is computed."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from engine.kernels import compiled, reference


@dataclass(frozen=True)
class PackedConv:
    """A convolution's weights in the order in which they are read; 3x3 or 1x1, stride 1."""

    weight: Tensor  # (Cout, Cin, k, k), in the type of the products
    bias: Tensor  # (Cout,) float32
    level: int | None = None  # of `compiled`; None: PyTorch
    panels: Tensor | None = None  # weights and biases for that level

    @property
    def outputs(self) -> int:
        return self.weight.shape[0]

    @property
    def macs(self) -> int:
        """Multiply-accumulates per position."""
        return self.weight.numel()


def pack(weight: Tensor, bias: Tensor, dtype: torch.dtype = torch.float32) -> PackedConv:
    """Pack a weight (Cout, Cin, k, k), k 1 or 3, and a bias (Cout,); once per network.

    Products are of type `dtype`, float32 or bfloat16; sums are float32, which PyTorch rounds to
    `dtype`. Weights on another device than the CPU are for PyTorch there.
    """
    weight, bias, level = weight.detach(), bias.detach().float(), compiled.level()
    rounded = weight.to(dtype, memory_format=torch.channels_last)
    if level is None or weight.device.type != "cpu":
        return PackedConv(rounded, bias)
    return PackedConv(rounded, bias, level, compiled.pack(weight.float(), bias, dtype, level))


def pack_tail(weight: Tensor, bias: Tensor, scale: int, dtype: torch.dtype) -> PackedConv:
    """`pack` for what stands before a pixel shuffle: outputs (3, s, s) become (s, s, 3).

    So the pixels of a row of the upscaled picture lie beside each other.
    """

    def moved(values: Tensor) -> Tensor:
        return values.unflatten(0, (3, scale, scale)).movedim(0, 2).flatten(0, 2)

    return pack(moved(weight), moved(bias), dtype)


def convolve(
    source: Tensor,
    packed: PackedConv,
    positions: Tensor | None,
    target: Tensor,
    *,
    slope: float | Tensor = 1.0,
    scale: float | Tensor | None = None,
    how: str = "write",
) -> int:
    """Convolve at the listed positions of `target`; returns the MACs executed.

    `target` (n, pitch, Cout) and `source` (n + 2, pitch, Cin) are contiguous rows of channels-last
    pictures with a zero column on either side; the source has one row more above and below (for a
    1x1 convolution it has the target's rows). `positions` are ascending flat indices row * pitch +
    column of target pixels, int32; None means all but the zero columns. Nothing else is written.

    A result is bias + sum(weight * source), times `slope` (a number, (1,) or (Cout,)) where
    negative (0: ReLU, 1: none), times `scale`, a number or one per position (P,). `how` it meets
    the target: "write" replaces it, "add" is added to it, "multiply" multiplies its sigmoid into
    it. Source and target are float32 or bfloat16. All tensors are where the packed weights are.

    ValueError where these do not fit together, IndexError where positions do not ascend inside
    the target. On CUDA, float32 is as precise as `torch.backends.cudnn.allow_tf32` lets it be.
    """
    count = _check(source, packed.weight, positions, target, scale)
    if packed.panels is None or packed.level is None:
        run = partial(reference.convolve, source, packed.weight, packed.bias)
    else:
        run = partial(compiled.convolve, source, packed.weight, packed.panels, packed.level)
    run(positions, target, slope=slope, scale=scale, how=how)
    return count * packed.macs


def product_type(device: torch.device) -> torch.dtype:
    """The fastest type of products: bfloat16 where the processor multiplies it faster."""
    fast = device.type == "cpu" and (compiled.level() or 0) >= 3
    return torch.bfloat16 if fast else torch.float32


def describe() -> str:
    """Which path runs, for people."""
    level = compiled.level()
    return "PyTorch" if level is None else compiled.NAMES[level]


def _check(
    source: Tensor,
    weight: Tensor,
    positions: Tensor | None,
    target: Tensor,
    scale: float | Tensor | None,
) -> int:
    """The number of positions; ValueError where the kernel would leave the buffers."""
    outputs, channels, size = weight.shape[:3]
    rows, pitch = target.shape[:2]
    if source.shape != (rows + size - 1, pitch, channels) or target.shape[2] != outputs:
        raise ValueError(f"{(*source.shape,)} does not convolve to {(*target.shape,)}")
    read = [source, target] if positions is None else [source, target, positions]
    if not all(t.is_contiguous() and t.device == weight.device for t in read):
        raise ValueError("source, positions and target must be contiguous, where the weights are")
    if {source.dtype, target.dtype} - {torch.float32, torch.bfloat16}:
        raise ValueError("source and target must be float32 or bfloat16")
    if positions is not None and (positions.dtype != torch.int32 or positions.dim() != 1):
        raise ValueError("positions must be a list of int32")
    count = rows * (pitch - 2) if positions is None else positions.shape[0]
    if isinstance(scale, Tensor) and scale.numel() != count:
        raise ValueError(f"{scale.numel()} scales for {count} positions")
    return count
