"""Calls from Python into Qt keep the books: no reference is lost, none is left over."""

import sys

import pytest
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, QRectF, QSettings, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from PySide6.QtTest import QTest

from app.program import application
from app.session import Session
from app.window import MainWindow

PAINTS = 300
SLACK = 100  # references that come and go with what else lives

pytestmark = pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="None is immortal there: no reference to it can be lost"
)


def test_painters_keep_the_references_to_none(qapp):
    image, pen = QImage(64, 64, QImage.Format.Format_RGB32), QPen(QColor("white"))
    painter = QPainter(image)
    before = sys.getrefcount(None)
    for _ in range(PAINTS):
        painter.setPen(pen)
        painter.save()
        painter.setClipRect(QRectF(0, 0, 32, 32))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(QRectF(0, 0, 16, 16), QColor("black"))
        painter.drawLine(QPointF(0, 0), QPointF(32, 32))
        painter.restore()
    after = sys.getrefcount(None)
    painter.end()
    assert abs(after - before) < SLACK


def test_the_window_keeps_the_references_to_none(qtbot, weights, tmp_path, drawn_pixels):
    application()
    QSettings("Fovea", "Fovea").clear()
    Image.fromarray(drawn_pixels(45, 60)).save(tmp_path / "photo.png")
    window = MainWindow(Session("tiny"))
    qtbot.addWidget(window)
    window.show()
    session, viewer = window.session, window.viewer
    session.open(tmp_path / "photo.png")
    qtbot.waitUntil(lambda: session.done == 1 and not session.busy, timeout=30_000)

    def move(step: int) -> None:
        QTest.mouseMove(viewer, QPoint(50 + step % 300, 50 + step % 200))
        QTest.keyClick(viewer, (Qt.Key.Key_Left, Qt.Key.Key_Right)[step % 2])
        window.actions_of["map"].setChecked(step % 3 == 0)
        window.actions_of[("full", "split", "side")[step % 3]].setChecked(True)
        window.repaint()

    for step in range(10):  # what is kept from the first time on
        move(step)
    before = sys.getrefcount(None)
    for step in range(PAINTS):
        move(step)
    after = sys.getrefcount(None)
    window.close()
    assert abs(after - before) < SLACK
