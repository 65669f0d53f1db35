"""`main.py batch IN_DIR OUT_DIR`: a whole folder; see `engine.batch`."""

import argparse

from engine.batch.command import add_batch, batch_command
from engine.options import add_settings, add_upscaler

HELP = "upscale a folder; goes on where it was stopped"


def add_options(command: argparse.ArgumentParser) -> None:
    add_upscaler(command)
    add_settings(command)
    add_batch(command)


def run(arguments: argparse.Namespace) -> int:
    return batch_command(arguments)
