"""The one slider from fast to full, and what its position means.

It asks for an effort, or for one of a few networks that have no knob: then it has stops.
"""

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.fields import Slider
from app.figures import percent
from app.language import tr
from app.look import BETWEEN, Elided

STEPS = 200  # half a per cent each


class BudgetBar(QWidget):
    """Emits the effort 0..1 or the number of the stop that the user asks for."""

    changed = Signal(float)
    stopped = Signal(int)

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.slider = Slider(Qt.Orientation.Horizontal)
        self.slider.setTickInterval(1)
        self.slider.valueChanged.connect(self._tell)
        self._labels: list[str] = []
        self.asked = QLabel()
        self.asked.setAccessibleName(tr("Budget"))
        strong = self.asked.font()
        strong.setPointSizeF(strong.pointSizeF() * 1.25)
        strong.setBold(True)
        self.asked.setFont(strong)
        self.means = Elided(mode=Qt.TextElideMode.ElideRight)
        self.seconds = QLabel()
        self.seconds.setAccessibleName(tr("How long it takes"))
        self.only = Elided(tr("One speed only: there is no other network of this kind."))
        self.only.setForegroundRole(QPalette.ColorRole.PlaceholderText)

        track = QHBoxLayout()
        track.setSpacing(12)
        self.ends = QLabel(), QLabel()
        track.addWidget(self.ends[0])
        track.addWidget(self.slider, 1)
        track.addWidget(self.ends[1])
        track.addWidget(self.only, 1)
        words = QHBoxLayout()
        words.setSpacing(12)
        words.addWidget(self.asked)
        words.addWidget(self.means, 1)
        words.addWidget(self.seconds)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 10, 16, 12)
        layout.setSpacing(6)
        layout.addLayout(track)
        layout.addLayout(words)
        self.set_stops([])

    def set_stops(self, labels: list[str]) -> None:
        """Stops with these labels from now on; none for any effort in steps of half a per cent."""
        self._labels, last = labels, len(labels) - 1 if labels else STEPS
        first, final = [labels[:1], labels[-1:]] if last else [[], []]
        self.ends[0].setText(BETWEEN.join([tr("fast"), *first]))
        self.ends[1].setText(BETWEEN.join([*final, tr("full")]))
        ticks = Slider.TickPosition.TicksBelow if labels else Slider.TickPosition.NoTicks
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, last)
        self.slider.setPageStep(max(1, last // 10))
        self.slider.setTickPosition(ticks)
        self.slider.setEnabled(last > 0)
        for widget in (self.slider, *self.ends):
            widget.setVisible(last > 0)
        self.only.setVisible(not last)
        self.slider.setAccessibleName(
            tr("Budget, one of {}").format(", ".join(labels))
            if labels
            else tr("Budget, in per cent of all there is to do")
        )

    def _tell(self, value: int) -> None:
        self.stopped.emit(value) if self._labels else self.changed.emit(value / STEPS)

    def show_effort(self, effort: float) -> None:
        self._show(round(effort * STEPS), percent(effort))

    def show_stop(self, index: int) -> None:
        self._show(index, self._labels[index])

    def _show(self, value: int, asked: str) -> None:
        with QSignalBlocker(self.slider):
            self.slider.setValue(value)
        self.asked.setText(asked)

    def show_plan(self, parts: list[str], *, valid: bool) -> None:
        """What the budget means; faint while that is not `valid` for the budget of now."""
        self.means.setText(BETWEEN.join(parts))
        self.means.setEnabled(valid)

    def show_seconds(self, words: str) -> None:
        self.seconds.setText(words)
