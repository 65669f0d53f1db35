"""The viewer: pan, zoom, compare, and the map on top. It paints what is in the canvas."""

from enum import Enum

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QPainter, QPalette
from PySide6.QtWidgets import QWidget

from app.camera import Camera
from app.language import tr
from app.painting import Outlines, paint_checks, paint_handle, paint_image
from app.results import Opened, Planned
from engine.tiling import Region

FRAME = 33  # ms between two paints while strips arrive
HANDLE = 12  # points around the split line that take hold of it
STEP = 60  # points that an arrow key pans


class Mode(Enum):
    """What is shown of the original."""

    FULL = "full"
    SPLIT = "split"
    SIDE = "side"


class Viewer(QWidget):
    """Shows a picture through a camera; holds what is shown, and how."""

    hovered = Signal(object)  # (row, column) of the low-resolution pixel under the cursor, or None
    moved = Signal()  # another part of the picture is visible

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.camera = Camera()
        self.mode = Mode.SPLIT
        self.map_shown = False
        self.opacity = 0.6
        self.original_held = False
        self._opened: Opened | None = None
        self._plan: Planned | None = None
        self._outlines = Outlines()
        self._grip: QPointF | None = None
        self._splitting = False
        self._dirty = QRectF()
        self._frame = QTimer(self, interval=FRAME, singleShot=True)
        self._frame.timeout.connect(self._paint_dirty)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Picture"))
        self.setMinimumSize(200, 120)

    # --- what is shown -------------------------------------------------------------------------

    def show_picture(self, opened: Opened) -> None:
        self._opened, self._plan = opened, None
        height, width = opened.canvas.out.shape[:2]
        self.camera.picture = QSizeF(width, height)
        self.fit()

    def show_plan(self, plan: Planned | None) -> None:
        self._plan = plan
        self._outlines.forget()
        if self.map_shown:
            self.update()

    def show_region(self, region: Region) -> None:
        """A region of the canvas has changed: paint it, at most once a frame."""
        box = QRectF(region.left, region.top, region.width, region.height)
        self._dirty = self._dirty.united(box)
        if not self._frame.isActive():
            self._frame.start()

    def set_mode(self, mode: Mode) -> None:
        self.mode, self.camera.paired = mode, mode is Mode.SIDE
        self.camera.resize(QSizeF(self.size()))
        self._moved()

    def set_map(self, shown: bool) -> None:
        self.map_shown = shown
        self.update()

    def set_opacity(self, opacity: float) -> None:
        self.opacity = opacity
        self.update()

    def hold_original(self, held: bool) -> None:
        self.original_held = held
        self.update()

    # --- moves ---------------------------------------------------------------------------------

    @property
    def zoom(self) -> float:
        """Screen points per pixel of the upscaled picture."""
        return self.camera.zoom

    @property
    def fitted(self) -> bool:
        return self.camera.fitted

    def fit(self) -> None:
        self.camera.fit()
        self._moved()

    def actual_size(self) -> None:
        """One picture pixel on one screen pixel, whatever the screen's density."""
        self.camera.zoom_to(1 / self.devicePixelRatioF())
        self._moved()

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        self.camera.zoom_to(self.zoom * factor, at)
        self._moved()

    def visible(self) -> Region | None:
        """The part of the low-resolution picture that is on the screen; None for all of it."""
        return None if self._opened is None else self.camera.region(self._opened.scale)

    def _moved(self) -> None:
        self.update()
        if self._opened is not None:
            self.moved.emit()

    # --- painting ------------------------------------------------------------------------------

    def _paint_dirty(self) -> None:
        for pane in self.camera.panes:
            box = self.camera.to_screen(self._dirty, pane).intersected(pane)
            self.update(box.toAlignedRect().adjusted(-2, -2, 2, 2))
        self._dirty = QRectF()

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), self.palette().color(QPalette.ColorRole.AlternateBase))
        if self._opened is None:
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        panes, height = self.camera.panes, self.height()
        if self.mode is Mode.SIDE:
            line = QRectF(panes[0].right(), 0, 1, height)
            self._paint_pane(painter, panes[0], original=True, clip=panes[0])
            self._paint_pane(painter, panes[1], original=self.original_held, clip=panes[1])
            painter.fillRect(line, self.palette().color(QPalette.ColorRole.Mid))
        elif self.mode is Mode.SPLIT and not self.original_held:
            x = self.camera.line
            before, after = QRectF(0, 0, x, height), QRectF(x, 0, self.width() - x, height)
            self._paint_pane(painter, panes[0], original=True, clip=before)
            self._paint_pane(painter, panes[0], original=False, clip=after)
            paint_handle(painter, self.camera.covered(panes[0]), x)
        else:
            self._paint_pane(painter, panes[0], original=self.original_held, clip=panes[0])

    def _paint_pane(self, painter: QPainter, pane: QRectF, *, original: bool, clip: QRectF) -> None:
        """The original or the upscaled picture in its pane, as far as `clip` reaches."""
        painter.save()
        painter.setClipRect(clip)
        if original:
            self._paint_picture(painter, self._opened.original, pane)
        else:
            canvas = self._opened.canvas
            level = canvas.level(self.zoom * self.devicePixelRatioF())
            self._paint_picture(painter, canvas.images[level], pane)
            if self.map_shown and self._plan is not None:
                self._paint_map(painter, self._plan, pane)
        painter.restore()

    def _paint_picture(self, painter: QPainter, image: QImage, pane: QRectF) -> None:
        if image.hasAlphaChannel():
            paint_checks(painter, self.camera.covered(pane))
        paint_image(painter, image, self.camera, pane)

    def _paint_map(self, painter: QPainter, plan: Planned, pane: QRectF) -> None:
        """The map's colours, and lines around the cells that are refined."""
        if plan.overlay is not None:
            painter.setOpacity(self.opacity)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            paint_image(painter, plan.overlay, self.camera, pane)
        if plan.chosen is not None:
            painter.setOpacity(1.0)
            self._outlines.paint(painter, plan, self.camera, pane, self.devicePixelRatioF())

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
            self.camera.move_line(at.x())
            self.update()
        else:
            self.camera.pan(at - self._grip)
            self._grip = at
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
            Qt.Key.Key_Left: QPointF(STEP, 0),
            Qt.Key.Key_Right: QPointF(-STEP, 0),
            Qt.Key.Key_Up: QPointF(0, STEP),
            Qt.Key.Key_Down: QPointF(0, -STEP),
        }
        step = steps.get(event.key())
        if step is not None and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.camera.move_line(self.camera.line - step.x())
            self.update()
        elif step is not None and self._opened is not None:
            self.camera.pan(step)
            self._moved()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event) -> None:
        self.camera.resize(QSizeF(self.size()))
        self._moved()

    def _on_handle(self, at: QPointF) -> bool:
        if self.mode is not Mode.SPLIT or self._opened is None:
            return False
        covered = self.camera.covered(self.camera.panes[0])
        near = QRectF(self.camera.line, covered.top(), 0, covered.height())
        return near.adjusted(-HANDLE, -HANDLE, HANDLE, HANDLE).contains(at)

    def _hover(self, at: QPointF) -> None:
        """Tell which low-resolution pixel lies under the cursor."""
        if self._opened is None:
            return
        scale = self._opened.scale
        point = self.camera.to_picture(at, self.camera.pane_at(at)) / scale
        row, column = int(point.y() // 1), int(point.x() // 1)
        height, width = self._opened.picture.size
        inside = 0 <= row < height and 0 <= column < width
        self.hovered.emit((row, column) if inside else None)
