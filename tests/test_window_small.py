"""The window fits small screens, whatever it has to tell."""

import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, QRect, QSize
from PySide6.QtWidgets import QApplication, QWidget

from app.batch import Item
from app.figures import percent
from app.sheet import ExportSheet
from app.strip import Strip
from engine.settings import Settings

SCREENS = [QSize(1366, 768), QSize(800, 500)]  # the second is 1600 x 1000 at 200 %
AROUND = QSize(16, 70)  # what the system's bars and the window's frame take
WAIT = 30_000


@pytest.fixture
def folder(tmp_path, drawn_pixels):
    """Two pictures, one of which has a very long name, and one file that is broken."""
    folder = tmp_path / "Holiday"
    folder.mkdir()
    for name in ("a" * 240, "b"):
        Image.fromarray(drawn_pixels(300, 200)).save(folder / f"{name}.png")
    (folder / ("c" * 240 + ".png")).write_text("no picture")
    return folder


def inside(window, widget: QWidget) -> bool:
    """Is all of a widget to be seen?"""
    place = QRect(widget.mapTo(window, QPoint()), widget.size())
    least = widget.minimumSizeHint().boundedTo(widget.maximumSize())
    return (
        widget.isVisible()
        and window.rect().contains(place)
        and widget.visibleRegion().boundingRect() == widget.rect()
        and widget.size().expandedTo(least) == widget.size()
    )


@pytest.mark.parametrize("screen", SCREENS, ids=lambda size: f"{size.width()}x{size.height()}")
def test_percent_line_status_and_stop_are_never_cut_off(qtbot, window, folder, screen):
    session, room = window.session, screen - AROUND
    window.open_paths([folder])
    qtbot.waitUntil(lambda: session.done == 1 and not session.busy, timeout=WAIT)
    session.failed.emit(f"{folder / ('d' * 200)} is a sentence. " * 2)
    window.resize(room)
    window.budget.slider.setValue(200)
    with qtbot.waitSignal(session.progressed, timeout=WAIT):
        pass
    QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
    assert window.size() == room and window.notice.isVisible()
    budget = window.budget
    for widget in (budget.asked, budget.means, budget.seconds, budget.slider, *budget.ends):
        assert inside(window, widget), widget
    for widget in (window.status.bar, window.status.left, window.status.stop, window.status):
        assert inside(window, widget), widget
    assert percent(session.plan.compute) in budget.means.words and budget.asked.text() == "100 %"
    assert budget.means.words == budget.means.text() or budget.means.toolTip() == budget.means.words
    for widget in (window.viewer, window.sizes, window.title, window.strip.buttons["export-all"]):
        assert inside(window, widget), widget
    assert "…" in window.title.text() and folder.name in window.title.toolTip()
    qtbot.waitUntil(lambda: session.done == 1 and not session.busy, timeout=WAIT)


@pytest.mark.parametrize("screen", SCREENS, ids=lambda size: f"{size.width()}x{size.height()}")
def test_a_batch_that_runs_fits_too(qtbot, window, folder, screen):
    film, room = window.session.film, screen - AROUND
    window.open_paths([folder])
    qtbot.waitUntil(lambda: window.session.done == 1 and not window.session.busy, timeout=WAIT)
    window.resize(room)
    window.actions_of["export-all"].trigger()
    window.sheet.accept()
    window.actions_of["pause"].trigger()
    for name in ("resume", "stop-all"):
        qtbot.waitUntil(lambda name=name: inside(window, window.strip.buttons[name]))
    window.actions_of["resume"].trigger()
    qtbot.waitUntil(lambda: film.phase.value == "idle", timeout=WAIT)
    for name in ("retry", "report", "reveal", "export-all"):
        qtbot.waitUntil(lambda name=name: inside(window, window.strip.buttons[name]))
    assert window.size() == room


def test_the_panel_scrolls_and_can_be_folded(qtbot, window, folder, opened):
    opened(window, folder / "b.png")
    window.resize(800, 430)
    qtbot.waitUntil(lambda: window.side.verticalScrollBar().maximum() >= 0)
    assert window.panel.width() <= window.side.viewport().width()  # nothing is cut at the right
    wide = window.viewer.width()
    window.actions_of["panel"].trigger()
    qtbot.waitUntil(lambda: window.viewer.width() > wide)
    assert not window.side.isVisible()


def test_tools_lose_their_words_where_they_have_no_room(qtbot, window, folder, opened):
    opened(window, folder / "b.png")
    button = window.tools.widgetForAction(window.actions_of["export"])
    window.resize(1300, 600)
    qtbot.waitUntil(lambda: button.width() > 60)
    window.resize(760, 600)
    qtbot.waitUntil(lambda: button.width() < 60)
    assert "Export" in button.toolTip()
    for name in ("open", "export", "split", "map", "actual"):
        assert inside(window, window.tools.widgetForAction(window.actions_of[name]))


def test_the_sheet_fits(qtbot, window, folder, tmp_path):
    items = [Item(path, path.relative_to(tmp_path)) for path in sorted(folder.iterdir())]
    sheet = ExportSheet(items, Settings("tiny"), tmp_path, scale=4, seconds_per_pixel=1e-6)
    qtbot.addWidget(sheet)
    sheet.show()
    room = sheet.screen().availableSize()
    assert sheet.width() <= room.width() and sheet.height() <= room.height()
    sheet.resize(620, 300)
    for widget in (sheet.start, sheet.buttons, sheet.place):
        assert inside(sheet, widget)
    sheet.reject()


def test_a_new_window_is_no_larger_than_the_screen(window):
    room = window.screen().availableSize()
    assert window.width() <= room.width() and window.height() <= room.height()
    assert isinstance(window.strip, Strip)
