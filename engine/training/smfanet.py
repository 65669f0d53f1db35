"""SMFANet+, a strong and small network, as a teacher: it is never trained or shipped here.

Source: Zheng, Sun, Dong, Pan, "SMFANet: A Lightweight Self-Modulation Feature Aggregation Network
for Efficient Image Super-Resolution", ECCV 2024. Only the larger of its two sizes is needed: 12
blocks of 48 channels. The names of the parts are those in the authors' weights.

Both branches of a block look at the whole picture, so give it 144 pixels a side or more.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

CHANNELS, BLOCKS, REDUCED = 48, 12, 8


class Detail(nn.Module):
    """The local branch: a depthwise convolution, and two 1x1 convolutions."""

    def __init__(self) -> None:
        super().__init__()
        wide = 2 * CHANNELS
        depthwise = nn.Conv2d(CHANNELS, wide, 3, padding=1, groups=CHANNELS)
        self.conv_0 = nn.Sequential(depthwise, nn.Conv2d(wide, wide, 1))
        self.conv_1 = nn.Conv2d(wide, CHANNELS, 1)

    def forward(self, y: Tensor) -> Tensor:
        return self.conv_1(F.gelu(self.conv_0(y)))


class SelfModulation(nn.Module):
    """Features modulated by what the picture is like elsewhere, and their own detail."""

    def __init__(self) -> None:
        super().__init__()
        self.linear_0 = nn.Conv2d(CHANNELS, 2 * CHANNELS, 1)
        self.linear_1 = nn.Conv2d(CHANNELS, CHANNELS, 1)
        self.linear_2 = nn.Conv2d(CHANNELS, CHANNELS, 1)
        self.dw_conv = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, groups=CHANNELS)
        self.alpha = nn.Parameter(torch.ones(1, CHANNELS, 1, 1))
        self.belt = nn.Parameter(torch.zeros(1, CHANNELS, 1, 1))
        self.lde = Detail()

    def forward(self, z: Tensor) -> Tensor:
        y, a = self.linear_0(z).chunk(2, dim=1)
        height, width = a.shape[2:]
        peaks = F.adaptive_max_pool2d(a, (height // REDUCED, width // REDUCED))
        spread = a.var(dim=(2, 3), keepdim=True)
        gate = F.gelu(self.linear_1(self.dw_conv(peaks) * self.alpha + spread * self.belt))
        a = a * F.interpolate(gate, size=(height, width), mode="nearest")
        return self.linear_2(a + self.lde(y))


class PartialConvolution(nn.Module):
    """The feed-forward part: a 3x3 convolution on a quarter of the channels."""

    def __init__(self) -> None:
        super().__init__()
        self.part = CHANNELS // 2
        self.conv_0 = nn.Conv2d(CHANNELS, 2 * CHANNELS, 1)
        self.conv_1 = nn.Conv2d(self.part, self.part, 3, padding=1)
        self.conv_2 = nn.Conv2d(2 * CHANNELS, CHANNELS, 1)

    def forward(self, z: Tensor) -> Tensor:
        z = F.gelu(self.conv_0(z))
        part = F.gelu(self.conv_1(z[:, : self.part]))
        return self.conv_2(torch.cat([part, z[:, self.part :]], dim=1))


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.smfa, self.pcfn = SelfModulation(), PartialConvolution()

    def forward(self, z: Tensor) -> Tensor:
        z = z + self.smfa(F.normalize(z))
        return z + self.pcfn(F.normalize(z))


class SMFANet(nn.Module):
    """x (N, 3, H, W) in [0, 1], sides of 8 or more -> (N, 3, sH, sW), not clamped."""

    def __init__(self, scale: int):
        super().__init__()
        self.scale = scale
        self.to_feat = nn.Conv2d(3, CHANNELS, 3, padding=1)
        self.feats = nn.Sequential(*(Block() for _ in range(BLOCKS)))
        tail = nn.Conv2d(CHANNELS, 3 * scale * scale, 3, padding=1)
        self.to_img = nn.Sequential(tail, nn.PixelShuffle(scale))

    def forward(self, x: Tensor) -> Tensor:
        z = self.to_feat(x)
        return self.to_img(z + self.feats(z))


def load(path: Path, scale: int) -> SMFANet:
    """The network with the weights of a file."""
    network = SMFANet(scale)
    network.load_state_dict(load_file(path))
    return network.eval().requires_grad_(False)
