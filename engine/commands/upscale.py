"""`main.py upscale IN... -o OUT`: pictures, one after the other."""

import argparse
import json
from pathlib import Path
from typing import Any

from engine import library
from engine.adaptive.contract import AnyUpscaler
from engine.batch.report import told
from engine.batch.stages import upscaled
from engine.commands.stderr import say, shown
from engine.commands.targets import Order, Wanted, orders_of
from engine.errors import sentence
from engine.maps import MapFiles, save_map, save_patches
from engine.options import add_settings, add_upscaler, check_scale, settings_of
from engine.pictures import read, write
from engine.pictures.target import make_folder
from engine.resize import resized
from engine.run import Result
from engine.settings import load_upscaler

HELP = "upscale pictures"


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("inputs", nargs="+", type=Path, metavar="IN")
    command.add_argument("-o", "--output", type=Path, required=True, help="a file, or a folder")
    add_upscaler(command)
    add_settings(command)
    command.add_argument("--maps", type=Path, metavar="DIR", help="write the maps there")


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0: all done; 1: some files failed, each named.

    What can be known beforehand is said before the first picture is computed.
    """
    settings = settings_of(arguments)
    upscaler = load_upscaler(settings)
    check_scale(upscaler, arguments.scale)
    wanted = Wanted(
        inputs=tuple(dict.fromkeys(arguments.inputs)),
        output=arguments.output,
        settings=settings,
        upscaler=upscaler,
        words=library.method_of(settings.name).map,
        maps=arguments.maps,
        overwrite=arguments.overwrite,
    )
    orders = orders_of(wanted)
    failed = {order.job.key: order.job.trouble for order in orders if order.job.trouble}
    for trouble in failed.values():
        say(trouble)
    files = []
    for order in orders:
        job = order.job
        if job.key in failed:
            continue
        try:
            files.append(upscale_file(upscaler, order, wanted))
        except Exception as error:  # a defect met in one picture must not cost the others
            failed[job.key] = sentence(error, job.source, job.target)
            say(failed[job.key])
    if arguments.json:
        entries = [{"input": key, "error": reason} for key, reason in failed.items()]
        print(json.dumps({"files": files, "failed": entries}))
    return 1 if failed else 0


def upscale_file(upscaler: AnyUpscaler, order: Order, wanted: Wanted) -> dict[str, Any]:
    """Upscale one file; returns its entry for the JSON document."""
    job, settings = order.job, wanted.settings
    result, facts = shown(upscaled(upscaler, read(job.source), settings), job.source.name)
    sized = resized(result.picture, (facts["height"], facts["width"]))
    if not wanted.to_file:
        make_folder(job.target.parent)
    write(sized, job.target, overwrite=wanted.overwrite, quality=settings.quality)
    if order.maps:
        save_maps(upscaler, result, order.maps, wanted)
    return {"input": str(job.source), "output": str(job.target), **told(facts)}


def save_maps(upscaler: AnyUpscaler, result: Result, files: MapFiles, wanted: Wanted) -> None:
    """Write the map of a result, and its refined cells where the method chooses cells."""
    values = result.map
    reach = upscaler.map_range(values)
    make_folder(files.values.parent)
    save_map(files, words=wanted.words, values=values, reach=reach, overwrite=wanted.overwrite)
    if result.cells:
        save_patches(
            files.patches,
            pixels=result.picture.pixels,
            chosen=result.cells.chosen,
            side=result.cells.side * upscaler.scale,
            overwrite=wanted.overwrite,
        )
