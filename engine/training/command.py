"""`main.py train`: a recipe, folders of photographs, a limit, and a checkpoint that is resumed."""

import argparse
import sys
from pathlib import Path

import torch

from engine import library
from engine.errors import UpscalerError
from engine.training.data import load_pairs
from engine.training.loop import Limit, Training, train
from engine.training.recipes import RECIPES
from engine.training.teacher import drawn_pairs, make_teacher, taught


def train_to_files(arguments: argparse.Namespace, device: torch.device) -> int:
    """Train, telling the progress on stderr; with --save the averaged weights join the library."""
    recipe = RECIPES.get(arguments.recipe)
    if recipe is None:
        known = ", ".join(RECIPES)
        raise UpscalerError(f"There is no recipe called {arguments.recipe}; there are: {known}.")
    patch = recipe.patch
    training = Training(recipe, device, start_weights(recipe.start, arguments.start))
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


def start_weights(wanted: str | None, path: Path | None) -> dict | None:
    """The averaged weights a recipe begins from: those of a checkpoint, or of the library."""
    if wanted is None:
        return None
    if path is None and wanted in library.names():
        return library.load_module(wanted).state_dict()
    if path is None:
        raise UpscalerError(f"This recipe begins from a trained {wanted}: --start its checkpoint.")
    return torch.load(path, map_location="cpu", weights_only=True)["ema"]


def facts(training: Training, folders: list[Path]) -> dict:
    """What the JSON file says of a training."""
    return {
        "recipe": training.recipe.name,
        "steps": training.step,
        "minutes": round(training.seconds / 60, 1),
        "seed": training.recipe.seed,
        "data": [folder.name for folder in folders],
    }
