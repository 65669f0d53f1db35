"""`python -m app.screenshots FOLDER`: the real window on the sample, in light and dark."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication, QWidget

from app import look
from app.language import SOURCE, speak
from app.program import WEIGHTS, application
from app.remembering import SIZE
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
    speak(running, [SOURCE])
    with TemporaryDirectory() as place:
        QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, place)
        for theme in ("light", "dark"):
            look.dress(running, dark=theme == "dark")
            take(fresh(), folder, theme)
            take_batch(fresh(), folder, theme, Path(place) / theme)


def fresh() -> MainWindow:
    """A window as at the very first start."""
    QSettings("Fovea", "Fovea").clear()
    window = MainWindow(Session(WEIGHTS))
    window.resize(SIZE)
    return window


def save(widget: QWidget, folder: Path, name: str) -> None:
    settle()
    widget.grab().save(str(folder / f"{name}.png"))


def take(window: MainWindow, folder: Path, theme: str) -> None:
    """One picture, in one theme: before, and seen in two ways."""
    window.budget.slider.setValue(100)
    window.show()
    save(window, folder, f"empty-{theme}")
    window.session.open(look.ASSETS / "sample.png")
    wait_until(lambda: window.session.done == 1.0 and not window.session.busy)
    save(window, folder, f"split-{theme}")
    window.actions_of["map"].setChecked(True)
    window.actions_of["side"].setChecked(True)
    save(window, folder, f"depth-{theme}")
    window.close()


def take_batch(window: MainWindow, folder: Path, theme: str, place: Path) -> None:
    """A batch in one theme: idle, the sheet, running, paused, and finished with one failure."""
    film, actions = window.session.film, window.actions_of
    draw_files(place / "Lofoten")
    window.budget.slider.setValue(100)
    window.show()
    window.open_paths([place / "Lofoten"])
    wait_until(lambda: window.session.done == 1.0 and not window.session.busy)
    save(window, folder, f"batch-idle-{theme}")
    actions["export-all"].trigger()
    save(window.sheet, folder, f"batch-sheet-{theme}")
    window.sheet.place.setText(str(place / "Upscaled"))
    window.sheet.accept()
    wait_until(lambda: film.counts["done"] and any(0.3 < s.progress < 1 for s in film.states))
    window.grab().save(str(folder / f"batch-running-{theme}.png"))
    actions["pause"].trigger()
    save(window, folder, f"batch-paused-{theme}")
    actions["resume"].trigger()
    wait_until(lambda: film.phase.value == "idle")
    save(window, folder, f"batch-finished-{theme}")
    window.close()


def draw_files(folder: Path) -> None:
    """Parts of the sample as files of their own, and one that is none."""
    folder.mkdir(parents=True)
    names = ["DSC_0412.jpg", "DSC_0413.jpg", "Reine from the ridge, last light of June.tif"]
    names += ["harbour.png", "IMG_2207.webp", "Å_i_Lofoten.jpg"]
    with Image.open(look.ASSETS / "sample.png") as sample:
        width, height = sample.size
        for number, name in enumerate(names):
            left, top = width * number // 12, height * number // 16
            box = (left, top, left + width // 2 + number * 8, top + height // 2)
            part = sample.convert("RGB").crop(box)
            part.resize((2 * part.width, 2 * part.height)).save(folder / name)
    (folder / "broken.png").write_bytes(b"no picture")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
