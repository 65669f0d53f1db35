"""SRResNet, decomposed: residual blocks with batch normalisation.

Source: Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial
Network", CVPR 2017, section 2.1.1 and Figure 4 (arXiv 1609.04802), 64 channels and 16 blocks;
decomposed into 12 and 4 blocks as in Hu et al., ECCV 2022 (`cells`). The coarse
feature is what the Base-Net's upsampler sees: the blocks, the features of the head added.

Deviations:

* `tail="direct"` and `skip`, which adds the bilinearly enlarged picture: see
  `engine.networks.edsr`. The paper's tail costs more than its 12 blocks, in every patch too.
  `PAPER` has it, and no skip.
* At x3 the upsampler is one convolution to 9 x 64 channels. The size printed for x3 by Hu et al.
  is that of x2; their cost for x3 is that of ours.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from engine.networks import edsr
from engine.networks.decomposed.cells import BaseNet, ConvPair, RefineNet, weights
from engine.networks.layers import conv3x3

STEPS = {2: [2], 3: [3], 4: [2, 2]}


TITLE = "SRResNet-M"


@dataclass(frozen=True)
class Config:
    """Sizes: channels, and blocks of the Base- and Refine-Net."""

    scale: int = 4
    channels: int = 64
    base: int = 12
    refine: int = 4
    tail: str = "direct"
    skip: bool = True


PAPER = {scale: Config(scale=scale, tail="classic", skip=False) for scale in (2, 3, 4)}


class Block(nn.Module):
    """z + norm(conv(prelu(norm(conv(z))))), (N, C, h, w) -> (N, C, h, w)."""

    def __init__(self, channels: int):
        super().__init__()
        self.residual = nn.Sequential(
            conv3x3(channels, channels),
            nn.BatchNorm2d(channels),
            nn.PReLU(),
            conv3x3(channels, channels),
            nn.BatchNorm2d(channels),
        )

    def forward(self, z: Tensor) -> Tensor:
        return z + self.residual(z)


def make_body(channels: int, blocks: int) -> nn.Sequential:
    """Blocks and a normalised convolution behind them, (N, C, h, w) -> (N, C, h, w)."""
    return nn.Sequential(
        *(Block(channels) for _ in range(blocks)),
        conv3x3(channels, channels),
        nn.BatchNorm2d(channels),
    )


def make_tail(config: Config) -> nn.Sequential:
    """(N, C, h, w) -> (N, 3, sh, sw). It looks `tail_reach` low-resolution pixels far."""
    if config.tail == "direct":
        return edsr.make_tail(config)
    channels, layers = config.channels, []
    for step in STEPS[config.scale]:
        layers += [conv3x3(channels, step**2 * channels), nn.PixelShuffle(step), nn.PReLU()]
    return nn.Sequential(*layers, nn.Conv2d(channels, 3, 9, padding=4))


def tail_reach(config: Config) -> int:
    """How far the tail looks."""
    return 1 if config.tail == "direct" else 3


class Base(BaseNet):
    """x (N, 3, h, w) in [0, 1] -> coarse (N, 3, sh, sw), feature (N, C, h, w)."""

    def __init__(self, config: Config):
        super().__init__(config, config.channels, skip=config.skip)
        self.tail_reach = tail_reach(config)
        self.reach = 4 + 2 * config.base + 1 + self.tail_reach
        self.head = nn.Sequential(nn.Conv2d(3, config.channels, 9, padding=4), nn.PReLU())
        self.body = make_body(config.channels, config.base)
        self.tail = make_tail(config)

    def extract(self, x: Tensor) -> Tensor:
        """x (N, 3, h, w) -> feature (N, C, h, w)."""
        z0 = self.head(x)
        return self.body(z0) + z0

    def front_macs(self, height: int, width: int) -> int:
        """Multiply-accumulates of `extract`."""
        return height * width * weights(self.head, self.body)


class Refine(RefineNet):
    """feature (N, C, h + 2, w + 2), x (N, 3, h + 2, w + 2) -> refined (N, 3, sh, sw)."""

    def __init__(self, config: Config):
        super().__init__(config, skip=config.skip)
        self.reach = 2 * config.refine + 1 + 2 + tail_reach(config)
        self.body = make_body(config.channels, config.refine)
        self.pair = ConvPair(config.channels)
        self.tail = make_tail(config)

    def deepen(self, feature: Tensor) -> Tensor:
        """(N, C, h + 2, w + 2) -> the same."""
        return self.body(feature) + feature

    def body_macs(self, height: int, width: int) -> int:
        """Multiply-accumulates of `deepen` for features of that size."""
        return height * width * weights(self.body)
