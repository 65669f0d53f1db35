"""Mask-guided acceleration: a network in two halves, and the mask that says where to go on.

Source: Hu et al., "Restore Globally, Refine Locally: A Mask-Guided Scheme to Accelerate
Super-Resolution Networks", ECCV 2022, section 3; details as in the authors' released network.

    coarse, feature = base(x)           the whole picture
    errors = mask(feature)              one value a cell
    refined = refine(feature, x)        a cell with its halo, any number at once

A Base-Net is two steps, feature = extract(x) and coarse = reconstruct(feature, x); the second looks
`tail_reach` pixels far and costs `tail_macs(height, width)`.

Every Base-Net and Refine-Net has, beside its configuration:

* `macs(height, width)`: multiply-accumulates, one of a convolution counting as one;
* `TITLE` is its name for people;
* `reach`: from how many low-resolution pixels away an output pixel is influenced, so that a part
  with such a halo comes out exactly as in the whole; None if from everywhere;
* `pitch`: such a part must begin at a multiple of this many pixels.

A cell's halo of one pixel is the paper's, and much less than the reach of a Refine-Net: refining
all cells (`everywhere`) differs from refining the whole feature (`forward`).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.decomposed import fsrcnn, pan, rcan, rfdn, srresnet
from engine.networks.decomposed.cells import CELL, HALO, cells, grid, joined, weights
from engine.networks.layers import conv3x3

NETWORKS = {"fsrcnn": fsrcnn, "pan": pan, "rfdn": rfdn, "srresnet": srresnet, "rcan": rcan}
Config = fsrcnn.Config | pan.Config | rfdn.Config | srresnet.Config | rcan.Config

SIDE = 5  # of the dynamic convolution's kernels, in cells


class Mask(nn.Module):
    """The mask prediction module, section 3.3 and Figure 4.

    feature (N, C, h, w) -> errors (N, 1, ceil(h/4), ceil(w/4)), unbounded, larger where a cell has
    more to gain. A cell that reaches beyond the picture is the mean of its pixels within.

    Deviations from the text, as released: the cells are averaged behind the softmax, and the
    dynamic kernels come from the averaged mask alone, not from the feature. The LeakyReLU between
    the two is left out; it sees nothing negative.
    """

    pitch = CELL
    reach = 2 + CELL * (SIDE // 2)  # from the edge of a cell

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = conv3x3(channels, channels)
        self.conv2 = conv3x3(channels, 2)
        self.kernels = nn.Conv2d(1, SIDE**2, 1)

    def forward(self, feature: Tensor) -> Tensor:
        under = torch.softmax(self.conv2(F.relu(self.conv1(feature))), 1)[:, 1:]
        means = F.avg_pool2d(under, CELL, ceil_mode=True)
        around = F.unfold(means, SIDE, padding=SIDE // 2).unflatten(2, means.shape[2:])
        return (self.kernels(means) * around).sum(1, keepdim=True)

    def macs(self, height: int, width: int) -> int:
        """Multiply-accumulates for a feature of that size, those with dynamic kernels included."""
        rows, columns = grid(height, width)
        pixels = height * width * weights(self.conv1, self.conv2)
        return pixels + rows * columns * (weights(self.kernels) + SIDE**2)


@dataclass(frozen=True)
class Macs:
    """Multiply-accumulates for one picture: its parts, and one of its `cells` refined by itself.

    `refine` is the Refine-Net on the whole feature. Refining all cells costs `cells * cell`, which
    is more: their halos overlap.
    """

    base: int
    mask: int
    refine: int
    cell: int
    cells: int


class MaskGuided(nn.Module):
    """A decomposed network with its mask. `name` is a key of `NETWORKS`, `config` one of its."""

    def __init__(self, name: str, config: Config):
        super().__init__()
        self.name, self.config = name, config
        self.base = NETWORKS[name].Base(config)
        self.refine = NETWORKS[name].Refine(config)
        self.mask = Mask(self.base.features)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The decomposed network (D-Net): x (N, 3, h, w) -> coarse, refined (N, 3, sh, sw)."""
        coarse, feature = self.base(x)
        halo = (HALO,) * 4
        return coarse, self.refine(F.pad(feature, halo), F.pad(x, halo, mode="replicate"))

    def everywhere(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """All cells refined by themselves (All-Net): x -> coarse, refined (N, 3, sh, sw)."""
        coarse, feature = self.base(x)
        patches = cells(feature, border="constant")
        refined = self.refine(patches.flatten(0, 2), cells(x, border="replicate").flatten(0, 2))
        return coarse, joined(refined.unflatten(0, patches.shape[:3]), *x.shape[2:])

    def macs(self, height: int, width: int) -> Macs:
        """What a picture of that size costs, part by part."""
        rows, columns = grid(height, width)
        return Macs(
            self.base.macs(height, width),
            self.mask.macs(height, width),
            self.refine.macs(height, width),
            self.refine.macs(CELL, CELL),
            rows * columns,
        )
