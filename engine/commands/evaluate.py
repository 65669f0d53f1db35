"""`main.py evaluate HR_DIR`: PSNR and SSIM on a folder at several budgets."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from engine import library
from engine.adaptive.depth import DepthUpscaler
from engine.adaptive.mask import ORDERS, MaskUpscaler
from engine.errors import UpscalerError
from engine.evaluate import evaluate, pairs
from engine.options import add_upscaler, chosen_upscaler
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
