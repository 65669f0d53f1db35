"""A mask-guided network in the window: cells, their outlines, more of them and fewer."""

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QSettings
from test_mask import make_module

from app.figures import percent
from app.outline import INSIDE, OUTSIDE, halved, outlined
from app.program import application
from app.session import Session
from app.window import MainWindow
from engine import library
from engine.adaptive import mask
from engine.budget import Budget
from engine.pictures import read
from engine.plan import plan
from engine.run import drain, load, run

WAIT = 30_000
CELLS = 9 * 12


@pytest.fixture(autouse=True)
def weights(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("models")
    library.save("tiny", make_module("pan"), {}, folder)
    monkeypatch.setenv("FOVEA_MODELS", str(folder))


@pytest.fixture
def photo(tmp_path, drawn_pixels):
    Image.fromarray(drawn_pixels(34, 46)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def window(qtbot, photo):
    application()
    QSettings("Fovea", "Fovea").clear()
    made = MainWindow(Session("tiny"))
    qtbot.addWidget(made)
    made.show()
    made.session.open(photo)
    settled(qtbot, made, 0.5)
    yield made
    made.close()


def settled(qtbot, window, effort):
    session = window.session

    def done():
        return session.plan and session.plan.budget == effort and session.done == 1

    qtbot.waitUntil(lambda: bool(done() and not session.busy), timeout=WAIT)


def asked(qtbot, window, effort):
    window.budget.slider.setValue(round(200 * effort))
    settled(qtbot, window, effort)


def fresh(photo, effort):
    """The picture that the engine alone gives."""
    upscaler, picture = library.load("tiny"), read(photo)
    x = load(upscaler, picture)
    survey = upscaler.survey(x)
    planned = plan(upscaler, survey, budget=Budget(share=effort))
    return drain(run(upscaler, picture, x=x, survey=survey, plan=planned)).picture.pixels


def test_the_slider_is_a_share_of_all_cells(qtbot, window, photo):
    means = window.budget.means
    assert f"K = {CELLS // 2} of {CELLS} cells" in means.text() and "full compute" in means.text()
    canvas = window.session.picture.canvas
    kept = canvas.out.copy()
    assert (kept == fresh(photo, 0.5)).all()
    asked(qtbot, window, 1.0)
    assert f"all {CELLS} cells, refined at once" in means.text()
    assert percent(window.session.plan.compute) in means.text()
    assert (canvas.out == fresh(photo, 1.0)).all()
    asked(qtbot, window, 0.0)
    assert not window.session.plan.chosen.any() and (canvas.out == fresh(photo, 0.0)).all()
    asked(qtbot, window, 0.5)
    assert (canvas.out == kept).all()


def test_the_base_net_runs_once_and_no_cell_twice(qtbot, window, monkeypatch):
    features, cells = [], []
    halves = window.session.worker.load("tiny").halves
    real = halves.feature, halves.refined

    def feature(*given):
        features.append(given)
        return real[0](*given)

    def refined(feature, x, rows, columns):
        cells.extend(zip(rows.tolist(), columns.tolist(), strict=True))
        return real[1](feature, x, rows, columns)

    monkeypatch.setattr(halves, "feature", feature)
    monkeypatch.setattr(halves, "refined", refined)
    for effort in (0.6, 0.25, 0.55, 1.0, 0.0):
        asked(qtbot, window, effort)
    assert not features
    assert len(cells) == len(set(cells)) == round(0.6 * CELLS) - CELLS // 2


def test_the_seconds_are_told_by_what_was_executed(qtbot, window):
    session = window.session
    speed = session.worker._speeds["tiny"]
    whole = session.plan.gmacs
    assert speed.gmacs == pytest.approx(whole)
    asked(qtbot, window, 0.25)  # puts coarse pixels back, and computes nothing
    assert speed.gmacs == pytest.approx(whole)
    asked(qtbot, window, 0.6)
    cell = session.worker.load("tiny").halves.cell_macs / 1e9
    assert speed.gmacs == pytest.approx(whole + (round(0.6 * CELLS) - CELLS // 2) * cell)
    assert session.seconds == pytest.approx(speed.seconds / speed.gmacs * session.plan.gmacs)


def test_the_map_is_the_error_and_the_refined_cells_are_outlined(qtbot, window):
    panel, viewer = window.panel, window.viewer
    assert panel.map_name.text() == "Error map" and panel.lines.isVisible()
    assert window.actions_of["map"].text() == "Error map"
    window.actions_of["full"].setChecked(True)
    window.actions_of["map"].setChecked(True)
    some = viewer.grab().toImage()
    window.session.plan.chosen[:] = False
    viewer.show_plan(window.session.plan)
    assert viewer.grab().toImage() != some
    viewer.hovered.emit((3, 4))
    value = window.session.plan.values[3, 4]
    assert panel.under_cursor.text() == f"error {value:.3f} at 4, 3"


def test_large_pictures_tell_what_they_compute_again(qtbot, window, photo, monkeypatch):
    usual = window.session.plan.compute
    monkeypatch.setattr(mask, "KEPT_BYTES", 0)
    with qtbot.waitSignal(window.session.opened, timeout=WAIT):
        window.session.open(photo)
    settled(qtbot, window, 0.5)
    assert window.session.plan.compute > usual
    assert percent(window.session.plan.compute) in window.budget.means.text()


def test_lines_lie_inside_and_outside_of_what_is_chosen():
    chosen = np.zeros((3, 4), bool)
    chosen[1, 1:3] = True
    image = outlined(chosen, side=8.0, corner=(4, 2), size=(40, 30))
    pixels = image.array
    assert image.size().toTuple() == (40, 30)
    assert (pixels[10, 12:28] == INSIDE).all() and (pixels[17, 12:28] == INSIDE).all()
    assert (pixels[10:18, 12] == INSIDE).all() and (pixels[10:18, 27] == INSIDE).all()
    assert (pixels[9, 12:28] == OUTSIDE).all() and (pixels[10:18, 28] == OUTSIDE).all()
    assert not pixels[11:17, 13:27].any() and not pixels[:9].any() and not pixels[:, 29:].any()
    assert (pixels == INSIDE).sum() == 2 * 16 + 2 * 6
    assert (pixels == OUTSIDE).sum() == 2 * (16 + 8)


def test_small_cells_are_outlined_together():
    chosen = np.zeros((5, 4), bool)
    chosen[2:4, :2] = chosen[4, 2] = chosen[0, 0] = True
    assert (halved(chosen) == [[False, False], [True, False], [False, True]]).all()
    small = outlined(chosen, side=4.0, corner=(0, 0), size=(16, 20)).array
    large = outlined(halved(chosen), side=8.0, corner=(0, 0), size=(16, 20)).array
    assert (small == large).all()
