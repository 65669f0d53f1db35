"""The viewer: pan, zoom, compare, and the map on top. It paints what is in the canvas."""

from enum import Enum

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPalette, QPen
from PySide6.QtWidgets import QWidget

from app.outline import outlined
from app.worker import Opened, Planned
from engine.tiling import Region

LARGEST_ZOOM = 32.0
FRAME = 33  # ms between two paints while strips arrive
HANDLE = 12  # px around the split line that take hold of it


class Mode(Enum):
    """What is shown of the original."""

    FULL = "full"
    SPLIT = "split"
    SIDE = "side"


class Viewer(QWidget):
    """Coordinates are those of the upscaled picture; `zoom` is screen points per pixel of it."""

    hovered = Signal(object)  # (row, column) of the low-resolution pixel under the cursor, or None
    moved = Signal()  # another part of the picture is visible

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.mode = Mode.SPLIT
        self.zoom = 1.0
        self.centre = QPointF()
        self.fitted = True
        self.split = 0.5
        self.map_shown = False
        self.opacity = 0.6
        self.original_held = False
        self._opened: Opened | None = None
        self._plan: Planned | None = None
        self._outline_of: tuple[Planned, dict] | None = None
        self._outline_image: QImage | None = None
        self._grip: QPointF | None = None
        self._splitting = False
        self._dirty = QRectF()
        self._frame = QTimer(self, interval=FRAME, singleShot=True)
        self._frame.timeout.connect(self._paint_dirty)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Picture"))
        self.setMinimumSize(240, 180)

    # --- what is shown -------------------------------------------------------------------------

    def show_picture(self, opened: Opened) -> None:
        self._opened, self._plan = opened, None
        self.fit()

    def show_plan(self, plan: Planned | None) -> None:
        self._plan = plan
        if self.map_shown:
            self.update()

    def show_region(self, region: Region) -> None:
        """A region of the canvas has changed: paint it, at most once a frame."""
        box = QRectF(region.left, region.top, region.width, region.height)
        self._dirty = self._dirty.united(box)
        if not self._frame.isActive():
            self._frame.start()

    def set_mode(self, mode: Mode) -> None:
        self.mode = mode
        self.fit() if self.fitted else self._moved()

    def set_map(self, shown: bool) -> None:
        self.map_shown = shown
        self.update()

    def set_opacity(self, opacity: float) -> None:
        self.opacity = opacity
        self.update()

    def hold_original(self, held: bool) -> None:
        self.original_held = held
        self.update()

    # --- geometry ------------------------------------------------------------------------------

    @property
    def size_shown(self) -> tuple[int, int]:
        """(height, width) of the upscaled picture."""
        return self._opened.canvas.out.shape[:2]

    def panes(self) -> list[QRectF]:
        """Where pictures are painted: one pane, or two beside each other."""
        whole = QRectF(self.rect())
        if self.mode is not Mode.SIDE:
            return [whole]
        half = (whole.width() - 1) / 2
        right = QRectF(whole.left() + half + 1, 0, half, whole.height())
        return [QRectF(0, 0, half, whole.height()), right]

    def fit(self) -> None:
        """The whole picture, no larger than one picture pixel per screen pixel... or smaller."""
        if self._opened is None:
            return
        height, width = self.size_shown
        pane = self.panes()[0]
        margin = 24
        room = max(pane.width() - margin, 1) / width, max(pane.height() - margin, 1) / height
        self.zoom, self.centre, self.fitted = min(room), QPointF(width / 2, height / 2), True
        self._moved()

    def actual_size(self) -> None:
        """One picture pixel on one screen pixel, whatever the screen's density."""
        if self._opened is not None:
            self._zoom_to(1 / self.devicePixelRatioF(), QRectF(self.panes()[0]).center())

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        if self._opened is not None:
            self._zoom_to(self.zoom * factor, at or self.panes()[0].center())

    def _zoom_to(self, zoom: float, at: QPointF) -> None:
        """Zoom so that the picture's point under `at` stays there."""
        pane = self._pane_at(at)
        before = self._to_picture(at, pane)
        height, width = self.size_shown
        smallest = min(0.05, 100 / max(height, width))
        self.zoom = min(LARGEST_ZOOM, max(smallest, zoom))
        self.centre = before - (at - pane.center()) / self.zoom
        self.fitted = False
        self._moved()

    def _pane_at(self, at: QPointF) -> QRectF:
        return next((pane for pane in self.panes() if pane.contains(at)), self.panes()[0])

    def _to_picture(self, at: QPointF, pane: QRectF) -> QPointF:
        return self.centre + (at - pane.center()) / self.zoom

    def _to_screen(self, box: QRectF, pane: QRectF) -> QRectF:
        corner = pane.center() + (box.topLeft() - self.centre) * self.zoom
        return QRectF(corner, box.size() * self.zoom)

    def _moved(self) -> None:
        """Keep the picture in sight, paint, and tell."""
        height, width = self.size_shown
        x = min(max(self.centre.x(), 0), width)
        y = min(max(self.centre.y(), 0), height)
        self.centre = QPointF(x, y)
        self.update()
        self.moved.emit()

    def visible(self) -> Region | None:
        """The part of the low-resolution picture that is on the screen; None for all of it."""
        if self._opened is None:
            return None
        height, width = self.size_shown
        pane = self.panes()[-1]
        top_left, bottom_right = (
            self._to_picture(p, pane) for p in (pane.topLeft(), pane.bottomRight())
        )
        scale = self._opened.scale
        rows, columns = height // scale, width // scale
        region = Region(
            min(max(0, int(top_left.y()) // scale), rows - 1),
            max(1, min(rows, -(-int(bottom_right.y() + 1) // scale))),
            min(max(0, int(top_left.x()) // scale), columns - 1),
            max(1, min(columns, -(-int(bottom_right.x() + 1) // scale))),
        )
        whole = region == Region(0, rows, 0, columns)
        return None if whole or region.height < 1 or region.width < 1 else region

    # --- painting ------------------------------------------------------------------------------

    def _paint_dirty(self) -> None:
        if self._opened is not None:
            for pane in self.panes():
                self.update(
                    self._to_screen(self._dirty, pane).toAlignedRect().adjusted(-2, -2, 2, 2)
                )
        self._dirty = QRectF()

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), self._surround())
        if self._opened is None:
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        panes = self.panes()
        if self.mode is Mode.SIDE:
            self._paint_pane(painter, panes[0], original=True, clip=panes[0])
            self._paint_pane(painter, panes[1], original=self.original_held, clip=panes[1])
            painter.fillRect(QRectF(panes[0].right(), 0, 1, self.height()), self._line())
            return
        line = self._split_x()
        if self.mode is Mode.SPLIT and not self.original_held:
            left = QRectF(0, 0, line, self.height())
            right = QRectF(line, 0, self.width() - line, self.height())
            self._paint_pane(painter, panes[0], original=True, clip=left)
            self._paint_pane(painter, panes[0], original=False, clip=right)
            self._paint_handle(painter, line)
        else:
            self._paint_pane(painter, panes[0], original=self.original_held, clip=panes[0])

    def _paint_pane(self, painter: QPainter, pane: QRectF, *, original: bool, clip: QRectF) -> None:
        """The original or the upscaled picture in its pane, as far as `clip` reaches."""
        painter.save()
        painter.setClipRect(clip)
        if original:
            self._paint_image(painter, self._opened.original, pane)
        else:
            canvas = self._opened.canvas
            level = canvas.level(self.zoom * self.devicePixelRatioF())
            self._paint_image(painter, canvas.images[level], pane)
            if self.map_shown and self._plan is not None:
                self._paint_map(painter, pane)
        painter.restore()

    def _paint_map(self, painter: QPainter, pane: QRectF) -> None:
        """The map's colours, and lines around the cells that are refined."""
        plan = self._plan
        if plan.overlay is not None:
            painter.setOpacity(self.opacity)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            self._paint_image(painter, plan.overlay, pane)
        if plan.chosen is not None:
            height, width = self.size_shown
            painter.setOpacity(1.0)
            painter.setClipRect(
                self._to_screen(QRectF(0, 0, width, height), pane),
                Qt.ClipOperation.IntersectClip,
            )
            painter.drawImage(pane.topLeft(), self._outline(plan, pane))

    def _outline(self, plan: Planned, pane: QRectF) -> QImage:
        """The lines for a pane, drawn anew only where something has moved."""
        ratio = self.devicePixelRatioF()
        corner = (self._to_screen(QRectF(), pane).topLeft() - pane.topLeft()) * ratio
        size = round(pane.width() * ratio), round(pane.height() * ratio)
        shown = {
            "side": plan.side * self.zoom * ratio,
            "corner": corner.toTuple(),
            "size": size,
        }
        if self._outline_of != (plan, shown):
            self._outline_image = outlined(plan.chosen, **shown)
            self._outline_image.setDevicePixelRatio(ratio)
            self._outline_of = plan, shown
        return self._outline_image

    def _paint_image(self, painter: QPainter, image: QImage, pane: QRectF) -> None:
        """Only the part of an image that can be seen, stretched over the picture's extent."""
        height, width = self.size_shown
        seen = QRectF(
            self._to_picture(pane.topLeft(), pane), self._to_picture(pane.bottomRight(), pane)
        ).intersected(QRectF(0, 0, width, height))
        if seen.isEmpty():
            return
        across, down = image.width() / width, image.height() / height
        left, top = int(seen.left() * across), int(seen.top() * down)
        right = min(image.width(), int(seen.right() * across) + 2)
        bottom = min(image.height(), int(seen.bottom() * down) + 2)
        source = QRectF(left, top, right - left, bottom - top)
        target = QRectF(left / across, top / down, source.width() / across, source.height() / down)
        painter.drawImage(self._to_screen(target, pane), image, source)

    def _split_x(self) -> float:
        return round(self.width() * self.split)

    def _paint_handle(self, painter: QPainter, x: float) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(0, 0, 0, 90), 3))
        painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
        painter.setPen(QPen(QColor("white"), 1.5))
        painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
        middle = QPointF(x, self.height() / 2)
        painter.setPen(QPen(QColor(0, 0, 0, 70), 1))
        painter.setBrush(QColor("white"))
        painter.drawEllipse(middle, 13, 13)
        painter.setPen(QPen(QColor("#55555c"), 1.75))
        for side in (-1, 1):
            tip = middle + QPointF(8 * side, 0)
            painter.drawLine(tip, tip + QPointF(-4 * side, -4))
            painter.drawLine(tip, tip + QPointF(-4 * side, 4))

    def _surround(self) -> QColor:
        return self.palette().color(QPalette.ColorRole.AlternateBase)

    def _line(self) -> QColor:
        return self.palette().color(QPalette.ColorRole.Mid)

    # --- mouse and keys ------------------------------------------------------------------------

    def mousePressEvent(self, event) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._opened is None:
            return
        self._splitting = self._on_handle(event.position())
        self._grip = event.position()
        if not self._splitting:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event) -> None:
        at = event.position()
        if self._grip is None:
            over = (
                Qt.CursorShape.SplitHCursor if self._on_handle(at) else Qt.CursorShape.ArrowCursor
            )
            self.setCursor(over)
        elif self._splitting:
            self.split = min(1.0, max(0.0, at.x() / max(1, self.width())))
            self.update()
        else:
            self.centre -= (at - self._grip) / self.zoom
            self.fitted, self._grip = False, at
            self._moved()
        self._hover(at)

    def mouseReleaseEvent(self, event) -> None:
        self._grip, self._splitting = None, False
        self.unsetCursor()

    def mouseDoubleClickEvent(self, event) -> None:
        self.actual_size() if self.fitted else self.fit()

    def leaveEvent(self, event) -> None:
        self.hovered.emit(None)

    def wheelEvent(self, event) -> None:
        self.zoom_by(1.0015 ** event.angleDelta().y(), event.position())

    def event(self, event) -> bool:
        pinched = event.type() == event.Type.NativeGesture
        if pinched and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self.zoom_by(1 + event.value(), event.position())
            return True
        return super().event(event)

    def keyPressEvent(self, event) -> None:
        steps = {
            Qt.Key.Key_Left: QPointF(-60, 0),
            Qt.Key.Key_Right: QPointF(60, 0),
            Qt.Key.Key_Up: QPointF(0, -60),
            Qt.Key.Key_Down: QPointF(0, 60),
        }
        if event.key() in steps and self._opened is not None:
            self.centre += steps[event.key()] / self.zoom
            self.fitted = False
            self._moved()
        elif event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.hold_original(True)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.hold_original(False)
        else:
            super().keyReleaseEvent(event)

    def resizeEvent(self, event) -> None:
        if self.fitted:
            self.fit()
        elif self._opened is not None:
            self._moved()

    def _on_handle(self, at: QPointF) -> bool:
        return self.mode is Mode.SPLIT and abs(at.x() - self._split_x()) <= HANDLE

    def _hover(self, at: QPointF) -> None:
        """Tell which low-resolution pixel lies under the cursor."""
        if self._opened is None:
            return
        point = self._to_picture(at, self._pane_at(at)) / self._opened.scale
        row, column = int(point.y() // 1), int(point.x() // 1)
        height, width = (n // self._opened.scale for n in self.size_shown)
        inside = 0 <= row < height and 0 <= column < width
        self.hovered.emit((row, column) if inside else None)
