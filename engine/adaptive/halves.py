"""The two halves of a decomposed network, ready to run on parts of a picture.

Source: Hu et al., "Restore Globally, Refine Locally: A Mask-Guided Scheme to Accelerate
Super-Resolution Networks", ECCV 2022, section 3; the networks are those in
`engine.networks.decomposed`.

A feature is computed for whole rows of cells, from as many rows around them as it looks at. Where
that is more than LIMIT pixels, it is LIMIT pixels. So it is with RFDN and RCAN, where what is far
away reaches a pixel only through maxima and means over large squares; parts then differ from the
whole by as much as those weigh (with fresh weights: rounding errors). The paper's RCAN averages
over a part instead of over the picture. A picture of one part is exact with every network.
"""

import copy
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from engine import all_memory_kept
from engine.networks.decomposed.cells import CELL, HALO, padded, windows
from engine.networks.decomposed.mga import MaskGuided

LIMIT = 64  # pixels around a part from which its feature is computed, at most
MARGIN = 12  # rows of the feature beyond a part: whole cells, as many as the mask looks at


@dataclass(frozen=True)
class Feature:
    """The coarse feature of the rows `top`..`bottom` - 1 of a picture, from a row of cells on.

    `padded` (1, C, 4 rows + 2, 4 columns + 2) has zeros around it, as the cells need them.
    """

    padded: Tensor
    top: int
    bottom: int
    width: int

    def rows(self, top: int, bottom: int) -> Tensor:
        """(1, C, bottom - top, width)."""
        begin = 1 + top - self.top
        return self.padded[:, :, begin : begin + bottom - top, 1 : 1 + self.width]

    @property
    def bytes(self) -> int:
        return self.padded.numel() * self.padded.element_size()


