"""The position-list convolution in plain PyTorch, for any device."""

import torch
import torch.nn.functional as F
from torch import Tensor

CHUNK = 8192  # positions gathered at a time: 18 MiB of neighbourhoods at 64 channels


@torch.no_grad()
def convolve(
    source: Tensor,
    weight: Tensor,
    bias: Tensor,
    positions: Tensor | None,
    target: Tensor,
    *,
    slope: float | Tensor = 1.0,
    scale: float | Tensor | None = None,
    how: str = "write",
) -> None:
    """See `engine.kernels.convolve`; weight (Cout, Cin, k, k), whose type is that of the sums."""
    source, bias = source.to(weight.dtype), bias.to(weight.dtype)
    if positions is None:
        inside = source if weight.shape[2] == 3 else source[:, 1:-1]
        dense = F.conv2d(inside.permute(2, 0, 1)[None], weight, bias)[0].permute(1, 2, 0)
        if isinstance(scale, Tensor):
            scale = scale.view(*dense.shape[:2], 1)
        written = target[:, 1:-1]
        written.copy_(_met(how, written, _finish(dense, slope, scale)))
        return
    flat, written = source.flatten(0, 1), target.view(-1, target.shape[2])
    matrix = weight.permute(2, 3, 1, 0).reshape(-1, weight.shape[0])
    steps = _steps(weight.shape[2], source.shape[1], source.device)
    for begin in range(0, len(positions), CHUNK):
        chunk = positions[begin : begin + CHUNK].long()
        columns = flat[chunk[:, None] + steps].flatten(1)
        some = scale[begin : begin + CHUNK, None] if isinstance(scale, Tensor) else scale
        result = _finish(torch.addmm(bias, columns, matrix), slope, some)
        if how != "write":
            result = _met(how, written[chunk], result)
        written.index_copy_(0, chunk, result.to(target.dtype))


def _steps(size: int, pitch: int, device: torch.device) -> Tensor:
    """From a target's flat index to its neighbours in the source, row by row."""
    if size == 1:
        return torch.zeros(1, dtype=torch.long, device=device)
    rows = torch.arange(3, device=device)[:, None] * pitch
    return (rows + torch.arange(-1, 2, device=device)).flatten()


def _finish(values: Tensor, slope: float | Tensor, scale: float | Tensor | None) -> Tensor:
    """The activation and the scale; channels last."""
    if isinstance(slope, Tensor):
        values = torch.where(values > 0, values, values * slope.to(values.dtype))
    elif slope != 1.0:
        values = F.leaky_relu_(values, slope)
    return values if scale is None else values * scale


def _met(how: str, target: Tensor, result: Tensor) -> Tensor:
    """What becomes of the target."""
    if how == "multiply":
        return target * result.sigmoid()
    return target + result if how == "add" else result
