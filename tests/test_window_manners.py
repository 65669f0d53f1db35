"""Small things that a person expects of any program."""

import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QApplication

from app.session import Session
from app.window import MainWindow
from engine import library
from engine.networks import fmen

WAIT = 30_000


@pytest.fixture
def photo(tmp_path, drawn_pixels):
    Image.fromarray(drawn_pixels(40, 60)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def entered(window, data):
    """Something is dragged over the window."""
    event = QDragEnterEvent(
        QPoint(9, 9),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    event.ignore()
    QApplication.sendEvent(window, event)
    return event.isAccepted()


def test_a_drag_is_answered_by_a_frame(qtbot, window, photo):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(photo))])
    frame = window.drop_frame
    before = window.grab().toImage()
    assert entered(window, data) and frame.isVisible()
    assert window.grab().toImage() != before
    assert frame.size() == window.centralWidget().size()
    QApplication.sendEvent(window, QDragLeaveEvent())
    assert not frame.isVisible()
    assert entered(window, data)
    drop = QDropEvent(
        QPointF(9, 9),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(window, drop)
    assert not frame.isVisible()
    qtbot.waitUntil(lambda: window.session.done == 1 and not window.session.busy, timeout=WAIT)

    words = QMimeData()
    words.setText("no file")
    assert not entered(window, words) and not frame.isVisible()


def test_an_empty_clipboard_is_no_error(window):
    QApplication.clipboard().clear()
    window.actions_of["paste"].trigger()
    assert not window.notice.isVisible()
    assert "no picture on the clipboard" in window.statusBar().currentMessage()


def test_what_cannot_be_opened_outside_is_told(qtbot, window, photo, monkeypatch, tmp_path):
    window.open_paths([photo, photo])
    qtbot.waitUntil(lambda: bool(window.session.film.items), timeout=WAIT)
    window.actions_of["export-all"].trigger()
    window.sheet.accept()
    qtbot.waitUntil(lambda: window.session.film.phase.value == "idle", timeout=WAIT)
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: False)
    for name, words in (("report", "fovea-report.csv"), ("reveal", "Upscaled")):
        window.notice.hide()
        window.actions_of[name].trigger()
        assert window.notice.isVisible() and words in window.notice.label.text()
    (tmp_path / "Upscaled").rename(tmp_path / "elsewhere")
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: 1 / 0)
    for name in ("report", "reveal"):
        window.notice.hide()
        window.actions_of[name].trigger()
        assert "not there any more" in window.notice.label.text()


def test_the_budget_moves_only_where_there_is_a_picture(window, photo, opened):
    less, more = window.actions_of["less"], window.actions_of["more"]
    assert not less.isEnabled() and not more.isEnabled()
    opened(window, photo)
    assert less.isEnabled() and more.isEnabled()
    window.budget.slider.setValue(0)
    assert not less.isEnabled() and more.isEnabled()
    window.budget.slider.setValue(window.budget.slider.maximum())
    assert less.isEnabled() and not more.isEnabled()


@pytest.fixture
def single(weights):
    """A network beside them that knows one speed only, and makes three times as large."""
    library.save("fmen-x3", fmen.FMEN(fmen.Config(scale=3, channels=8)), {})


def test_welcome_and_slider_say_what_the_weights_do(qtbot, single, window, photo, opened):
    assert "four times" in window.welcome.hint.text() and not window.budget.only.isVisibleTo(window)
    window.session.set_name("fmen-x3")
    assert "three times" in window.welcome.hint.text()
    opened(window, photo)
    slider, only = window.budget.slider, window.budget.only
    assert not slider.isVisible() and only.isVisible() and "One speed only" in only.words
    window.session.set_name("tiny")
    qtbot.waitUntil(lambda: window.session.picture.scale == 4, timeout=WAIT)
    assert slider.isVisible() and not only.isVisible()


def test_a_program_without_weights_says_so(qtbot, weights, monkeypatch, tmp_path):
    from app import program

    monkeypatch.setenv("FOVEA_MODELS", str(tmp_path))
    told = []
    monkeypatch.setattr(program.QMessageBox, "critical", lambda *given: told.append(given[2]))
    assert program.main([]) == 1 and "weights" in told[0]


def test_a_failed_opening_lets_the_picture_go_on(qtbot, window, tmp_path, drawn_pixels):
    Image.fromarray(drawn_pixels(900, 300)).save(tmp_path / "tall.png")
    (tmp_path / "broken.png").write_text("no picture")
    session = window.session
    session.set_effort(1.0)
    with qtbot.waitSignal(session.progressed, timeout=WAIT):
        session.open(tmp_path / "tall.png")
    session.open(tmp_path / "broken.png")
    qtbot.waitUntil(window.notice.isVisible, timeout=WAIT)
    qtbot.waitUntil(lambda: session.done == 1 and not session.busy, timeout=WAIT)
    assert session.picture.name == "tall.png"


def test_names_that_nothing_can_have_are_a_sentence(qtbot, window, tmp_path):
    for paths in ([tmp_path / ("x" * 300)], [tmp_path / ("x" * 300 + ".png")] * 2):
        window.notice.hide()
        window.open_paths(paths)
        qtbot.waitUntil(window.notice.isVisible, timeout=WAIT)
        assert "x" * 39 in window.notice.label.text()


def test_long_sentences_do_not_widen_the_window(window):
    width = window.minimumSizeHint().width()
    window.notice.show_sentence(f"/{'long' * 60}/{'name' * 60}.png is a sentence.")
    assert window.minimumSizeHint().width() == width and isinstance(window, MainWindow)
    assert isinstance(window.session, Session)
