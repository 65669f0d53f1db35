"""A batch through the real window: drop, start, pause, go on, one failure, retry, done."""

import csv

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QSettings, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QDropEvent
from PySide6.QtWidgets import QMessageBox

from app import look
from app.batch import Item
from app.film import Phase
from app.program import application
from app.session import Session
from app.window import MainWindow
from engine import library
from engine.batch.names import jobs_of
from engine.budget import Budget
from engine.pictures import read
from engine.plan import plan
from engine.resize import Size, resized
from engine.run import drain, load, run
from engine.settings import Settings

WAIT = 30_000
NAMES = ("a.png", "b.png", "broken.png", "deeper/c.jpg")
pytestmark = pytest.mark.usefixtures("weights")


@pytest.fixture
def window(qtbot):
    application()
    QSettings("Fovea", "Fovea").clear()
    made = MainWindow(Session("tiny"))
    qtbot.addWidget(made)
    made.show()
    yield made
    if not made.close():
        button(made, "Quit").click()
    assert not made.session.worker.isRunning()


@pytest.fixture
def holiday(tmp_path, drawn_pixels):
    """A folder of four files, one of them broken."""
    folder = tmp_path / "Holiday"
    (folder / "deeper").mkdir(parents=True)
    for seed, name in enumerate(NAMES):
        if name == "broken.png":
            (folder / name).write_text("no picture")
        else:
            Image.fromarray(drawn_pixels(40, 60, seed=seed)).save(folder / name)
    return folder


def drop(window, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    place, copy = QPoint(9, 9), Qt.DropAction.CopyAction
    none, button = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    window.dropEvent(QDropEvent(place, copy, data, button, none))


def button(window, words):
    """A button of the question that the window asks."""
    box = window.findChild(QMessageBox)
    return next(button for button in box.buttons() if button.text() == words)


def dropped(qtbot, window, *paths):
    """Drop files, and wait until the first of them is computed."""
    drop(window, *paths)
    film, session = window.session.film, window.session
    qtbot.waitUntil(lambda: not film.searching, timeout=WAIT)
    qtbot.waitUntil(lambda: session.done == 1 and not session.busy, timeout=WAIT)


def ended(qtbot, window):
    qtbot.waitUntil(lambda: window.session.film.phase is Phase.IDLE, timeout=WAIT)


def states(window):
    film = window.session.film
    return {i.place.as_posix(): s.kind for i, s in zip(film.items, film.states, strict=True)}


def expected(path, *, effort, size=Size()):  # noqa: B008
    """The pixels that the engine alone gives."""
    upscaler, picture = library.load("tiny"), read(path)
    x = load(upscaler, picture)
    survey = upscaler.survey(x)
    planned = plan(upscaler, survey, budget=Budget(share=effort))
    made = drain(run(upscaler, picture, x=x, survey=survey, plan=planned)).picture
    return resized(made, size.of(picture.size, upscaler.scale)).pixels


def test_a_folder_from_drop_to_done(qtbot, window, holiday, tmp_path, drawn_pixels, monkeypatch):
    film, actions, buttons = window.session.film, window.actions_of, window.strip.buttons
    assert not window.strip.isVisible() and not actions["export-all"].isEnabled()
    dropped(qtbot, window, holiday)
    assert window.strip.isVisible() and window.strip.title.text() == "4 pictures"
    assert window.session.picture.name == "a.png"
    bad = "Holiday/broken.png"
    qtbot.waitUntil(lambda: states(window)[bad] == "failed", timeout=WAIT)
    assert states(window) == {f"Holiday/{name}": "waiting" for name in NAMES} | {bad: "failed"}

    actions["export-all"].trigger()
    assert window.sheet.folder == tmp_path / "Upscaled"
    assert window.sheet.example.words == "a.png  →  a_4x.png"
    assert "about" in window.sheet.time.text()
    window.sheet.accept()
    actions["pause"].trigger()
    assert film.phase is Phase.PAUSED and buttons["resume"].isVisible()
    assert not buttons["pause"].isVisible() and "Paused" in window.strip.words.words
    qtbot.wait(300)
    before = states(window)
    window.strip.show_row(1)  # a paused batch keeps nobody from looking
    qtbot.waitUntil(lambda: window.session.picture.name == "b.png", timeout=WAIT)
    assert states(window) == before and "waiting" in before.values()

    qtbot.mouseClick(buttons["resume"], Qt.MouseButton.LeftButton)
    ended(qtbot, window)
    assert states(window) == {f"Holiday/{n}": "done" for n in NAMES} | {bad: "failed"}
    row = film.index(list(states(window)).index(bad))
    assert "not a picture" in film.data(row, Qt.ItemDataRole.ToolTipRole)
    assert "Failed" in film.data(row, Qt.ItemDataRole.AccessibleTextRole)
    assert window.strip.words.words == "3 of 4 done  ·  1 failed"

    Image.fromarray(drawn_pixels(40, 60)).save(holiday / "broken.png")
    qtbot.mouseClick(buttons["retry"], Qt.MouseButton.LeftButton)
    ended(qtbot, window)
    assert set(states(window).values()) == {"done"} and not buttons["retry"].isVisible()
    shown = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: shown.append(url.toLocalFile()))
    qtbot.mouseClick(buttons["reveal"], Qt.MouseButton.LeftButton)
    qtbot.mouseClick(buttons["report"], Qt.MouseButton.LeftButton)
    assert shown == [str(tmp_path / "Upscaled"), str(tmp_path / "Upscaled" / "fovea-report.csv")]
    with open(tmp_path / "Upscaled" / "fovea-report.csv", encoding="utf-8", newline="") as file:
        rows = {row["input"]: row["state"] for row in csv.DictReader(file)}
    retried = str(holiday / "broken.png")  # the others were done before it
    assert rows == {str(holiday / n): "skipped" for n in NAMES} | {retried: "done"}
    made = tmp_path / "Upscaled" / "Holiday"
    for name in ("a", "b", "broken"):
        pixels = read(made / f"{name}_4x.png").pixels
        assert (pixels == expected(holiday / f"{name}.png", effort=0.5)).all()
    assert (made / "deeper" / "c_4x.jpg").exists()


