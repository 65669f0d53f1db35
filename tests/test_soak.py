"""Thousands of random moves in the real window: it lives, and takes no more than at the beginning.

Twenty seconds, or as many as FOVEA_SOAK says. Before a release ten minutes are worth their while on
every Python that the project promises:

    FOVEA_SOAK=600 make test ARGS="-k soak -s"
"""

import gc
import os
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, QSettings, Qt
from PySide6.QtGui import QImage, QPixmapCache, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from test_fmen import TINY
from test_mask import make_module

from app import look
from app.batch import OUTPUT
from app.film import Phase
from app.program import application
from app.session import Session
from app.window import MainWindow
from engine import library
from engine.adaptive import depth
from engine.networks import edsr, fmen

SECONDS = float(os.environ.get("FOVEA_SOAK", "20"))
WARM = 0.3  # of the time has passed before the first look at what is taken
LOOKS = 4
GROWTH = 1.1 if SECONDS >= 600 else 1.25  # of the memory; in short, much is still taken once
SEED = 0
WAIT = 60_000


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """One small network of every method; two of them are stops of one slider."""
    folder = tmp_path / "models"
    deep = depth.AdaDSR(edsr.EDSR(edsr.Config(blocks=6, channels=16)), depth.Config(width=4))
    with torch.no_grad():
        deep.adapter.convs[-1].weight.mul_(30)
    library.save("deep", deep, {}, folder)
    library.save("cells", make_module("pan"), {}, folder)
    for name in ("fmen-s-x2", "fmen-x2"):
        library.save(name, fmen.FMEN(TINY), {}, folder)
    monkeypatch.setenv("FOVEA_MODELS", str(folder))


