"""What the window shows before a picture is open."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIcon, QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.language import tr
from app.look import ASSETS, breakable


class Welcome(QWidget):
    """The icon, one sentence, and two ways to begin."""

    open_asked = Signal()
    sample_asked = Signal()

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.setBackgroundRole(QPalette.ColorRole.AlternateBase)
        self.setAutoFillBackground(True)
        picture = QLabel()
        picture.setPixmap(QIcon(str(ASSETS / "icon.svg")).pixmap(112, 112))
        title = QLabel(tr("Drop a photo here"))
        font = title.font()
        font.setPointSizeF(font.pointSizeF() * 1.8)
        font.setBold(True)
        title.setFont(font)
        self.hint = hint = QLabel()
        hint.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.open_button = QPushButton(tr("Open…"))
        self.open_button.setDefault(True)
        self.sample_button = QPushButton(tr("Try the sample"))
        self.open_button.clicked.connect(self.open_asked)
        self.sample_button.clicked.connect(self.sample_asked)
        buttons = QHBoxLayout()
        buttons.setSpacing(10)
        buttons.addStretch(1)
        for button in (self.open_button, self.sample_button):
            button.setMinimumSize(132, 34)
            buttons.addWidget(button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.addStretch(3)
        column.addWidget(picture, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(18)
        column.addWidget(title, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(6)
        column.addWidget(hint, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(22)
        column.addLayout(buttons)
        column.addStretch(4)

    def show_scale(self, scale: int) -> None:
        """How much the weights in use enlarge."""
        hints = {
            2: tr("Fovea makes it twice as large and shows where the work goes."),
            3: tr("Fovea makes it three times as large and shows where the work goes."),
            4: tr("Fovea makes it four times as large and shows where the work goes."),
        }
        other = tr("Fovea makes it {} times as large and shows where the work goes.")
        self.hint.setText(hints.get(scale, other.format(scale)))


class Blank(QLabel):
    """A sentence where a picture is going to be."""

    def __init__(self) -> None:
        super().__init__()
        self.setBackgroundRole(QPalette.ColorRole.AlternateBase)
        self.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.setAutoFillBackground(True)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setMargin(24)
        self.setMinimumWidth(1)

    def show_words(self, words: str) -> None:
        self.setText(breakable(words))
