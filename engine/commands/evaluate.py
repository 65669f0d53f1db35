"""`main.py evaluate HR_DIR`: PSNR and SSIM on a folder at several budgets."""

import argparse
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine import library
from engine.adaptive.depth import DepthUpscaler
from engine.adaptive.mask import ORDERS, MaskUpscaler
from engine.errors import UpscalerError, sentence
from engine.evaluate import Row, means, measure, pair, sources
from engine.options import add_upscaler, chosen_upscaler
from engine.pictures import Picture
from engine.plan import Budget
from engine.settings import FULL
from engine.studies import borders, correlation

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
    command.add_argument("--order", choices=ORDERS, help="which estimated errors go first")
    command.add_argument(
        "--correlation", action="store_true", help="of the estimated errors with the true ones"
    )
    command.add_argument(
        "--borders", action="store_true", help="how far cells differ there from the whole"
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
    budgets = budgets_of(arguments, upscaler)
    paths, measured, failed = [], [], []
    for path in sources(arguments.high):
        try:
            images = pair(path, arguments.lr, upscaler.scale)
            how = {"flat": arguments.uniform, "order": arguments.order}
            measured.append(measure(upscaler, *images, budgets, **how))
            paths.append(path)
        except Exception as error:  # a defect met in one picture must not cost the others
            failed.append({"input": str(path), "error": sentence(error, path)})
            print(failed[-1]["error"], file=sys.stderr)
    rows = means(measured)
    if rows:
        show(arguments, rows, len(paths))
    else:
        print(f"None of the pictures in {arguments.high} could be measured.", file=sys.stderr)
    document = {
        "name": arguments.name,
        "scale": upscaler.scale,
        "set": str(arguments.high),
        "pictures": len(paths),
        "device": upscaler.device.type,
        "dtype": upscaler.dtype,
        "rows": [written(row) for row in rows],
        "failed": failed,
    }
    if rows:
        document |= studied(arguments, upscaler, paths)
    if rows and arguments.record:
        library.record(arguments.name, arguments.record, document["rows"])
    if arguments.json:
        print(json.dumps(document))
    return 1 if failed else 0


def budgets_of(arguments: argparse.Namespace, upscaler: Any) -> list[Budget]:
    """What is to be measured. Raises UpscalerError where these weights cannot do it."""
    guided = arguments.order or arguments.correlation or arguments.borders
    if guided and not isinstance(upscaler, MaskUpscaler):
        raise UpscalerError(f"{arguments.name} has no cells to order by their errors.")
    if arguments.uniform and not isinstance(upscaler, DepthUpscaler):
        raise UpscalerError(f"{arguments.name} has no depth that --uniform could make the same.")
    if arguments.knob:
        return [Budget(knob=v) for v in numbers(arguments.knob)]
    if not upscaler.knob_name:
        return [FULL]
    return [Budget(effort=p / 100) for p in numbers(arguments.budgets)]


def show(arguments: argparse.Namespace, rows: list[Row], count: int) -> None:
    """The rows as a table for people."""
    print(f"{arguments.name} on {arguments.high}, {count} pictures; 1 MAC counts as 1 FLOP,")
    print("executed work including overlap, mean per picture; PSNR and SSIM on Y, border = scale")
    print("budget %   knob  effort %   PSNR dB    SSIM    GMACs  seconds")
    for row in rows:
        asked = "     -" if row.budget is None else f"{row.budget:6.1f}"
        print(
            f"  {asked} {row.knob:6.2f}    {100 * row.effort:6.2f}    {row.psnr_y:6.3f}"
            f"  {row.ssim_y:.4f}  {row.gmacs:7.2f}  {row.seconds:7.3f}"
        )


def written(row: Row) -> dict[str, float | None]:
    """A row as JSON has it, which knows no infinity: PSNR where a picture comes out exactly."""
    return {
        key: None if value is None or math.isinf(value) else value
        for key, value in asdict(row).items()
    }


def studied(arguments: argparse.Namespace, upscaler: Any, paths: list[Path]) -> dict[str, float]:
    """What --correlation and --borders ask for, printed and as a part of the JSON document."""
    found = {}
    if arguments.correlation:
        found["correlation"] = correlation(upscaler, pairs(arguments, upscaler, paths))
        agreement = f"{found['correlation']:.3f}"
        print(f"rank correlation of estimated and true errors of the cells: {agreement}")
    if arguments.borders:
        border, inside = borders(upscaler, pairs(arguments, upscaler, paths))
        found |= {"border": border, "inside": inside}
        print("cells refined by themselves differ from the whole, mean |Y| on a scale of 255, by")
        print(f"{border:.3f} along their borders and {inside:.3f} inside")
    return found


def pairs(
    arguments: argparse.Namespace, upscaler: Any, paths: list[Path]
) -> Iterator[tuple[Picture, Picture]]:
    """The pictures that were measured, once more."""
    return (pair(path, arguments.lr, upscaler.scale) for path in paths)
