"""RCAN, decomposed: groups of residual blocks that weigh their channels.

Source: Zhang et al., "Image Super-Resolution Using Very Deep Residual Channel Attention Networks",
ECCV 2018, section 3 (arXiv 1807.02758), 10 groups of 20 blocks, 64 channels; decomposed into 7 and
3 groups as in Hu et al., ECCV 2022 (`cells`). The coarse feature is what the
Base-Net's upsampler sees: the groups, the features of the head added.

Deviations, none of them in `PAPER`:

* `window` averages channels over squares of that side on a fixed grid from the top left corner,
  and interpolates their factors in between, instead of averaging over the whole picture. A network
  trained on small patches then sees averages as in its training (Chu et al., "Improving Image
  Restoration by Revisiting Global Information Aggregation", ECCV 2022), and a part of a picture
  comes out nearly as in the whole. A patch of the Refine-Net lies within one square: for it
  nothing changes.
* `tail="direct"` and `skip` (the bilinearly enlarged picture is added): see `engine.networks.edsr`.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks import edsr
from engine.networks.decomposed.cells import BaseNet, ConvPair, RefineNet, enlarged, weights
from engine.networks.edsr import DIV2K_MEAN
from engine.networks.layers import conv3x3

TITLE = "RCAN-M"


@dataclass(frozen=True)
class Config:
    """Sizes: groups of the Base- and Refine-Net, blocks in each, channels, what attention divides
    them by. The defaults are those of a small network for short trainings."""

    scale: int = 4
    channels: int = 48
    base: int = 4
    refine: int = 2
    blocks: int = 3
    reduction: int = 8
    window: int | None = 16
    tail: str = "direct"
    skip: bool = True


SMALL = {scale: Config(scale=scale) for scale in (2, 3, 4)}
PAPER = {
    scale: Config(scale, 64, 7, 3, 20, 16, window=None, tail="classic", skip=False)
    for scale in (2, 3, 4)
}


class Attention(nn.Module):
    """CA, section 3.3: a factor within 0..1 for every channel, (N, C, h, w) -> (N, C, h, w)."""

    def __init__(self, config: Config):
        super().__init__()
        inside = config.channels // config.reduction
        self.window = config.window
        self.squeeze = nn.Conv2d(config.channels, inside, 1)
        self.excite = nn.Conv2d(inside, config.channels, 1)

    def forward(self, z: Tensor) -> Tensor:
        height, width = z.shape[2:]
        if self.window is None or max(height, width) <= self.window:
            return z * self.factors(z.mean((2, 3), keepdim=True))
        means = F.avg_pool2d(z, self.window, ceil_mode=True)
        return z * enlarged(self.factors(means), self.window)[:, :, :height, :width]

    def factors(self, means: Tensor) -> Tensor:
        return torch.sigmoid(self.excite(torch.relu(self.squeeze(means))))


class Block(nn.Module):
    """RCAB, section 3.3: z + attention(conv(relu(conv(z))))."""

    def __init__(self, config: Config):
        super().__init__()
        channels = config.channels
        self.residual = nn.Sequential(
            conv3x3(channels, channels), nn.ReLU(), conv3x3(channels, channels), Attention(config)
        )

    def forward(self, z: Tensor) -> Tensor:
        return z + self.residual(z)


class Group(nn.Module):
    """Blocks, a convolution, and the input added, section 3.2."""

    def __init__(self, config: Config):
        super().__init__()
        self.residual = nn.Sequential(
            *(Block(config) for _ in range(config.blocks)),
            conv3x3(config.channels, config.channels),
        )

    def forward(self, z: Tensor) -> Tensor:
        return z + self.residual(z)


class Body(nn.Sequential):
    """Groups and a convolution, (N, C, h, w) -> (N, C, h, w); what it begins from is not added."""

    def __init__(self, config: Config, groups: int):
        super().__init__(
            *(Group(config) for _ in range(groups)), conv3x3(config.channels, config.channels)
        )
        self.window = config.window

    def macs(self, height: int, width: int) -> int:
        """Multiply-accumulates for features of that size."""
        attention = weights(*(m for m in self.modules() if isinstance(m, Attention)))
        window = self.window or max(height, width)
        squares = -(-height // window) * -(-width // window)
        return height * width * (weights(self) - attention) + squares * attention


class Mean(nn.Module):
    """Adds the mean colour of the training pictures, (N, 3, h, w) -> (N, 3, h, w)."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(DIV2K_MEAN).view(1, 3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.mean


def make_tail(config: Config) -> nn.Sequential:
    """(N, C, h, w) -> (N, 3, sh, sw); without `skip` the mean that the head takes off is added."""
    tail = edsr.make_tail(config)
    return tail if config.skip else tail.append(Mean())


class Base(BaseNet):
    """x (N, 3, h, w) in [0, 1] -> coarse (N, 3, sh, sw), feature (N, C, h, w)."""

    mean: Tensor
    config: Config

    def __init__(self, config: Config):
        super().__init__(config, config.channels, skip=config.skip)
        self.pitch = config.window or 1
        self.tail_reach = 1 if config.tail == "direct" else 2
        self.register_buffer("mean", torch.tensor(DIV2K_MEAN).view(1, 3, 1, 1), persistent=False)
        self.head = conv3x3(3, config.channels)
        self.body = Body(config, config.base)
        self.tail = make_tail(config)

    @property
    def reach(self) -> int | None:
        """As of every Base-Net; what lies more than a few squares away weighs next to nothing."""
        config = self.config
        if config.window is None:
            return None
        block = 2 + config.window + (config.window + 1) // 2 - 1
        return 1 + config.base * (config.blocks * block + 1) + 1 + self.tail_reach

    def extract(self, x: Tensor) -> Tensor:
        """x (N, 3, h, w) -> feature (N, C, h, w)."""
        z0 = self.head(x - self.mean)
        return self.body(z0) + z0

    def front_macs(self, height: int, width: int) -> int:
        """Multiply-accumulates of `extract`."""
        return height * width * weights(self.head) + self.body.macs(height, width)


class Refine(RefineNet):
    """feature (N, C, h + 2, w + 2), x (N, 3, h + 2, w + 2) -> refined (N, 3, sh, sw)."""

    reach = None  # channels are averaged over the patch

    def __init__(self, config: Config):
        super().__init__(config, skip=config.skip)
        self.body = Body(config, config.refine)
        self.pair = ConvPair(config.channels)
        self.tail = make_tail(config)

    def deepen(self, feature: Tensor) -> Tensor:
        """(N, C, h + 2, w + 2) -> the same."""
        return self.body(feature) + feature

    def body_macs(self, height: int, width: int) -> int:
        """Multiply-accumulates of `deepen` for features of that size."""
        return self.body.macs(height, width)
