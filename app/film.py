"""The film: the files on the strip, and what becomes of them. A list model and a batch export."""

import traceback
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from PySide6.QtCore import QAbstractListModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QImage

from app.batch import Item, Listed, Order, again, listed
from app.figures import extent, percent
from app.language import tr
from app.thumbs import thumbnail
from app.worker import Worker, give_way
from engine.batch.export import Event
from engine.batch.folder import Passed
from engine.batch.report import NAMES
from engine.batch.stages import DONE, FAILED, RUNNING, SKIPPED, WAITING
from engine.errors import FoveaError

KEPT = 1024  # thumbnails


class Phase(Enum):
    """Where the export stands."""

    IDLE = "idle"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"


@dataclass(frozen=True)
class State:
    """What has become of one file."""

    name: str = WAITING
    progress: float = 0.0
    reason: str = ""

    @property
    def kind(self) -> str:
        """Its name, but done before is done as well."""
        return DONE if self.name == SKIPPED else self.name


class Film(QAbstractListModel):
    """Rows are files: DisplayRole the name, DecorationRole the thumbnail.

    Folders are searched and thumbnails made in a thread of its own, the export in the worker.
    """

    added = Signal(int)  # the row of the first of the new files, or where it was already
    state_changed = Signal()  # of the export, or of the search for files
    failed = Signal(str)
    crashed = Signal(str)
    _found = Signal(object, object)
    _drawn = Signal(str, QImage, str)

    def __init__(self, worker: Worker):
        super().__init__()
        self.items: list[Item] = []
        self.states: list[State] = []
        self.passed: dict[Path, Passed] = {}  # what was found beside them
        self.counts = Counter()  # how many files are in a state of which kind
        self.phase = Phase.IDLE
        self.searching = 0
        self.order: Order | None = None  # the newest export
        self.report: Path | None = None  # of the newest export, once it is written
        self.overall = 0.0
        self.left: float | None = None
        self._worker = worker
        self._rows: dict[str, int] = {}
        self._thumbs: dict[str, QImage | None] = {}
        self._unread: set[str] = set()  # keys of files that failed before any export
        self._reader = ThreadPoolExecutor(1, initializer=give_way)
        self._found.connect(self._take)
        self._drawn.connect(self._show_thumb)
        worker.stepped.connect(self._stepped)
        worker.batch_ended.connect(self._ended)

    # --- what the window asks for --------------------------------------------------------------

    def add(self, paths: Iterable[Path]) -> None:
        """Put files, and all pictures in folders, on the strip."""
        self.searching += 1
        self._reader.submit(self._search, list(paths))
        self.state_changed.emit()

    def remove(self, row: int) -> None:
        if self.phase is Phase.IDLE and 0 <= row < len(self.items):
            self.beginRemoveRows(QModelIndex(), row, row)
            self.counts[self.states[row].kind] -= 1
            del self.items[row], self.states[row]
            self._rows = {item.key: row for row, item in enumerate(self.items)}
            self.endRemoveRows()
            self.state_changed.emit()

    def clear(self) -> None:
        if self.phase is Phase.IDLE:
            self.beginResetModel()
            self.items, self.states, self._rows, self._thumbs = [], [], {}, {}
            self._unread, self.passed = set(), {}
            self.counts, self.order, self.report = Counter(), None, None
            self.endResetModel()
            self.state_changed.emit()

    def start(self, order: Order) -> None:
        """Export; there must be no export that runs."""
        self.order, self.phase, self.report = order, Phase.RUNNING, None
        self.overall, self.left = 0.0, None
        for item in order.chosen:
            self._set(self._rows[item.key], State())
            self._unread.discard(item.key)
        self._worker.export_all(order)
        self.state_changed.emit()

    def pause(self, paused: bool) -> None:
        if self.phase in (Phase.RUNNING, Phase.PAUSED):
            self.phase = Phase.PAUSED if paused else Phase.RUNNING
            self._worker.hold(paused)
            self.state_changed.emit()

    def stop(self) -> None:
        """End the export; what is written stays, and a new export goes on from there."""
        if self.phase in (Phase.RUNNING, Phase.PAUSED):
            self.phase = Phase.STOPPING
            self.order.control.stop()
            self._worker.hold(False)
            self.state_changed.emit()

    def retry(self) -> None:
        """Export those that failed once more, as they were ordered."""
        if self.retriable:
            self.start(again(self.order, self.retriable))

    def mark(self, path: Path, sentence: str) -> int | None:
        """A file could not be read, for which `sentence` says why, or, where it is empty, it could.

        Returns its row, if it has one.
        """
        key = str(path)
        row = self._rows.get(key)
        if row is None:
            return None
        if sentence and self.states[row].name == WAITING:
            self._unread.add(key)
            self._set(row, State(FAILED, reason=sentence))
        elif not sentence and key in self._unread:
            self._unread.discard(key)
            self._set(row, State())
        return row

    def next_whole(self, row: int) -> int | None:
        """The first row after `row` of a file that may be a picture."""
        later = range(row + 1, len(self.items))
        return next((i for i in later if self.states[i].name != FAILED), None)

    def close(self) -> None:
        self._reader.shutdown(cancel_futures=True)

    # --- what it tells -------------------------------------------------------------------------

    @property
    def retriable(self) -> list[str]:
        """The keys of files that failed in an export that is over."""
        if self.phase is not Phase.IDLE or not self.counts[FAILED]:
            return []
        states = zip(self.items, self.states, strict=True)
        failed = [item.key for item, state in states if state.name == FAILED]
        return [key for key in failed if key not in self._unread]

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.items)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        item, state = self.items[index.row()], self.states[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return item.source.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return state.reason or str(item.source)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{item.source.name}, {self.words(index.row())}"
        if role == Qt.ItemDataRole.DecorationRole:
            return self._thumb(item)
        return None

    def words(self, row: int) -> str:
        """The state of a file in words."""
        item, state = self.items[row], self.states[row]
        if state.name == FAILED:
            return tr("Failed: {}").format(shorter(state.reason, item.source))
        if state.name == RUNNING:
            return tr("Writing…") if state.progress == 1 else percent(state.progress, 0)
        if state.name == SKIPPED:
            return tr("Done before")
        if state.name == DONE:
            return tr("Done")
        size = extent(item.size) if item.size else tr("size unknown")
        return tr("{}  ·  waiting").format(size)

    # --- the thread that reads -----------------------------------------------------------------

    def _search(self, paths: list[Path]) -> None:
        try:
            self._found.emit(paths, listed(paths))
        except FoveaError as error:
            self._found.emit(paths, str(error))
        except Exception:
            self._found.emit([], Listed())
            self.crashed.emit(traceback.format_exc())

    def _draw(self, path: Path) -> None:
        image, sentence = thumbnail(path)
        self._drawn.emit(str(path), image, sentence)

    # --- answers -------------------------------------------------------------------------------

    def _take(self, paths: list[Path], found: Listed | str) -> None:
        self.searching -= 1
        if isinstance(found, str):
            self.failed.emit(found)
        elif paths and not found.items:
            names = ", ".join(path.name for path in paths[:3])
            self.failed.emit(tr("{} holds no pictures that Fovea can read.").format(names))
        elif found.items:
            self._put_on(found.items)
            self.passed |= {passed.source: passed for passed in found.passed}
        self.state_changed.emit()

    def _put_on(self, items: list[Item]) -> None:
        """New rows; the first that is likely to be a picture is told, or the first at all."""
        new = list({item.key: item for item in items if item.key not in self._rows}.values())
        first = len(self.items) if new else self._rows[items[0].key]
        likely = (i for i, item in enumerate(new) if item.size and not item.trouble)
        if new:
            self.beginInsertRows(QModelIndex(), first, first + len(new) - 1)
            self._rows |= {item.key: first + i for i, item in enumerate(new)}
            self.items += new
            self.states += [State()] * len(new)
            self.counts[WAITING] += len(new)
            self.endInsertRows()
        self.added.emit(first + next(likely, 0))

    def _stepped(self, event: Event) -> None:
        self._unread.discard(event.job.key)
        self._set(self._rows[event.job.key], State(event.state, event.progress, event.reason or ""))
        self.overall, self.left = event.overall, event.eta
        self.state_changed.emit()

    def _ended(self, sentence: str) -> None:
        self.phase, self.left = Phase.IDLE, None
        for row, state in enumerate(self.states):
            if state.name == RUNNING:
                self._set(row, State())
        if sentence:
            self.failed.emit(sentence)
        elif (report := self.order.folder / NAMES[0]).exists():  # not so after a crash
            self.report = report
        self.state_changed.emit()

    def _set(self, row: int, state: State) -> None:
        self.counts[self.states[row].kind] -= 1
        self.counts[state.kind] += 1
        self.states[row] = state
        self.dataChanged.emit(self.index(row), self.index(row))

    def _thumb(self, item: Item) -> QImage | None:
        """The thumbnail, or None while it is being made."""
        if item.key not in self._thumbs:
            if len(self._thumbs) >= KEPT:
                self._thumbs.clear()
            self._thumbs[item.key] = None
            if not item.trouble:
                self._reader.submit(self._draw, item.source)
        return self._thumbs[item.key]

    def _show_thumb(self, key: str, image: QImage, sentence: str) -> None:
        row = self._rows.get(key)
        if row is not None:
            if sentence:
                self.mark(Path(key), sentence)
            self._thumbs[key] = None if image.isNull() else image
            self.dataChanged.emit(self.index(row), self.index(row))


def shorter(reason: str, source: Path) -> str:
    """A reason without the path of the file beside whose name it stands, and without advice."""
    rest = reason.removeprefix(f"{source}:").removeprefix(str(source)).strip()
    return rest.removeprefix("is ").split("; ")[0].rstrip(".")
