"""The side panel: which upscaler runs where, and the map's opacity and legend."""

import numpy as np
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPalette
from PySide6.QtWidgets import QCheckBox, QFormLayout, QLabel, QSlider, QVBoxLayout, QWidget

from app.canvas import image_of
from engine.colour import colourise

WIDTH = 232


class Legend(QWidget):
    """A bar from 0 to the largest value, its unit, and a mark at the value under the cursor."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        ramp = np.tile(np.linspace(0, 1, 256, dtype=np.float32), (4, 1))
        self._bar: QImage = image_of(np.ascontiguousarray(colourise(ramp, 0, 1)))
        self._high, self._unit = 0.0, ""
        self._value: float | None = None
        self.setFixedHeight(46)
        self.setAccessibleName(self.tr("Legend of the map"))

    def set_range(self, high: float, unit: str) -> None:
        self._high, self._unit = high, unit
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
        row = QRectF(0, 22, self.width(), 20)
        painter.drawText(row, Qt.AlignmentFlag.AlignLeft, "0")
        painter.drawText(row, Qt.AlignmentFlag.AlignHCenter, self._unit)
        if self._high:
            painter.drawText(row, Qt.AlignmentFlag.AlignRight, f"{self._high:g}")
        if self._value is not None and self._high:
            x = bar.left() + bar.width() * min(1.0, self._value / self._high)
            painter.fillRect(QRectF(x - 1.5, 1, 3, 21), Qt.GlobalColor.black)
            painter.fillRect(QRectF(x - 0.5, 2, 1, 19), Qt.GlobalColor.white)


class Panel(QWidget):
    """Emits what the user changes; shows what it is told."""

    map_toggled = Signal(bool)
    opacity_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.setFixedWidth(WIDTH)
        self.upscaler, self.scale, self.device = QLabel("–"), QLabel("–"), QLabel("–")
        self.upscaler.setWordWrap(True)
        self.device.setWordWrap(True)
        facts = QFormLayout()
        facts.setHorizontalSpacing(12)
        facts.setVerticalSpacing(6)
        facts.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        facts.addRow(self.tr("Weights"), self.upscaler)
        facts.addRow(self.tr("Scale"), self.scale)
        facts.addRow(self.tr("Device"), self.device)

        self.shown = QCheckBox(self.tr("Show where the work goes"))
        self.shown.toggled.connect(self.map_toggled)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(10, 100)
        self.opacity.setAccessibleName(self.tr("Opacity of the map"))
        self.opacity.valueChanged.connect(lambda value: self.opacity_changed.emit(value / 100))
        self.legend = Legend()
        self.under_cursor = QLabel()
        self.under_cursor.setMinimumHeight(self.under_cursor.fontMetrics().height() * 2)
        self.under_cursor.setAlignment(Qt.AlignmentFlag.AlignTop)
        opacity = QFormLayout()
        opacity.setHorizontalSpacing(12)
        opacity.addRow(self.tr("Opacity"), self.opacity)

        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(10)
        layout.addWidget(heading(self.tr("Upscaler")))
        layout.addLayout(facts)
        layout.addSpacing(14)
        layout.addWidget(heading(self.tr("Depth map")))
        layout.addWidget(self.shown)
        layout.addLayout(opacity)
        layout.addWidget(self.legend)
        layout.addWidget(self.under_cursor)
        layout.addStretch(1)

    def show_value(self, value: float | None, place: tuple[int, int] | None) -> None:
        """The map's value under the cursor, at (row, column) of the low-resolution picture."""
        self.legend.set_value(value)
        if value is None:
            self.under_cursor.clear()
            return
        row, column = place
        self.under_cursor.setText(self.tr("{:.1f} blocks at {}, {}").format(value, column, row))


def heading(text: str) -> QLabel:
    label = QLabel(text)
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    return label
