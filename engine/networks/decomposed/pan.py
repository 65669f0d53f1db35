"""PAN, decomposed: blocks in which features attend to themselves pixel by pixel.

Source: Zhao et al., "Efficient Image Super-Resolution Using Pixel Attention", ECCV Workshops 2020,
section 3 (arXiv 2010.01073), 40 channels and 16 blocks; decomposed into 12 and 4 blocks as in Hu et
al., ECCV 2022, section 3.1 (`cells`). The coarse feature is what the Base-Net
enlarges: the output of its last convolution, the features of the head added.

The Refine-Net has no pair of convolutions that takes the halo off. What it does instead is not
published; this reading, in which the upsampler takes it off at the resolutions it works at,
explains the published costs of one whole refinement and of one by patches to 0.3 %:

* the first convolution of the upsampler and the last one have no padding, nor has the second one
  behind the last enlargement, where there is one: 1/2 + 1/4 + 1/4 pixels on each side at x4;
* at x3 three fine pixels must go, so a convolution of this kind is put before the last one. The
  published size (296K) contains it.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.decomposed.cells import HALO, BaseNet, Half, weights
from engine.networks.layers import conv3x3

SLOPE = 0.2  # of every LeakyReLU


TITLE = "PAN-M"


@dataclass(frozen=True)
class Config:
    """Sizes: channels of the blocks and of the upsampler, blocks of the Base- and Refine-Net."""

    scale: int = 4
    channels: int = 40
    upsampler: int = 24
    base: int = 12
    refine: int = 4


PAPER = {scale: Config(scale=scale) for scale in (2, 3, 4)}


def plain(inputs: int, outputs: int, size: int) -> nn.Conv2d:
    """A convolution that keeps the size, without bias."""
    return nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False)


class Block(nn.Module):
    """SCPA: self-calibrated convolution with pixel attention, section 3.2.2 and Figure 3."""

    def __init__(self, channels: int):
        super().__init__()
        half = channels // 2
        self.split_a, self.split_b = plain(channels, half, 1), plain(channels, half, 1)
        self.conv_a = plain(half, half, 3)
        self.attention = nn.Conv2d(half, half, 1)
        self.conv_b1, self.conv_b2 = plain(half, half, 3), plain(half, half, 3)
        self.merge = plain(2 * half, channels, 1)

    def forward(self, z: Tensor) -> Tensor:
        """(N, C, h, w) -> (N, C, h, w)."""
        a = F.leaky_relu(self.split_a(z), SLOPE)
        a = F.leaky_relu(self.conv_a(a), SLOPE)
        b = F.leaky_relu(self.split_b(z), SLOPE)
        b = self.conv_b1(b) * torch.sigmoid(self.attention(b))
        b = F.leaky_relu(self.conv_b2(b), SLOPE)
        return self.merge(torch.cat([a, b], 1)) + z


class Enlarge(nn.Module):
    """Nearest-neighbour enlargement, 3x3 convolution, pixel attention (U-PA, section 3.2.3)."""

    def __init__(self, inputs: int, outputs: int, factor: int, *, padding: int):
        super().__init__()
        self.factor = factor
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=padding)
        self.attention = nn.Conv2d(outputs, outputs, 1)

    def forward(self, z: Tensor) -> Tensor:
        """(N, inputs, h, w) -> (N, outputs, fh, fw), two less without padding."""
        z = self.conv(F.interpolate(z, scale_factor=self.factor, mode="nearest"))
        return F.leaky_relu(z * torch.sigmoid(self.attention(z)), SLOPE)


class Upsampler(nn.Sequential):
    """(N, C, h, w) -> (N, 3, sh, sw); with `halo` (N, C, h + 2, w + 2) -> (N, 3, sh, sw)."""

    def __init__(self, config: Config, *, halo: bool):
        inner, padding = config.upsampler, 0 if halo else 1
        first = 2 if config.scale == 4 else config.scale
        layers = [
            Enlarge(config.channels, inner, first, padding=padding),
            conv3x3(inner, inner),
            nn.LeakyReLU(SLOPE),
        ]
        if config.scale == 4:
            layers.append(Enlarge(inner, inner, 2, padding=1))
        if config.scale == 4 or (config.scale == 3 and halo):
            layers += [nn.Conv2d(inner, inner, 3, padding=padding), nn.LeakyReLU(SLOPE)]
        super().__init__(*layers, nn.Conv2d(inner, 3, 3, padding=padding))
        self.reach = 1 if config.scale == 3 and not halo else 2

    def macs(self, height: int, width: int) -> int:
        """Multiply-accumulates for an input of that size, its halo included."""
        total = 0
        for layer in self:
            if isinstance(layer, Enlarge):
                height, width = layer.factor * height, layer.factor * width
            conv = layer.conv if isinstance(layer, Enlarge) else layer
            if isinstance(conv, nn.Conv2d) and conv.padding == (0, 0):
                height, width = height - 2, width - 2
            total += height * width * weights(layer)
        return total


class Base(BaseNet):
    """x (N, 3, h, w) in [0, 1] -> coarse (N, 3, sh, sw), feature (N, C, h, w)."""

    def __init__(self, config: Config):
        super().__init__(config, config.channels, skip=True)
        self.head = conv3x3(3, config.channels)
        self.blocks = nn.Sequential(*(Block(config.channels) for _ in range(config.base)))
        self.fuse = conv3x3(config.channels, config.channels)
        self.tail: Upsampler = Upsampler(config, halo=False)
        self.tail_reach = self.tail.reach
        self.reach = 1 + 2 * config.base + 1 + self.tail_reach

    def extract(self, x: Tensor) -> Tensor:
        """x (N, 3, h, w) -> feature (N, C, h, w)."""
        z0 = self.head(x)
        return self.fuse(self.blocks(z0)) + z0

    def front_macs(self, height: int, width: int) -> int:
        """Multiply-accumulates of `extract`."""
        return height * width * weights(self.head, self.blocks, self.fuse)

    def tail_macs(self, height: int, width: int) -> int:
        """Multiply-accumulates of `reconstruct`."""
        return self.tail.macs(height, width)


class Refine(Half):
    """feature (N, C, h + 2, w + 2), x (N, 3, h + 2, w + 2) -> refined (N, 3, sh, sw).

    The upsampler takes the halo off.
    """

    halo = HALO

    def __init__(self, config: Config):
        super().__init__(config, skip=True)
        self.blocks = nn.Sequential(*(Block(config.channels) for _ in range(config.refine)))
        self.fuse = conv3x3(config.channels, config.channels)
        self.tail: Upsampler = Upsampler(config, halo=True)
        self.reach = 2 * config.refine + 1 + self.tail.reach

    def forward(self, feature: Tensor, x: Tensor) -> Tensor:
        return self.reconstruct(self.fuse(self.blocks(feature)) + feature, x)

    def macs(self, height: int, width: int) -> int:
        """Multiply-accumulates for `height` x `width` refined pixels and the halo around them."""
        height, width = height + 2 * HALO, width + 2 * HALO
        return height * width * weights(self.blocks, self.fuse) + self.tail.macs(height, width)
