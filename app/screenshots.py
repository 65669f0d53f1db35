"""`python -m app.screenshots FOLDER`: the real window on the sample, in light and dark."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QApplication

from app import look
from app.program import WEIGHTS, application
from app.session import Session
from app.window import MainWindow

PATIENCE = 300.0  # seconds


def wait_until(done: Callable[[], bool]) -> None:
    """Let the window live until `done`."""
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            raise TimeoutError("the window did not finish")
        QApplication.processEvents()
        time.sleep(0.005)


def settle() -> None:
    """Let what has been asked for be painted."""
    end = time.monotonic() + 0.3
    wait_until(lambda: time.monotonic() > end)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    running = application()
    for theme in ("light", "dark"):
        look.dress(running, dark=theme == "dark")
        take(MainWindow(Session(WEIGHTS)), folder, theme)


def take(window: MainWindow, folder: Path, theme: str) -> None:
    """The three pictures of one theme."""

    def save(name: str) -> None:
        settle()
        window.grab().save(str(folder / f"{name}-{theme}.png"))

    window.session.effort = 0.5
    window.budget.show_effort(0.5)
    window.show()
    save("empty")
    window.session.open(look.ASSETS / "sample.png")
    wait_until(lambda: window.session.done == 1.0 and not window.session.busy)
    save("split")
    window.actions_of["map"].setChecked(True)
    window.actions_of["side"].setChecked(True)
    save("depth")
    window.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
