"""Seconds of one network on one picture, side by side: ours, PyTorch, ONNX Runtime, OpenVINO.

All runners take turns in every round, so that a drift of the machine's speed hits all of them. The
rivals run the plain dense network. PyTorch's tiles have no halo, which flatters them: their picture
has seams. ONNX Runtime and OpenVINO join where they are installed.
"""

import importlib.util
import logging
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.colour import Span
from engine.networks.fmen import FMEN
from engine.peak import Peak
from engine.tiling import Region, strip_rows

TILE = 96
OURS = "fovea"


@dataclass(frozen=True)
class Runner:
    """A way to compute the picture; `run` does it once.

    `effort` is what it executes, as a share of the dense network's MACs.
    """

    name: str
    dtype: str
    effort: float
    run: Callable[[], Any]


@dataclass(frozen=True)
class Timing:
    """Seconds of one runner over all rounds; gflops counts 2 per executed MAC at the median."""

    name: str
    dtype: str
    effort: float
    seconds: float
    fastest: float
    slowest: float
    gflops: float


def ours(upscaler: Any, x: Tensor, effort: float) -> Runner:
    """Survey, plan and execution of a picture x (H, W, 3) at an effort; the Runner's own effort is
    that in MACs of the dense network."""
    height, width = x.shape[:2]
    region = Region(0, height, 0, width)
    strip = strip_rows(width, on_cpu=upscaler.device.type == "cpu")

    def once() -> None:
        allocation = upscaler.at_effort(upscaler.survey(x), effort)
        front = upscaler.execute(x, allocation, region=region, strip=strip)
        if hasattr(front, "place"):
            out = np.empty((upscaler.scale * height, upscaler.scale * width, 3), np.uint8)
            work = front.place(out, Span())
        else:
            work = front.run()
        for _ in work:
            pass

    macs = upscaler.at_effort(upscaler.survey(x), effort).macs
    share = macs / upscaler.full_macs((height, width))
    return Runner(f"{OURS} {effort:.0%}", upscaler.dtype, share, once)


def pytorch_full(network: nn.Module, x: Tensor, dtype: torch.dtype) -> Runner:
    network, x = _prepared(network, x, dtype)

    @torch.inference_mode()
    def once() -> None:
        network(x)

    return Runner("pytorch-full", _name(dtype), 1.0, once)


def pytorch_forms(network: nn.Module, x: Tensor, dtype: torch.dtype) -> list[Runner]:
    """The whole frame in PyTorch; an FMEN fused and unfused, the latter with any weights."""
    if not isinstance(network, FMEN):
        return [pytorch_full(network, x, dtype)]
    forms = {"fused": network, "unfused": FMEN(network.config).eval().to(x.device)}
    return [
        replace(pytorch_full(form, x, dtype), name=f"pytorch-{name}")
        for name, form in forms.items()
    ]


def pytorch_tiles(network: nn.Module, x: Tensor, dtype: torch.dtype) -> Runner:
    network, x = _prepared(network, x, dtype)
    tiles = [
        x[:, :, top : top + TILE, left : left + TILE].contiguous(memory_format=torch.channels_last)
        for top in range(0, x.shape[2], TILE)
        for left in range(0, x.shape[3], TILE)
    ]

    @torch.inference_mode()
    def once() -> None:
        for tile in tiles:
            network(tile)

    return Runner("pytorch-tiles", _name(dtype), 1.0, once)


def onnxruntime(path: Path, x: Tensor) -> Runner:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    feed = {"x": _nchw(x).numpy()}
    return Runner("onnxruntime", "float32", 1.0, lambda: session.run(None, feed))


def openvino(path: Path, x: Tensor, dtype: torch.dtype) -> Runner:
    import openvino as ov

    settings = {
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "INFERENCE_PRECISION_HINT": {torch.float32: "f32", torch.bfloat16: "bf16"}[dtype],
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = ov.Core().compile_model(str(path), "CPU", settings)
    request, feed = compiled.create_infer_request(), {"x": _nchw(x).numpy()}
    return Runner("openvino", _name(dtype), 1.0, lambda: request.infer(feed))


def runners(upscaler: Any, network: nn.Module, x: Tensor) -> list[Runner]:
    """Every runner that this machine has, with products of the upscaler's type."""
    dtype = getattr(torch, upscaler.dtype)
    efforts = (1.0, 0.5, 0.25) if upscaler.knob_name else (1.0,)
    found = [ours(upscaler, x, effort) for effort in efforts]
    found += pytorch_forms(network, x, dtype)
    found.append(pytorch_tiles(network, x, dtype))
    if not installed("onnxscript"):
        return found
    with tempfile.TemporaryDirectory() as folder:
        path = export(network, x, Path(folder) / "network.onnx")
        if installed("onnxruntime") and dtype == torch.float32:
            found.append(onnxruntime(path, x))
        if installed("openvino"):
            found.append(openvino(path, x, dtype))
    return found


def installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


REST = 0.25  # seconds, until the threads of the runner before have stopped waiting for work


def measure(found: list[Runner], *, macs: int, rounds: int) -> list[Timing]:
    """Each runner once per round, after one round to warm up; `macs` those of the dense network."""
    seconds: list[list[float]] = [[] for _ in found]
    for turn in range(rounds + 1):
        for runner, kept in zip(found, seconds, strict=True):
            time.sleep(REST)
            begun = time.perf_counter()
            runner.run()
            if turn:
                kept.append(time.perf_counter() - begun)
    timings = []
    for runner, kept in zip(found, seconds, strict=True):
        median = statistics.median(kept)
        gflops = 2 * macs * runner.effort / median / 1e9
        spread = min(kept), max(kept)
        timings.append(Timing(runner.name, runner.dtype, runner.effort, median, *spread, gflops))
    return timings


def memory_runners(upscaler: Any, network: nn.Module, x: Tensor) -> list[Runner]:
    """Ours and the whole frame in PyTorch."""
    dtype = getattr(torch, upscaler.dtype)
    return [ours(upscaler, x, 1.0), *pytorch_forms(network, x, dtype)]


def peak_bytes(runner: Runner) -> int:
    """The most that all tensors take at one moment, what the runner returns included.

    Weights and the picture are not counted, nor what a convolution keeps to itself.
    """
    with Peak() as peak:
        runner.run()
    return peak.bytes


def matmul_gflops(dtype: torch.dtype, size: int = 2048) -> float:
    """What a large matrix product reaches here: the ceiling for all runners."""
    a, b = (torch.rand(size, size).to(dtype) for _ in range(2))
    torch.mm(a, b)
    seconds = []
    for _ in range(5):
        begun = time.perf_counter()
        torch.mm(a, b)
        seconds.append(time.perf_counter() - begun)
    return 2 * size**3 / statistics.median(seconds) / 1e9


def export(network: nn.Module, x: Tensor, path: Path) -> Path:
    """Any network as an ONNX file for pictures of the size of x (H, W, 3)."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses packages
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch about itself
        torch.onnx.export(
            network, (_nchw(x),), path, input_names=["x"], output_names=["y"], verbose=False
        )
    return path


def _nchw(x: Tensor) -> Tensor:
    return x.permute(2, 0, 1)[None].contiguous()


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _prepared(network: nn.Module, x: Tensor, dtype: torch.dtype) -> tuple[nn.Module, Tensor]:
    """A copy of the network and the picture, channels last, in the type asked for."""
    import copy

    layout = torch.channels_last
    network = copy.deepcopy(network).to(dtype).to(memory_format=layout)
    return network, _nchw(x).to(dtype).contiguous(memory_format=layout)
