"""`main.py bench`: seconds, or memory, side by side with other runners."""

import argparse
import json
from pathlib import Path

import cv2
import torch

from engine import bench, library
from engine.errors import UpscalerError
from engine.kernels import describe
from engine.options import add_upscaler, chosen_upscaler
from engine.pictures import Picture, read
from engine.run import load

HELP = "seconds side by side with other runners"
SAMPLE = Path(__file__).resolve().parents[2] / "assets" / "sample.png"


def add_options(command: argparse.ArgumentParser) -> None:
    add_upscaler(command)
    command.add_argument("--picture", type=Path, default=SAMPLE, help="resized to --size")
    command.add_argument("--size", default="480x270", metavar="WIDTHxHEIGHT")
    command.add_argument("--memory", action="store_true", help="peak memory instead of seconds")
    command.add_argument("--rounds", type=int, default=5)


def run(arguments: argparse.Namespace) -> int:
    try:
        width, height = (int(part) for part in arguments.size.split("x"))
    except ValueError:
        raise UpscalerError(f"{arguments.size} is not a size such as 480x270.") from None
    upscaler = chosen_upscaler(arguments)
    method = library.method_of(arguments.name)
    forms = method.dense(library.load_module(arguments.name))
    picture = read(arguments.picture)
    pixels = cv2.resize(picture.pixels, (width, height), interpolation=cv2.INTER_AREA)
    x = load(upscaler, Picture(pixels))
    if arguments.memory:
        return report_memory(arguments, bench.memory_runners(upscaler, forms, x), x)
    found = bench.runners(upscaler, forms, x, graded=method.graded)
    macs = upscaler.full_macs((height, width))
    timings = bench.measure(found, macs=macs, rounds=arguments.rounds)
    best = min(t.seconds for t in timings if not t.name.startswith(bench.OURS))
    print(f"{arguments.name}, {width}x{height}, {torch.get_num_threads()} threads, {describe()};")
    print("compute: executed MACs as a share of the dense network's; seconds: median (fastest to")
    print("slowest) of the rounds, and the share of the best rival's")
    for t in timings:
        print(
            f"{t.name:15} {t.dtype:9} compute {t.compute:4.2f}  {t.seconds:7.3f} "
            f"({t.fastest:.3f} to {t.slowest:.3f})  {t.seconds / best:5.2f}  "
            f"{t.gflops:6.0f} GFLOP/s"
        )
    matmul = {
        name: bench.matmul_gflops(dtype)
        for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16))
    }
    print(", ".join(f"matrix product {name} {value:.0f} GFLOP/s" for name, value in matmul.items()))
    if arguments.json:
        rows = [
            {
                "name": t.name,
                "dtype": t.dtype,
                "effort": t.compute,
                "compute": t.compute,
                "seconds": t.seconds,
                "gflops": t.gflops,
            }
            for t in timings
        ]
        print(json.dumps({"runners": rows, "matmul_gflops": matmul}))
    return 0


def report_memory(
    arguments: argparse.Namespace,
    found: list[bench.Runner],
    x: torch.Tensor,
) -> int:
    height, width = x.shape[:2]
    channels = library.describe(arguments.name)["network"].get("channels")
    if channels is None:
        raise UpscalerError(f"{arguments.name} has features of several widths; --memory needs one.")
    features = channels * height * width * 4
    print(f"{arguments.name}, {width}x{height}; C H W in float32 is {features / 2**20:.2f} MiB")
    print("most memory at one moment: activations and output, without weights and picture")
    rows = []
    for runner in found:
        peak = bench.peak_bytes(runner)
        rows.append({"name": runner.name, "dtype": runner.dtype, "peak_bytes": peak})
        size = f"{peak / 2**20:8.2f} MiB  {peak / features:5.2f} C H W"
        print(f"{runner.name:16} {runner.dtype:9} {size}")
    if arguments.json:
        print(json.dumps({"memory": rows, "feature_bytes": features}))
    return 0
