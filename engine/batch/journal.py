"""What a folder of outputs remembers: an append-only file, one JSON document a line.

A picture is entered before it appears under its name. So after a power cut an output is either
missing, or it is the one whose checksum the journal holds; a last line cut off in the middle
belongs to an output that never appeared. A line that is damaged is passed over: every line has a
checksum of its own, so that a single flipped bit is known.
"""

import errno
import json
import math
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypedDict, cast

from isal import isal_zlib

from engine.errors import SettingsError
from engine.pictures.atomic import temporary_prefix

try:
    import fcntl
except ImportError:  # Windows: two exports into one folder are not kept apart there
    fcntl = None  # type: ignore[assignment]

NAME = ".fovea-journal.jsonl"
CRC = "crc"  # the member of a line that holds the checksum of the others


class Facts(TypedDict):
    """What is known of an upscaled picture: its size, and the work that it took.

    `effort` are the executed MACs as a share of the dense network's, called compute elsewhere.
    """

    height: int
    width: int
    effort: float
    knob: float
    gmacs: float
    gmacs_full: float
    seconds: float


class Record(Facts):
    """An output that is whole: which source it was made of, how, and what its bytes add up to."""

    source: str
    content: str
    settings: str
    output: str
    checksum: str


class Failure(TypedDict):
    """Why a source could not be upscaled."""

    source: str
    error: str


class Process(TypedDict):
    """A process that has written to the folder."""

    process: int


LINES = (Record, Failure, Process)


@dataclass
class Memory:
    """What the lines of a journal tell.

    `made` holds the newest record of every output by its path below the folder, `failed` the reason
    by the source's key. `damaged` lines could not be read.
    """

    made: dict[str, Record] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    processes: set[int] = field(default_factory=set)
    damaged: int = 0

    def take(self, line: Record | Failure | Process) -> None:
        if "process" in line:
            self.processes.add(cast(Process, line)["process"])
        elif "error" in line:
            failure = cast(Failure, line)
            self.failed[failure["source"]] = failure["error"]
        else:
            self.made[line["output"]] = line
            self.failed.pop(line["source"], None)


def recalled(lines: Iterable[bytes]) -> Memory:
    """What the lines of a journal's file tell, as far as they are sound."""
    memory = Memory()
    for text in lines:
        line = _parsed(text) if text else None
        if line is not None:
            memory.take(line)
        elif text:
            memory.damaged += 1
    return memory


def recall(folder: Path) -> Memory:
    """What the journal of a folder tells; nothing where there is none, or none that can be read."""
    try:
        with _opened(folder / NAME, "rb") as file:
            return recalled(file.read().splitlines())
    except OSError:
        return Memory()


def has_journal(folder: Path) -> bool:
    """Does a folder hold outputs of ours?"""
    return os.path.lexists(folder / NAME)


class Journal:
    """The journal of one folder, open and locked; a context manager.

    Raises SettingsError where the folder cannot be written or another export is writing to it.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = _opened(folder / NAME, "a+b")
        except OSError as error:
            raise SettingsError(f"{folder} cannot be written: {error.strerror}.") from error
        try:
            _lock(self._file, folder)
            self._file.seek(0)
            self.memory = recalled(self._file.read().splitlines())
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, *lines: Record | Failure | Process) -> None:
        """Enter lines and bring them to the disk. Raises OSError where the disk is full."""
        text = b"".join(_written(line) for line in lines)
        if self._file.write(text) < len(text):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(self._file.fileno())
        for line in lines:
            self.memory.take(line)

    def begin(self) -> None:
        """Enter this process and sweep up the drafts of those that were killed.

        Raises SettingsError where the folder cannot be written.
        """
        prefixes = tuple(temporary_prefix(process) for process in self.memory.processes)
        try:
            for folder, _, names in os.walk(self.folder) if prefixes else ():
                for name in names:
                    if name.startswith(prefixes) and name.endswith(".part"):
                        (Path(folder) / name).unlink(missing_ok=True)
            self.append({"process": os.getpid()})
        except OSError as error:
            raise SettingsError(f"{self.folder} cannot be written: {error.strerror}.") from error

    def place(self, target: Path) -> str:
        """How the journal calls an output."""
        return target.relative_to(self.folder).as_posix()

    def record(self, target: Path) -> Record | None:
        """The newest record of an output."""
        return self.memory.made.get(self.place(target))


def _written(line: Record | Failure | Process) -> bytes:
    """A line of the file; the empty one before it ends whatever was cut off."""
    return b"\n" + json.dumps({**line, CRC: _crc(line)}).encode() + b"\n"


def _parsed(text: bytes) -> Record | Failure | Process | None:
    """The line that a text of the file holds; None where it is damaged."""
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(line, dict) or line.pop(CRC, None) not in (None, _crc(line)):
        return None  # None: older journals have no checksums
    kind = next((kind for kind in LINES if line.keys() == kind.__annotations__.keys()), None)
    if kind and all(_fits(line[key], type_) for key, type_ in kind.__annotations__.items()):
        return cast(Record | Failure | Process, line)
    return None


def _fits(value: object, kind: type) -> bool:
    if kind is float:
        return type(value) is int or (type(value) is float and math.isfinite(value))
    return type(value) is kind


def _crc(line: object) -> str:
    return f"{isal_zlib.crc32(json.dumps(line).encode()):08x}"


def _opened(path: Path, mode: str) -> BinaryIO:
    """An unbuffered file. Raises OSError where there is something else."""
    return cast(BinaryIO, open(path, mode, buffering=0, opener=_regular))


def _regular(path: str, flags: int) -> int:
    """Open a file, but no link, and no pipe or device, on which we might wait for ever."""
    flags |= getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags, 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, f"{NAME} in it is no file")
    return descriptor


def _lock(file: BinaryIO, folder: Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SettingsError(
            f"Another export is writing to {folder}; wait for it or stop it."
        ) from None
    except OSError:
        pass  # a file system without locks
