"""The directories of TIFF files: tags and their values, read only where they are asked for."""

import math
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

LETTERS = {  # type -> how `struct` calls it
    **{1: "B", 2: "s", 3: "H", 4: "I", 5: "II", 6: "b", 7: "s", 8: "h", 9: "i", 10: "ii"},
    **{11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"},
}
TEXT, RATIONAL = (2, 7), (5, 10)
MOST, ENTRIES = 250, 4096  # directories of a file and entries of one; more only keeps us busy


@dataclass(frozen=True)
class Directory:
    """One directory of an open file. `entries` are tag -> (type, count, place of the value)."""

    file: BinaryIO
    order: str  # of the bytes, as `struct` calls it
    offset: int
    entries: dict[int, tuple[int, int, int]]
    big: bool = False  # BigTIFF

    def __contains__(self, tag: int) -> bool:
        return tag in self.entries

    def raw(self, tag: int) -> bytes:
        """The bytes of a text or an opaque value; empty where there is none."""
        kind, count, place = self.entries.get(tag, (0, 0, 0))
        if kind not in (1, *TEXT):
            return b""
        self.file.seek(place)
        return self.file.read(count)

    def numbers(self, tag: int, *default: float) -> tuple[float, ...]:
        """The numbers of a tag; `default` where there are none that are whole."""
        kind, count, place = self.entries.get(tag, (0, 0, 0))
        letters = LETTERS.get(kind, "s")
        if not count or letters == "s":
            return default
        self.file.seek(place)
        size = struct.calcsize(f"={letters}")
        data = self.file.read(count * size)
        if len(data) < count * size:
            return default
        values = struct.unpack(f"{self.order}{count * len(letters)}{letters[0]}", data)
        if kind in RATIONAL:
            pairs = zip(values[::2], values[1::2], strict=True)
            return tuple(above / below if below else 0.0 for above, below in pairs)
        return values

    def number(self, tag: int, default: int) -> int:
        """The first number of a tag, whole."""
        value = self.numbers(tag, default)[0]
        return int(value) if math.isfinite(value) else default


def directories(file: BinaryIO) -> Iterator[Directory]:
    """The chain of directories of a TIFF or BigTIFF file, without those further below.

    It ends where it is damaged or leads back to itself.
    """
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(16).ljust(16, b"\0")
    order = "<" if start[:2] == b"II" else ">"
    big = 43 in start[2:4]
    (offset,) = struct.unpack_from(f"{order}{'Q' if big else 'I'}", start, 8 if big else 4)
    seen: set[int] = set()
    while offset and offset not in seen and offset < end and len(seen) < MOST:
        seen.add(offset)
        try:
            entries, following = _entries(file, order, offset, big, end)
        except struct.error:  # it breaks off
            return
        yield Directory(file, order, offset, entries, big)
        offset = following


def below(directory: Directory, tag: int) -> Directory | None:
    """The directory that a tag points to; None where there is none."""
    file, order, offset = directory.file, directory.order, directory.number(tag, 0)
    end = file.seek(0, os.SEEK_END)
    if not 0 < offset < end:
        return None
    try:
        entries, _ = _entries(file, order, offset, directory.big, end)
    except struct.error:
        return None
    return Directory(file, order, offset, entries, directory.big)


def _entries(
    file: BinaryIO, order: str, offset: int, big: bool, end: int
) -> tuple[dict[int, tuple[int, int, int]], int]:
    """The entries of the directory at `offset` whose values lie in the file, and what follows."""
    head, entry, link = ("Q", "HHQQ", "Q") if big else ("H", "HHII", "I")
    file.seek(offset)
    (count,) = struct.unpack(order + head, file.read(struct.calcsize("=" + head)))
    size = struct.calcsize("=" + entry)
    if count > ENTRIES or count * size > end:
        raise struct.error
    table = file.read(count * size + struct.calcsize("=" + link))
    room = 8 if big else 4
    begin = offset + struct.calcsize("=" + head)
    entries: dict[int, tuple[int, int, int]] = {}
    for index in range(count):
        tag, kind, values, place = struct.unpack_from(order + entry, table, index * size)
        length = values * struct.calcsize("=" + LETTERS.get(kind, ""))
        if length <= room:
            place = begin + (index + 1) * size - room
        if length and place + length <= end:
            entries.setdefault(tag, (kind, values, place))
    following = table[count * size :]
    return entries, struct.unpack(order + link, following)[0] if len(following) == room else 0
