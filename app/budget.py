"""The one slider from fast to full, and what its position means."""

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from app.worker import Planned

STEPS = 200  # half a per cent each


class BudgetBar(QWidget):
    """Emits the effort 0..1 that the user asks for."""

    changed = Signal(float)

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        self.slider.setPageStep(STEPS // 10)
        self.slider.setAccessibleName(self.tr("Budget, in per cent of the full compute"))
        self.slider.valueChanged.connect(lambda value: self.changed.emit(value / STEPS))
        self.asked = QLabel()
        self.asked.setAccessibleName(self.tr("Budget"))
        strong = self.asked.font()
        strong.setPointSizeF(strong.pointSizeF() * 1.25)
        strong.setBold(True)
        self.asked.setFont(strong)
        self.means = QLabel()
        self.means.setAccessibleName(self.tr("What the budget means"))
        self.means.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

        track = QHBoxLayout()
        track.setSpacing(12)
        track.addWidget(QLabel(self.tr("fast")))
        track.addWidget(self.slider, 1)
        track.addWidget(QLabel(self.tr("full")))
        words = QHBoxLayout()
        words.setSpacing(12)
        words.addWidget(self.asked)
        words.addWidget(self.means, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 10, 16, 12)
        layout.setSpacing(6)
        layout.addLayout(track)
        layout.addLayout(words)

    def show_effort(self, effort: float) -> None:
        with QSignalBlocker(self.slider):
            self.slider.setValue(round(effort * STEPS))
        self.asked.setText(f"{effort:.0%}".replace("%", " %"))

    def show_plan(self, plan: Planned | None, seconds: float | None) -> None:
        """The native knob, the executed share, and the seconds where they are known."""
        if plan is None:
            self.means.clear()
            return
        parts = [
            self.tr("mean depth {:.1f} of {:g} blocks").format(plan.mean, plan.high),
            self.tr("d = {:.1f}").format(plan.knob) if plan.knob < 10 * plan.high else "",
            self.tr("{:.1f} % of the full compute").format(100 * plan.effort),
            self.tr("about {}").format(duration(seconds)) if seconds is not None else "",
        ]
        self.means.setText("  ·  ".join(part for part in parts if part))


def duration(seconds: float) -> str:
    """Seconds for people: 0.8 s, 12 s, 3 min, 7 h 40 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours > 1 else f"{seconds / 60:.0f} min"
