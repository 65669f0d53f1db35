"""What commands tell on stderr. That nobody reads there ends nothing."""

import sys
from collections.abc import Generator
from contextlib import suppress
from typing import TypeVar

from engine.run import StripDone

Ended = TypeVar("Ended")


def say(words: str, end: str = "\n") -> None:
    """Write to stderr."""
    if sys.stderr is not None:  # else `print` would write to stdout
        with suppress(OSError):
            print(words, end=end, file=sys.stderr, flush=True)


def lively() -> bool:
    """Does somebody look on, so that a line can be drawn anew?"""
    return sys.stderr is not None and sys.stderr.isatty()


def shown(events: Generator[StripDone, None, Ended], title: str) -> Ended:
    """Run to the end with the progress on stderr; returns the result."""
    drawn = lively()
    while True:
        try:
            event = next(events)
        except StopIteration as stop:
            say("", end="\n" if drawn else "")
            return stop.value
        if drawn:
            say(f"\r{title} {event.progress:4.0%}", end="")
