"""`main.py models`: the weights that there are."""

import argparse
import json
import sys

from engine import library

HELP = "list the weights"


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    found, troubles = library.listed()
    for trouble in troubles:
        print(trouble, file=sys.stderr)
    for entry in found:
        print(f"{entry['name']:16} x{entry['scale']}  {entry['method']}")
    if arguments.json:
        print(json.dumps({"models": found, "failed": [str(trouble) for trouble in troubles]}))
    return 0
