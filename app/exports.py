"""What is asked and told about exports: of the picture, of all files on the strip, when leaving."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMessageBox, QWidget

from app.asking import file_to_write, question
from app.batch import OUTPUT, Order
from app.film import Phase
from app.language import tr
from app.session import Session
from app.sheet import ExportSheet
from app.words import shortened


class Exports(QObject):
    """Asks above `window`; the session does the work."""

    def __init__(self, window: QWidget, session: Session):
        super().__init__(window)
        self._window, self._session = window, session
        self.sheet: ExportSheet | None = None
        self._question: QMessageBox | None = None

    # --- the picture that is looked at ---------------------------------------------------------

    def ask_one(self) -> None:
        session = self._session
        answer = (
            None if session.picture is None else file_to_write(self._window, session.suggestion())
        )
        if answer is None:
            return
        path, confirmed = answer
        source = session.picture.path
        if source is not None and same_file(path, source):
            session.failed.emit(tr("That is the source itself; choose another name."))
        elif confirmed or not path.exists():
            session.export(path)
        else:
            question(
                self._window,
                tr("{} exists already.").format(shortened(path.name)),
                tr("Replacing it loses what it holds now."),
                verb=tr("Replace"),
                other=tr("Cancel"),
                then=lambda: session.export(path),
            )

    # --- all files on the strip ----------------------------------------------------------------

    def ask_all(self) -> None:
        session, film = self._session, self._session.film
        if not film.items or film.phase is not Phase.IDLE:
            return
        beside = film.items[0].source.parents[len(film.items[0].place.parts) - 1]
        self.sheet = ExportSheet(
            film.items,
            session.batch,
            film.order.folder if film.order else beside / OUTPUT,
            scale=session.scale,
            seconds_per_pixel=session.seconds_per_pixel,
            parent=self._window,
        )
        self.sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.sheet.accepted.connect(self._start_all)
        self.sheet.open()

    def _start_all(self) -> None:
        sheet, session = self.sheet, self._session
        session.set_batch(sheet.settings)
        film = session.film
        order = Order(
            tuple(film.items),
            sheet.folder,
            sheet.settings,
            overwrite=sheet.overwrite,
            passed=tuple(film.passed.values()),
        )
        film.start(order)

    def open_report(self) -> None:
        self._show_outside(self._session.film.report)

    def reveal(self) -> None:
        self._show_outside(self._session.film.order.folder)

    def _show_outside(self, path: Path) -> None:
        """Open a file or a folder with the system's own program."""
        if not path.exists():
            self._session.failed.emit(tr("{} is not there any more.").format(path))
        elif not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
            self._session.failed.emit(
                tr("No program here opens {}; look at it by hand.").format(path)
            )

    # --- leaving -------------------------------------------------------------------------------

    def may_leave(self, leave: Callable[[], None]) -> bool:
        """Is nothing being written? Else ask, and call `leave` where it is to be left undone."""
        session = self._session
        if session.film.phase is not Phase.IDLE:
            words = tr("Files are still being exported.")
            more = tr("What is done stays, and the same export goes on from there.")
        elif session.exporting:
            names = ", ".join(shortened(path.name) for path in session.exporting)
            words = tr("{} is still being exported.").format(names)
            more = tr("If you quit now, it is not written.")
        else:
            return True
        if self._question is None:
            self._question = question(
                self._window,
                words,
                more,
                verb=tr("Quit"),
                other=tr("Keep exporting"),
                then=leave,
            )
            self._question.finished.connect(self._answered)
        return False

    def _answered(self) -> None:
        self._question = None


def same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False
