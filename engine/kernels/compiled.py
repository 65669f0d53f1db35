"""The position-list convolution in C++ (convolve.cpp), where it is built."""

import ctypes
import os
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

LIBRARY = Path(__file__).with_name("convolve.library")  # from setup.py
NAMES = ("portable", "AVX2", "AVX-512", "AVX-512 bf16", "AMX bf16")  # the levels of convolve.cpp
MEETS = ("write", "add", "multiply")  # `how` of convolve.cpp
CHOICES = {"portable": 0, "avx2": 1, "avx512": 2, "avx512bf16": 3, "amx": 4}


class _Job(ctypes.Structure):
    """As in convolve.cpp."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("source", "panels", "positions", "target")),
        *((name, ctypes.c_void_p) for name in ("slopes", "scales")),
        ("count", ctypes.c_int64),
        ("scale", ctypes.c_float),
        *((name, ctypes.c_int32) for name in ("rows", "pitch", "cin", "cout", "size", "threads")),
        *((name, ctypes.c_int32) for name in ("level", "pairs", "squares", "from_bfloat16")),
        *((name, ctypes.c_int32) for name in ("to_bfloat16", "how")),
    )


@cache
def _library() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(str(LIBRARY))
    except OSError:  # not built
        return None
    library.fovea_convolve.argtypes = [ctypes.POINTER(_Job)]
    return library


def level() -> int | None:
    """What to use of the processor, an index of NAMES; None for nothing: PyTorch then serves.

    The best there is, unless FOVEA_ISA asks for less or FOVEA_KERNELS is off.
    """
    library = _library()
    if library is None or os.environ.get("FOVEA_KERNELS") == "off":
        return None
    return min(library.fovea_level(), CHOICES.get(os.environ.get("FOVEA_ISA", ""), len(NAMES)))


def pack(weight: Tensor, bias: Tensor, dtype: torch.dtype, level: int) -> Tensor:
    """The biases, then the weights in blocks of outputs: (row, column, channel, output) each.

    Outputs are filled up to a multiple of 16. Bfloat16 weights keep their type where the processor
    multiplies pairs of them: then two channels stand together in the place of one float32. Behind
    all this follow the weights for squares, (transform, channel, output) for each block. Where the
    processor multiplies tiles, they are in the order of `_tiles` instead.
    """
    more = -weight.shape[0] % 16
    weight = F.pad(weight, (0, 0, 0, 0, 0, 0, 0, more))
    if _whole_tiles(dtype, level):
        return torch.cat([F.pad(bias, (0, more)), _tiles(weight)])
    parts = [weight.permute(2, 3, 1, 0).flatten(0, 1)]  # (taps, channel, output)
    if _squares(weight):
        parts.append(transformed(weight).permute(2, 3, 1, 0).flatten(0, 1))
    panels = [F.pad(bias, (0, more))]
    for part in parts:
        part = part.to(dtype)
        if _pairs(dtype, level):
            part = F.pad(part, (0, 0, 0, part.shape[1] % 2)).unflatten(1, (-1, 2)).transpose(2, 3)
            part = part.contiguous().view(torch.float32).squeeze(3)
        for block in part.float().split(64 if level >= 2 else 16, dim=2):
            panels.append(block.flatten())
    return torch.cat(panels)


def _tiles(weight: Tensor) -> Tensor:
    """Weights (Cout, Cin, k, k) in tiles of 32 channels of a row of neighbours by 16 outputs.

    The last tile of a row ends where the row does, with zeros for what the one before already has.
    The order is (tile, output / 16, pair, output, channel of the pair) for each block of 32
    outputs. Bfloat16, seen as float32.
    """
    rows = weight.permute(2, 3, 1, 0).flatten(1, 2)  # (row, column and channel, output)
    whole, rest = rows.split([(rows.shape[1] - 1) // 32 * 32, (rows.shape[1] - 1) % 32 + 1], dim=1)
    last = F.pad(rest, (0, 0, 32 - rest.shape[1], 0))
    channels = torch.cat([whole, last], dim=1).to(torch.bfloat16).flatten(0, 1)
    blocks = (
        block.unflatten(1, (-1, 16)).unflatten(0, (-1, 16, 2)).permute(0, 3, 1, 4, 2)
        for block in channels.split(32, dim=1)
    )
    return torch.cat([block.flatten() for block in blocks]).view(torch.float32)


def transformed(weight: Tensor) -> Tensor:
    """G g G^T of 3x3 weights (..., 3, 3) -> (..., 4, 4), for two by two results at once.

    Source: Lavin and Gray, CVPR 2016, section 4.1, F(2x2, 3x3).
    """
    g = weight.new_tensor([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
    return g @ weight @ g.T


def convolve(
    source: Tensor,
    weight: Tensor,
    panels: Tensor,
    level: int,
    positions: Tensor | None,
    target: Tensor,
    *,
    slope: float | Tensor,
    scale: float | Tensor | None,
    how: str,
) -> None:
    """See `engine.kernels.convolve`; `panels` from `pack` at the same level."""
    rows, pitch, outputs = target.shape
    slopes = torch.ones(outputs + -outputs % 16)
    slopes[:outputs] = slope
    scales = scale.float().contiguous() if isinstance(scale, Tensor) else None
    job = _Job(
        source=source.data_ptr(),
        panels=panels.data_ptr(),
        positions=None if positions is None else positions.data_ptr(),
        target=target.data_ptr(),
        slopes=slopes.data_ptr(),
        scales=None if scales is None else scales.data_ptr(),
        scale=1.0 if scale is None or scales is not None else scale,
        count=rows * (pitch - 2) if positions is None else positions.numel(),
        rows=rows,
        pitch=pitch,
        cin=source.shape[2],
        cout=outputs,
        size=weight.shape[2],
        threads=torch.get_num_threads(),
        level=level,
        pairs=_pairs(weight.dtype, level),
        squares=_squares(weight) and not _whole_tiles(weight.dtype, level),
        from_bfloat16=source.dtype == torch.bfloat16,
        to_bfloat16=target.dtype == torch.bfloat16,
        how=MEETS.index(how),
    )
    library = _library()
    assert library is not None  # or nothing would have been packed for it
    if not library.fovea_convolve(job):
        raise IndexError("positions must ascend and lie inside the target")


def _pairs(dtype: torch.dtype, level: int) -> bool:
    return dtype == torch.bfloat16 and level >= 3


def _whole_tiles(dtype: torch.dtype, level: int) -> bool:
    return dtype == torch.bfloat16 and level == 4


def _squares(weight: Tensor) -> bool:
    """Whether squares are computed as such: not where their transforms would cost too much.

    They are made of whole vectors, and of pairs.
    """
    return weight.shape[2] == 3 and weight.shape[1] >= 16 and weight.shape[1] % 2 == 0
