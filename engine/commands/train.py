"""`main.py train`: a recipe, folders of photographs, a limit, and a checkpoint that is resumed."""

import argparse
import subprocess
import sys
from pathlib import Path

import torch

from engine import library
from engine.errors import UpscalerError
from engine.settings import choose_device
from engine.training.data import load_pairs
from engine.training.loop import Limit, Training, train
from engine.training.recipes import RECIPES
from engine.training.teacher import drawn_pairs, make_teacher, taught

HELP = "train weights from a folder of photographs"


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("recipe")
    command.add_argument("--data", type=Path, action="append", required=True, metavar="DIR")
    command.add_argument(
        "--checkpoint", type=Path, required=True, metavar="FILE", help="resumed if there"
    )
    command.add_argument(
        "--start", type=Path, metavar="FILE", help="checkpoint of the recipe before"
    )
    command.add_argument(
        "--teachers", type=Path, metavar="DIR", help="weights of others to learn from"
    )
    limit = command.add_mutually_exclusive_group(required=True)
    limit.add_argument("--minutes", type=float)
    limit.add_argument("--steps", type=int)
    command.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    command.add_argument("--save", metavar="NAME", help="write the averaged weights to models/")


def run(arguments: argparse.Namespace) -> int:
    """Train, telling the progress on stderr; with --save the averaged weights join the library."""
    device = choose_device(arguments.device)
    recipe = RECIPES.get(arguments.recipe)
    if recipe is None:
        known = ", ".join(RECIPES)
        raise UpscalerError(f"There is no recipe called {arguments.recipe}; there are: {known}.")
    patch = recipe.patch
    training = Training(recipe, device, *beginning(recipe.start, arguments.start))
    if arguments.checkpoint.exists():
        training.restore(arguments.checkpoint)
        print(f"resumed at step {training.step}", file=sys.stderr)
    pairs = [p for p in load_pairs(arguments.data, recipe.scale) if min(p.low.shape[:2]) >= patch]
    if not pairs:
        least = patch * recipe.scale
        raise UpscalerError(f"The data folders hold no pictures of {least} or more pixels a side.")
    if recipe.teachers:
        print("the teacher looks at every picture", file=sys.stderr)
        folder = arguments.checkpoint.with_suffix(".taught")
        teacher = make_teacher(recipe.teachers, device, arguments.teachers)
        pairs = list(taught(pairs, teacher, folder, patch=patch, weigh=not recipe.degrade))
    pairs += drawn_pairs(recipe.drawn, recipe.scale, recipe.seed)
    limit = Limit(steps=arguments.steps, minutes=arguments.minutes)
    for report in train(training, pairs, limit=limit, checkpoint=arguments.checkpoint):
        print(
            f"step {report.step}  {report.progress:5.1%}  loss {report.loss:.5f}  "
            f"lr {report.lr:.2g}",
            file=sys.stderr,
            flush=True,
        )
    if arguments.save:
        module = recipe.build()
        module.load_state_dict(training.ema)
        library.save(arguments.save, module, facts(training, arguments.data))
    return 0


def beginning(wanted: str | None, path: Path | None) -> tuple[dict | None, dict | None]:
    """The averaged weights that a recipe begins from and where they came from: those of a
    checkpoint, or of the library."""
    if wanted is None:
        return None, None
    if path is None and wanted in library.names():
        description = library.describe(wanted)
        origin = {key: description[key] for key in ORIGIN if key in description}
        return library.load_module(wanted).state_dict(), {"name": wanted, **origin}
    if path is None:
        raise UpscalerError(f"This recipe begins from a trained {wanted}: --start its checkpoint.")
    state = torch.load(path, map_location="cpu", weights_only=True)
    return state["ema"], state.get("provenance")


ORIGIN = ("recipe", "steps", "minutes", "seed", "teachers", "start", "data", "commit")


def facts(training: Training, folders: list[Path]) -> dict:
    """What the JSON file says of a training."""
    return {**training.provenance, "data": [folder.name for folder in folders], "commit": commit()}


def commit() -> str | None:
    """The commit of this checkout; None where it is none, or has changed since."""
    here = Path(__file__).resolve().parent

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", ":/engine")
        return None if changed else git("rev-parse", "HEAD")
    except (OSError, subprocess.CalledProcessError):
        return None
