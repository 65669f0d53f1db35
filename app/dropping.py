"""The frame that shows where a drop goes."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPalette, QPen
from PySide6.QtWidgets import QWidget


class DropFrame(QWidget):
    """Lies over a widget while something is dragged above it that it would take."""

    def __init__(self, over: QWidget):
        super().__init__(over)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_over(self) -> None:
        self.resize(self.parentWidget().size())
        self.raise_()
        self.show()

    def paintEvent(self, event) -> None:
        colour = self.palette().color(QPalette.ColorRole.Highlight)
        ground = QColor(colour)
        ground.setAlphaF(0.16)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colour, 3))
        painter.setBrush(ground)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(6, 6, -6, -6), 10, 10)
