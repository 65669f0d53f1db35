"""Keys and wheel do what they say, wherever the focus is, and nothing else."""

import pytest
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from app.sheet import ExportSheet
from engine import library
from engine.adaptive import depth
from engine.networks import edsr
from engine.settings import Settings


@pytest.fixture
def photo(tmp_path, drawn_pixels):
    Image.fromarray(drawn_pixels(40, 60)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def focusable(window) -> list[QWidget]:
    widgets = [w for w in window.findChildren(QWidget) if w.isVisible() and w.isEnabled()]
    return [w for w in widgets if w.focusPolicy() & Qt.FocusPolicy.TabFocus and not w.isWindow()]


def turned(widget: QWidget, notches: int) -> None:
    """Turn the wheel over a widget."""
    at = QPointF(widget.rect().center())
    for _ in range(abs(notches)):
        event = QWheelEvent(
            at,
            QPointF(widget.mapToGlobal(at.toPoint())),
            QPoint(),
            QPoint(0, 120 if notches > 0 else -120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(widget, event)


def wheel_focuses(widget: QWidget) -> bool:
    """Does a real wheel give a widget the focus, before it turns it?"""
    return widget.focusPolicy() == Qt.FocusPolicy.WheelFocus


def test_space_compares_wherever_the_focus_is(qtbot, window, photo, opened):
    opened(window, photo)
    window.open_paths([photo, photo])
    qtbot.waitUntil(lambda: window.strip.view.isVisible(), timeout=30_000)
    widgets = focusable(window)
    some = {window.viewer, window.budget.slider, window.panel.upscaler, window.panel.shown}
    assert some <= set(widgets) and window.strip.view in widgets
    for widget in widgets:
        widget.setFocus()
        checked = window.panel.shown.isChecked()
        qtbot.keyPress(widget, Qt.Key.Key_Space)
        assert window.viewer.original_held, widget
        qtbot.keyRelease(widget, Qt.Key.Key_Space)
        assert not window.viewer.original_held, widget
        assert window.panel.shown.isChecked() == checked and not QApplication.activePopupWidget()


def test_shift_and_the_arrows_move_the_line(qtbot, window, photo, opened):
    opened(window, photo)
    camera = window.viewer.camera
    middle, seen = camera.line, camera.seen(camera.panes[0])
    qtbot.keyClick(window.viewer, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert camera.line > middle + 20 and camera.seen(camera.panes[0]) == seen
    for _ in range(40):
        qtbot.keyClick(window.viewer, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert camera.split == 0


def test_enter_presses_the_button_that_has_the_focus(qtbot, window, photo, opened):
    opened(window, photo)
    window.panel.shown.setFocus()
    qtbot.keyClick(window.panel.shown, Qt.Key.Key_Return)
    assert window.panel.shown.isChecked() and window.viewer.map_shown


def test_the_original_is_let_go_when_the_window_is_left(qtbot, window, photo, opened):
    opened(window, photo)
    qtbot.keyPress(window.viewer, Qt.Key.Key_Space)
    other = QWidget()
    qtbot.addWidget(other)
    with qtbot.waitActive(other):
        other.show()
        other.activateWindow()
    assert not window.viewer.original_held


@pytest.fixture
def other_weights(weights, monkeypatch):
    module = depth.AdaDSR(edsr.EDSR(edsr.Config(blocks=2, channels=8, scale=2)), depth.Config(4))
    library.save("zwei", module, {})


def test_the_wheel_changes_nothing_without_the_focus(
    qtbot, weights, other_weights, window, photo, opened
):
    opened(window, photo)
    panel, slider = window.panel, window.budget.slider
    assert panel.upscaler.count() == 2
    window.viewer.setFocus()
    values = panel.upscaler.currentText(), panel.opacity.value(), slider.value()
    for widget in (panel.upscaler, panel.opacity, slider):
        for notches in (3, -3, -3):
            turned(widget, notches)
        assert not widget.hasFocus() and not wheel_focuses(widget)
    assert values == (panel.upscaler.currentText(), panel.opacity.value(), slider.value())
    assert window.session.name == "tiny"
    slider.setFocus()
    turned(slider, 1)
    assert slider.value() != values[2]


def test_the_wheel_changes_nothing_in_the_sheet(qtbot, tmp_path, weights):
    sheet = ExportSheet([], Settings("tiny"), tmp_path, scale=4, seconds_per_pixel=None)
    qtbot.addWidget(sheet)
    sheet.unit.setCurrentIndex(sheet.unit.findData("percent"))
    sheet.show()
    sheet.name.setFocus()
    fields = sheet.format, sheet.unit, sheet.quality, sheet.amount

    def values():
        return [w.currentIndex() if w in fields[:2] else w.value() for w in fields]

    before = values()
    for widget in fields:
        turned(widget, 2)
        turned(widget, -3)
        assert not wheel_focuses(widget)
    assert values() == before
    sheet.reject()
