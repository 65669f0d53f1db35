"""The position-list convolution in plain PyTorch, for any device and any tensor type."""

import torch
import torch.nn.functional as F
from torch import Tensor

CHUNK = 8192  # positions gathered at a time: 18 MiB of neighbourhoods at 64 channels


def convolve(
    source: Tensor,
    weight: Tensor,
    bias: Tensor,
    positions: Tensor | None,
    target: Tensor,
    *,
    slope: float = 1.0,
    scale: Tensor | None = None,
    add: bool = False,
) -> None:
    """See `engine.kernels.convolve`; weight (Cout, Cin, k, k)."""
    if positions is None:
        dense = F.conv2d(source.permute(2, 0, 1)[None], weight, bias)[0].permute(1, 2, 0)
        inside = target[:, 1:-1] if weight.shape[2] == 3 else target
        _store(_activate(dense, slope), inside, add)
        return
    flat, written = source.flatten(0, 1), target.view(-1, target.shape[2])
    matrix = weight.permute(2, 3, 1, 0).reshape(-1, weight.shape[0])
    steps = _steps(weight.shape[2], source.shape[1], source.device)
    for begin in range(0, len(positions), CHUNK):
        chunk = positions[begin : begin + CHUNK].long()
        columns = flat[chunk[:, None] + steps].flatten(1)
        result = _activate(torch.addmm(bias, columns, matrix), slope)
        if scale is not None:
            result *= scale[begin : begin + CHUNK, None]
        if add:
            written.index_add_(0, chunk, result)
        else:
            written.index_copy_(0, chunk, result)


def _steps(size: int, pitch: int, device: torch.device) -> Tensor:
    """From a target's flat index to its neighbours in the source, row by row."""
    if size == 1:
        return torch.zeros(1, dtype=torch.long, device=device)
    rows = torch.arange(3, device=device)[:, None] * pitch
    return (rows + torch.arange(-1, 2, device=device)).flatten()


def _activate(values: Tensor, slope: float) -> Tensor:
    return values if slope == 1.0 else F.leaky_relu_(values, slope)


def _store(values: Tensor, target: Tensor, add: bool) -> None:
    if add:
        target += values
    else:
        target.copy_(values)
