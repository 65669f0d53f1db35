"""The line at the bottom: what goes on, how far it is, and a button to end it."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar, QToolButton

from app.figures import duration, percent
from app.language import tr
from app.session import Session

LEAST = 200  # points for the words, however narrow the window is


class Status(QStatusBar):
    """Shows a session; `stop` is the action of its button."""

    def __init__(self, stop: QAction):
        super().__init__()
        self.bar, self.left, self.zoom = QProgressBar(), QLabel(), QLabel()
        self.bar.setFixedWidth(180)
        self.bar.setTextVisible(False)
        self.bar.setMaximumHeight(12)
        self.bar.setAccessibleName(tr("Progress"))
        self.stop = QToolButton()
        self.stop.setDefaultAction(stop)
        self.stop.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.stop.setAutoRaise(True)
        self.zoom.setContentsMargins(8, 0, 12, 0)
        self.zoom.setToolTip(tr("Pixels of the screen for each pixel of the upscaled picture"))
        for widget in (self.bar, self.left, self.stop, self.zoom):
            self.addPermanentWidget(widget)
        self.setSizeGripEnabled(False)
        self._words = ""

    def show_session(self, session: Session) -> None:
        for widget in (self.bar, self.left, self.stop):
            widget.setVisible(session.busy)
        measured = 0 < session.done < 1
        self.bar.setRange(0, 100 if measured else 0)
        self.bar.setValue(round(100 * session.done))
        left = session.timing.left if measured else None
        self.left.setText("" if left is None else tr("{} left").format(duration(left)))
        self._words = session.status
        self._elide()

    def show_zoom(self, zoom: float) -> None:
        """`zoom` is pixels of the screen per pixel of the upscaled picture."""
        self.zoom.setText(percent(zoom, 0 if zoom >= 0.1 else 1))

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        """The words, cut in their middle where the rest leaves them too little room."""
        beside = (self.bar, self.left, self.stop, self.zoom)
        taken = sum(w.sizeHint().width() for w in beside if not w.isHidden())
        room = max(LEAST, self.width() - taken - 40)
        cut = self.fontMetrics().elidedText(self._words, Qt.TextElideMode.ElideMiddle, room)
        self.showMessage(cut)
        self.setToolTip(self._words if cut != self._words else "")
