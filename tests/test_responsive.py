"""The window answers while the engine works: 50 quick moves of the slider over 2 megapixels."""

import threading
import time
from collections import Counter

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QSettings, QTimer

from app.program import application
from app.session import Session
from app.window import MainWindow
from engine import library
from engine.adaptive import depth
from engine.budget import Budget
from engine.networks import edsr
from engine.pictures import read
from engine.plan import plan
from engine.run import drain, load, run

TICK = 5  # ms
BUDGETS = np.random.default_rng(0).permutation(np.linspace(0.1, 0.9, 50))
LAST = 0.0  # the least that can be asked for: heads and tails only


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A network of the real size, without its training."""
    library.save("real", depth.AdaDSR(edsr.EDSR(edsr.Config()), depth.Config()), {}, tmp_path)
    monkeypatch.setenv("FOVEA_MODELS", str(tmp_path))


def test_fifty_moves_leave_one_job_and_a_window_that_answers(
    qtbot, weights, tmp_path, drawn_pixels
):
    application()
    QSettings("Fovea", "Fovea").clear()
    path = tmp_path / "photo.png"
    Image.fromarray(drawn_pixels(1200, 1700)).save(path)
    window = MainWindow(Session("real"))
    qtbot.addWidget(window)
    window.show()
    before = set(threading.enumerate())
    session = window.session
    session.open(path)
    qtbot.waitUntil(lambda: session.done > 0, timeout=60_000)

    gaps, stale = [], Counter()
    session.worker.progressed.connect(
        lambda generation, _: stale.update([generation] if generation < session._generation else [])
    )
    ticked = time.perf_counter()

    def tick():
        nonlocal ticked
        now = time.perf_counter()
        gaps.append(now - ticked)
        ticked = now

    timer = QTimer(interval=TICK)
    timer.timeout.connect(tick)
    timer.start()
    for effort in [*BUDGETS, LAST]:
        window.budget.slider.setValue(round(effort * 200))
        qtbot.wait(20)
    qtbot.waitUntil(lambda: session.done == 1.0 and not session.busy, timeout=200_000)
    timer.stop()

    assert not session.worker._jobs and session.plan.budget == LAST
    assert set(threading.enumerate()) <= before | {threading.current_thread()}
    # one strip is in the works when a newer request comes, and one may be on its way to the window
    assert max(stale.values(), default=0) <= 2

    upscaler, picture = library.load("real"), read(path)
    x = load(upscaler, picture)
    survey = upscaler.survey(x)
    planned = plan(upscaler, survey, budget=Budget(share=LAST))
    expected = drain(run(upscaler, picture, x=x, survey=survey, plan=planned)).picture.pixels
    assert (session.picture.canvas.out == expected).all()
    window.close()

    blocked = np.array(gaps) - TICK / 1000
    longest, usual = blocked.max(), np.quantile(blocked, 0.99)
    print(f"the window was blocked for {longest:.3f} s at most, 99 % of the time {usual:.3f} s")
    assert longest < 0.1 and usual < 0.05
