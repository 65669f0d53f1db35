"""`main.py evaluate HR_DIR`: PSNR and SSIM on a folder at several budgets."""

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from engine import library
from engine.adaptive.contract import AnyUpscaler, Method
from engine.budget import FULL, Budget
from engine.commands.stderr import say
from engine.degrade import DEGRADATIONS
from engine.errors import UpscalerError, sentence
from engine.evaluate import Row, means, measure, pair, sources, study, unchanged
from engine.options import add_upscaler, chosen_upscaler
from engine.pictures import Picture

STUDIES = ("correlation", "borders")  # options that ask for a method's own
HELP = "PSNR and SSIM on a folder at several budgets"


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("high", type=Path, metavar="HR_DIR")
    command.add_argument(
        "--lr", type=Path, metavar="LR_DIR", help="made by bicubic reduction if absent"
    )
    add_upscaler(command)
    command.add_argument("-b", "--budgets", default="25,50,75,100", metavar="PERCENTS")
    command.add_argument("--knob", metavar="VALUES", help="native knob values instead of budgets")
    command.add_argument("--uniform", action="store_true", help="the same depth at every pixel")
    command.add_argument(
        "--order",
        choices=("largest", "random", "smallest"),
        help="which estimated errors go first",
    )
    command.add_argument(
        "--correlation", action="store_true", help="of the estimated errors with the true ones"
    )
    command.add_argument(
        "--borders", action="store_true", help="how far cells differ there from the whole"
    )
    command.add_argument(
        "--degrade", choices=DEGRADATIONS, default="none", help="the low-resolution pictures"
    )
    command.add_argument("--record", metavar="SET", help="keep the rows beside the weights as SET")


def numbers(text: str) -> list[float]:
    """A list such as 25,50,100."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UpscalerError(f"{text} is not a list of numbers such as 25,50,100.") from None


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0: all measured; 1: some pictures were left out, each named."""
    upscaler = chosen_upscaler(arguments)
    method = library.method_of(arguments.name)
    budgets = budgets_of(arguments, method)
    asked = variant_of(arguments)
    variant = method.variants[asked] if asked else unchanged
    paths, measured, failed = [], [], []
    for path in sources(arguments.high):
        try:
            images = pair(path, arguments.lr, upscaler.scale, degrade=arguments.degrade)
            measured.append(measure(upscaler, *images, budgets, variant=variant))
            paths.append(path)
        except Exception as error:  # a defect met in one picture must not cost the others
            failed.append({"input": str(path), "error": sentence(error, path)})
            say(failed[-1]["error"])
    rows = means(measured)
    if rows:
        show(arguments, rows, len(paths))
    else:
        say(f"None of the pictures in {arguments.high} could be measured.")
    document = {
        "name": arguments.name,
        "scale": upscaler.scale,
        "set": str(arguments.high),
        "degrade": arguments.degrade,
        "pictures": len(paths),
        "device": upscaler.device.type,
        "dtype": upscaler.dtype,
        "rows": [written(row) for row in rows],
        "failed": failed,
    }
    if rows:
        document |= studied(arguments, method, upscaler, paths)
    if rows and arguments.record:
        library.record(arguments.name, arguments.record, document["rows"])
    if arguments.json:
        print(json.dumps(document))
    return 1 if failed else 0


def variant_of(arguments: argparse.Namespace) -> str | None:
    """Which variant of the surveys is asked for."""
    return "uniform" if arguments.uniform else arguments.order


def budgets_of(arguments: argparse.Namespace, method: Method) -> list[Budget]:
    """What is to be measured. Raises UpscalerError where these weights cannot do it."""
    asked = variant_of(arguments)
    if asked and asked not in method.variants:
        option = "--uniform" if arguments.uniform else "--order"
        raise UpscalerError(f"{arguments.name} is of a method without {option}.")
    for name in STUDIES:
        if getattr(arguments, name) and name not in method.studies:
            raise UpscalerError(f"{arguments.name} is of a method without --{name}.")
    if arguments.knob:
        return [Budget(knob=v) for v in numbers(arguments.knob)]
    if not method.graded:
        return [FULL]
    return [Budget(share=p / 100) for p in numbers(arguments.budgets)]


def show(arguments: argparse.Namespace, rows: list[Row], count: int) -> None:
    """The rows as a table for people."""
    print(f"{arguments.name} on {arguments.high}, {count} pictures; 1 MAC counts as 1 FLOP,")
    print("executed work including overlap, mean per picture; PSNR and SSIM on Y, border = scale")
    print("budget %   knob compute %   PSNR dB    SSIM    GMACs  seconds")
    for row in rows:
        asked = "     -" if row.budget is None else f"{row.budget:6.1f}"
        print(
            f"  {asked} {row.knob:6.2f}    {100 * row.compute:6.2f}    {row.psnr_y:6.3f}"
            f"  {row.ssim_y:.4f}  {row.gmacs:7.2f}  {row.seconds:7.3f}"
        )


def written(row: Row) -> dict[str, float | None]:
    """A row as JSON has it, which knows no infinity: PSNR where a picture comes out exactly."""
    return {
        key: None if value is None or math.isinf(value) else value
        for key, value in asdict(row).items()
    }


def studied(
    arguments: argparse.Namespace, method: Method, upscaler: AnyUpscaler, paths: list[Path]
) -> dict[str, float]:
    """What the studies that were asked for find, printed and as a part of the JSON document."""
    found: dict[str, float] = {}
    for name in STUDIES:
        if getattr(arguments, name):
            one = method.studies[name]
            measured = study(upscaler, pairs(arguments, upscaler, paths), one)
            print(one.text.format(**measured))
            found |= measured
    return found


def pairs(
    arguments: argparse.Namespace, upscaler: AnyUpscaler, paths: list[Path]
) -> Iterator[tuple[Picture, Picture]]:
    """The pictures that were measured, once more."""
    degrade = arguments.degrade
    return (pair(path, arguments.lr, upscaler.scale, degrade=degrade) for path in paths)
