"""`main.py models`: the weights that there are."""

import argparse
import json

from engine import library

HELP = "list the weights"


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    found = [library.describe(name) for name in library.names()]
    for entry in found:
        print(f"{entry['name']:16} x{entry['scale']}  {entry['method']}")
    if arguments.json:
        print(json.dumps({"models": found}))
    return 0
