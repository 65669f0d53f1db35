"""The side panel: which upscaler runs where, and the map's opacity and legend."""

import numpy as np
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPalette
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from app.canvas import image_of
from app.fields import ComboBox, Slider
from app.language import filled, tr
from app.results import Planned
from app.words import Words
from engine.colour import colourise


class Legend(QWidget):
    """A bar of the map's colours, its unit, and a mark at the value under the cursor."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        ramp = np.tile(np.linspace(0, 1, 256, dtype=np.float32), (4, 1))
        self._bar: QImage = image_of(np.ascontiguousarray(colourise(ramp, 0, 1)))
        self._low, self._high, self._unit = 0.0, 0.0, ""
        self._ends = "", ""
        self._value: float | None = None
        self.setFixedHeight(22 + 2 * self.fontMetrics().lineSpacing())
        self.setAccessibleName(tr("Legend of the map"))

    def set_range(self, low: float, high: float, unit: str, *, least: float, most: float) -> None:
        """The colours reach from `low` to `high`, the values from `least` to `most`."""
        self._low, self._high, self._unit = low, high, unit
        self.setMinimumWidth(self.fontMetrics().horizontalAdvance(unit))
        self._ends = (
            filled("≤ {:.3g}" if least < low else "{:.3g}", low),
            filled("≥ {:.3g}" if most > high else "{:.3g}", high),
        )
        self.update()

    def set_value(self, value: float | None) -> None:
        self._value = value
        self.update()

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        bar = QRectF(0.5, 4.5, self.width() - 1, 14)
        painter.drawImage(bar, self._bar)
        painter.setPen(self.palette().color(QPalette.ColorRole.Mid))
        painter.drawRect(bar)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        line = self.fontMetrics().lineSpacing()
        row = QRectF(0, 22, self.width(), line)
        painter.drawText(row.translated(0, line), Qt.AlignmentFlag.AlignHCenter, self._unit)
        span = self._high - self._low
        if span <= 0:
            return
        painter.drawText(row, Qt.AlignmentFlag.AlignLeft, self._ends[0])
        painter.drawText(row, Qt.AlignmentFlag.AlignRight, self._ends[1])
        if self._value is not None:
            x = bar.left() + bar.width() * min(1.0, max(0.0, (self._value - self._low) / span))
            painter.fillRect(QRectF(x - 1.5, 1, 3, 21), Qt.GlobalColor.black)
            painter.fillRect(QRectF(x - 0.5, 2, 1, 19), Qt.GlobalColor.white)


class Panel(QWidget):
    """Emits what the user changes; shows what it is told."""

    map_toggled = Signal(bool)
    opacity_changed = Signal(float)
    upscaler_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.upscaler, self.scale, self.device = ComboBox(), QLabel("–"), QLabel("–")
        self.upscaler.setAccessibleName(tr("Weights"))
        self.upscaler.setSizeAdjustPolicy(
            ComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.upscaler.setMinimumContentsLength(10)
        self.upscaler.textActivated.connect(self.upscaler_chosen)
        self.device.setWordWrap(True)
        facts = QFormLayout()
        facts.setHorizontalSpacing(12)
        facts.setVerticalSpacing(6)
        facts.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        facts.addRow(tr("Weights"), self.upscaler)
        facts.addRow(tr("Scale"), self.scale)
        facts.addRow(tr("Device"), self.device)

        self.map_name = heading("")
        self.shown = QCheckBox()
        self.shown.toggled.connect(self.map_toggled)
        self.opacity = Slider(Qt.Orientation.Horizontal)
        self.opacity.setRange(10, 100)
        self.opacity.setAccessibleName(tr("Opacity of the map"))
        self.opacity.valueChanged.connect(lambda value: self.opacity_changed.emit(value / 100))
        self.legend = Legend()
        self.lines = QLabel()
        self.lines.setWordWrap(True)
        self.under_cursor = QLabel()
        self.under_cursor.setMinimumHeight(self.under_cursor.fontMetrics().height())
        self.under_cursor.setWordWrap(True)
        self.under_cursor.setAlignment(Qt.AlignmentFlag.AlignTop)
        opacity = QFormLayout()
        opacity.setHorizontalSpacing(12)
        opacity.addRow(tr("Opacity"), self.opacity)

        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 14, 14, 14)
        layout.setSpacing(8)
        layout.addWidget(heading(tr("Upscaler")))
        layout.addLayout(facts)
        layout.addSpacing(14)
        layout.addWidget(self.map_name)
        layout.addWidget(self.shown)
        layout.addLayout(opacity)
        layout.addWidget(self.legend)
        layout.addWidget(self.lines)
        layout.addWidget(self.under_cursor)
        layout.addStretch(1)

    def show_upscaler(self, name: str, names: list[str], words: Words) -> None:
        """The weights in use among those there are, and what their map is called."""
        self.upscaler.clear()
        self.upscaler.addItems(names)
        self.upscaler.setCurrentText(name)
        self.map_name.setText(words.name)
        self.shown.setText(words.show)
        self.lines.setText(words.lines)
        self.lines.setVisible(bool(words.lines))
        self._words = words
        self.legend.set_range(0, 0, words.unit, least=0, most=0)
        self.show_value(None, None)

    def show_device(self, scale: int, device: str) -> None:
        """How much larger the picture becomes, and what computes it."""
        self.scale.setText(f"× {scale}")
        self.device.setText(device)

    def show_plan(self, plan: Planned) -> None:
        """The range of the map, as far as it is known."""
        self.legend.set_range(
            plan.low, plan.high, self._words.unit, least=plan.least, most=plan.most
        )

    def show_value(self, value: float | None, place: tuple[int, int] | None) -> None:
        """The map's value under the cursor, at (row, column) of the low-resolution picture."""
        self.legend.set_value(value)
        if value is None:
            self.under_cursor.clear()
            return
        row, column = place
        self.under_cursor.setText(filled(self._words.value, value, column, row))


def heading(text: str) -> QLabel:
    label = QLabel(text)
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    return label
