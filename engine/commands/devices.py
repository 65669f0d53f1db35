"""`main.py devices`: what can compute here."""

import argparse
import json

import torch

from engine.kernels import describe

HELP = "list the devices"


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    found = [{"device": "cpu", "threads": torch.get_num_threads(), "kernels": describe()}]
    for index in range(torch.cuda.device_count()):
        found.append({"device": f"cuda:{index}", "name": torch.cuda.get_device_name(index)})
    if torch.backends.mps.is_available():
        found.append({"device": "mps"})
    for entry in found:
        print(", ".join(f"{key} {value}" for key, value in entry.items()))
    if arguments.json:
        print(json.dumps({"devices": found}))
    return 0
