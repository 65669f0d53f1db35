"""A picture as cells that are refined one by one: what the decomposed networks have in common.

Source: Hu et al., "Restore Globally, Refine Locally: A Mask-Guided Scheme to Accelerate
Super-Resolution Networks", ECCV 2022, sections 3.3, 3.4 and 4.1 (p = 4).

A cell has `CELL` x `CELL` low-resolution pixels. It is refined together with a halo of `HALO`
pixels around it, which the Refine-Net takes off again. Cells begin at the top left corner; where
the sides of a picture are no multiples of `CELL`, the last row and column of cells reach beyond it.
There, and in the halo around the picture, features are zero and the picture repeats its border.
(The paper crops such pictures instead.)
"""

import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.edsr import conv3x3

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
