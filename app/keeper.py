"""What is remembered from one start to the next, without waiting for the disk."""

from PySide6.QtCore import QObject, QSettings, QThread, QTimer, Signal, Slot

PAUSE = 1000  # ms; what changes meanwhile is written at once


class Keeper(QObject):
    """`value` and `setValue` like those of the program's QSettings, which it reads once.

    It is written in a thread of its own, which is left to Qt: writing a file can take longer than a
    window may stand still, and QSettings would hold Python's lock meanwhile.
    """

    _changed = Signal(dict)
    _closing = Signal()

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self._writer = Writer()
        settings = self._writer.settings
        self._values = {key: settings.value(key) for key in settings.allKeys()}
        self._unwritten: dict[str, object] = {}
        self._pause = QTimer(self, interval=PAUSE, singleShot=True)
        self._pause.timeout.connect(self._write)
        self._thread = QThread()
        self._writer.moveToThread(self._thread)
        self._changed.connect(self._writer.write)
        self._closing.connect(self._writer.end)
        self._thread.start(QThread.Priority.LowPriority)

    def value(self, key: str, default: object = None) -> object:
        return self._values.get(key, default)

    def setValue(self, key: str, value: object) -> None:
        self._values[key] = self._unwritten[key] = value
        if not self._pause.isActive():
            self._pause.start()

    def close(self) -> None:
        """Write what is left; nothing can be kept any more."""
        self._pause.stop()
        self._write()
        self._closing.emit()
        self._thread.wait()

    def _write(self) -> None:
        self._changed.emit(self._unwritten)
        self._unwritten = {}


class Writer(QObject):
    """Lives in the thread that writes."""

    def __init__(self) -> None:
        super().__init__()
        self.settings = QSettings("Fovea", "Fovea", self)

    @Slot(dict)
    def write(self, values: dict[str, object]) -> None:
        """Qt brings the file up to date as soon as this has returned."""
        for key, value in values.items():
            self.settings.setValue(key, value)

    @Slot()
    def end(self) -> None:
        self.settings.sync()
        self.thread().quit()
