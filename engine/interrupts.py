"""The signals that ask the program to end: Ctrl+C, SIGTERM, and SIGHUP of a closed terminal."""

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
ASKING = [getattr(signal, n) for n in NAMES if hasattr(signal, n)]  # Windows lacks some


class Stopped(KeyboardInterrupt):
    """The program was asked to end; `status` is what it then ends with."""

    def __init__(self, number: int):
        super().__init__()
        self.status = status_of(number)


def status_of(number: int) -> int:
    """The exit status of a program that a signal has ended."""
    return 128 + number


def stop(number: int) -> None:
    """Unwind: what is half written is taken away."""
    raise Stopped(number)


@contextmanager
def heeded(answer: Callable[[int], None] = stop) -> Generator[None, None, None]:
    """Let `answer` be called with the number of the first such signal. The second one kills.

    Signals that are ignored, as SIGHUP is under nohup, stay so.
    """

    def once(number: int, _: object) -> None:
        for known in before:
            signal.signal(known, signal.SIG_DFL)  # which prints no traceback
        answer(number)

    before = {}
    if threading.current_thread() is threading.main_thread():  # others get no signals
        known = {number: signal.getsignal(number) for number in ASKING}
        before = {n: h for n, h in known.items() if h not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, once)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
