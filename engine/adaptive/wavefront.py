"""Sparse execution of a residual network, strip by strip, with nothing computed twice.

The picture enters in strips of rows. A convolution cannot compute the last row it has until the
next strip brings that row's lower neighbour, so layer k runs k rows behind the first: the strips of
the layers lie on a slanted front that moves down the picture. No strip needs a halo, the result is
that of the whole picture, and the memory is that of one strip plus the rows between the first layer
and the last.

Both convolutions of a block run on the active pixels alone, and the second sees zeros elsewhere
(AdaDSR, section 3.2).

One buffer `z` holds the features of every level: block l overwrites rows that block l - 1 has left
for good. So it is with `h`, what lies between the convolutions; a pixel is set to zero there when
the first block comes that it does not enter. Buffers are (rows, width + 2, channels) with a zero
column on either side.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.adaptive.contract import RowPass
from engine.kernels import PackedConv, convolve, pack, pack_tail
from engine.networks.edsr import EDSR, macs
from engine.networks.layers import Conv2d
from engine.tiling import Region


@dataclass(frozen=True)
class PackedEDSR:
    """The weights of an EDSR in the order in which the kernels read them."""

    head: PackedConv
    blocks: tuple[tuple[PackedConv, PackedConv], ...]
    fuse: PackedConv | None  # without one, the tail reads what the blocks have made
    tail: PackedConv | nn.Module
    tail_macs: int
    mean: Tensor
    scale: int
    channels: int
    dtype: torch.dtype

    @property
    def tail_rows(self) -> int:
        """How many rows above and below a row the tail looks at."""
        return 1 if isinstance(self.tail, PackedConv) else 3

    @property
    def reach(self) -> int:
        """How many pixels around a pixel the whole network looks at."""
        return 1 + 2 * len(self.blocks) + (self.fuse is not None) + self.tail_rows


def pack_edsr(network: EDSR, dtype: torch.dtype = torch.float32) -> PackedEDSR:
    """Pack every convolution once; the residual scale moves into the second of each block.

    `dtype` is that of the products, of the head's excepted; what blocks add up stays float32.
    """
    share = network.config.residual_scale

    def packed(conv: nn.Module | Tensor, factor: float = 1.0) -> PackedConv:
        assert isinstance(conv, Conv2d)  # of a ModuleList
        return pack(conv.weight.detach() * factor, conv.bias.detach() * factor, dtype)

    direct, tail = network.config.tail == "direct", network.tail[0]
    assert isinstance(tail, Conv2d)
    return PackedEDSR(
        head=pack(network.head.weight.detach(), network.head.bias.detach()),
        blocks=tuple((packed(b.conv1), packed(b.conv2, share)) for b in network.blocks),
        fuse=None if network.fuse is None else packed(network.fuse),
        tail=pack_tail(tail.weight, tail.bias, network.config.scale, dtype)
        if direct
        else network.tail,
        tail_macs=macs(network.config).tail,
        mean=network.mean.flatten(),
        scale=network.config.scale,
        channels=network.config.channels,
        dtype=dtype,
    )


class DepthPass(RowPass):
    """One pass over a region of a picture. `macs` counts what has been executed so far.

    x (H, W, 3) is the whole picture in [0, 1], depth (H, W) its depth map in whole blocks, both on
    one device. `strip` is the number of rows that enter at a time.
    """

    def __init__(self, packed: PackedEDSR, x: Tensor, depth: Tensor, *, region: Region, strip: int):
        super().__init__(x, region, packed.scale)
        height, width = x.shape[:2]
        self.packed, self.strip, self.height = packed, strip, height
        self.map = depth[region.rows, region.columns]
        self.outer = outer = region.grown(packed.reach, height, width)
        self.margin = region.left - outer.left
        columns = slice(outer.left, outer.right)
        self.x = x[:, columns]
        blocks, channels = len(packed.blocks), packed.channels
        self.depth = F.pad(depth[:, columns].to(torch.uint8), (1, 1))
        self.pitch = outer.width + 2
        last = min(strip, outer.height) + 2 * blocks  # rows of a last strip, which ends every layer
        rows = last + min(3 * strip, outer.height) + 2 * packed.tail_rows + 8
        self.base = outer.top - 1  # the picture's row that lies first in the buffers
        self.z = x.new_zeros(rows, self.pitch, channels)
        self.h = x.new_zeros(rows, self.pitch, channels, dtype=packed.dtype)
        # What the tail reads: z_0 and what `fuse` adds to it, or else what the blocks have made.
        self.fused = x.new_zeros(rows, self.pitch, channels) if packed.fuse else self.z
        self.buffers = (self.z, self.h, self.fused) if packed.fuse else (self.z, self.h)

    @torch.inference_mode()
    def rows(self) -> Iterator[Tensor]:
        """See `RowPass.rows`."""
        region, outer, context = self.region, self.outer, self.packed.tail_rows
        layers = 2 * len(self.packed.blocks)
        inset = 1 if outer.top > 0 else 0  # without a border above, a layer starts a row later
        ends = [outer.top + inset * layer for layer in range(layers + 1)]
        fused = ends[-1] + inset if self.packed.fuse else ends[-1]
        done = region.top
        while done < region.bottom:
            entering = min(outer.bottom, ends[0] + self.strip)
            self._make_room(max(self.base, fused - 2 * context - 1), ends[0], entering)
            self._head(ends[0], entering)
            ends[0] = entering
            for block in range(layers // 2):
                self._block(block, ends)
            fused = self._fuse(fused, ends[-1])
            ready = fused if fused == self.height else fused - context
            ready = min(ready, region.bottom)
            if ready > done:
                yield self._tail(done, ready)
                done = ready

    def _behind(self, end: int) -> int:
        """The end of a layer whose input ends at `end`."""
        return end if end == self.height else end - 1

    def _make_room(self, keep: int, filled: int, entering: int) -> None:
        """Move the rows keep..filled - 1 to the top if rows up to `entering` would not fit."""
        if entering + 1 - self.base <= self.z.shape[0]:
            return
        start, count = keep - self.base, filled - keep
        for buffer in self.buffers:
            buffer[:count] = buffer[start : start + count].clone()
        self.base = keep

    def _rows(self, buffer: Tensor, top: int, end: int) -> Tensor:
        """The picture's rows top..end - 1 in a rolling buffer."""
        return buffer[top - self.base : end - self.base]

    def _head(self, top: int, end: int) -> None:
        """z_0 of the rows top..end - 1, the first state of z."""
        if top == end:
            return
        source = self.x.new_zeros(end - top + 2, self.pitch, 3)
        above, below = max(0, top - 1), min(self.height, end + 1)
        inside = source[above - top + 1 : below - top + 1, 1:-1]
        torch.sub(self.x[above:below], self.packed.mean, out=inside)
        target = self._rows(self.z, top, end)
        target[:, 0] = target[:, -1] = 0
        self.macs += convolve(source, self.packed.head, None, target)
        if self.packed.fuse:
            self._rows(self.fused, top, end).copy_(target)
        if end == self.height:
            for buffer in self.buffers:
                self._rows(buffer, end, end + 1).zero_()

    def _block(self, block: int, ends: list[int]) -> None:
        """Advance both convolutions of a block as far as their inputs allow."""
        conv1, conv2 = self.packed.blocks[block]
        before, h_old, z_old = ends[2 * block : 2 * block + 3]
        h_new = self._behind(before)
        z_new = max(z_old, self._behind(h_new))
        if h_new <= h_old:
            return
        target = self._rows(self.h, h_old, h_new)
        positions = self._positions(block, h_old, h_new)
        if positions is not None:
            leaving = self._where(h_old, h_new, lambda depth: depth == block)
            target.flatten(0, 1).index_fill_(0, leaving, 0)
        source = self._rows(self.z, h_old - 1, h_new + 1)
        self.macs += convolve(source, conv1, positions, target, slope=0.0)
        if z_new > z_old:
            self.macs += convolve(
                self._rows(self.h, z_old - 1, z_new + 1),
                conv2,
                self._positions(block, z_old, z_new),
                self._rows(self.z, z_old, z_new),
                how="add",
            )
        ends[2 * block + 1 : 2 * block + 3] = h_new, z_new

    def _positions(self, block: int, top: int, end: int) -> Tensor | None:
        """Flat indices of the pixels that enter a block; None for all."""
        active = self._where(top, end, lambda depth: depth > block)
        return None if active.numel() == (end - top) * (self.pitch - 2) else active.int()

    def _where(self, top: int, end: int, test: Callable[[Any], Any]) -> Tensor:
        """Flat indices of the pixels of the rows top..end - 1 whose depth passes a test."""
        depth = self.depth[top:end]
        if depth.device.type == "cpu":  # NumPy is faster here
            return torch.from_numpy(np.flatnonzero(test(depth.numpy())))
        return test(depth).flatten().nonzero().flatten()

    def _fuse(self, old: int, end: int) -> int:
        """The convolution behind the blocks, added to z_0 in place, for the rows from `old` on as
        far as the blocks' rows up to `end` allow; returns where that is."""
        if self.packed.fuse is None:
            return end
        new = self._behind(end)
        if new <= old:
            return old
        source = self._rows(self.z, old - 1, new + 1)
        target = self._rows(self.fused, old, new)
        self.macs += convolve(source, self.packed.fuse, None, target, how="add")
        return new

    def _tail(self, top: int, end: int) -> Tensor:
        """y (n, region width, s, s, 3) of the rows top..end - 1."""
        packed, scale = self.packed, self.packed.scale
        columns = slice(self.margin, self.margin + self.region.width)
        if isinstance(packed.tail, PackedConv):
            y = self.x.new_empty(end - top, self.pitch, 3 * scale * scale)
            source = self._rows(self.fused, top - 1, end + 1)
            self.macs += convolve(source, packed.tail, None, y)
            y = y[:, 1:-1].unflatten(2, (scale, scale, 3))[:, columns]
            return y + self.x[top:end, columns, None, None, :]
        above, below = max(0, top - packed.tail_rows), min(self.height, end + packed.tail_rows)
        source = self._rows(self.fused, above, below)[:, 1:-1].permute(2, 0, 1)[None]
        self.macs += source.shape[2] * source.shape[3] * packed.tail_macs
        y = packed.tail(source)[0] + packed.mean.view(3, 1, 1)
        y = y.unflatten(1, (-1, scale)).unflatten(3, (-1, scale)).permute(1, 3, 2, 4, 0)
        return y[top - above : end - above, columns]
