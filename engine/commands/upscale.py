"""`main.py upscale IN... -o OUT`: pictures, one after the other."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from engine import library
from engine.adaptive.contract import AnyUpscaler
from engine.batch.report import told
from engine.batch.stages import upscaled
from engine.errors import FoveaError, PictureError
from engine.maps import save_map, save_patches
from engine.options import add_settings, add_upscaler, check_scale, settings_of
from engine.pictures import peek, read, write
from engine.resize import resized
from engine.settings import Settings, load_upscaler, target_name

HELP = "upscale pictures"


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("inputs", nargs="+", type=Path, metavar="IN")
    command.add_argument("-o", "--output", type=Path, required=True, help="a file, or a folder")
    add_upscaler(command)
    add_settings(command)
    command.add_argument("--maps", type=Path, metavar="DIR", help="write the maps there")


def run(arguments: argparse.Namespace) -> int:
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
    upscaler: AnyUpscaler, path: Path, settings: Settings, arguments: argparse.Namespace
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
        words = library.method_of(settings.name).map
        save_map(arguments.maps, path.stem, words=words, values=values, reach=reach)
        if result.cells:
            chosen, side = result.cells.chosen, result.cells.side * upscaler.scale
            pixels = result.picture.pixels
            save_patches(arguments.maps, path.stem, pixels=pixels, chosen=chosen, side=side)
    return {"input": str(path), "output": str(target), **told(facts)}


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
