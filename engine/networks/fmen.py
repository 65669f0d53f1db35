"""FMEN: a fast, memory-lean network, trained wide and run plain.

Source: Du et al., "Fast and Memory-Efficient Network Towards Efficient Image Super-Resolution",
CVPR Workshops 2022 (arXiv 2204.08397), section 3; details as in the authors' released network.

Two forms compute the same function. The wide one is trained: its residual blocks work in twice the
channels and its attention blocks hold batch normalisation. `fuse` turns it into the plain one,
which runs: 3x3 convolutions, LeakyReLU, sigmoid and product, nothing else.

    x_0 = head(x),  z = HFAB(warm-up(x_0)),  z = HFAB(ERB(z)) four times,  y = tail(fuse(z) + x_0)

Deviations:

* The picture is in [0, 1] instead of [0, 255].
* A new network begins as a nearest-neighbour enlargement: three channels of the head carry the
  colours to the tail. It is a matter of the first weights only, and saves a short training the
  steps in which it would learn just that.
* While it is being trained, a residual block multiplies its kernels out before it meets a picture
  (Bhardwaj et al., "Collapsible Linear Blocks for Super-Efficient Super Resolution", MLSys 2022,
  arXiv 2103.09404): function and gradients stay, at a quarter of the multiplications.
* The sizes of the large network are not published; `LARGE` is the only one of this shape with the
  parameters and multiplications of the paper's Table 3.
"""

import copy
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.layers import Conv2d, conv3x3

SLOPE = 0.1  # of every LeakyReLU
WIDER = 2  # the channels inside a residual block, as a multiple of those outside
FIRST_LESS = 4  # the channels by which the warm-up's attention is narrower than the others


@dataclass(frozen=True)
class Config:
    """The sizes of an FMEN; the defaults are FMEN-S.

    `attention` counts the channels inside an HFAB and `inner` the ERBs there. The warm-up's HFAB
    has four channels less and one ERB more.
    """

    scale: int = 4
    channels: int = 50
    pairs: int = 4
    attention: int = 16
    inner: int = 1


SMALL = {scale: Config(scale=scale) for scale in (2, 3, 4)}
LARGE = {scale: Config(scale=scale, channels=64, attention=32, inner=2) for scale in (2, 3, 4)}


def framed(y: Tensor, value: Tensor) -> Tensor:
    """y (N, C, H, W) with a frame one pixel wide, of `value` (C,) -> (N, C, H + 2, W + 2).

    A convolution whose input has passed an affine layer must see at the border what that layer
    makes of a zero, or the two could not be merged there.
    """
    frame = F.pad(y.new_zeros(1, 1, *y.shape[2:]), (1, 1, 1, 1), value=1.0)
    return F.pad(y, (1, 1, 1, 1)) + frame * value.to(y.dtype).view(1, -1, 1, 1)


class RRRB(nn.Module):
    """A residual-in-residual re-parameterisation block, section 3.3: one 3x3 convolution in truth.

    y_1 = K_0 x, y_2 = K_1 y_1 + y_1, out = K_2 y_2 + x with 1x1, 3x3 and 1x1 kernels.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.expand = Conv2d(channels, WIDER * channels, 1)
        self.middle = Conv2d(WIDER * channels, WIDER * channels, 3)
        self.reduce = Conv2d(WIDER * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        if self.training:
            with torch.autocast(x.device.type, enabled=False):
                weight, bias = self.fused()
            return F.conv2d(x, weight, bias, padding=1)
        y = self.expand(x)
        y = self.middle(framed(y, self.expand.bias)) + y
        return self.reduce(y) + x

    def fused(self) -> tuple[Tensor, Tensor]:
        """The weight (C, C, 3, 3) and bias (C,) of the convolution with zero padding."""
        first, last = self.expand.weight.flatten(1), self.reduce.weight.flatten(1)
        middle = self.middle.weight + centre(self.middle.weight)
        weight = torch.einsum("oa,abij,bc->ocij", last, middle, first)
        bias = last @ (middle.sum((2, 3)) @ self.expand.bias + self.middle.bias)
        return weight + centre(weight), bias + self.reduce.bias


def centre(weight: Tensor) -> Tensor:
    """The 3x3 kernel (C, C, 3, 3) that leaves a picture as it is."""
    identity = torch.eye(weight.shape[0], dtype=weight.dtype, device=weight.device)
    return F.pad(identity[:, :, None, None], (1, 1, 1, 1))


class NormConv(nn.Module):
    """Batch normalisation, then a 3x3 convolution; with `behind` normalised once more.

    The frame around the normalised input comes from the running statistics, in training as well.
    """

    def __init__(self, inputs: int, outputs: int, *, behind: bool = False):
        super().__init__()
        self.before = nn.BatchNorm2d(inputs)
        self.conv = Conv2d(inputs, outputs, 3)
        self.behind = nn.BatchNorm2d(outputs) if behind else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H, W)."""
        y = self.conv(framed(self.before(x), affine(self.before)[1]))
        return y if self.behind is None else self.behind(y)

    def fused(self) -> tuple[Tensor, Tensor]:
        """The weight (outputs, inputs, 3, 3) and bias of the convolution with zero padding."""
        factor, shift = affine(self.before)
        weight = self.conv.weight * factor.view(1, -1, 1, 1)
        bias = self.conv.bias + self.conv.weight.sum((2, 3)) @ shift
        if self.behind is not None:
            factor, shift = affine(self.behind)
            weight, bias = weight * factor.view(-1, 1, 1, 1), bias * factor + shift
        return weight, bias


def affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Factor and shift (C,) by which the layer normalises once it is trained."""
    assert norm.running_var is not None and norm.running_mean is not None  # it keeps track
    factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return factor, norm.bias - norm.running_mean * factor


class ERB(nn.Module):
    """The enhanced residual block, section 3.3: RRRB, LeakyReLU, RRRB."""

    def __init__(self, channels: int, *, plain: bool):
        super().__init__()
        make = (lambda: conv3x3(channels, channels)) if plain else (lambda: RRRB(channels))
        self.conv1, self.conv2 = make(), make()

    def forward(self, z: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return self.conv2(F.leaky_relu_(self.conv1(z), SLOPE))


class HFAB(nn.Module):
    """The high-frequency attention block, section 3.4: a factor within 0..1 for every feature."""

    def __init__(self, channels: int, inside: int, erbs: int, *, plain: bool):
        super().__init__()
        self.squeeze = conv3x3(channels, inside) if plain else NormConv(channels, inside)
        self.erbs = nn.Sequential(*(ERB(inside, plain=plain) for _ in range(erbs)))
        self.excite = (
            conv3x3(inside, channels) if plain else NormConv(inside, channels, behind=True)
        )

    def attention(self, z: Tensor) -> Tensor:
        """The factors, (N, C, H, W) within 0..1."""
        a = F.leaky_relu_(self.squeeze(z), SLOPE)
        a = F.leaky_relu_(self.erbs(a), SLOPE)
        return torch.sigmoid_(self.excite(a))

    def forward(self, z: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return self.attention(z) * z


class FMEN(nn.Module):
    """x (N, 3, H, W) in [0, 1] -> y (N, 3, sH, sW), about [0, 1], not clamped.

    `plain` is the form that runs; the other one is trained.
    """

    def __init__(self, config: Config, *, plain: bool = False):
        super().__init__()
        self.config, self.plain = config, plain
        channels, inside, inner = config.channels, config.attention, config.inner
        self.head = conv3x3(3, channels)
        self.warm_up = conv3x3(channels, channels)
        self.erbs = nn.ModuleList(ERB(channels, plain=plain) for _ in range(config.pairs))
        sizes = [(inside - FIRST_LESS, inner + 1)] + [(inside, inner)] * config.pairs
        self.hfabs = nn.ModuleList(HFAB(channels, *size, plain=plain) for size in sizes)
        self.fuse = conv3x3(channels, channels)
        self.tail = conv3x3(channels, 3 * config.scale**2)
        begin_as_nearest(self.head, self.tail)

    def extract(self, x: Tensor) -> Tensor:
        """Features x_0 (N, C, H, W) of the picture x."""
        return self.head(x)

    def refine(self, x0: Tensor) -> Tensor:
        """What the attention blocks and residual blocks make of x_0, (N, C, H, W)."""
        z = self.warm_up(x0)
        z = self.hfabs[0](z)
        for erb, hfab in zip(self.erbs, self.hfabs[1:], strict=True):
            z = erb(z)  # on a line of its own, so that what it came from is free
            z = hfab(z)
        return self.fuse(z)

    def reconstruct(self, z: Tensor, x0: Tensor) -> Tensor:
        """The picture from refined features."""
        return F.pixel_shuffle(self.tail(z + x0), self.config.scale)

    def forward(self, x: Tensor) -> Tensor:
        x0 = self.extract(x)
        return self.reconstruct(self.refine(x0), x0)


@torch.no_grad()
def begin_as_nearest(head: Conv2d, tail: Conv2d) -> None:
    """Let the head's first three channels be the colours, and the tail repeat each s^2 times."""
    repeats = tail.out_channels // 3
    tail.weight.mul_(0.1)
    for colour in range(3):
        rows = slice(colour * repeats, (colour + 1) * repeats)
        head.weight[colour], head.bias[colour] = 0, 0
        tail.weight[rows, :3], tail.bias[rows] = 0, 0
        head.weight[colour, colour, 1, 1] = 1
        tail.weight[rows, colour, 1, 1] = 1


@torch.no_grad()
def fuse(network: FMEN) -> FMEN:
    """The plain form of a trained network, in float32 and evaluation mode.

    Kernels are multiplied out in float64. A plain network yields a copy of itself.
    """
    wide = copy.deepcopy(network).cpu().double()
    plain = FMEN(network.config, plain=True).double()
    for name, conv in plain.named_modules():
        if isinstance(conv, Conv2d):
            source = wide.get_submodule(name)
            weight: Tensor
            bias: Tensor
            if isinstance(source, Conv2d):
                weight, bias = source.weight, source.bias
            else:
                assert isinstance(source, RRRB | NormConv)  # all else is in the plain form, too
                weight, bias = source.fused()
            conv.weight.copy_(weight)
            conv.bias.copy_(bias)
    return plain.float().eval().requires_grad_(False)


def layers(config: Config) -> list[tuple[int, int]]:
    """(inputs, outputs) of every 3x3 convolution of the plain form, in the order of execution."""
    channels = config.channels

    def hfab(inside: int, erbs: int) -> list[tuple[int, int]]:
        return [(channels, inside), *[(inside, inside)] * (2 * erbs), (inside, channels)]

    return [
        (3, channels),
        (channels, channels),
        *hfab(config.attention - FIRST_LESS, config.inner + 1),
        *([(channels, channels)] * 2 + hfab(config.attention, config.inner)) * config.pairs,
        (channels, channels),
        (channels, 3 * config.scale**2),
    ]


def macs(config: Config) -> int:
    """Multiply-accumulates of the plain form per low-resolution pixel; see `edsr.macs`."""
    return sum(9 * inputs * outputs for inputs, outputs in layers(config))
