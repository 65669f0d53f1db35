"""`main.py models`: the weights that there are."""

import argparse
import json

from engine import library
from engine.commands.stderr import say

HELP = "list the weights"


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    found, troubles = library.listed()
    for trouble in troubles:
        say(str(trouble))
    for entry in found:
        print(f"{entry['name']:16} x{entry['scale']}  {entry['method']}")
    if arguments.json:
        print(json.dumps({"models": found, "failed": [str(trouble) for trouble in troubles]}))
    return 0
