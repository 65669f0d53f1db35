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

from engine.adaptive.contract import AnyUpscaler
from engine.budget import Budget
from engine.peak import Peak
from engine.tiling import Region, strip_rows

TILE = 96
OURS = "fovea"


@dataclass(frozen=True)
class Runner:
    """A way to compute the picture; `run` does it once.

    `compute` is what it executes, as a share of the dense network's MACs.
    """

    name: str
    dtype: str
    compute: float
    run: Callable[[], Any]


@dataclass(frozen=True)
class Timing:
    """Seconds of one runner over all rounds; gflops counts 2 per executed MAC at the median."""

    name: str
    dtype: str
    compute: float
    seconds: float
    fastest: float
    slowest: float
    gflops: float


def ours(upscaler: AnyUpscaler, x: Tensor, share: float) -> Runner:
    """Survey, plan and execution of a picture x (H, W, 3) for a share of all there is to do."""
    height, width = x.shape[:2]
    region = Region(0, height, 0, width)
    strip = strip_rows(width, on_cpu=upscaler.device.type == "cpu")

    def once() -> None:
        allocation = upscaler.allocate(upscaler.survey(x), budget)
        out = np.empty((upscaler.scale * height, upscaler.scale * width, 3), np.uint8)
        for _ in upscaler.execute(x, allocation, region=region, strip=strip).work(out):
            pass

    budget = Budget(share=share)
    macs = upscaler.allocate(upscaler.survey(x), budget).macs
    compute = macs / upscaler.full_macs((height, width))
    return Runner(f"{OURS} {share:.0%}", upscaler.dtype, compute, once)


def pytorch_full(network: nn.Module, x: Tensor, dtype: torch.dtype) -> Runner:
    network, x = _prepared(network, x, dtype)

    @torch.inference_mode()
    def once() -> None:
        network(x)

    return Runner("pytorch-full", _name(dtype), 1.0, once)


def pytorch_forms(forms: dict[str, nn.Module], x: Tensor, dtype: torch.dtype) -> list[Runner]:
    """The whole frame in PyTorch, in each of these forms of the network."""
    return [
        replace(pytorch_full(form.to(x.device), x, dtype), name=f"pytorch-{name}")
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


def runners(
    upscaler: AnyUpscaler, forms: dict[str, nn.Module], x: Tensor, *, graded: bool
) -> list[Runner]:
    """Every runner that this machine has, with products of the upscaler's type; of the rivals, all
    but PyTorch run the first of the network's `forms`."""
    dtype = getattr(torch, upscaler.dtype)
    shares = (1.0, 0.5, 0.25) if graded else (1.0,)
    found = [ours(upscaler, x, share) for share in shares]
    found += pytorch_forms(forms, x, dtype)
    network = next(iter(forms.values()))
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
        gflops = 2 * macs * runner.compute / median / 1e9
        spread = min(kept), max(kept)
        timings.append(Timing(runner.name, runner.dtype, runner.compute, median, *spread, gflops))
    return timings


def memory_runners(upscaler: AnyUpscaler, forms: dict[str, nn.Module], x: Tensor) -> list[Runner]:
    """Ours and the whole frame in PyTorch."""
    dtype = getattr(torch, upscaler.dtype)
    return [ours(upscaler, x, 1.0), *pytorch_forms(forms, x, dtype)]


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
    network = copy.deepcopy(network).to(dtype)
    network.to(memory_format=layout)  # type: ignore[call-overload]
    return network, _nchw(x).to(dtype).contiguous(memory_format=layout)
