"""FSRCNN, decomposed: narrow features at low resolution, and a deconvolution at the end.

Source: Dong et al., "Accelerating the Super-Resolution Convolutional Neural Network", ECCV 2016,
section 3 (arXiv 1608.00367), FSRCNN(56, 12, 4) on three colours; decomposed as in Hu et al., ECCV
2022 (`cells`). The coarse feature is what the Base-Net's mapping has made.

Deviations:

* `skip` adds the bilinearly enlarged picture, so that a short training begins there. The paper
  has no such path; `PAPER` does without.
* A deconvolution costs in * out * 81 multiplications per *low*-resolution pixel. The tables of Hu
  et al. count as much for every pixel of its output, s^2 times what is computed.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.decomposed.cells import BaseNet, ConvPair, RefineNet, weights
from engine.networks.layers import conv3x3

TITLE = "FSRCNN-M"


@dataclass(frozen=True)
class Config:
    """Sizes: channels outside (d) and inside (s), mapping layers of the Base- and Refine-Net."""

    scale: int = 4
    channels: int = 56
    inner: int = 12
    base: int = 3
    refine: int = 1
    skip: bool = True


PAPER = {scale: Config(scale=scale, skip=False) for scale in (2, 3, 4)}


def mapping(channels: int, layers: int) -> nn.Sequential:
    """3x3 convolutions, each followed by a PReLU, (N, C, h, w) -> (N, C, h, w)."""
    pairs = ((conv3x3(channels, channels), nn.PReLU(channels)) for _ in range(layers))
    return nn.Sequential(*(layer for pair in pairs for layer in pair))


class Deconv(nn.ConvTranspose2d):
    """A transposed convolution to s times the size, (N, C, h, w) -> (N, outputs, sh, sw).

    Weights and result are those of the base class, computed as a convolution to s^2 channels for
    each output and a shuffle of pixels, which takes a fraction of the seconds.
    """

    def __init__(self, inputs: int, outputs: int, side: int, scale: int):
        super().__init__(inputs, outputs, side, scale, padding=side // 2, output_padding=scale - 1)

    bias: nn.Parameter
    padding: tuple[int, ...]

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override] # the size is known
        scale, side, padding = self.stride[0], self.kernel_size[0], self.padding[0]
        reach = (scale - 1 + padding) // scale  # of a fine pixel, in coarse ones
        before, length = scale * reach - padding, scale * (2 * reach + 1)
        # Of the fine pixel s i + f, the coarse pixel i + j has a part of weight[f + padding - s j].
        kernel = F.pad(self.weight, (before, length - side - before) * 2)
        kernel = kernel.unflatten(3, (-1, scale)).unflatten(2, (-1, scale)).flip(2, 4)
        kernel = kernel.permute(1, 3, 5, 0, 2, 4).flatten(0, 2)
        y = F.conv2d(x, kernel, self.bias.repeat_interleave(scale**2), padding=reach)
        return F.pixel_shuffle(y, scale)


def make_tail(config: Config) -> nn.Sequential:
    """Expansion and deconvolution, (N, inner, h, w) -> (N, 3, sh, sw)."""
    deconv = Deconv(config.channels, 3, 9, config.scale)
    nn.init.normal_(deconv.weight, std=1e-3)  # as in the paper, section 3.4
    nn.init.zeros_(deconv.bias)
    expand = nn.Conv2d(config.inner, config.channels, 1)
    return nn.Sequential(expand, nn.PReLU(config.channels), deconv)


def tail_reach(config: Config) -> int:
    """How far the deconvolution looks beyond a low-resolution pixel: 4 fine pixels."""
    return 1 if config.scale == 4 else 2


class Base(BaseNet):
    """x (N, 3, h, w) in [0, 1] -> coarse (N, 3, sh, sw), feature (N, inner, h, w)."""

    def __init__(self, config: Config):
        super().__init__(config, config.inner, skip=config.skip)
        self.tail_reach = tail_reach(config)
        self.reach = 2 + config.base + self.tail_reach
        self.head = nn.Sequential(
            nn.Conv2d(3, config.channels, 5, padding=2),
            nn.PReLU(config.channels),
            nn.Conv2d(config.channels, config.inner, 1),
            nn.PReLU(config.inner),
        )
        self.mapping = mapping(config.inner, config.base)
        self.tail = make_tail(config)

    def extract(self, x: Tensor) -> Tensor:
        """x (N, 3, h, w) -> feature (N, C, h, w)."""
        return self.mapping(self.head(x))

    def front_macs(self, height: int, width: int) -> int:
        """Multiply-accumulates of `extract`."""
        return height * width * weights(self.head, self.mapping)


class Refine(RefineNet):
    """feature (N, inner, h + 2, w + 2), x (N, 3, h + 2, w + 2) -> refined (N, 3, sh, sw)."""

    def __init__(self, config: Config):
        super().__init__(config, skip=config.skip)
        self.reach = config.refine + 2 + tail_reach(config)
        self.mapping = mapping(config.inner, config.refine)
        self.pair = ConvPair(config.inner)
        self.tail = make_tail(config)

    def deepen(self, feature: Tensor) -> Tensor:
        """(N, C, h + 2, w + 2) -> the same."""
        return self.mapping(feature)

    def body_macs(self, height: int, width: int) -> int:
        """Multiply-accumulates of `deepen` for features of that size."""
        return height * width * weights(self.mapping)
