"""Layers that several networks are made of."""

from torch import nn


class Conv2d(nn.Conv2d):
    """A convolution that has a bias."""

    bias: nn.Parameter


def conv3x3(inputs: int, outputs: int) -> Conv2d:
    """A 3x3 convolution, stride 1, zero padding 1, with bias."""
    return Conv2d(inputs, outputs, 3, padding=1)
