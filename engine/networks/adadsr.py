"""AdaDSR: every pixel passes through as many residual blocks as it needs.

Source: Liu et al., "AdaDSR: Adaptive Inference Networks for Deep Single Image Super-Resolution",
ECCV Workshops 2020 (arXiv 2004.03915), sections 3.1 to 3.4. How it runs, sparsely and for a budget,
is in `engine.adaptive.depth`.

A slim adapter looks at the features z_0 and predicts a depth map d >= 0, one value per
low-resolution pixel. Block l is weighted by the gate G_l(d) (Eq. 4) and skipped where it is 0:

    z_l = z_{l-1} + G_l(d) * F_l(z_{l-1}),    l = 1..D                                    (Eq. 3)

Deviations:

* `form="output"` (the default) multiplies the adapter's output by the desired depth, as the
  authors' released code does; `form="input"` multiplies its first convolution, as the text does
  (Eq. 5). With the former the map is predicted once and every budget is a multiple of it.
* The mean of the depth loss is taken over the batch instead of over each sample, which lets
  detailed patches take from flat ones, and before the final ReLU, which would stop it.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.layers import Conv2d, conv3x3
from engine.networks.trunk import Trunk


@dataclass(frozen=True)
class Config:
    """The adapter. `width` channels inside; the paper's are 128 (EDSR) and 64 (RCAN)."""

    width: int = 16
    form: str = "output"


class Adapter(nn.Module):
    """P(z_0, d), section 3.3: five 3x3 convolutions with a shared-slope PReLU between them."""

    def __init__(self, config: Config, channels: int):
        super().__init__()
        if config.form not in ("output", "input"):
            raise ValueError(f"form must be 'output' or 'input', not {config.form!r}")
        self.config = config
        widths = [channels, *[config.width] * 4, 1]
        self.convs = nn.ModuleList(conv3x3(a, b) for a, b in pairwise(widths))
        self.slopes = nn.ModuleList(nn.PReLU() for _ in range(4))
        with torch.no_grad():  # the map starts flat, at the desired depth
            *_, last = self.layers()
            last.weight.mul_(0.1)
            last.bias.fill_(1.0)

    def layers(self) -> list[Conv2d]:
        """The convolutions, which a ModuleList does not know as such."""
        return [conv for conv in self.convs if isinstance(conv, Conv2d)]

    def forward(self, z0: Tensor, desired: Tensor) -> Tensor:
        """The depth map (N, 1, H, W) before its final ReLU; desired depth (N, 1, 1, 1)."""
        first = self.layers()[0]
        if self.config.form == "output":
            return desired * self._behind(first(z0))
        response = F.conv2d(z0, first.weight, padding=1)  # d scales the weight, not the bias
        return self._behind(desired * response + first.bias.view(1, -1, 1, 1))

    def _behind(self, a: Tensor) -> Tensor:
        for slope, conv in zip(self.slopes, self.convs[1:], strict=True):
            a = conv(slope(a))
        return a


def gate(depth: Tensor, block: int) -> Tensor:
    """G_l(d) of Eq. 4 for the block l = `block` + 1: 0 below l - 1, 1 above l, linear between."""
    return (depth - block).clamp(0, 1)


class AdaDSR(nn.Module):
    """A network with residual blocks and the adapter that decides how many each pixel needs."""

    def __init__(self, network: Trunk, config: Config):
        super().__init__()
        self.config = config
        self.network = network
        self.adapter = Adapter(config, network.config.channels)

    @property
    def blocks(self) -> int:
        return self.network.config.blocks

    def depth(self, z0: Tensor, desired: Tensor) -> Tensor:
        """The depth map (N, 1, H, W) in blocks, 0 <= d; values above D mean D."""
        return F.relu(self.adapter(z0, desired))

    def masked(self, x: Tensor, depth: Tensor, z0: Tensor | None = None) -> Tensor:
        """Eq. 3 with dense convolutions: the reference for training and for the sparse path.

        x (N, 3, H, W); depth (N, 1, H, W) -> y (N, 3, sH, sW).
        """
        z = z0 = self.network.extract(x) if z0 is None else z0
        for block in range(self.blocks):
            weight = gate(depth, block)
            z = z + weight * self.network.residual(block, z, weight.ceil())
        return self.network.reconstruct(z, z0, x)

    def forward(self, x: Tensor, desired: Tensor) -> tuple[Tensor, Tensor]:
        """Super-resolved picture, and the depth map before its ReLU, for the two losses."""
        z0 = self.network.extract(x)
        raw = self.adapter(z0, desired)
        return self.masked(x, F.relu(raw), z0), raw


def depth_loss(raw: Tensor, desired: Tensor) -> Tensor:
    """max(0, mean depth - mean desired depth), in blocks (Eq. 7; see the deviations)."""
    return F.relu(raw.mean() - desired.mean())
