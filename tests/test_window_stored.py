"""Settings that make no sense any more are the defaults, and the window starts."""

import pytest
from PySide6.QtCore import QByteArray, QPoint, QSettings

from app.program import application
from app.session import Session
from app.viewer import Mode
from app.window import MainWindow
from engine import library
from engine.settings import TEMPLATE

SENSELESS = (
    "abc",
    "",
    "nan",
    "-1",
    "7",
    "1e999",
    "\0",
    "{stem",
    "true",
    True,
    7,
    -3.5,
    float("nan"),
    ["a", "b"],
    [],
    QPoint(1, 2),
    QByteArray(b"\xff\0"),
    "x" * 5000,
)
KEYS = (
    "effort",
    "name",
    "template",
    "format",
    "quality",
    "ending",
    "recent",
    "geometry",
    "split-views",
    "split-strip",
    "mode",
    "map",
    "panel",
    "opacity",
)


@pytest.fixture
def kept(weights):
    application()
    store = QSettings("Fovea", "Fovea")
    store.clear()
    yield store
    store.clear()


@pytest.mark.parametrize("value", SENSELESS, ids=lambda value: repr(value)[:12])
def test_any_value_under_any_key_is_survived(qtbot, kept, value):
    for key in KEYS:
        kept.setValue(key, value)
    kept.sync()
    session = Session("tiny")
    window = MainWindow(session)
    qtbot.addWidget(window)
    window.show()
    assert 0 <= session.effort <= 1 and session.name == "tiny"
    batch = session.batch
    assert 1 <= batch.quality <= 100 and batch.template in (TEMPLATE, value)
    assert batch.format in (None, "png") and session.recent == []
    assert window.viewer.mode is Mode.SPLIT and 0.1 <= window.viewer.opacity <= 1
    assert window.width() >= 600
    window.close()


def test_each_value_stands_alone(kept):
    kept.setValue("effort", "7")
    kept.setValue("quality", "80")
    kept.setValue("template", "{stam}")
    kept.setValue("format", "png")
    session = Session("tiny")
    assert session.effort == 0.5
    assert (session.batch.quality, session.batch.template) == (80, TEMPLATE)
    assert session.batch.format == "png"
    session.close()


def test_sizes_and_view_are_remembered(qtbot, kept):
    for again in (False, True):
        window = MainWindow(Session("tiny"))
        qtbot.addWidget(window)
        window.show()
        if again:
            assert (window.width(), window.height()) == (700, 520)
            assert window.viewer.mode is Mode.SIDE and window.viewer.map_shown
            assert window.side.isHidden() and window.viewer.opacity == pytest.approx(0.35)
        window.resize(700, 520)
        window.actions_of["side"].setChecked(True)
        window.actions_of["map"].setChecked(True)
        window.actions_of["panel"].setChecked(False)
        window.panel.opacity.setValue(35)
        window.close()


def test_damaged_weights_do_not_keep_the_window_from_starting(qtbot, kept, tmp_path, monkeypatch):
    folder = library.shipped()
    for number, text in enumerate(
        ("[]", "null", "{}", '{"method": "depth"}', '{"method": "no", "scale": 2}', "{", "\xff")
    ):
        (folder / f"bad{number}.json").write_text(text, encoding="latin-1")
        (folder / f"bad{number}.safetensors").write_bytes(b"none")
    kept.setValue("name", "bad3")
    window = MainWindow(Session("gone"))
    qtbot.addWidget(window)
    assert window.session.name == "tiny"
    assert [window.panel.upscaler.itemText(i) for i in range(window.panel.upscaler.count())] == [
        "tiny"
    ]
    window.session.set_name("bad3")
    assert window.session.name == "tiny" and window.panel.upscaler.currentText() == "tiny"
    assert "bad3" in window.notice.label.text()
    window.close()
