"""What of the window is there again at the next start: its size, its parts' widths, its view."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize

from app import stored
from app.viewer import Mode

if TYPE_CHECKING:
    from app.window import MainWindow

SIZE = QSize(1280, 800)  # where the screen is large enough
AROUND = QSize(16, 64)  # points that the frame around a window may take
NARROW = 1000  # a window in which strip and panel are as narrow as they can be
WIDTH = 264  # of strip and panel else
OPACITY = 60  # per cent


def recall(window: "MainWindow") -> None:
    """Give a new window the shape and the view of the last one."""
    kept = window.session.store
    if not window.restoreGeometry(stored.data(kept, "geometry")):
        window.resize(SIZE.boundedTo(window.screen().availableSize() - AROUND))
    for name, splitter in window.splitters.items():
        if not splitter.restoreState(stored.data(kept, f"split-{name}")):
            side = -1 if name == "views" else 0
            widths = [window.width()] * 2
            widths[side] = 0 if window.width() < NARROW else WIDTH
            splitter.setSizes(widths)
    modes = [mode.value for mode in Mode]
    window.actions_of[stored.choice(kept, "mode", Mode.SPLIT.value, modes)].setChecked(True)
    window.actions_of["map"].setChecked(stored.flag(kept, "map", False))
    window.actions_of["panel"].setChecked(stored.flag(kept, "panel", True))
    window.panel.opacity.setValue(stored.whole(kept, "opacity", OPACITY, low=10, high=100))


def remember(window: "MainWindow") -> None:
    kept = window.session.store
    kept.setValue("geometry", window.saveGeometry())
    for name, splitter in window.splitters.items():
        kept.setValue(f"split-{name}", splitter.saveState())
    kept.setValue("mode", window.viewer.mode.value)
    kept.setValue("map", window.actions_of["map"].isChecked())
    kept.setValue("panel", window.actions_of["panel"].isChecked())
    kept.setValue("opacity", window.panel.opacity.value())