class Halves:
    """A MaskGuided network for inference. Every method also returns the MACs it has executed.

    Pictures x are (H, W, 3) in [0, 1]. Convolutions multiply in `dtype`; the mask, whose values
    are compared with each other, stays in float32.
    """

    def __init__(self, module: MaskGuided, device: torch.device, dtype: torch.dtype):
        module = without_norms(module).to(device)
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.base, self.mask, self.refine = module.base, module.mask, module.refine
        self.costs = module.macs
        self.cell_macs = self.refine.macs(CELL, CELL)
        self.scale, self.device, self.dtype = module.config.scale, device, dtype
        reach = self.base.reach
        self.halo = LIMIT if reach is None else min(LIMIT, reach - self.base.tail_reach)

    def feature(self, x: Tensor, top: int, bottom: int) -> tuple[Feature, int]:
        """The feature of the rows top..bottom - 1 and of MARGIN more on either side."""
        height, width = x.shape[:2]
        first, last = max(0, top - MARGIN), min(height, bottom + MARGIN)
        begin, end = self._surroundings(first, last, height)
        bytes_of_layer = 4 * self.base.features * (end - begin) * width
        with all_memory_kept(bytes_of_layer), self._products():
            z = self.base.extract(image(x[begin:end]))
        z = padded(z[:, :, first - begin : last - begin], border="constant")
        z = z.contiguous(memory_format=torch.channels_last)
        return Feature(z, first, last, width), self.feature_macs(top, bottom, (height, width))

    def _surroundings(self, first: int, last: int, height: int) -> tuple[int, int]:
        begin = max(0, first - self.halo) // self.base.pitch * self.base.pitch
        return begin, min(height, last + self.halo)

    def feature_macs(self, top: int, bottom: int, size: tuple[int, int]) -> int:
        """MACs of the feature of the rows top..bottom - 1 of a picture (height, width)."""
        height, width = size
        first, last = max(0, top - MARGIN), min(height, bottom + MARGIN)
        begin, end = self._surroundings(first, last, height)
        return self.base.macs(end - begin, width) - self.base.tail_macs(end - begin, width)

    def errors(self, feature: Feature, top: int, bottom: int) -> tuple[Tensor, int]:
        """The error mask (rows of cells, columns of cells) of the rows top..bottom - 1."""
        mask = self.mask(feature.rows(feature.top, feature.bottom).float())[0, 0]
        begin = (top - feature.top) // CELL
        macs = self.mask.macs(feature.bottom - feature.top, feature.width)
        return mask[begin : begin - (-(bottom - top) // CELL)], macs

    def coarse(self, feature: Feature, x: Tensor, top: int, bottom: int) -> tuple[Tensor, int]:
        """The coarse picture of the rows top..bottom - 1, (s(bottom - top), sW, 3) float."""
        height, width = x.shape[:2]
        reach, scale = self.base.tail_reach, self.scale
        above, below = max(0, top - reach), min(height, bottom + reach)
        with self._products():
            y = self.base.reconstruct(feature.rows(above, below), image(x[above:below]))
        y = y[0, :, scale * (top - above) : scale * (bottom - above)].permute(1, 2, 0)
        return y.float(), self.coarse_macs(top, bottom, (height, width))

    def coarse_macs(self, top: int, bottom: int, size: tuple[int, int]) -> int:
        """MACs of the coarse picture of the rows top..bottom - 1 from their feature."""
        height, width = size
        reach = self.base.tail_reach
        return self.base.tail_macs(min(height, bottom + reach) - max(0, top - reach), width)

    def refined(
        self, feature: Feature, x: Tensor, rows: Tensor, columns: Tensor
    ) -> tuple[Tensor, int]:
        """The cells (rows[i], columns[i]) refined, (n, 4s, 4s, 3) float."""
        patches = windows(feature.padded)[0, rows - feature.top // CELL, columns]
        with self._products():
            y = self.refine(channels_last(patches), surroundings(x, rows, columns))
        return y.permute(0, 2, 3, 1).float(), len(rows) * self.cell_macs

    def whole(self, feature: Feature, x: Tensor, top: int, bottom: int) -> tuple[Tensor, int]:
        """What the decomposed network gives for the rows top..bottom - 1, refined at once,
        (s(bottom - top), sW, 3) float."""
        width = x.shape[1]
        first, last = feature.top, feature.bottom
        around = F.pad(image(x[first:last]), (HALO,) * 4, mode="replicate")
        rows, columns = last - first + 2 * HALO, width + 2 * HALO
        with self._products():
            y = self.refine(feature.padded[:, :, :rows, :columns], around)
        y = y[0, :, self.scale * (top - first) : self.scale * (bottom - first)].permute(1, 2, 0)
        return y.float(), self.refine.macs(last - first, width)

    def _products(self) -> torch.autocast:
        reduced = self.dtype != torch.float32
        return torch.autocast(self.device.type, self.dtype, enabled=reduced)


def image(x: Tensor) -> Tensor:
    """(H, W, 3) -> (1, 3, H, W) in the same memory."""
    return x.permute(2, 0, 1)[None]


def surroundings(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The cells (rows[i], columns[i]) of a picture x (H, W, 3) with their halos, (n, 3, 6, 6).

    The same as indexing `cells(image(x), border="replicate")`, which copies the whole picture.
    """
    height, width = x.shape[:2]
    within = torch.arange(-HALO, CELL + HALO, device=x.device)
    down = (CELL * rows[:, None] + within).clamp_(0, height - 1)
    right = (CELL * columns[:, None] + within).clamp_(0, width - 1)
    places = down[:, :, None] * width + right[:, None, :]
    pixels = x.reshape(-1, 3).index_select(0, places.flatten())
    return pixels.view(*places.shape, 3).permute(0, 3, 1, 2)


def channels_last(z: Tensor) -> Tensor:
    return z.contiguous(memory_format=torch.channels_last)


def without_norms(module: MaskGuided) -> MaskGuided:
    """A copy for inference in which convolutions have taken in the normalisation behind them."""
    module = copy.deepcopy(module).eval().requires_grad_(False)
    for part in module.modules():
        if not isinstance(part, nn.Sequential):
            continue
        for index, layer in enumerate(part):
            if isinstance(layer, nn.BatchNorm2d):
                conv = part[index - 1]
                assert isinstance(conv, nn.Conv2d)  # as everywhere before a normalisation
                part[index - 1] = fuse_conv_bn_eval(conv, layer)
                part[index] = nn.Identity()
    return module
