"""How tests answer what a window asks."""

from PySide6.QtWidgets import QMessageBox, QWidget


def pressed(window: QWidget, words: str) -> None:
    """Press a button of the question that a window asks."""
    boxes = window.findChildren(QMessageBox)
    next(b for box in boxes for b in box.buttons() if b.text() == words).click()
