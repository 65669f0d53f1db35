"""EDSR: a residual super-resolution network without batch normalisation.

Source: Lim et al., "Enhanced Deep Residual Networks for Single Image Super-Resolution",
CVPR Workshops 2017, section 3 (arXiv 1707.02921). The body follows the paper.

Deviations, each a field of `Config`:

* `tail="direct"` replaces all that stands behind the blocks: the convolution `fuse` to whose result
  z_0 is added, and the upsampler (convolutions and pixel shuffles at growing resolution, then a
  convolution at full resolution). A single convolution to 3 s^2 channels, a pixel shuffle and a
  nearest-neighbour skip from the input are all there is. The paper's upsampler is 39 % of the
  multiplications of a 16 x 64 network and `fuse` 3 %, and they cannot be skipped anywhere; this
  convolution is 2 %. `tail="classic"` is the paper's.
* `residual_scale` is 1 by default; the paper uses 0.1 for 256 channels.
* The picture is in [0, 1] instead of [0, 255]; the mean of the DIV2K set is subtracted as there.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.layers import conv3x3
from engine.networks.trunk import Trunk

DIV2K_MEAN = (0.4488, 0.4371, 0.4040)


@dataclass(frozen=True)
class Config:
    """The sizes of an EDSR. The defaults are the published baseline but for the tail."""

    scale: int = 4
    blocks: int = 16
    channels: int = 64
    tail: str = "direct"
    residual_scale: float = 1.0


PAPER = Config(blocks=32, channels=256, tail="classic", residual_scale=0.1)
BASELINE = Config(tail="classic")


class Block(nn.Module):
    """A residual block: F(z) = conv3x3(relu(conv3x3(z))). The caller adds F(z) to z."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = conv3x3(channels, channels)
        self.conv2 = conv3x3(channels, channels)
        with torch.no_grad():  # blocks start near the identity, so that deep bodies train at once
            self.conv2.weight.mul_(0.1)

    def forward(self, z: Tensor, mask: Tensor | None = None) -> Tensor:
        """The residual F(z), (N, C, H, W) -> (N, C, H, W).

        Where a mask (N, 1, H, W) is 0, so is what the second convolution sees.
        """
        inner = F.relu(self.conv1(z))
        return self.conv2(inner if mask is None else inner * mask)


class EDSR(Trunk):
    """x (N, 3, H, W) in [0, 1] -> y (N, 3, sH, sW), about [0, 1], not clamped."""

    config: Config
    mean: Tensor

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        channels = config.channels
        self.register_buffer("mean", torch.tensor(DIV2K_MEAN).view(1, 3, 1, 1), persistent=False)
        self.head = conv3x3(3, channels)
        self.blocks = nn.ModuleList(Block(channels) for _ in range(config.blocks))
        self.fuse = conv3x3(channels, channels) if config.tail == "classic" else None
        self.tail = make_tail(config)

    def extract(self, x: Tensor) -> Tensor:
        """Features z_0 (N, C, H, W) of the picture x."""
        return self.head(x - self.mean)

    def residual(self, index: int, z: Tensor, mask: Tensor | None = None) -> Tensor:
        """What block `index` (from 0) adds to z; `mask` as in `Block.forward`."""
        return self.blocks[index](z, mask) * self.config.residual_scale

    def reconstruct(self, z: Tensor, z0: Tensor, x: Tensor) -> Tensor:
        """The picture from the features z behind any block; the direct tail has no use for z0."""
        if self.fuse is None:
            skip = F.interpolate(x, scale_factor=self.config.scale, mode="nearest")
            return self.tail(z) + skip
        return self.tail(self.fuse(z) + z0) + self.mean

    def forward(self, x: Tensor) -> Tensor:
        z = z0 = self.extract(x)
        for index in range(self.config.blocks):
            z = z + self.residual(index, z)
        return self.reconstruct(z, z0, x)


class Tailed(Protocol):
    """What a tail needs to know of a network."""

    @property
    def scale(self) -> int: ...

    @property
    def channels(self) -> int: ...

    @property
    def tail(self) -> str: ...


def make_tail(config: Tailed) -> nn.Sequential:
    """The part behind the body: features (N, C, H, W) -> (N, 3, sH, sW)."""
    channels, scale = config.channels, config.scale
    if config.tail == "direct":
        return nn.Sequential(conv3x3(channels, 3 * scale * scale), nn.PixelShuffle(scale))
    if config.tail != "classic":
        raise ValueError(f"tail must be 'direct' or 'classic', not {config.tail!r}")
    steps = {2: [2], 3: [3], 4: [2, 2]}[scale]
    layers: list[nn.Module] = []
    for step in steps:
        layers += [conv3x3(channels, step * step * channels), nn.PixelShuffle(step)]
    return nn.Sequential(*layers, conv3x3(channels, 3))


@dataclass(frozen=True)
class Macs:
    """Multiply-accumulates per low-resolution pixel; biases, activations, sums not counted."""

    head: int
    block: int
    fuse: int
    tail: int
    whole: int


def macs(config: Config) -> Macs:
    """What an EDSR costs, part by part."""
    square = 9 * config.channels**2
    head = 9 * 3 * config.channels
    if config.tail == "direct":
        fuse, tail = 0, 9 * config.channels * 3 * config.scale**2
    else:
        fuse = square
        steps, area, tail = {2: [2], 3: [3], 4: [2, 2]}[config.scale], 1, 0
        for step in steps:
            tail += area * square * step**2
            area *= step**2
        tail += area * head
    whole = head + config.blocks * 2 * square + fuse + tail
    return Macs(head, 2 * square, fuse, tail, whole)
