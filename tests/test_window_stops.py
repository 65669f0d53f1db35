"""Networks without a knob in the window: the slider has stops; and other weights are chosen."""

import pytest
import torch
from PIL import Image
from PySide6.QtCore import QSettings
from test_fmen import TINY

from app.program import application
from app.session import Session
from app.stops import asked, choices, stops_of, usable, weights
from app.stored import remembered
from app.window import MainWindow
from engine import library
from engine.adaptive import depth
from engine.budget import Budget
from engine.networks import edsr, fmen
from engine.pictures import read
from engine.plan import plan
from engine.run import drain, load, run

WAIT = 30_000


@pytest.fixture(autouse=True)
def folder(tmp_path_factory, monkeypatch):
    made = tmp_path_factory.mktemp("models")
    for name in ("fmen-s-x2", "fmen-x2"):
        network = fmen.FMEN(TINY)
        with torch.no_grad():
            network.fuse.weight.mul_(5)
        library.save(name, network, {}, made)
    monkeypatch.setenv("FOVEA_MODELS", str(made))
    return made


@pytest.fixture
def photo(tmp_path, drawn_pixels):
    Image.fromarray(drawn_pixels(34, 46)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def show(qtbot, photo):
    """show(name) -> a window with the photo open."""
    made = []

    def window(name):
        application()
        QSettings("Fovea", "Fovea").clear()
        made.append(MainWindow(Session(name)))
        qtbot.addWidget(made[-1])
        made[-1].show()
        made[-1].session.open(photo)
        settled(qtbot, made[-1])
        return made[-1]

    yield window
    for one in made:
        one.close()


def settled(qtbot, window):
    session = window.session
    qtbot.waitUntil(
        lambda: session.plan is not None and session.done == 1 and not session.busy, timeout=WAIT
    )


def fresh(name, photo):
    upscaler, picture = library.load(name), read(photo)
    x = load(upscaler, picture)
    survey = upscaler.survey(x)
    planned = plan(upscaler, survey, budget=Budget(share=1))
    return drain(run(upscaler, picture, x=x, survey=survey, plan=planned))


def test_the_slider_stops_at_each_network(qtbot, show, photo):
    window = show("fmen-x2")
    slider, session = window.budget.slider, window.session
    assert (slider.minimum(), slider.maximum(), slider.value()) == (0, 1, 1)
    assert window.budget.asked.text() == "FMEN" and slider.isEnabled()
    assert [end.text() for end in window.budget.ends] == ["fast  ·  FMEN-S", "FMEN  ·  full"]
    assert (session.picture.canvas.out == fresh("fmen-x2", photo).picture.pixels).all()
    canvas = session.picture.canvas
    slider.setValue(0)
    settled(qtbot, window)
    assert session.name == "fmen-s-x2" and window.budget.asked.text() == "FMEN-S"
    assert window.panel.upscaler.currentText() == "fmen-s-x2"
    assert session.picture.canvas is canvas  # nothing was blanked
    assert (canvas.out == fresh("fmen-s-x2", photo).picture.pixels).all()
    window.actions_of["more"].trigger()
    settled(qtbot, window)
    assert session.name == "fmen-x2"
    window.actions_of["more"].trigger()
    assert session.name == "fmen-x2" and not session.busy


def test_the_map_is_the_last_attention(qtbot, show, photo):
    window = show("fmen-x2")
    want = fresh("fmen-x2", photo).map
    shown = window.session.plan
    assert (shown.values == want).all() and shown.least < shown.low < shown.high < shown.most
    assert window.panel.map_name.text() == "Attention map" and not window.panel.lines.isVisible()
    assert window.panel.legend._unit == "high-frequency attention"
    window.viewer.hovered.emit((3, 4))
    assert window.panel.under_cursor.text() == f"attention {want[3, 4]:.3f} at 4, 3"
    window.session.compute()  # it is there already
    settled(qtbot, window)
    assert (window.session.plan.values == want).all()


def test_one_network_is_a_single_stop(folder, show):
    (folder / "fmen-s-x2.json").unlink()
    window = show("fmen-x2")
    assert window.budget.slider.maximum() == 0 and not window.budget.slider.isEnabled()
    assert window.budget.asked.text() == "FMEN"


def test_other_weights_go_on_with_the_picture(qtbot, folder, show, photo):
    for scale in (2, 4):
        network = edsr.EDSR(edsr.Config(blocks=2, channels=8, scale=scale))
        library.save(f"ada-x{scale}", depth.AdaDSR(network, depth.Config(width=4)), {}, folder)
    window = show("ada-x2")
    panel, session = window.panel, window.session
    items = [panel.upscaler.itemText(i) for i in range(panel.upscaler.count())]
    assert items == ["ada-x2", "ada-x4", "fmen-s-x2"]
    assert panel.map_name.text() == "Depth map"
    canvas = session.picture.canvas
    panel.upscaler_chosen.emit("fmen-s-x2")
    settled(qtbot, window)
    assert session.picture.canvas is canvas and window.budget.slider.maximum() == 1
    panel.upscaler_chosen.emit("ada-x4")
    qtbot.waitUntil(lambda: session.picture.scale == 4, timeout=WAIT)
    settled(qtbot, window)
    assert session.picture.path == photo and window.budget.slider.maximum() == 200
    assert "92 × 68" not in window.sizes.text() and "184 × 136" in window.sizes.text()
    assert remembered("ada-x2", usable(), session.store).name == "ada-x4"


def test_stops_are_those_of_one_scale(folder):
    library.save("fmen-x4", fmen.FMEN(fmen.Config(scale=4, channels=8)), {}, folder)
    library.save("other", fmen.FMEN(TINY), {}, folder)
    assert [(s.name, s.label) for s in stops_of(weights("fmen-s-x2"), usable())] == [
        ("fmen-s-x2", "FMEN-S"),
        ("fmen-x2", "FMEN"),
        ("other", "OTHER"),
    ]
    assert [s.label for s in stops_of(weights("fmen-x4"), usable())] == ["FMEN"]
    assert asked("fmen-s-x2", 0.3) == "FMEN-S"
    assert choices("fmen-x2", usable()) == ["fmen-x2", "fmen-x4"]
