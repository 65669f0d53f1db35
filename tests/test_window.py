"""Stories through the real window: open, slide, look, stop, export; and what goes wrong."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox

from app import look
from app.viewer import Mode
from engine import library
from engine.budget import Budget
from engine.pictures import read
from engine.plan import plan
from engine.run import drain, load, run

WAIT = 30_000


@pytest.fixture
def photo(tmp_path, drawn_pixels):
    Image.fromarray(drawn_pixels(90, 120)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def done(window):
    return window.session.done == 1.0 and not window.session.busy


def fresh(path: Path, effort: float) -> np.ndarray:
    """The picture that the engine alone gives."""
    upscaler, picture = library.load("tiny"), read(path)
    x = load(upscaler, picture)
    survey = upscaler.survey(x)
    planned = plan(upscaler, survey, budget=Budget(share=effort))
    return drain(run(upscaler, picture, x=x, survey=survey, plan=planned)).picture.pixels


def test_open_slide_and_export(qtbot, window, photo, tmp_path, monkeypatch, opened):
    assert window.pages.currentWidget() is window.welcome
    assert not window.actions_of["export"].isEnabled()
    opened(window, photo)
    assert "photo.png" in window.windowTitle()
    assert window.sizes.text() == "120 × 90  →  480 × 360"
    assert (window.session.picture.canvas.out == fresh(photo, 0.5)).all()

    window.budget.slider.setValue(160)
    assert window.budget.asked.text() == "80 %"
    qtbot.waitUntil(lambda: done(window) and window.session.plan.budget == 0.8, timeout=WAIT)
    assert window.session.plan.compute == pytest.approx(0.8, abs=0.02)
    assert "80 % of the full compute" in window.budget.means.text()
    assert (window.session.picture.canvas.out == fresh(photo, 0.8)).all()

    target = tmp_path / "export.png"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    window.actions_of["export"].trigger()
    qtbot.waitUntil(target.exists, timeout=WAIT)
    assert (read(target).pixels == fresh(photo, 0.8)).all()


def test_an_export_finishes_what_is_missing(qtbot, window, photo, tmp_path, opened):
    opened(window, photo)
    window.session.set_effort(1.0)
    window.session.export(tmp_path / "e.png")  # long before the picture is complete
    window.session.set_effort(0.6)
    qtbot.waitUntil((tmp_path / "e.png").exists, timeout=WAIT)
    assert (read(tmp_path / "e.png").pixels == fresh(photo, 1.0)).all()
    qtbot.waitUntil(lambda: done(window) and window.session.plan.budget == 0.6, timeout=WAIT)
    assert (window.session.picture.canvas.out == fresh(photo, 0.6)).all()


def test_the_source_is_never_overwritten(qtbot, window, photo, monkeypatch, opened):
    before = photo.read_bytes()
    opened(window, photo)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(photo), ""))
    window.actions_of["export"].trigger()
    assert window.notice.isVisible() and photo.read_bytes() == before


def test_stop_keeps_the_best_so_far(qtbot, window, tmp_path, drawn_pixels):
    Image.fromarray(drawn_pixels(900, 400)).save(tmp_path / "tall.png")
    window.session.set_effort(1.0)
    with qtbot.waitSignal(window.session.progressed, timeout=WAIT):
        window.session.open(tmp_path / "tall.png")
    window.actions_of["stop"].trigger()
    assert not window.session.busy and "stays" in window.statusBar().currentMessage()
    qtbot.wait(300)
    kept = window.session.picture.canvas.out.copy()
    qtbot.wait(300)
    assert (window.session.picture.canvas.out == kept).all()
    whole = fresh(tmp_path / "tall.png", 1.0)
    same = (kept == whole).all(axis=(1, 2))
    assert same[:16].all() and not same.all()


def test_a_broken_file_is_a_sentence_and_the_picture_stays(qtbot, window, photo, tmp_path, opened):
    opened(window, photo)
    (tmp_path / "broken.png").write_text("no picture")
    window.session.open(tmp_path / "broken.png")
    qtbot.waitUntil(window.notice.isVisible, timeout=WAIT)
    assert "broken.png" in window.notice.label.text()
    assert window.session.picture.name == "photo.png" and not window.session.busy
    opened(window, photo)
    assert not window.notice.isVisible()


def test_a_defect_is_shown_with_its_traceback(qtbot, window, photo, monkeypatch, opened):
    opened(window, photo)
    with monkeypatch.context() as patch:
        patch.setattr("app.worker.plan", lambda *_, **__: 1 / 0)
        window.session.set_effort(0.9)
        qtbot.waitUntil(lambda: window.findChild(QMessageBox) is not None, timeout=WAIT)
    box = window.findChild(QMessageBox)
    assert "ZeroDivisionError" in box.detailedText() and not window.session.busy
    box.close()
    window.session.set_effort(0.7)
    qtbot.waitUntil(lambda: done(window) and window.session.plan.budget == 0.7, timeout=WAIT)


def test_drop_opens_the_first_picture(qtbot, window, photo, tmp_path):
    notes = tmp_path / "notes.txt"
    notes.write_text("words")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(p)) for p in (notes, photo)])
    event = QDropEvent(
        QPoint(9, 9),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    window.dropEvent(event)
    qtbot.waitUntil(lambda: done(window), timeout=WAIT)
    assert window.session.picture.path == photo
    assert window.session.recent == [photo]


def test_paste_opens_the_clipboards_picture(qtbot, window, photo, opened):
    opened(window, photo)
    image = window.session.picture.original
    QApplication.clipboard().setImage(image)
    window.actions_of["paste"].trigger()
    qtbot.waitUntil(lambda: window.session.picture.path is None and done(window), timeout=WAIT)
    assert window.session.picture.picture.size == (90, 120)
    assert (window.session.picture.picture.pixels == read(photo).pixels).all()
    QApplication.clipboard().clear()  # what is left there outlives the application, and ends badly


def test_views_zoom_and_the_map(qtbot, window, photo, opened):
    opened(window, photo)
    viewer = window.viewer
    for key, mode in zip("123", Mode, strict=True):
        qtbot.keyClick(window, key)
        assert viewer.mode is mode
        window.grab()
    viewer.actual_size()
    assert viewer.zoom == pytest.approx(1 / viewer.devicePixelRatioF())
    viewer.zoom_by(6.0)
    seen = viewer.visible()
    assert seen.height < 90 and seen.width < 120
    assert window.session.visible == seen
    qtbot.keyClick(window, "0", Qt.KeyboardModifier.ControlModifier)
    assert viewer.fitted and viewer.visible() is None

    plain = window.viewer.grab().toImage()
    qtbot.keyClick(window, "M")
    assert window.panel.shown.isChecked() and window.viewer.grab().toImage() != plain
    viewer.hovered.emit((3, 4))
    value = window.session.plan.values[3, 4]
    assert window.panel.under_cursor.text() == f"depth {value:g} at 4, 3"
    viewer.hovered.emit(None)
    assert window.panel.under_cursor.text() == ""


def test_the_cursor_stays_on_its_pixel_while_zooming(qtbot, window, photo, opened):
    opened(window, photo)
    viewer = window.viewer
    pane = viewer.camera.panes[0]
    at = pane.center() / 1.7
    before = viewer.camera.to_picture(at, pane)
    viewer.zoom_by(3.0, at)
    after = viewer.camera.to_picture(at, pane)
    assert abs(before.x() - after.x()) < 1e-6 and abs(before.y() - after.y()) < 1e-6


def test_the_budget_keys_step_by_five(qtbot, window, photo, opened):
    opened(window, photo)
    qtbot.keyClick(window, "]")
    assert window.session.effort == pytest.approx(0.55)
    qtbot.keyClick(window, "[")
    qtbot.keyClick(window, "[")
    assert window.session.effort == pytest.approx(0.45) and window.budget.slider.value() == 90


def test_alpha_grey_and_sixteen_bits_can_be_shown(qtbot, window, tmp_path, opened):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (20, 30, 4), dtype=np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(rng.integers(0, 255, (20, 30), dtype=np.uint8)).save(tmp_path / "g.png")
    Image.fromarray(rng.integers(0, 65535, (20, 30), dtype=np.uint16)).save(tmp_path / "d.png")
    Image.fromarray(rng.integers(0, 255, (1, 1, 3), dtype=np.uint8)).save(tmp_path / "one.png")
    for name in ("a.png", "g.png", "d.png", "one.png"):
        opened(window, tmp_path / name)
        assert window.session.picture.name == name
        window.grab()


def test_a_long_name_is_elided_and_the_window_keeps_its_size(qtbot, window, photo, opened):
    longer = photo.with_name("holiday " * 25 + ".png")
    photo.rename(longer)
    width = window.width()
    opened(window, longer)
    qtbot.wait(50)
    assert window.width() == width and "…" in window.title.text()


def test_light_and_dark_are_readable(qtbot, window):
    for dark in (False, True):
        colours = look.palette(dark)
        for role, ground in (("WindowText", "Window"), ("Text", "Base"), ("ButtonText", "Button")):
            pair = [colours.color(colours.ColorRole[name]).lightnessF() for name in (role, ground)]
            assert abs(pair[0] - pair[1]) > 0.6
