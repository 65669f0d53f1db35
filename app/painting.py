"""How a picture, its checkerboard, the cells of its map and the split handle are painted."""

from functools import cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPen

from app.camera import Camera
from app.outline import outlined
from app.results import Planned

CHECK = 8  # points a side
CHECKS = "#a4a4a8", "#848488"  # neither white nor black parts of a picture vanish on them
GRIP = 13  # the handle's radius


@cache
def checks() -> QBrush:
    """The checkerboard below transparent pictures."""
    tile = QImage(2 * CHECK, 2 * CHECK, QImage.Format.Format_RGB32)
    tile.fill(QColor(CHECKS[0]))
    painter = QPainter(tile)
    for corner in (0, CHECK):
        painter.fillRect(corner, corner, CHECK, CHECK, QColor(CHECKS[1]))
    painter.end()
    return QBrush(tile)


def paint_checks(painter: QPainter, box: QRectF) -> None:
    """A checkerboard that begins at the top left of a box and moves with it."""
    corner = QPointF(round(box.left()), round(box.top()))
    painter.setBrushOrigin(corner)
    painter.fillRect(box, checks())


def paint_image(painter: QPainter, image: QImage, camera: Camera, pane: QRectF) -> None:
    """Only the part of an image that can be seen, stretched over the picture's extent."""
    seen = camera.seen(pane)
    if seen.isEmpty():
        return
    across = image.width() / camera.picture.width()
    down = image.height() / camera.picture.height()
    left, top = int(seen.left() * across), int(seen.top() * down)
    right = min(image.width(), int(seen.right() * across) + 2)
    bottom = min(image.height(), int(seen.bottom() * down) + 2)
    source = QRectF(left, top, right - left, bottom - top)
    target = QRectF(left / across, top / down, source.width() / across, source.height() / down)
    painter.drawImage(camera.to_screen(target, pane), image, source)


def paint_handle(painter: QPainter, covered: QRectF, x: float) -> None:
    """The line between before and after, as high as the picture, with a grip in its middle."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    top, bottom = QPointF(x, covered.top()), QPointF(x, covered.bottom())
    for pen in (QPen(QColor(0, 0, 0, 90), 3), QPen(QColor("white"), 1.5)):
        painter.setPen(pen)
        painter.drawLine(top, bottom)
    middle = (top + bottom) / 2
    painter.setPen(QPen(QColor(0, 0, 0, 70), 1))
    painter.setBrush(QColor("white"))
    painter.drawEllipse(middle, GRIP, GRIP)
    painter.setPen(QPen(QColor("#55555c"), 1.75))
    for side in (-1, 1):
        tip = middle + QPointF(8 * side, 0)
        painter.drawLine(tip, tip + QPointF(-4 * side, -4))
        painter.drawLine(tip, tip + QPointF(-4 * side, 4))


class Outlines:
    """The lines around the cells that a plan refines, drawn anew only where something has moved."""

    def __init__(self) -> None:
        self._of: tuple[Planned, dict] | None = None
        self._image: QImage | None = None

    def forget(self) -> None:
        self._of = self._image = None

    def paint(
        self, painter: QPainter, plan: Planned, camera: Camera, pane: QRectF, ratio: float
    ) -> None:
        """`ratio` is the screen's pixels per point."""
        corner = (camera.to_screen(QRectF(), pane).topLeft() - pane.topLeft()) * ratio
        shown = {
            "side": plan.side * camera.zoom * ratio,
            "corner": corner.toTuple(),
            "size": (round(pane.width() * ratio), round(pane.height() * ratio)),
        }
        if self._of != (plan, shown):
            self._image = outlined(plan.chosen, **shown)
            self._image.setDevicePixelRatio(ratio)
            self._of = plan, shown
        painter.setClipRect(camera.covered(pane), Qt.ClipOperation.IntersectClip)
        painter.drawImage(pane.topLeft(), self._image)
