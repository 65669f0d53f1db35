"""Fovea: `main.py [PHOTO]` opens the window, `main.py COMMAND ...` works without one."""

import os
import signal
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """The program; returns its exit status."""
    from engine import cli

    if arguments and (arguments[0] in cli.COMMANDS or arguments[0].startswith("-")):
        return cli.main(arguments)
    if not display():
        return without_display(arguments)
    from app.program import main as open_window

    return open_window(arguments)


def display() -> bool:
    """Is there a screen to open a window on?"""
    known = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return sys.platform != "linux" or any(os.environ.get(name) for name in known)


def without_display(photos: list[str]) -> int:
    """Upscale on the command line instead, and say so."""
    from engine import cli

    if not photos:
        print("There is no display for the window; these commands need none:", file=sys.stderr)
        cli.parser().print_help(sys.stderr)
        return 2
    print("There is no display for the window; upscaling here instead.", file=sys.stderr)
    folder = Path(photos[0]).resolve().parent
    target = folder if os.access(folder, os.W_OK) else Path.cwd()
    return cli.main(["upscale", *photos, "-o", str(target), "-b", "50"])


if __name__ == "__main__":
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback while modules are loaded
    sys.exit(main(sys.argv[1:]))
