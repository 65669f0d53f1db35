"""What is seen of a picture, and where: zoom, centre, panes, and the line between before and after.

Screen coordinates are points of the viewer; picture coordinates are pixels of the upscaled picture.
"""

from PySide6.QtCore import QPointF, QRectF, QSizeF

from engine.tiling import Region

LARGEST_ZOOM = 32.0
MARGIN = 24  # points around a picture that is fitted


class Camera:
    """`zoom` is screen points per pixel of the picture, `centre` the pixel amid each pane.

    `paired`: two panes beside each other, else one. `split` 0..1 is where the line between before
    and after stands, as a share of the part of the picture that can be seen.
    """

    def __init__(self) -> None:
        self.picture = QSizeF()
        self.view = QSizeF()
        self.paired = False
        self.zoom = 1.0
        self.centre = QPointF()
        self.fitted = True
        self.split = 0.5

    # --- panes ---------------------------------------------------------------------------------

    @property
    def panes(self) -> list[QRectF]:
        """Where the picture is painted: one pane, or two beside each other."""
        width, height = self.view.width(), self.view.height()
        if not self.paired:
            return [QRectF(0, 0, width, height)]
        half = (width - 1) / 2
        return [QRectF(0, 0, half, height), QRectF(half + 1, 0, half, height)]

    def pane_at(self, at: QPointF) -> QRectF:
        panes = self.panes
        return next((pane for pane in panes if pane.contains(at)), panes[0])

    # --- moves ---------------------------------------------------------------------------------

    def resize(self, view: QSizeF) -> None:
        self.view = view
        self.fit() if self.fitted else self._keep()

    def fit(self) -> None:
        """The whole picture."""
        pane = self.panes[0]
        across = max(pane.width() - MARGIN, 1) / max(self.picture.width(), 1)
        down = max(pane.height() - MARGIN, 1) / max(self.picture.height(), 1)
        self.zoom, self.fitted = min(across, down), True
        self.centre = QPointF(self.picture.width() / 2, self.picture.height() / 2)

    def zoom_to(self, zoom: float, at: QPointF | None = None) -> None:
        """Zoom so that the picture's point under `at`, or amid the pane, stays there."""
        pane = self.panes[0] if at is None else self.pane_at(at)
        at = pane.center() if at is None else at
        before = self.to_picture(at, pane)
        longest = max(self.picture.width(), self.picture.height(), 1)
        self.zoom = min(LARGEST_ZOOM, max(min(0.05, 100 / longest), zoom))
        self.centre = before - (at - pane.center()) / self.zoom
        self.fitted = False
        self._keep()

    def pan(self, by: QPointF) -> None:
        """Move the picture by so many points of the screen."""
        self.centre -= by / self.zoom
        self.fitted = False
        self._keep()

    def _keep(self) -> None:
        """Keep the picture in sight."""
        x = min(max(self.centre.x(), 0.0), self.picture.width())
        y = min(max(self.centre.y(), 0.0), self.picture.height())
        self.centre = QPointF(x, y)

    # --- screen and picture --------------------------------------------------------------------

    def to_picture(self, at: QPointF, pane: QRectF) -> QPointF:
        return self.centre + (at - pane.center()) / self.zoom

    def to_screen(self, box: QRectF, pane: QRectF) -> QRectF:
        corner = pane.center() + (box.topLeft() - self.centre) * self.zoom
        return QRectF(corner, box.size() * self.zoom)

    def seen(self, pane: QRectF) -> QRectF:
        """The part of the picture that a pane shows, in the picture's pixels."""
        corners = self.to_picture(pane.topLeft(), pane), self.to_picture(pane.bottomRight(), pane)
        return QRectF(*corners).intersected(QRectF(QPointF(), self.picture))

    def covered(self, pane: QRectF) -> QRectF:
        """The part of a pane that the picture covers, in points of the screen."""
        return self.to_screen(QRectF(QPointF(), self.picture), pane).intersected(pane)

    def region(self, scale: int) -> Region | None:
        """The seen part in pixels of a picture `scale` times smaller; None for all of it."""
        rows, columns = int(self.picture.height()) // scale, int(self.picture.width()) // scale
        if not rows or not columns:
            return None
        seen = self.seen(self.panes[-1])
        region = Region(
            min(max(0, int(seen.top()) // scale), rows - 1),
            max(1, min(rows, -(-int(seen.bottom() + 1) // scale))),
            min(max(0, int(seen.left()) // scale), columns - 1),
            max(1, min(columns, -(-int(seen.right() + 1) // scale))),
        )
        return None if region == Region(0, rows, 0, columns) else region

    # --- the line between before and after -----------------------------------------------------

    @property
    def line(self) -> float:
        """Where the line stands on the screen."""
        covered = self.covered(self.panes[0])
        return float(round(covered.left() + self.split * covered.width()))

    def move_line(self, x: float) -> None:
        """Move the line to `x` on the screen, or as near as the picture reaches."""
        covered = self.covered(self.panes[0])
        if covered.width() > 0:
            self.split = min(1.0, max(0.0, (x - covered.left()) / covered.width()))
