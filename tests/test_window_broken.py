"""Files that are no pictures cost their own row, and nothing else."""

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt

from app import look
from app.film import Phase
from engine import library

WAIT = 30_000
KINDS = (AssertionError, RuntimeError, TypeError, OverflowError, AttributeError, MemoryError)


@pytest.fixture
def holiday(tmp_path, drawn_pixels):
    """A folder whose first and third files are broken."""
    folder = tmp_path / "Holiday"
    folder.mkdir()
    whole = drawn_pixels(40, 60)
    Image.fromarray(whole).save(folder / "b.png")
    Image.fromarray(whole).save(folder / "d.png")
    (folder / "a.png").write_text("no picture")
    data = (folder / "d.png").read_bytes()
    (folder / "c.png").write_bytes(data[: len(data) // 2])
    return folder


TIP = Qt.ItemDataRole.ToolTipRole


def row_of(window, name):
    film = window.session.film
    row = [item.source.name for item in film.items].index(name)
    return film.states[row].name, film.words(row), film.data(film.index(row), TIP)


def computed(qtbot, window):
    session = window.session
    qtbot.waitUntil(
        lambda: session.picture is not None and session.done == 1 and not session.busy, timeout=WAIT
    )


def test_a_broken_first_file_does_not_spoil_a_folder(qtbot, window, holiday):
    window.open_paths([holiday])
    computed(qtbot, window)
    assert window.session.picture.name == "b.png" and not window.notice.isVisible()
    assert window.pages.currentWidget() is window.work
    assert window.strip.view.currentIndex().row() == 1
    qtbot.waitUntil(lambda: row_of(window, "c.png")[0] == "failed", timeout=WAIT)
    qtbot.waitUntil(lambda: row_of(window, "a.png")[0] == "failed", timeout=WAIT)
    _, words, tip = row_of(window, "a.png")
    assert words == "Failed: not a picture that Fovea can read"
    assert str(holiday / "a.png") in tip and "PNG, JPEG" in tip
    assert row_of(window, "b.png")[0] == row_of(window, "d.png")[0] == "waiting"
    window.grab()

    window.strip.show_row(2)  # chosen by hand: then it says so aloud, and the picture stays
    qtbot.waitUntil(window.notice.isVisible, timeout=WAIT)
    assert "c.png" in window.notice.label.text() and window.session.picture.name == "b.png"


def test_a_likely_picture_is_tried_first_and_the_next_after_it(qtbot, window, holiday):
    """What has a head may still be broken."""
    (holiday / "b.png").write_bytes((holiday / "c.png").read_bytes())
    window.open_paths([holiday])
    computed(qtbot, window)
    assert window.session.picture.name == "d.png" and not window.notice.isVisible()
    assert row_of(window, "b.png")[0] == "failed"


def test_where_no_file_is_a_picture_nobody_is_asked_to_drop_one(qtbot, window, holiday):
    for name in ("b.png", "d.png"):
        (holiday / name).write_text("no picture either")
    window.open_paths([holiday])
    qtbot.waitUntil(window.notice.isVisible, timeout=WAIT)
    assert window.pages.currentWidget() is window.blank and window.blank.text()
    states = window.session.film.states
    qtbot.waitUntil(lambda: {state.name for state in states} == {"failed"}, timeout=WAIT)
    window.strip.close_button.click()
    assert window.pages.currentWidget() is window.welcome


def test_the_welcome_goes_while_a_picture_is_opened(qtbot, window, holiday):
    window.session.open(holiday / "b.png")
    assert window.pages.currentWidget() is window.blank
    assert window.blank.text() == "Opening b.png…"
    computed(qtbot, window)
    assert window.pages.currentWidget() is window.work


def test_a_mended_file_is_waiting_again(qtbot, window, holiday):
    window.open_paths([holiday])
    computed(qtbot, window)
    qtbot.waitUntil(lambda: row_of(window, "a.png")[0] == "failed", timeout=WAIT)
    (holiday / "a.png").write_bytes((holiday / "b.png").read_bytes())
    window.strip.show_row(0)
    qtbot.waitUntil(lambda: window.session.picture.name == "a.png", timeout=WAIT)
    computed(qtbot, window)
    assert row_of(window, "a.png")[0] == "waiting"


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_a_decoder_raises_is_one_failed_row(qtbot, window, holiday, monkeypatch, kind):
    """A sound-looking file at which the decoder itself breaks, on the strip and in a batch."""
    marked = np.full((30, 30, 3), 77, np.uint8)
    Image.fromarray(marked).save(holiday / "a.jpg", quality=95)
    real = Image.Image.load

    def load(image, *given):
        if image.format == "JPEG":
            raise kind("")
        return real(image, *given)

    monkeypatch.setattr(Image.Image, "load", load)
    (holiday / "a.png").unlink()
    (holiday / "c.png").unlink()
    window.open_paths([holiday])
    computed(qtbot, window)
    film = window.session.film
    assert window.session.picture.name == "b.png" and not window.notice.isVisible()
    qtbot.waitUntil(lambda: row_of(window, "a.jpg")[0] == "failed", timeout=WAIT)
    assert len(row_of(window, "a.jpg")[1]) > len("Failed: ") + 10
    window.actions_of["export-all"].trigger()
    window.sheet.accept()
    qtbot.waitUntil(lambda: film.phase is Phase.IDLE, timeout=WAIT)
    assert film.counts["done"] == 2 and film.counts["failed"] == 1
    assert "a.jpg" in row_of(window, "a.jpg")[2]


def test_too_little_memory_is_a_sentence(qtbot, window, holiday, monkeypatch):
    def none(*_):
        raise MemoryError

    monkeypatch.setattr("app.worker.make_canvas", none)
    window.session.open(holiday / "b.png")
    qtbot.waitUntil(window.notice.isVisible, timeout=WAIT)
    assert "memory" in window.notice.label.text() and not window.session.busy


def test_weights_that_fail_blame_no_picture(qtbot, window, holiday, monkeypatch):
    (library.shipped() / "tiny.safetensors").write_bytes(b"none")
    window.open_paths([holiday])
    qtbot.waitUntil(window.notice.isVisible, timeout=WAIT)
    assert "tiny" in window.notice.label.text()
    assert row_of(window, "b.png")[0] == "waiting"


def test_reasons_take_two_lines_in_a_row(window):
    font = window.font()
    text = "Failed: " + "not a picture that Fovea can read and some more " * 4
    lines = look.lines(text, font, 150, 2)
    assert len(lines) == 2 and lines[1].endswith("…")
    assert look.lines("Done", font, 150, 2) == ["Done"]
    long = look.lines("x" * 300, font, 150, 2)
    assert len(long) == 2 and all(window.fontMetrics().horizontalAdvance(li) <= 155 for li in long)
