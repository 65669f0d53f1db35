"""What goes wrong: one sentence in the window, or a traceback that can be copied."""

import sys
import traceback

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMessageBox, QToolButton, QWidget

from app.language import tr
from app.look import breakable


class Notice(QFrame):
    """A bar above the picture with a sentence, until it is closed or something is opened."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.setAutoFillBackground(True)
        colours = self.palette()
        colours.setColor(QPalette.ColorRole.Window, QColor("#b3372f"))
        colours.setColor(QPalette.ColorRole.WindowText, QColor("white"))
        colours.setColor(QPalette.ColorRole.ButtonText, QColor("white"))
        self.setPalette(colours)
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.label.setMinimumWidth(1)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        copy = QAction(tr("Copy"), self.label)
        copy.triggered.connect(lambda: QGuiApplication.clipboard().setText(self._sentence))
        self.label.addAction(copy)
        self.label.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self._sentence = ""
        close = QToolButton()
        close.setText("✕")
        close.setAutoRaise(True)
        close.setAccessibleName(tr("Close this message"))
        close.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 8, 8)
        row.addWidget(self.label, 1)
        row.addWidget(close)
        self.hide()

    def show_sentence(self, sentence: str) -> None:
        self._sentence = sentence
        self.label.setText(breakable(sentence))
        self.label.setAccessibleName(sentence)
        self.show()


def show_traceback(text: str, parent: QWidget | None = None) -> QMessageBox:
    """A dialog with the details to copy; the program goes on."""
    words = tr("Something unexpected happened. Fovea goes on; please report the details below.")
    close = QMessageBox.StandardButton.Close
    box = QMessageBox(QMessageBox.Icon.Warning, "Fovea", words, close, parent)
    box.setDetailedText(text)
    box.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
    return box


def catch_all(parent: QWidget) -> None:
    """Show what no code has caught instead of dying from it."""

    def hook(kind, error, trace) -> None:
        sys.__excepthook__(kind, error, trace)
        show_traceback("".join(traceback.format_exception(kind, error, trace)), parent)

    sys.excepthook = hook