@pytest.fixture
def pictures(tmp_path, drawn_pixels):
    """Files of several kinds, the last of which is broken."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, size in {"a.png": (90, 120), "b.jpg": (200, 70), "c.bmp": (33, 47)}.items():
        Image.fromarray(drawn_pixels(*size)).save(folder / name)
    Image.fromarray(drawn_pixels(60, 80)).convert("L").save(folder / "grey.png")
    clear = np.dstack([drawn_pixels(64, 64), np.tile(np.arange(64, dtype=np.uint8) * 4, (64, 1))])
    Image.fromarray(clear).save(folder / "clear.png")
    deep = drawn_pixels(50, 70).astype(np.uint16)[:, :, 0] * 257
    Image.fromarray(deep).save(folder / "deep.tif")
    (folder / "z-broken.png").write_bytes((folder / "a.png").read_bytes()[:200])
    return sorted(folder.iterdir())


@dataclass(frozen=True)
class Taken:
    """What the process holds while nothing is asked of the window."""

    memory: int  # resident bytes
    threads: int
    files: int
    widgets: int
    objects: int  # that the collector of garbage follows
    nones: int  # references to None


class Soak:
    """Moves that a person can make, at random; `done` counts them."""

    def __init__(self, qtbot, window: MainWindow, pictures: list[Path], folder: Path):
        self.qtbot, self.window, self.viewer = qtbot, window, window.viewer
        self.pictures, self.folder = pictures, folder
        self.rng = random.Random(SEED)
        self.done: Counter[str] = Counter()
        self.crashes: list[str] = []
        folder.mkdir()
        self.moves: dict[str, tuple[int, Callable[[], None]]] = {
            "slide": (12, self.slide),
            "press": (12, self.press),
            "drag": (8, self.drag),
            "wheel": (8, self.wheel),
            "trigger": (10, self.trigger),
            "open": (4, self.open),
            "weights": (2, self.weights),
            "resize": (2, self.resize),
            "dress": (1, self.dress),
            "paste": (1, self.paste),
            "export": (1, self.export),
            "batch": (1, self.batch),
            "clear": (1, self.clear),
        }

    def move(self) -> None:
        names = list(self.moves)
        [name] = self.rng.choices(names, [self.moves[name][0] for name in names])
        self.done[name] += 1
        self.moves[name][1]()
        QTest.qWait(self.rng.choice((0, 0, 1, 5, 20)))

    def spot(self) -> QPoint:
        size = self.viewer.size()
        return QPoint(self.rng.randrange(size.width()), self.rng.randrange(size.height()))

    def slide(self) -> None:
        slider = self.window.budget.slider
        slider.setValue(self.rng.randint(slider.minimum(), slider.maximum()))

    def press(self) -> None:
        keys = "Left Right Up Down Space Plus Minus 1 2 3 M BracketLeft BracketRight Escape"
        key = getattr(Qt.Key, f"Key_{self.rng.choice(keys.split())}")
        QTest.keyClick(self.viewer, key)

    def drag(self) -> None:
        QTest.mousePress(self.viewer, Qt.MouseButton.LeftButton, pos=self.spot())
        for _ in range(4):
            QTest.mouseMove(self.viewer, self.spot())
            QTest.qWait(0)
        QTest.mouseRelease(self.viewer, Qt.MouseButton.LeftButton, pos=self.spot())

    def wheel(self) -> None:
        at, none = QPointF(self.spot()), Qt.KeyboardModifier.NoModifier
        turn = QPoint(0, self.rng.choice((-360, -120, 120, 360)))
        no_buttons, phase = Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
        event = QWheelEvent(at, at, QPoint(), turn, no_buttons, none, phase, False)
        QApplication.sendEvent(self.viewer, event)

    def trigger(self) -> None:
        names = "full split side map fit actual in out less more stop pause resume stop-all retry"
        action = self.window.actions_of[self.rng.choice(names.split())]
        if action.isEnabled():
            action.trigger()

    def open(self) -> None:
        self.window.open_paths([self.rng.choice(self.pictures)])

    def weights(self) -> None:
        self.window.panel.upscaler_chosen.emit(self.rng.choice(library.names()))

    def resize(self) -> None:
        self.window.resize(self.rng.randint(1000, 1400), self.rng.randint(650, 900))

    def dress(self) -> None:
        look.dress(QApplication.instance(), self.rng.random() < 0.5)

    def paste(self) -> None:
        image = QImage(str(self.pictures[0]))
        QApplication.clipboard().setImage(image)
        self.window.actions_of["paste"].trigger()

    def export(self) -> None:
        self.window.actions_of["export"].trigger()  # the dialog is answered by the test

    def answer(self, *_: object) -> tuple[str, str]:
        """What the dialog for a file to write would tell."""
        return str(self.folder / f"{self.rng.randrange(9)}.png"), ""

    def batch(self) -> None:
        """Put all files on the strip, and export them unless that goes on already."""
        self.window.open_paths([self.pictures[0].parent])
        self.window.actions_of["export-all"].trigger()
        sheet = QApplication.activeModalWidget()
        if sheet is not None:
            sheet.start.click()

    def clear(self) -> None:
        self.window.session.film.clear()

    def rest(self) -> None:
        """Leave the window with one picture of one network, as small as it was, and idle."""
        window, session = self.window, self.window.session
        session.film.pause(False)
        self.qtbot.waitUntil(lambda: not session.busy, timeout=WAIT)
        self.qtbot.waitUntil(lambda: session.film.phase is Phase.IDLE, timeout=WAIT)
        self.qtbot.waitUntil(lambda: not session.film.searching, timeout=WAIT)
        session.film.clear()
        for folder in (self.folder, self.pictures[0].parents[1] / OUTPUT):
            shutil.rmtree(folder, ignore_errors=True)
        self.folder.mkdir()
        window.resize(1200, 800)
        window.panel.upscaler_chosen.emit("deep")
        session.open(self.pictures[0])
        self.qtbot.waitUntil(lambda: not session.busy, timeout=WAIT)
        QTest.mouseMove(self.viewer, QPoint(1, 1))
        window.notice.hide()
        QTest.qWait(100)

    def taken(self) -> Taken:
        self.rest()
        QPixmapCache.clear()
        gc.collect()
        process = psutil.Process()
        return Taken(
            memory=process.memory_info().rss,
            threads=process.num_threads(),
            files=process.num_fds() if hasattr(process, "num_fds") else 0,
            widgets=len(QApplication.allWidgets()),
            objects=len(gc.get_objects()),
            nones=sys.getrefcount(None),
        )


@pytest.fixture
def soak(qtbot, weights, pictures, tmp_path, monkeypatch):
    application()
    QSettings("Fovea", "Fovea").clear()
    window = MainWindow(Session("deep"))
    qtbot.addWidget(window)
    window.show()
    made = Soak(qtbot, window, pictures, tmp_path / "exports")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", made.answer)
    window.session.crashed.disconnect()
    window.session.crashed.connect(made.crashes.append)
    yield made
    window.close()


@pytest.mark.timeout(4 * SECONDS + 120)
def test_the_window_lives_and_takes_no_more(soak):
    looks, begun = [], time.perf_counter()
    for number in range(LOOKS + 1):
        share = WARM + (1 - WARM) * number / LOOKS
        while time.perf_counter() - begun < share * SECONDS:
            soak.move()
            assert not soak.crashes, soak.crashes[0]
        looks.append(soak.taken())
        print(f"{time.perf_counter() - begun:6.1f} s  {soak.done.total():6} moves  {looks[-1]}")
    first, last = looks[0], looks[-1]
    assert last.memory <= GROWTH * first.memory
    assert last.objects <= 1.02 * first.objects
    assert last.threads <= first.threads + 2  # Qt and PyTorch keep some, and let them go
    assert last.files <= first.files + 2
    assert last.widgets <= first.widgets + 5
    assert last.nones >= first.nones - 1000  # with every `connect`, PySide leaves one over
