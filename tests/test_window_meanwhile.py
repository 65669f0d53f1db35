"""What is asked for while a picture is being opened."""

import threading

import pytest
from PIL import Image
from PySide6.QtCore import QSettings
from test_fmen import TINY

import app.jobs
from app.program import application
from app.session import Session
from app.window import MainWindow
from engine import library
from engine.networks import fmen
from engine.pictures import read

WAIT = 30_000


@pytest.fixture
def photos(tmp_path, drawn_pixels):
    """Two of different sizes, and a broken one."""
    paths = [tmp_path / name for name in ("large.png", "small.png", "broken.png")]
    Image.fromarray(drawn_pixels(60, 90)).save(paths[0])
    Image.fromarray(drawn_pixels(30, 40)).save(paths[1])
    paths[2].write_bytes(paths[0].read_bytes()[:100])
    return paths


@pytest.fixture
def disk(monkeypatch):
    """Files are read while it is set."""
    event = threading.Event()
    event.set()

    def slow(path):
        assert event.wait(WAIT / 1000)
        return read(path)

    monkeypatch.setattr(app.jobs, "read", slow)
    return event


@pytest.fixture
def window(qtbot, weights, photos, disk):
    """It shows the first of the photos and is opening the second."""
    library.save("double", fmen.FMEN(TINY), {}, library.shipped())
    application()
    QSettings("Fovea", "Fovea").clear()
    made = MainWindow(Session("tiny"))
    qtbot.addWidget(made)
    made.show()
    made.session.open(photos[0])
    settled(qtbot, made, photos[0])
    disk.clear()
    made.session.open(photos[1])
    yield made
    disk.set()
    made.close()


def settled(qtbot, window, path):
    session = window.session

    def done():
        picture = session.picture
        return picture is not None and picture.path == path and not session.busy

    qtbot.waitUntil(done, timeout=WAIT)


def test_the_slider_moves(qtbot, window, photos, disk):
    window.budget.slider.setValue(150)
    disk.set()
    settled(qtbot, window, photos[1])
    assert window.session.plan.budget == 0.75 and window.session.plan.values.shape == (30, 40)


def test_weights_of_another_scale_are_chosen(qtbot, window, photos, disk):
    window.panel.upscaler_chosen.emit("double")
    disk.set()
    settled(qtbot, window, photos[1])
    assert window.session.name == "double"
    assert window.session.picture.canvas.out.shape == (30 * TINY.scale, 40 * TINY.scale, 3)


def test_what_was_asked_for_is_done_to_the_old_picture_where_the_new_one_is_broken(
    qtbot, window, photos, disk
):
    disk.set()
    settled(qtbot, window, photos[1])
    disk.clear()
    window.session.open(photos[2])
    window.budget.slider.setValue(150)
    window.panel.upscaler_chosen.emit("double")
    disk.set()
    qtbot.waitUntil(window.notice.isVisible, timeout=WAIT)
    settled(qtbot, window, photos[1])
    assert window.session.picture.scale == TINY.scale
