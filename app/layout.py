"""Where the parts of the main window stand."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLayout,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QVBoxLayout,
    QWidget,
)


def column(*widgets: QWidget, stretched: QWidget) -> QWidget:
    """Widgets below each other without gaps, of which one takes the room that is left."""
    return _stacked(QVBoxLayout(), widgets, stretched)


def row(*widgets: QWidget, stretched: QWidget) -> QWidget:
    """Widgets beside each other, of which one takes the room that is left."""
    return _stacked(QHBoxLayout(), widgets, stretched)


def _stacked(layout: QLayout, widgets: tuple[QWidget, ...], stretched: QWidget) -> QWidget:
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    for widget in widgets:
        layout.addWidget(widget, int(widget is stretched))
    box = QWidget()
    box.setLayout(layout)
    return box


def heading(title: QWidget, sizes: QWidget) -> QWidget:
    """The name and the sizes of the picture, between the tools."""
    made = row(title, sizes, stretched=title)
    made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    made.layout().setContentsMargins(8, 0, 8, 0)
    made.layout().setSpacing(10)
    return made


class Scrolled(QScrollArea):
    """A widget that scrolls up and down where it is too high."""

    def __init__(self, widget: QWidget):
        super().__init__()
        self.setWidget(widget)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def sizeHint(self) -> QSize:
        """All of the widget."""
        return self.widget().sizeHint()

    def fit(self) -> None:
        """Become as wide as the widget must be, and its scroll bar."""
        bar = self.verticalScrollBar().sizeHint().width()
        self.setMinimumWidth(self.widget().minimumSizeHint().width() + bar)


def split(*widgets: QWidget, stretched: QWidget) -> QSplitter:
    """Widgets beside each other, whose widths can be dragged; one takes what the window gains."""
    made = QSplitter(Qt.Orientation.Horizontal)
    made.setHandleWidth(1)
    made.setChildrenCollapsible(False)
    for place, widget in enumerate(widgets):
        made.addWidget(widget)
        made.setStretchFactor(place, int(widget is stretched))
    return made
