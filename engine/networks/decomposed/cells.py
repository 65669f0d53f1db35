"""A picture as cells that are refined one by one: what the decomposed networks have in common.

Source: Hu et al., "Restore Globally, Refine Locally: A Mask-Guided Scheme to Accelerate
Super-Resolution Networks", ECCV 2022, sections 3.3, 3.4 and 4.1 (p = 4).

A cell has `CELL` x `CELL` low-resolution pixels. It is refined together with a halo of `HALO`
pixels around it, which the Refine-Net takes off again. Cells begin at the top left corner; where
the sides of a picture are no multiples of `CELL`, the last row and column of cells reach beyond it.
There, and in the halo around the picture, features are zero and the picture repeats its border.
(The paper crops such pictures instead.)
"""

from typing import Protocol

import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.layers import conv3x3

CELL = 4
HALO = 1


def grid(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of cells of a picture."""
    return -(-height // CELL), -(-width // CELL)


def cells(z: Tensor, *, border: str) -> Tensor:
    """All cells of z (N, C, h, w) with their halos, (N, rows, columns, C, 6, 6).

    `border` is "constant" (zero, for features) or "replicate" (for the picture). The result shares
    the memory of one padded copy of z: indexing it copies no more than the cells asked for.
    """
    return windows(padded(z, border=border))


def padded(z: Tensor, *, border: str) -> Tensor:
    """z (N, C, h, w) with all that its cells hold: (N, C, 4 rows + 2, 4 columns + 2)."""
    bottom, right = -z.shape[2] % CELL, -z.shape[3] % CELL
    return F.pad(z, (HALO, HALO + right, HALO, HALO + bottom), mode=border)


def windows(z: Tensor) -> Tensor:
    """The cells of a padded z, (N, rows, columns, C, 6, 6), in its own memory."""
    size = CELL + 2 * HALO
    return z.unfold(2, size, CELL).unfold(3, size, CELL).permute(0, 2, 3, 1, 4, 5)


def joined(patches: Tensor, height: int, width: int) -> Tensor:
    """Refined cells (N, rows, columns, 3, 4s, 4s) -> the picture (N, 3, s*height, s*width)."""
    batch, rows, columns, colours, side, _ = patches.shape
    y = patches.permute(0, 3, 1, 4, 2, 5).reshape(batch, colours, rows * side, columns * side)
    scale = side // CELL
    return y[:, :, : scale * height, : scale * width]


def enlarged(x: Tensor, scale: int, *, halo: int = 0) -> Tensor:
    """x (N, C, h, w) enlarged bilinearly, without its halo: (N, C, s(h - 2 halo), ...)."""
    y = F.interpolate(x, scale_factor=scale, mode="bilinear", align_corners=False)
    cut = scale * halo
    return y[:, :, cut : y.shape[2] - cut, cut : y.shape[3] - cut]


class ConvPair(nn.Sequential):
    """3x3 convolution, LeakyReLU, 3x3 convolution without padding, which takes the halo off.

    (N, C, h + 2, w + 2) -> (N, C, h, w). It stands between a Refine-Net's blocks and its upsampler.
    """

    def __init__(self, channels: int):
        super().__init__(
            conv3x3(channels, channels), nn.LeakyReLU(0.1), nn.Conv2d(channels, channels, 3)
        )


class Sized(Protocol):
    """What a half needs to know of its configuration."""

    @property
    def scale(self) -> int: ...


class Half(nn.Module):
    """A Base-Net or a Refine-Net: what it makes of features becomes a picture by its `tail`.

    With `skip` the bilinearly enlarged picture is added. `halo` pixels of it are around what is
    made; `pitch` is explained in `engine.networks.decomposed.mga`.
    """

    pitch: int = 1
    halo: int
    tail: nn.Sequential

    def __init__(self, config: Sized, *, skip: bool):
        super().__init__()
        self.config, self.skip = config, skip

    def reconstruct(self, z: Tensor, x: Tensor) -> Tensor:
        """The picture (N, 3, sh, sw) from features and from x with the halo around it."""
        y = self.tail(z)
        return y + enlarged(x, self.config.scale, halo=self.halo) if self.skip else y


class BaseNet(Half):
    """x (N, 3, h, w) in [0, 1] -> coarse (N, 3, sh, sw), feature (N, `features`, h, w).

    A network adds `extract`, x -> feature, and what that costs, `front_macs`.
    """

    halo = 0

    def __init__(self, config: Sized, features: int, *, skip: bool):
        super().__init__(config, skip=skip)
        self.features = features

    def extract(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def front_macs(self, height: int, width: int) -> int:
        raise NotImplementedError

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        feature = self.extract(x)
        return self.reconstruct(feature, x), feature

    def macs(self, height: int, width: int) -> int:
        """Multiply-accumulates for a picture of that size."""
        return self.front_macs(height, width) + self.tail_macs(height, width)

    def tail_macs(self, height: int, width: int) -> int:
        """Those of `reconstruct` among them."""
        return height * width * tail_macs(self.tail)


class RefineNet(Half):
    """feature (N, C, h + 2, w + 2), x (N, 3, h + 2, w + 2) -> refined (N, 3, sh, sw).

    A network adds `deepen`, from the feature to what the `pair` takes the halo off, and what that
    costs, `body_macs`, for a size with its halo.
    """

    halo = HALO
    pair: ConvPair

    def deepen(self, feature: Tensor) -> Tensor:
        raise NotImplementedError

    def body_macs(self, height: int, width: int) -> int:
        raise NotImplementedError

    def forward(self, feature: Tensor, x: Tensor) -> Tensor:
        return self.reconstruct(self.pair(self.deepen(feature)), x)

    def macs(self, height: int, width: int) -> int:
        """Multiply-accumulates for `height` x `width` refined pixels and the halo around them."""
        inner = height * width * (weights(self.pair[2]) + tail_macs(self.tail))
        height, width = height + 2 * HALO, width + 2 * HALO
        outer = height * width * weights(self.pair[0])
        return inner + outer + self.body_macs(height, width)


def weights(*modules: nn.Module) -> int:
    """Weights of all convolutions in the modules: their multiply-accumulates for one position."""
    return sum(p.numel() for module in modules for p in module.parameters() if p.ndim == 4)


def tail_macs(tail: nn.Sequential) -> int:
    """Multiply-accumulates of convolutions and pixel shuffles per low-resolution pixel."""
    total, area = 0, 1
    for layer in tail:
        if isinstance(layer, nn.PixelShuffle):
            area *= layer.upscale_factor**2
        else:
            total += area * weights(layer)
    return total
