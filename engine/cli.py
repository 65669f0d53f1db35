"""The command line. Progress goes to stderr; --json ends stdout with one document."""

import argparse
import io
import os
import sys

from engine.commands import batch, bench, devices, evaluate, models, train, upscale
from engine.commands.stderr import say
from engine.errors import FoveaError, PictureError
from engine.interrupts import Stopped, heeded

COMMANDS = {
    "upscale": upscale,
    "batch": batch,
    "evaluate": evaluate,
    "models": models,
    "devices": devices,
    "bench": bench,
    "train": train,
}


def main(argv: list[str] | None = None) -> int:
    """Exit status 0: all done; 1: some files failed, each named, or nobody reads what is printed;
    2: bad usage; 130, 143: stopped by Ctrl+C or SIGTERM."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names can be any bytes
    arguments = parser().parse_args(argv)
    try:
        with heeded():
            status = arguments.run(arguments)
            if sys.stdout:
                sys.stdout.flush()
            return status
    except BrokenPipeError:  # nobody reads on, as behind `| head`
        _flush()
        return 1
    except FoveaError as error:
        say(str(error))
        return 2 if not isinstance(error, PictureError) else 1
    except MemoryError:
        say("There is not enough memory; close other programs first.")
        return 1
    except OSError as error:
        say(f"{error.filename or 'stdout'}: {error.strerror or error}.")
        _flush()
        return 1
    except Stopped as stop:
        say("stopped")
        return stop.status


def _flush() -> None:
    """Write what is left for stdout; where that fails, let it not fail again at the end."""
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="main.py",
        description="Upscale photographs, spending the work where the picture needs it. "
        "Without a command the window opens.",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        made = commands.add_parser(name, help=command.HELP)
        made.set_defaults(run=command.run)
        command.add_options(made)
    return top