def test_what_is_passed_over_is_told_and_in_the_report(qtbot, window, holiday, tmp_path):
    for name in ("scan.jxl", "deeper/raw.nef"):
        (holiday / name).write_bytes(b"of another kind")
    dropped(qtbot, window, holiday)
    assert window.strip.title.text() == "4 pictures"
    assert window.strip.words.words == "2 passed over"
    assert "scan.jxl is a JPEG XL file" in window.strip.words.toolTip()
    window.actions_of["export-all"].trigger()
    window.sheet.accept()
    ended(qtbot, window)
    assert window.strip.words.words == "3 of 4 done  ·  1 failed  ·  2 passed over"
    with open(tmp_path / "Upscaled" / "fovea-report.csv", encoding="utf-8", newline="") as file:
        rows = {row["input"]: row["state"] for row in csv.DictReader(file)}
    assert rows[str(holiday / "scan.jxl")] == rows[str(holiday / "deeper/raw.nef")] == "passed over"


def test_only_what_failed_in_an_export_is_tried_again(qtbot, window, holiday, tmp_path):
    (holiday / "broken.png").unlink()
    dropped(qtbot, window, holiday)
    window.actions_of["export-all"].trigger()
    window.sheet.accept()
    ended(qtbot, window)
    (tmp_path / "late.png").write_text("no picture")
    dropped(qtbot, window, tmp_path / "late.png")
    qtbot.waitUntil(lambda: states(window)["late.png"] == "failed", timeout=WAIT)
    assert not window.actions_of["retry"].isEnabled()


def test_settings_shown_are_settings_used(qtbot, window, holiday, tmp_path):
    (holiday / "broken.png").unlink()
    dropped(qtbot, window, holiday)
    window.budget.slider.setValue(160)
    window.actions_of["export-all"].trigger()
    sheet = window.sheet
    assert "80 %" in sheet.budget.text()
    sheet.place.setText(str(tmp_path / "out"))
    sheet.format.setCurrentIndex(sheet.format.findData("png"))
    sheet.unit.setCurrentIndex(sheet.unit.findData("width"))
    assert sheet.amount.value() == 240  # what the network gives
    sheet.amount.setValue(90)
    sheet.name.setText("{stem}-{width}x{height}-{budget}")
    assert sheet.example.words == "a.png  →  a-90x60-80.png"
    assert not sheet.quality.isVisible() and sheet.totals.words.startswith("3 pictures")
    sheet.accept()
    window.budget.slider.setValue(40)  # for the picture that is looked at; the batch has begun
    ended(qtbot, window)
    for name in ("a.png", "b.png", "deeper/c.jpg"):
        source = holiday / name
        made = (tmp_path / "out" / "Holiday" / name).with_name(f"{source.stem}-90x60-80.png")
        size = Size(width=90)
        assert (read(made).pixels == expected(source, effort=0.8, size=size)).all()
    assert window.session.store.value("format") == "png"


def test_a_senseless_name_cannot_be_started(qtbot, window, holiday):
    dropped(qtbot, window, holiday)
    window.actions_of["export-all"].trigger()
    window.sheet.name.setText("{stam}")
    assert "{stam}" in window.sheet.example.words and not window.sheet.start.isEnabled()
    window.sheet.name.setText("all")
    assert "lacks {stem}" in window.sheet.example.words
    window.sheet.name.setText("{stem}")
    assert window.sheet.start.isEnabled()
    window.sheet.reject()
    assert window.session.film.phase is Phase.IDLE


