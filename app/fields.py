"""Fields whose value the wheel changes only where they have the focus; else it scrolls the page."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QSlider, QSpinBox


class Calm:
    """Comes before a class of fields. The wheel does not give them the focus either."""

    def __init__(self, *values: object, **options: object):
        super().__init__(*values, **options)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        super().wheelEvent(event) if self.hasFocus() else event.ignore()


class ComboBox(Calm, QComboBox):
    """A choice."""


class Slider(Calm, QSlider):
    """A position between two ends."""


class SpinBox(Calm, QSpinBox):
    """A whole number."""
