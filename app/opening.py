"""How pictures come into the window: dialogs, drops, the clipboard, recent files, the strip."""

from pathlib import Path

from PySide6.QtCore import QMimeData, QObject
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from app.asking import files_to_open, folder_to_open
from app.batch import is_folder
from app.intake import local_files, picture_in
from app.language import tr
from app.session import Session
from app.strip import Strip
from app.words import shortened


class Opening(QObject):
    """Asks above `window`; the session opens one picture, the strip holds several."""

    def __init__(self, window: QWidget, session: Session, strip: Strip):
        super().__init__(window)
        self._window, self._session, self._strip = window, session, strip
        self._seeking = False  # is one file after the other tried, until one is a picture?
        session.opened.connect(self._arrived)
        session.refused.connect(self._pass_over)
        session.film.added.connect(self._look_at_first)
        strip.chosen.connect(self._look_at)

    def ask(self) -> None:
        self.open_paths(files_to_open(self._window, self._session.folder))

    def ask_folder(self) -> None:
        folder = folder_to_open(self._window, self._session.folder)
        self.open_paths([] if folder is None else [folder])

    def paste(self) -> None:
        data = QApplication.clipboard().mimeData()
        if data is None or not self.take(data):
            self._session.tell(tr("There is no picture on the clipboard."))

    def take(self, data: QMimeData) -> bool:
        """Open what was pasted or dropped; False where there is no picture in it."""
        paths = local_files(data)
        picture = None if paths else picture_in(data)
        if picture is not None:
            self._session.open_picture(picture)
        self.open_paths(paths)
        return bool(paths) or picture is not None

    def open_paths(self, paths: list[Path]) -> None:
        """Open one picture by itself; several, or folders, go on the film strip."""
        film = self._session.film
        if len(paths) > 1 or any(map(is_folder, paths)) or (paths and film.items):
            film.add(paths)
        elif paths:
            self._session.open(paths[0])

    def fill_recent(self, menu: QMenu) -> None:
        menu.clear()
        for path in self._session.recent:
            name = shortened(path.name).replace("&", "&&")
            menu.addAction(name, lambda path=path: self._session.open(path))
        menu.setEnabled(bool(menu.actions()))

    # --- the film strip ------------------------------------------------------------------------

    def _look_at_first(self, row: int) -> None:
        """Open a file that nobody has chosen by hand."""
        self._strip.show_row(row)
        self._seeking = True

    def _look_at(self, path: Path) -> None:
        self._seeking = False
        opened = self._session.picture
        if opened is None or opened.path != path or self._session.busy:
            self._session.open(path)

    def _arrived(self) -> None:
        self._seeking = False
        path = self._session.picture.path
        if path is not None:
            self._session.film.mark(path, "")

    def _pass_over(self, path: Path, sentence: str) -> None:
        """A file is no picture: its row says why, and what nobody has chosen is passed over."""
        film = self._session.film
        row = film.mark(path, sentence)
        following = film.next_whole(row) if self._seeking and row is not None else None
        if following is None:
            self._session.failed.emit(sentence)
        else:
            self._look_at_first(following)
