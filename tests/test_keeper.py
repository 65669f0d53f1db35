"""What is remembered is written, and nobody waits for it."""

from pathlib import Path

import pytest
from PySide6.QtCore import QLockFile, QSettings

from app import keeper
from app.keeper import Keeper


@pytest.fixture
def kept(qapp, monkeypatch):
    monkeypatch.setattr(keeper, "PAUSE", 1)
    QSettings("Fovea", "Fovea").clear()
    made = Keeper()
    yield made
    made.close()


def test_values_are_there_the_next_time(kept):
    kept.setValue("effort", 0.25)
    kept.setValue("recent", ["a.png", "b.png"])
    kept.setValue("effort", 0.75)
    assert kept.value("effort") == 0.75 and kept.value("name", "none") == "none"
    kept.close()
    again = Keeper()
    assert float(again.value("effort")) == 0.75 and again.value("recent") == ["a.png", "b.png"]
    again.close()


def test_the_event_loop_goes_on_while_the_file_cannot_be_written(qtbot, kept):
    path = Path(QSettings("Fovea", "Fovea").fileName())
    lock = QLockFile(f"{path}.lock")
    assert lock.lock()  # as another program would, or a slow disk
    kept.setValue("effort", 0.25)
    qtbot.wait(200)
    kept.setValue("effort", 0.5)
    qtbot.wait(200)
    assert kept.value("effort") == 0.5
    lock.unlock()
    kept.close()
    assert "0.5" in path.read_text()