def test_a_stopped_batch_goes_on_where_it_was(qtbot, window, tmp_path, drawn_pixels):
    folder = tmp_path / "many"
    folder.mkdir()
    for seed in range(4):
        Image.fromarray(drawn_pixels(200, 100, seed=seed)).save(folder / f"{seed}.png")
    dropped(qtbot, window, folder)
    film, actions = window.session.film, window.actions_of
    actions["export-all"].trigger()
    window.sheet.accept()
    qtbot.waitUntil(lambda: film.counts["done"] > 0, timeout=WAIT)
    actions["stop-all"].trigger()
    ended(qtbot, window)
    assert 0 < film.counts["done"] < 4 and not film.counts["running"]
    assert film.counts["waiting"] == 4 - film.counts["done"]
    done = film.counts["done"]
    actions["export-all"].trigger()
    counted = f"{done} of 4 are there already; they stay as they are"
    qtbot.waitUntil(lambda: window.sheet.there.words == counted, timeout=WAIT)
    window.sheet.accept()
    ended(qtbot, window)
    assert film.counts["done"] == 4
    assert film.states[0].name == "skipped"


def test_one_file_shows_no_strip_and_later_files_join_it(qtbot, window, holiday, tmp_path):
    dropped(qtbot, window, holiday / "a.png")
    assert not window.strip.isVisible() and not window.session.film.items
    dropped(qtbot, window, holiday / "a.png", holiday / "b.png")
    dropped(qtbot, window, holiday / "deeper")
    dropped(qtbot, window, holiday / "b.png")  # it is there already
    assert list(states(window)) == ["a.png", "b.png", "deeper/c.jpg"]
    assert window.session.picture.name == "b.png"
    window.strip.view.setFocus()
    qtbot.keyClick(window.strip.view, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: window.session.picture.name == "c.jpg", timeout=WAIT)
    assert window.strip.view.hasFocus()
    qtbot.keyClick(window.strip.view, Qt.Key.Key_Delete)
    assert list(states(window)) == ["a.png", "b.png"]
    qtbot.waitUntil(lambda: window.session.picture.name == "b.png", timeout=WAIT)
    window.strip.close_button.click()
    assert not window.strip.isVisible() and not window.actions_of["export-all"].isEnabled()

    (tmp_path / "empty").mkdir()
    drop(window, tmp_path / "empty")
    qtbot.waitUntil(window.notice.isVisible, timeout=WAIT)
    assert "empty holds no pictures" in window.notice.label.text()
    assert not window.strip.isVisible()


def test_a_folder_that_cannot_be_used_is_one_sentence(qtbot, window, holiday, tmp_path):
    dropped(qtbot, window, holiday)
    (tmp_path / "Upscaled").write_text("a file")
    window.actions_of["export-all"].trigger()
    window.sheet.accept()
    ended(qtbot, window)
    assert window.notice.isVisible() and "Upscaled" in window.notice.label.text()
    assert not window.session.film.counts["done"]


def test_a_notice_outlasts_a_picture_that_was_opening(qtbot, window, holiday):
    session = window.session
    session.open(holiday / "a.png")
    session.failed.emit("A sentence.")
    qtbot.waitUntil(lambda: session.done == 1 and not session.busy, timeout=WAIT)
    assert window.notice.isVisible()
    session.open(holiday / "b.png")
    assert not window.notice.isVisible()


def test_leaving_during_a_batch_asks_first(qtbot, window, holiday):
    dropped(qtbot, window, holiday)
    window.actions_of["export-all"].trigger()
    window.sheet.accept()
    window.actions_of["pause"].trigger()
    assert not window.close() and not window.close()  # one question is enough
    button(window, "Keep exporting").click()
    assert window.isVisible() and window.session.worker.isRunning()
    assert not window.close()
    button(window, "Quit").click()
    assert not window.isVisible()


def test_two_files_of_one_name_keep_apart(tmp_path):
    items = [Item(tmp_path / f / n, type(tmp_path)(n)) for f in "xy" for n in ("a.png", "a.jpg")]
    made = jobs_of(items, tmp_path, Settings("tiny", format="png"), scale=4)
    assert len({job.target for job in made}) == len({job.key for job in made}) == 4


def test_states_are_readable_on_light_and_on_dark():
    for dark in (False, True):
        colours = look.palette(dark)
        ground = colours.color(colours.ColorRole.Base)
        for ink in (look.good(colours), look.bad(colours)):
            assert contrast(ink, ground) > 4.5


def contrast(one, other):
    """As the WCAG define it."""

    def light(colour):
        parts = np.array([colour.redF(), colour.greenF(), colour.blueF()])
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722)) + 0.05

    pair = sorted((light(one), light(other)))
    return pair[1] / pair[0]
