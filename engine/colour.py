"""Between pixels outside (HWC RGB, 8 or 16 bits) and numbers inside (tensors in [0, 1])."""

import math

import cv2
import numpy as np
import torch
from torch import Tensor

from engine.errors import UpscalerError

LUMA = np.array([65.481, 128.553, 24.966]) / 255  # ITU-R BT.601, for 8-bit RGB to Y in 16..235


def to_tensor(pixels: np.ndarray, *, device: torch.device | str = "cpu") -> Tensor:
    """Pixels (H, W, 1 or 3) uint8 or uint16 -> (H, W, 3) float32 in [0, 1]; grey is repeated."""
    limit = np.iinfo(pixels.dtype).max
    whole = pixels if pixels.dtype == np.uint8 else pixels.astype(np.int32)
    tensor = torch.tensor(whole, device=device).float().div_(limit)
    return tensor.expand(-1, -1, 3).contiguous()


@torch.inference_mode()
def to_pixels(tensor: Tensor, dtype: np.dtype) -> np.ndarray:
    """Numbers of any shape -> the same shape in uint8 or uint16, clamped and rounded.

    The tensor is used up: its memory serves the steps between.
    """
    limit, kind = np.iinfo(dtype).max, getattr(torch, np.dtype(dtype).name)
    return tensor.clamp_(0, 1).mul_(limit).round_().to(kind).cpu().numpy()


def squares(pixels: np.ndarray, side: int) -> np.ndarray:
    """The whole squares of contiguous pixels (h, w, 3), in their memory: (rows, columns, side)."""
    height, width = pixels.shape[:2]
    rows, columns = height // side, width // side
    whole = pixels.reshape(height, 3 * width, copy=False)[: rows * side, : 3 * columns * side]
    return as_rows(whole, side).reshape(rows, side, columns).transpose(0, 2, 1)


def as_rows(values: np.ndarray, side: int) -> np.ndarray:
    """Each row of a square, the last axis, as one element: few long ones are copied fast."""
    return values.view(f"V{3 * side * values.itemsize}")


class Span:
    """The range of all values seen, to tell a picture from what a broken network gives."""

    def __init__(self) -> None:
        self.low, self.high = float("inf"), float("-inf")

    def include(self, y: Tensor) -> None:
        """Raises UpscalerError where y holds anything but numbers."""
        low, high = (float(v) for v in y.aminmax())
        if not (math.isfinite(low) and math.isfinite(high)):
            raise UpscalerError(
                "The network gave values that are no numbers; its weights are damaged."
            )
        self.low, self.high = min(self.low, low), max(self.high, high)

    def join(self, other: "Span") -> None:
        """Reach as far as both."""
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)

    @property
    def constant(self) -> bool:
        return self.low == self.high


def luma(pixels: np.ndarray) -> np.ndarray:
    """Y (H, W) float64 in 16..235 of uint8 RGB (H, W, 3), as super-resolution papers measure it."""
    return pixels.astype(np.float64) @ LUMA + 16


def grey(pixels: np.ndarray) -> np.ndarray:
    """One channel (H, W, 1) of an upscaled grey picture: the mean of its three near-equal ones."""
    mean = pixels.sum(axis=2, dtype=np.uint32, keepdims=True) / 3
    return np.rint(mean).astype(pixels.dtype)


def colourise(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """A map (H, W) as uint8 RGB (H, W, 3) in viridis, which colour-blind people can read, too."""
    share = (values - low) / max(high - low, 1e-9)
    levels = np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)
    return cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB)
