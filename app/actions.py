"""What can be done in the window: one table of actions, which menus, tools and keys share."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QToolBar, QToolButton, QWidget

from app.language import tr

VIEWS = ("full", "split", "side")  # one of them at a time
TOOLS = ("open", "paste", "export", None), (None, *VIEWS, None, "map", None, "fit", "actual")
BARE_TOOLS = ("fit", "actual", "paste")  # their icons say enough
REPEATED = ("in", "out", "less", "more")  # as long as their keys are held
LEAST_NAME = 120  # points for the picture's name, without which the tools lose their words


@dataclass(frozen=True)
class Entry:
    """An action's text and keys, the first of which its tool tip tells, and its icon."""

    text: str
    keys: tuple[str, ...]
    symbol: str | None = None
    checkable: bool = False


def entries() -> dict[str, Entry]:
    """All actions by name."""
    return {
        "open": Entry(tr("Open…"), ("Ctrl+O",), "open"),
        "open-folder": Entry(tr("Open folder…"), ("Ctrl+Shift+O",)),
        "paste": Entry(tr("Paste"), ("Ctrl+V",), "paste"),
        "export": Entry(tr("Export…"), ("Ctrl+S",), "export"),
        "export-all": Entry(tr("Export all…"), ("Ctrl+Shift+S",), "export"),
        "quit": Entry(tr("Quit"), ("Ctrl+Q",)),
        "full": Entry(tr("Full"), ("1",), "view-full", checkable=True),
        "split": Entry(tr("Split"), ("2",), "view-split", checkable=True),
        "side": Entry(tr("Side"), ("3",), "view-side", checkable=True),
        "original": Entry(tr("Show the original"), ("Space",), checkable=True),
        "map": Entry(tr("Depth map"), ("M",), "map", checkable=True),
        "panel": Entry(tr("Side panel"), ("F9",), checkable=True),
        "fit": Entry(tr("Fit"), ("Ctrl+0",), "fit"),
        "actual": Entry(tr("100 %"), ("Ctrl+1",), "actual-size"),
        "in": Entry(tr("Zoom in"), ("+", "Ctrl++", "=")),
        "out": Entry(tr("Zoom out"), ("-", "Ctrl+-")),
        "less": Entry(tr("Faster"), ("[",)),
        "more": Entry(tr("Better"), ("]",)),
        "stop": Entry(tr("Stop"), ("Esc",), "stop"),
        "pause": Entry(tr("Pause"), ("Ctrl+P",), "pause"),
        "resume": Entry(tr("Resume"), ("Ctrl+P",), "resume"),
        "stop-all": Entry(tr("Stop"), ("Ctrl+.",), "stop"),
        "retry": Entry(tr("Retry failed"), ("Ctrl+R",), "retry"),
        "report": Entry(tr("Open report"), ("Ctrl+E",), "report"),
        "reveal": Entry(tr("Show folder"), ("Ctrl+Shift+F",), "folder"),
    }


def menus() -> dict[str, tuple[str | None, ...]]:
    """The menus' titles, and the names of their actions; None is a line between."""
    file = "open", "open-folder", "paste", None, "export", "export-all", None, "quit"
    return {
        tr("&File"): file,
        tr("&View"): (*VIEWS, None, "original", "map", "panel", None, "fit", "actual", "in", "out"),
        tr("&Budget"): ("less", "more", None, "stop"),
        tr("B&atch"): ("pause", "resume", "stop-all", None, "retry", "report", "reveal"),
    }


def make_actions(window: QWidget, slots: dict[str, Callable]) -> dict[str, QAction]:
    """Every action of the table, whose keys work in `window`, connected to the slot of its name."""
    actions, views = {}, QActionGroup(window)
    for name, entry in entries().items():
        action = actions[name] = QAction(entry.text, window, checkable=entry.checkable)
        action.setShortcuts([QKeySequence(key) for key in entry.keys])
        action.setAutoRepeat(name in REPEATED)
        action.setToolTip(f"{entry.text.rstrip('…').rstrip()} ({written(entry.keys[0])})")
        action.setProperty("symbol", entry.symbol)
        (action.toggled if entry.checkable else action.triggered).connect(slots[name])
        window.addAction(action)
        if name in VIEWS:
            views.addAction(action)
    return actions


def written(key: str) -> str:
    """A key as the system and the language write it."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)


def fill_menus(bar: QMenuBar, actions: dict[str, QAction]) -> QMenu:
    """Returns the menu of recent pictures, still empty, whose parent is the first one."""
    for title, names in menus().items():
        menu = bar.addMenu(title)
        for name in names:
            menu.addSeparator() if name is None else menu.addAction(actions[name])
        if "open" in names:
            recent = QMenu(tr("Open recent"), menu)
            menu.insertMenu(actions["paste"], recent)
    return recent


class Toolbar(QToolBar):
    """The tools, with a heading between those for files and those for views.

    Where the window is too narrow for their words, icons say it alone.
    """

    def __init__(self, actions: dict[str, QAction], heading: QWidget):
        super().__init__(tr("Tools"))
        self.setMovable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self._worded: list[QToolButton] = []
        for part, names in enumerate(TOOLS):
            if part:
                self.addWidget(heading)
            for name in names:
                self.addSeparator() if name is None else self.addAction(actions[name])
                if name is not None and name not in BARE_TOOLS:
                    self._worded.append(self.widgetForAction(actions[name]))

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self.fit_words()

    def fit_words(self) -> None:
        """Words beside the icons, where there is room for all of them."""
        self._say(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        if self.sizeHint().width() + LEAST_NAME > self.width():
            self._say(Qt.ToolButtonStyle.ToolButtonIconOnly)

    def _say(self, style: Qt.ToolButtonStyle) -> None:
        for button in self._worded:
            button.setToolButtonStyle(style)
