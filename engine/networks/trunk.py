"""What depth needs of a network: residual blocks, and a picture from what any of them leaves."""

from typing import Protocol

from torch import Tensor, nn


class Sizes(Protocol):
    """The sizes of a trunk that others ask for."""

    @property
    def scale(self) -> int: ...

    @property
    def blocks(self) -> int: ...

    @property
    def channels(self) -> int: ...


class Trunk(nn.Module):
    """x (N, 3, H, W) in [0, 1] -> y (N, 3, sH, sW), through features (N, C, H, W)."""

    config: Sizes

    def extract(self, x: Tensor) -> Tensor:
        """Features z_0 (N, C, H, W) of the picture x."""
        raise NotImplementedError

    def residual(self, index: int, z: Tensor, mask: Tensor | None = None) -> Tensor:
        """What block `index` (from 0) adds to z.

        Where a mask (N, 1, H, W) is 0, so is what the block's inner convolution passes on.
        """
        raise NotImplementedError

    def reconstruct(self, z: Tensor, z0: Tensor, x: Tensor) -> Tensor:
        """The picture (N, 3, sH, sW) from the features z after any block."""
        raise NotImplementedError
