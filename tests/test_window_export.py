"""One picture's export: its own settings, what cannot be is told at once, leaving asks."""

import os

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox
from questions import pressed

from app import asking
from app.film import Phase
from engine.pictures import Picture, read
from engine.pictures.formats import readable, written_formats

WAIT = 30_000


@pytest.fixture
def photo(tmp_path, drawn_pixels):
    Image.fromarray(drawn_pixels(60, 80)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def choose(monkeypatch):
    """choose(path) is what the user enters in the dialog of Export; returns what it was asked."""

    def chosen(path, chosen=""):
        seen = []
        answer = lambda *given: seen.append(given) or (str(path), chosen)  # noqa: E731
        monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
        return seen

    return chosen


def settled(qtbot, window):
    session = window.session
    qtbot.waitUntil(lambda: session.done == 1 and not session.busy, timeout=WAIT)


def closed_folder(folder):
    """A folder in which nobody can make a file."""
    if os.geteuid() == 0:
        return "/proc"
    folder.chmod(0o500)
    return folder


def test_the_sheet_changes_batches_alone(qtbot, window, photo, opened, tmp_path, choose):
    window.open_paths([photo, photo])
    qtbot.waitUntil(lambda: window.session.picture is not None, timeout=WAIT)
    settled(qtbot, window)
    window.actions_of["export-all"].trigger()
    sheet = window.sheet
    sheet.unit.setCurrentIndex(sheet.unit.findData("width"))
    sheet.amount.setValue(70)
    sheet.format.setCurrentIndex(sheet.format.findData("jpg"))
    sheet.name.setText("small-{stem}")
    sheet.quality.setValue(5)
    sheet.accept()
    qtbot.waitUntil(lambda: window.session.film.phase is Phase.IDLE, timeout=WAIT)
    settled(qtbot, window)
    assert window.sizes.text() == "80 × 60  →  320 × 240"
    assert window.session.suggestion() == tmp_path / "photo_4x.png"
    choose(tmp_path / "one.png")
    window.actions_of["export"].trigger()
    qtbot.waitUntil((tmp_path / "one.png").exists, timeout=WAIT)
    assert read(tmp_path / "one.png").size == (240, 320)
    window.actions_of["export-all"].trigger()  # where they are remembered
    assert window.sheet.amount.value() == 70 and window.sheet.name.text() == "small-{stem}"
    window.sheet.reject()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.gif", "no ending"),
        ("none/a.png", "does not exist"),
        ("photo.png/a.png", "no folder"),
        ("é" * 126 + ".png", "too long"),
        ("{closed}/a.png", "cannot be written"),
    ],
)
def test_what_cannot_be_written_is_told_at_once(
    window, photo, opened, tmp_path, choose, name, words
):
    opened(window, photo)
    (tmp_path / "closed").mkdir()
    closed = closed_folder(tmp_path / "closed")
    choose(closed + "/a.png" if "{closed}" in name else tmp_path / name)
    window.actions_of["export"].trigger()
    assert window.notice.isVisible() and words in window.notice.label.text()
    assert not window.session.busy and not window.session.exporting


def test_a_format_too_small_for_the_picture_is_told_at_once(qtbot, window, tmp_path, choose):
    window.session.open_picture(Picture(np.zeros((2, 4200, 3), np.uint8)))
    qtbot.waitUntil(lambda: window.session.picture is not None, timeout=WAIT)
    choose(tmp_path / "wide.webp")
    window.actions_of["export"].trigger()
    assert "16,800 × 8" in window.notice.label.text() and not window.session.exporting
    assert not (tmp_path / "wide.webp").exists()
    window.session.stop()


def test_a_name_without_ending_gets_that_of_the_format(
    qtbot, window, photo, opened, tmp_path, choose
):
    opened(window, photo)
    asked = choose(tmp_path / "holiday 2.5", "JPEG (*.jpg *.jpeg)")
    window.actions_of["export"].trigger()
    qtbot.waitUntil((tmp_path / "holiday 2.5.jpg").exists, timeout=WAIT)
    settled(qtbot, window)
    filters = asked[0][3].split(";;")
    assert [row.split(" (")[0] for row in filters] == [form.name for form in written_formats()]
    assert window.session.suggestion().suffix == ".jpg"  # as the last time

    (tmp_path / "there.jpg").write_bytes(b"old")
    choose(tmp_path / "there", "JPEG (*.jpg *.jpeg)")  # of which the dialog knew nothing
    window.actions_of["export"].trigger()
    assert not window.session.exporting
    pressed(window, "Cancel")
    assert (tmp_path / "there.jpg").read_bytes() == b"old"
    window.actions_of["export"].trigger()
    pressed(window, "Replace")
    qtbot.waitUntil(lambda: (tmp_path / "there.jpg").read_bytes() != b"old", timeout=WAIT)
    settled(qtbot, window)


def test_the_open_dialog_offers_what_can_be_read(window, monkeypatch):
    asked = []
    monkeypatch.setattr(
        QFileDialog, "getOpenFileNames", lambda *given: asked.append(given[3]) or ([], "")
    )
    window.actions_of["open"].trigger()
    offered = asked[0].split(")")[0].split("(")[1].split()
    assert offered == [f"*{ending}" for ending in sorted(readable())]


def test_leaving_during_an_export_asks_in_words(qtbot, window, opened, tmp_path, drawn_pixels):
    Image.fromarray(drawn_pixels(900, 500)).save(tmp_path / "tall.png")
    window.session.set_effort(1.0)
    with qtbot.waitSignal(window.session.progressed, timeout=WAIT):
        window.session.open(tmp_path / "tall.png")
    window.session.export(tmp_path / "out.png")
    assert window.statusBar().currentMessage() == "Exporting out.png…"
    assert not window.close()
    box = window.findChild(QMessageBox)
    assert "out.png" in box.text()
    assert {button.text() for button in box.buttons()} == {"Quit", "Keep exporting"}
    assert box.defaultButton().text() == "Keep exporting"
    pressed(window, "Keep exporting")
    qtbot.waitUntil((tmp_path / "out.png").exists, timeout=WAIT)
    qtbot.waitUntil(lambda: not window.session.busy, timeout=WAIT)
    assert read(tmp_path / "out.png").size == (3600, 2000)
    assert window.statusBar().currentMessage() == "Exported out.png"

    window.session.set_effort(0.9)
    window.session.export(tmp_path / "second.png")
    assert not window.close()
    pressed(window, "Quit")
    assert not window.isVisible() and not window.session.worker.isRunning()
    assert not list(tmp_path.glob("*second*")) and not list(tmp_path.glob(".fovea*"))


def test_an_export_of_other_weights_or_budget_lends_its_numbers_to_nobody(
    qtbot, window, photo, opened, tmp_path
):
    opened(window, photo)
    session = window.session
    session.set_effort(1.0)
    session.export(tmp_path / "full.png")
    session.set_effort(0.25)
    plans = []
    session.planned.connect(lambda: plans.append(session.plan.budget))
    qtbot.waitUntil(lambda: session.planned_for_now, timeout=WAIT)
    settled(qtbot, window)
    assert 1.0 not in plans and plans[-1] == 0.25


def test_questions_have_verbs(qtbot, window):
    pressed_by = []
    box = asking.question(
        window, "Words.", "More.", verb="Do", other="Leave", then=lambda: pressed_by.append(1)
    )
    qtbot.keyClick(box, Qt.Key.Key_Escape)
    assert not pressed_by
