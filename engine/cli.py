"""The command line. Progress goes to stderr; --json ends stdout with one document."""

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import torch

from engine import bench, library
from engine.adaptive.depth import DepthUpscaler
from engine.adaptive.mask import ORDERS, MaskUpscaler
from engine.batch.command import add_batch
from engine.batch.stages import upscaled
from engine.errors import FoveaError, PictureError, UpscalerError
from engine.evaluate import borders, correlation, evaluate, pairs
from engine.kernels import describe
from engine.maps import save_map, save_patches
from engine.networks.cells import CELL
from engine.options import add_settings, check_scale, settings_of
from engine.pictures import Picture, peek, read, write
from engine.plan import Budget
from engine.resize import resized
from engine.run import load
from engine.settings import DTYPES, FULL, Settings, choose_device, load_upscaler, target_name

DEFAULT = "adaedsr-x4"
SAMPLE = Path(__file__).resolve().parent.parent / "assets" / "sample.png"


def main(argv: list[str] | None = None) -> int:
    """Exit status 0: all done; 1: some files failed, each named, or nobody reads what is printed;
    2: bad usage."""
    arguments = parser().parse_args(argv)
    try:
        status = arguments.command(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # nobody reads on, as behind `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except FoveaError as error:
        print(error, file=sys.stderr)
        return 2 if not isinstance(error, PictureError) else 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="main.py",
        description="Upscale photographs, spending the work where the picture needs it. "
        "Without a command the window opens.",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    upscale = commands.add_parser("upscale", help="upscale pictures")
    upscale.set_defaults(command=upscale_command)
    upscale.add_argument("inputs", nargs="+", type=Path, metavar="IN")
    upscale.add_argument("-o", "--output", type=Path, required=True, help="a file, or a folder")
    add_upscaler(upscale)
    add_settings(upscale)
    upscale.add_argument("--maps", type=Path, metavar="DIR", help="write the maps there")

    batch = commands.add_parser("batch", help="upscale a folder; goes on where it was stopped")
    add_upscaler(batch)
    add_settings(batch)
    add_batch(batch)

    measure = commands.add_parser("evaluate", help="PSNR and SSIM on a folder at several budgets")
    measure.set_defaults(command=evaluate_command)
    measure.add_argument("high", type=Path, metavar="HR_DIR")
    measure.add_argument(
        "--lr", type=Path, metavar="LR_DIR", help="made by bicubic reduction if absent"
    )
    add_upscaler(measure)
    measure.add_argument("-b", "--budgets", default="25,50,75,100", metavar="PERCENTS")
    measure.add_argument("--knob", metavar="VALUES", help="native knob values instead of budgets")
    measure.add_argument("--uniform", action="store_true", help="the same depth at every pixel")
    measure.add_argument("--order", choices=ORDERS, help="which estimated errors go first")
    measure.add_argument(
        "--correlation", action="store_true", help="of the estimated errors with the true ones"
    )
    measure.add_argument(
        "--borders", action="store_true", help="how far cells differ there from the whole"
    )
    measure.add_argument("--record", metavar="SET", help="keep the rows beside the weights as SET")

    shown = commands.add_parser("models", help="list the weights")
    shown.set_defaults(command=models_command)
    shown.add_argument("--json", action="store_true")

    devices = commands.add_parser("devices", help="list the devices")
    devices.set_defaults(command=devices_command)
    devices.add_argument("--json", action="store_true")

    bench = commands.add_parser("bench", help="seconds side by side with other runners")
    bench.set_defaults(command=bench_command)
    add_upscaler(bench)
    bench.add_argument("--picture", type=Path, default=SAMPLE, help="resized to --size")
    bench.add_argument("--size", default="480x270", metavar="WIDTHxHEIGHT")
    bench.add_argument("--memory", action="store_true", help="peak memory instead of seconds")
    bench.add_argument("--rounds", type=int, default=5)

    train = commands.add_parser("train", help="train weights from a folder of photographs")
    train.set_defaults(command=train_command)
    train.add_argument("recipe")
    train.add_argument("--data", type=Path, action="append", required=True, metavar="DIR")
    train.add_argument(
        "--checkpoint", type=Path, required=True, metavar="FILE", help="resumed if there"
    )
    train.add_argument("--start", type=Path, metavar="FILE", help="checkpoint of the recipe before")
    train.add_argument(
        "--teachers", type=Path, metavar="DIR", help="weights of others to learn from"
    )
    limit = train.add_mutually_exclusive_group(required=True)
    limit.add_argument("--minutes", type=float)
    limit.add_argument("--steps", type=int)
    train.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    train.add_argument("--save", metavar="NAME", help="write the averaged weights to models/")
    return top


def add_upscaler(command: argparse.ArgumentParser) -> None:
    command.add_argument("-n", "--name", default=DEFAULT, help="the weights; see `models`")
    command.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    command.add_argument(
        "--dtype", default="auto", choices=DTYPES, help="of the products; auto is the fastest"
    )
    command.add_argument("--json", action="store_true")


def chosen_upscaler(arguments: argparse.Namespace) -> Any:
    """The Upscaler that -n, --device and --dtype ask for."""
    device = choose_device(arguments.device)
    return library.load(arguments.name, device, dtype=DTYPES[arguments.dtype])


def upscale_command(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    upscaler = load_upscaler(settings)
    check_scale(upscaler, arguments.scale)
    files, failed = [], []
    for path in arguments.inputs:
        try:
            files.append(upscale_file(upscaler, path, settings, arguments))
        except FoveaError as error:
            print(error, file=sys.stderr)
            failed.append({"input": str(path), "error": str(error)})
    if arguments.json:
        print(json.dumps({"files": files, "failed": failed}))
    return 1 if failed else 0


def upscale_file(
    upscaler: Any, path: Path, settings: Settings, arguments: argparse.Namespace
) -> dict[str, Any]:
    """Upscale one file; returns its entry for the JSON document."""
    target = target_path(path, upscaler.scale, settings, arguments)
    if target.exists() and target.samefile(path):
        raise PictureError(f"{target} is the source itself; choose another output.")
    if target.exists() and not arguments.overwrite:
        raise PictureError(f"{target} exists already; --overwrite replaces it.")
    picture = read(path)
    result, facts = shown(upscaled(upscaler, picture, settings), path.name)
    sized = resized(result.picture, (facts["height"], facts["width"]))
    write(sized, target, overwrite=arguments.overwrite, quality=settings.quality)
    if arguments.maps:
        values, reach = result.map, upscaler.map_range(result.map)
        name, unit = upscaler.map_name, upscaler.knob_unit
        save_map(arguments.maps, path.stem, name=name, values=values, reach=reach, unit=unit)
        if result.chosen is not None:
            pixels, side = result.picture.pixels, CELL * upscaler.scale
            save_patches(arguments.maps, path.stem, pixels=pixels, chosen=result.chosen, side=side)
    return {"input": str(path), "output": str(target), **facts}


def target_path(path: Path, scale: int, settings: Settings, arguments: argparse.Namespace) -> Path:
    """Where the upscaled picture goes: -o itself, or a file in it named after the source."""
    output = arguments.output
    if output.suffix and not output.is_dir() and len(arguments.inputs) == 1:
        return output
    output.mkdir(parents=True, exist_ok=True)
    return output / target_name(settings, path, size=peek(path) or (1, 1), scale=scale)


def shown(generator: Any, title: str) -> Any:
    """Run to the end with the progress on stderr."""
    while True:
        try:
            event = next(generator)
        except StopIteration as stop:
            if sys.stderr.isatty():
                print(file=sys.stderr)
            return stop.value
        if sys.stderr.isatty():
            print(f"\r{title} {event.progress:4.0%}", end="", file=sys.stderr, flush=True)


def numbers(text: str) -> list[float]:
    """A list such as 25,50,100."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UpscalerError(f"{text} is not a list of numbers such as 25,50,100.") from None


def evaluate_command(arguments: argparse.Namespace) -> int:
    upscaler = chosen_upscaler(arguments)
    guided = arguments.order or arguments.correlation or arguments.borders
    if guided and not isinstance(upscaler, MaskUpscaler):
        raise UpscalerError(f"{arguments.name} has no cells to order by their errors.")
    if arguments.uniform and not isinstance(upscaler, DepthUpscaler):
        raise UpscalerError(f"{arguments.name} has no depth that --uniform could make the same.")
    if arguments.knob:
        budgets = [Budget(knob=v) for v in numbers(arguments.knob)]
    elif not upscaler.knob_name:
        budgets = [FULL]
    else:
        budgets = [Budget(effort=p / 100) for p in numbers(arguments.budgets)]
    files = pairs(arguments.high, arguments.lr, upscaler.scale)
    rows = evaluate(upscaler, files, budgets, flat=arguments.uniform, order=arguments.order)
    print(f"{arguments.name} on {arguments.high}, {len(files)} pictures; 1 MAC counts as 1 FLOP,")
    print("executed work including overlap, mean per picture; PSNR and SSIM on Y, border = scale")
    print("budget %   knob  effort %   PSNR dB    SSIM    GMACs  seconds")
    for row in rows:
        asked = "     -" if row.budget is None else f"{row.budget:6.1f}"
        print(
            f"  {asked} {row.knob:6.2f}    {100 * row.effort:6.2f}    {row.psnr_y:6.3f}"
            f"  {row.ssim_y:.4f}  {row.gmacs:7.2f}  {row.seconds:7.3f}"
        )
    agreement = correlation(upscaler, files) if arguments.correlation else None
    if agreement is not None:
        print(f"rank correlation of estimated and true errors of the cells: {agreement:.3f}")
    seams = borders(upscaler, files) if arguments.borders else None
    if seams is not None:
        print("cells refined by themselves differ from the whole, mean |Y| on a scale of 255, by")
        print(f"{seams[0]:.3f} along their borders and {seams[1]:.3f} inside")
    if arguments.record:
        library.record(arguments.name, arguments.record, [asdict(row) for row in rows])
    if arguments.json:
        document = {
            "name": arguments.name,
            "scale": upscaler.scale,
            "set": str(arguments.high),
            "pictures": len(files),
            "device": upscaler.device.type,
            "dtype": upscaler.dtype,
            "rows": [asdict(row) for row in rows],
        }
        if agreement is not None:
            document["correlation"] = agreement
        if seams is not None:
            document["border"], document["inside"] = seams
        print(json.dumps(document))
    return 0


def models_command(arguments: argparse.Namespace) -> int:
    found = [library.describe(name) for name in library.names()]
    for entry in found:
        print(f"{entry['name']:16} x{entry['scale']}  {entry['method']}")
    if arguments.json:
        print(json.dumps({"models": found}))
    return 0


def devices_command(arguments: argparse.Namespace) -> int:
    found = [{"device": "cpu", "threads": torch.get_num_threads(), "kernels": describe()}]
    for index in range(torch.cuda.device_count()):
        found.append({"device": f"cuda:{index}", "name": torch.cuda.get_device_name(index)})
    if torch.backends.mps.is_available():
        found.append({"device": "mps"})
    for entry in found:
        print(", ".join(f"{key} {value}" for key, value in entry.items()))
    if arguments.json:
        print(json.dumps({"devices": found}))
    return 0


def bench_command(arguments: argparse.Namespace) -> int:
    try:
        width, height = (int(part) for part in arguments.size.split("x"))
    except ValueError:
        raise UpscalerError(f"{arguments.size} is not a size such as 480x270.") from None
    upscaler = chosen_upscaler(arguments)
    module = library.load_module(arguments.name).to(upscaler.device)
    network = getattr(module, "network", module)
    picture = read(arguments.picture)
    pixels = cv2.resize(picture.pixels, (width, height), interpolation=cv2.INTER_AREA)
    x = load(upscaler, Picture(pixels))
    if arguments.memory:
        return report_memory(arguments, bench.memory_runners(upscaler, network, x), network, x)
    found = bench.runners(upscaler, network, x)
    macs = upscaler.full_macs((height, width))
    timings = bench.measure(found, macs=macs, rounds=arguments.rounds)
    best = min(t.seconds for t in timings if not t.name.startswith(bench.OURS))
    print(f"{arguments.name}, {width}x{height}, {torch.get_num_threads()} threads, {describe()};")
    print("effort: executed MACs as a share of the dense network's; seconds: median (fastest to")
    print("slowest) of the rounds, and the share of the best rival's")
    for t in timings:
        print(
            f"{t.name:15} {t.dtype:9} effort {t.effort:4.2f}  {t.seconds:7.3f} "
            f"({t.fastest:.3f} to {t.slowest:.3f})  {t.seconds / best:5.2f}  "
            f"{t.gflops:6.0f} GFLOP/s"
        )
    matmul = {
        name: bench.matmul_gflops(dtype)
        for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16))
    }
    print(", ".join(f"matrix product {name} {value:.0f} GFLOP/s" for name, value in matmul.items()))
    if arguments.json:
        keys = ("name", "dtype", "effort", "seconds", "gflops")
        rows = [{key: getattr(t, key) for key in keys} for t in timings]
        print(json.dumps({"runners": rows, "matmul_gflops": matmul}))
    return 0


def report_memory(
    arguments: argparse.Namespace, found: list[bench.Runner], network: torch.nn.Module, x: Any
) -> int:
    height, width = x.shape[:2]
    features = network.config.channels * height * width * 4
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


def train_command(arguments: argparse.Namespace) -> int:
    from engine.training.command import train_to_files

    return train_to_files(arguments, choose_device(arguments.device))
