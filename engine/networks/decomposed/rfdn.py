"""RFDN, decomposed: blocks that set a part of their features aside at every step.

Source: Liu et al., "Residual Feature Distillation Network for Lightweight Image Super-Resolution",
ECCV Workshops 2020, section 3 (arXiv 2009.11551), 50 channels; decomposed into 4 and 2 blocks as in
Hu et al., ECCV 2022 (`cells`). The coarse feature is what the Base-Net's upsampler
sees: the fused blocks, the features of the head added.

Deviations:

* The spatial attention (ESA) looks at coarse squares of 6 x 6 pixels. Here they lie on a fixed
  grid from the top left corner, whose last squares reach beyond the picture, and are enlarged by
  six. In the paper's networks their number depends on the picture's size, they are stretched to
  it, and pictures of less than 15 pixels have none. Ours sees the same in a part of a picture as
  in the whole, if the part begins at a multiple of six and is large enough.
* In the Refine-Net the squares have 2 x 2 pixels, without pooling: a patch of 6 x 6 is too small
  for it. The published costs per patch agree with that.
* `skip` adds the bilinearly enlarged picture, so that a short training begins there. The paper
  has no such path; `PAPER` does without.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.decomposed.cells import BaseNet, ConvPair, RefineNet, enlarged, weights
from engine.networks.layers import conv3x3

SLOPE = 0.05  # of every LeakyReLU
POOLED, UNPOOLED = 6, 2  # sides of the attention's squares in the Base- and the Refine-Net
# How far the attention looks: the pixel in the middle of square 0 interpolates from square 1, that
# looks at square 4, and that sees 10 pixels (2 if not pooled) beyond its begin: 24 + 10 - 3 pixels,
# or 8 + 2 - 1.
ATTENTION_REACH = {POOLED: 31, UNPOOLED: 9}


TITLE = "RFDN-M"


@dataclass(frozen=True)
class Config:
    """Sizes: channels, those set aside, those of the attention; blocks of Base- and Refine-Net."""

    scale: int = 4
    channels: int = 50
    distilled: int = 25
    attention: int = 12
    base: int = 4
    refine: int = 2
    skip: bool = True


PAPER = {scale: Config(scale=scale, skip=False) for scale in (2, 3, 4)}


class Attention(nn.Module):
    """ESA: factors within 0..1 from squares of `pitch` x `pitch` pixels, (N, C, h, w) -> same.

    A square is centred half a pixel from the centre of what it stands for after enlargement.
    """

    def __init__(self, channels: int, inside: int, pitch: int):
        super().__init__()
        self.pitch = pitch
        self.squeeze = nn.Conv2d(channels, inside, 1)
        self.stride = nn.Conv2d(inside, inside, 3, 2)
        self.coarse = nn.Sequential(
            conv3x3(inside, inside),
            nn.ReLU(),
            conv3x3(inside, inside),
            nn.ReLU(),
            conv3x3(inside, inside),
        )
        self.across = nn.Conv2d(inside, inside, 1)
        self.excite = nn.Conv2d(inside, channels, 1)

    def forward(self, z: Tensor) -> Tensor:
        height, width = z.shape[2:]
        rows, columns = self.squares(height, width)
        a = self.squeeze(z)
        beyond = (0, self.pitch * columns + 1 - width, 0, self.pitch * rows + 1 - height)
        c = self.stride(F.pad(a, beyond))
        if self.pitch == POOLED:
            c = F.max_pool2d(c, 7, 3, padding=2)
        c = enlarged(self.coarse(c), self.pitch)[:, :, :height, :width]
        return z * torch.sigmoid(self.excite(c + self.across(a)))

    def squares(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of squares over features of that size."""
        return -(-height // self.pitch), -(-width // self.pitch)

    def macs(self, height: int, width: int) -> int:
        """Multiply-accumulates for features of that size."""
        rows, columns = self.squares(height, width)
        strided = (self.pitch // 2) ** 2  # positions of the strided convolution in a square
        return height * width * weights(self.squeeze, self.across, self.excite) + rows * columns * (
            strided * weights(self.stride) + weights(self.coarse)
        )


class Block(nn.Module):
    """RFDB: three steps that distil and go on, a last one, fusion and attention; Figure 2 (c)."""

    def __init__(self, config: Config, pitch: int):
        super().__init__()
        channels, distilled = config.channels, config.distilled
        self.distil = nn.ModuleList(nn.Conv2d(channels, distilled, 1) for _ in range(3))
        self.go_on = nn.ModuleList(conv3x3(channels, channels) for _ in range(3))
        self.last = conv3x3(channels, distilled)
        self.fuse = nn.Conv2d(4 * distilled, channels, 1)
        self.attention = Attention(channels, config.attention, pitch)

    def forward(self, z: Tensor) -> Tensor:
        """(N, C, h, w) -> (N, C, h, w)."""
        kept = []
        for distil, go_on in zip(self.distil, self.go_on, strict=True):
            kept.append(F.leaky_relu(distil(z), SLOPE))
            z = F.leaky_relu(go_on(z) + z, SLOPE)
        kept.append(F.leaky_relu(self.last(z), SLOPE))
        return self.attention(self.fuse(torch.cat(kept, 1)))

    def macs(self, height: int, width: int) -> int:
        """Multiply-accumulates for features of that size."""
        outside = weights(self) - weights(self.attention)
        return height * width * outside + self.attention.macs(height, width)


class Body(nn.Module):
    """Blocks, what all of them made fused, and the input added, (N, C, h, w) -> (N, C, h, w)."""

    def __init__(self, config: Config, blocks: int, pitch: int):
        super().__init__()
        channels = config.channels
        self.blocks = nn.ModuleList(Block(config, pitch) for _ in range(blocks))
        self.fuse = nn.Conv2d(blocks * channels, channels, 1)
        self.smooth = conv3x3(channels, channels)
        self.reach = blocks * (4 + ATTENTION_REACH[pitch]) + 1

    def forward(self, z0: Tensor) -> Tensor:
        z, made = z0, []
        for block in self.blocks:
            z = block(z)
            made.append(z)
        return self.smooth(F.leaky_relu(self.fuse(torch.cat(made, 1)), SLOPE)) + z0

    def macs(self, height: int, width: int) -> int:
        """Multiply-accumulates for features of that size."""
        behind = height * width * weights(self.fuse, self.smooth)
        return behind + sum(block.macs(height, width) for block in self.blocks)  # type: ignore[operator]


def make_tail(config: Config) -> nn.Sequential:
    """(N, C, h, w) -> (N, 3, sh, sw)."""
    return nn.Sequential(
        conv3x3(config.channels, 3 * config.scale**2), nn.PixelShuffle(config.scale)
    )


class Base(BaseNet):
    """x (N, 3, h, w) in [0, 1] -> coarse (N, 3, sh, sw), feature (N, C, h, w)."""

    pitch = POOLED
    tail_reach = 1

    def __init__(self, config: Config):
        super().__init__(config, config.channels, skip=config.skip)
        self.head = conv3x3(3, config.channels)
        self.body = Body(config, config.base, self.pitch)
        self.tail = make_tail(config)
        self.reach = 1 + self.body.reach + self.tail_reach

    def extract(self, x: Tensor) -> Tensor:
        """x (N, 3, h, w) -> feature (N, C, h, w)."""
        return self.body(self.head(x))

    def front_macs(self, height: int, width: int) -> int:
        """Multiply-accumulates of `extract`."""
        return height * width * weights(self.head) + self.body.macs(height, width)


class Refine(RefineNet):
    """feature (N, C, h + 2, w + 2), x (N, 3, h + 2, w + 2) -> refined (N, 3, sh, sw)."""

    pitch = UNPOOLED

    def __init__(self, config: Config):
        super().__init__(config, skip=config.skip)
        self.body = Body(config, config.refine, self.pitch)
        self.pair = ConvPair(config.channels)
        self.tail = make_tail(config)
        self.reach = self.body.reach + 2 + 1

    def deepen(self, feature: Tensor) -> Tensor:
        """(N, C, h + 2, w + 2) -> the same."""
        return self.body(feature)

    def body_macs(self, height: int, width: int) -> int:
        """Multiply-accumulates of `deepen` for features of that size."""
        return self.body.macs(height, width)
