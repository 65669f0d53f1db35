"""What a folder of outputs remembers: an append-only file, one JSON document a line.

A picture is entered before it appears under its name. So after a power cut an output is either
missing, or it is the one whose checksum the journal holds; a last line cut off in the middle
belongs to an output that never appeared.
"""

import errno
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from isal import isal_zlib

from engine.errors import SettingsError
from engine.pictures.atomic import temporary_prefix

try:
    import fcntl
except ImportError:  # Windows: two exports into one folder are not kept apart there
    fcntl = None

NAME = ".fovea-journal.jsonl"
CHUNK = 1 << 20


class Journal:
    """The journal of one folder, open and locked; a context manager.

    `made` holds the newest record of every output by its path below the folder, `failed` the reason
    by the source's key. Raises SettingsError where the folder cannot be written or another export
    is writing to it.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.made: dict[str, dict[str, Any]] = {}
        self.failed: dict[str, str] = {}
        self._processes: set[int] = set()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / NAME).open("a+b", buffering=0)
        except OSError as error:
            raise SettingsError(f"{folder} cannot be written: {error.strerror}.") from error
        try:
            _lock(self._file, folder)
            self._read()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _read(self) -> None:
        self._file.seek(0)
        for line in self._file.read().splitlines():
            try:
                self._take(json.loads(line))
            except (ValueError, KeyError, TypeError):
                continue  # empty, or cut off

    def _take(self, record: dict[str, Any]) -> None:
        if "process" in record:
            self._processes.add(record["process"])
        elif "error" in record:
            self.failed[record["source"]] = record["error"]
        else:
            self.made[record["output"]] = record
            self.failed.pop(record["source"], None)

    def append(self, record: dict[str, Any]) -> None:
        """Enter a record and bring it to the disk. Raises OSError where the disk is full."""
        line = b"\n" + json.dumps(record).encode() + b"\n"  # after whatever was cut off before
        if self._file.write(line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(self._file.fileno())
        self._take(record)

    def begin(self) -> None:
        """Enter this process and sweep up the temporary files of those that were killed.

        Raises SettingsError where the folder cannot be written.
        """
        prefixes = tuple(temporary_prefix(process) for process in self._processes)
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

    def whole(self, target: Path, content: str, settings: str) -> dict[str, Any] | None:
        """The record of an output that is there, whole, of this content and these settings."""
        record = self.made.get(self.place(target))
        if record is None or (record["content"], record["settings"]) != (content, settings):
            return None
        try:
            with open(target, "rb") as file:
                return record if checksum(file) == record.get("checksum") else None
        except OSError:
            return None


def checksum(file: Any) -> str:
    """Length and CRC-32 of an open file from where it stands.

    Against damage, not against forgers, in a fortieth of a digest's time.
    """
    length = value = 0
    while data := file.read(CHUNK):
        length, value = length + len(data), isal_zlib.crc32(data, value)
    return f"{length}-{value:08x}"


def digest_of(data: bytes) -> str:
    """The digest of bytes."""
    return hashlib.blake2b(data).hexdigest()[:32]


def _lock(file: Any, folder: Path) -> None:
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
