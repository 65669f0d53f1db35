"""EXIF blocks, changed where they are, so that every other byte stays as it was.

A block is a TIFF file without pixels: directories of tags, whose longer values lie anywhere in the
block, and pointers to further directories. Only where a block must become shorter, or was gathered
from a TIFF file, is it built anew; the values keep their bytes even then.
"""

import struct
from bisect import bisect
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from itertools import islice

from engine.pictures.directory import LETTERS, Directory, below, directories
from engine.pictures.metadata import ORIENTATION, SIDEWAYS, bare, first_directory, turned

EXIF, GPS, INTEROP = 0x8769, 0x8825, 0xA005  # tags that point to a directory
POINTERS = {0: (EXIF, GPS), EXIF: (INTEROP,)}  # where they stand; 0: the first directory
MAKER_NOTE = 0x927C
WIDTH, HEIGHT, ACROSS, DOWN = 256, 257, 282, 283  # sides and resolution, in the first directory
EXIF_WIDTH, EXIF_HEIGHT = 0xA002, 0xA003
STRIPS, STRIP_BYTES, THUMBNAIL, THUMBNAIL_BYTES = 273, 279, 513, 514
STRUCTURE = {  # what tells how one TIFF file stores its pixels
    *(254, 255, *range(256, 260), *range(262, 267), 273, *range(277, 285), 286, 287),
    *(*range(288, 294), 296, 297, 301, *range(317, 326), 330, *range(332, 348)),
    *(*range(512, 533), 700, 34675, 34377, 37724),
}
DESCRIPTIVE = {  # what tells of the picture in a TIFF file, which may hold anything else
    *(269, 270, 271, 272, ORIENTATION, 285, 305, 306, 315, 316, 18246, 18249, 33432, 33723),
    *(33434, 33437, *range(34850, 34870), *range(36864, 37397), *range(40091, 40096)),
    *range(42032, 42038),
}
BYTE, SHORT, LONG, RATIONAL, UNDEFINED, DOUBLE = 1, 3, 4, 5, 7, 12  # types of values
ENTRY = 12  # bytes
LARGEST = 64 << 20  # bytes of all values of a directory; a block has thousands
FOLLOWING = 4  # directories of a block that are looked at; a camera's has two


@dataclass(frozen=True)
class Tags:
    """A directory out of its file: tag -> (type, count, bytes), and the directories below it."""

    entries: dict[int, tuple[int, int, bytes]]
    below: dict[int, "Tags"] = field(default_factory=dict)

    def all(self) -> Iterator["Tags"]:
        yield self
        for tags in self.below.values():
            yield from tags.all()


def upright(block: bytes | None) -> bytes | None:
    """A block whose picture has been turned upright, without its thumbnail; None where it is none.

    The thumbnail has not been turned or upscaled, and would still show the picture as it was.
    """
    first = first_directory(block)
    if block is None or first is None:
        return None
    data = bytearray(bare(block))
    if turned(first) in SIDEWAYS:
        _swap(data, first, ACROSS, DOWN)
    if ORIENTATION in first:
        _set(data, first, ORIENTATION, 1)
    _drop_others(data, first)
    return bytes(data)


def sized(block: bytes | None, size: tuple[int, int]) -> bytes | None:
    """A block that tells the size (height, width) of its picture wherever it told one."""
    first = first_directory(block)
    if block is None or first is None:
        return None
    data = bytearray(bare(block))
    for directory, tags in (
        (first, (HEIGHT, WIDTH)),
        (below(first, EXIF), (EXIF_HEIGHT, EXIF_WIDTH)),
    ):
        for tag, side in zip(tags, size, strict=True):
            if directory is not None and tag in directory:
                _set(data, directory, tag, side)
    return bytes(data)


def unoriented(block: bytes) -> bytes:
    """A block without its tag for the orientation; only the entries after it have moved."""
    first = first_directory(block)
    if first is None or ORIENTATION not in first:
        return block
    data = bytearray(bare(block))
    place, end = _places(data, first)[ORIENTATION], _end(data, first)
    data[place:end] = data[place + ENTRY : end] + bytes(ENTRY)
    struct.pack_into(f"{first.order}H", data, first.offset, _count(data, first) - 1)
    return bytes(data)


def shortened(block: bytes, most: int) -> bytes:
    """A block of at most `most` bytes, without the maker's note, then without the longest value."""
    first = first_directory(block)
    if first is None or len(block) <= most:
        return block
    tags = taken(first)
    while (excess := len(made := built(tags, first.order)) - most) > 0:
        values = [(part, tag) for part in tags.all() for tag in part.entries]
        values.sort(key=lambda v: (v[1] == MAKER_NOTE, len(v[0].entries[v[1]][2])))
        while excess > 0:
            part, tag = values.pop()
            excess -= len(part.entries.pop(tag)[2]) + ENTRY
    return made


def of_tiff(directory: Directory) -> bytes | None:
    """A block of what a page of a TIFF file tells of the picture; None where that is nothing."""
    tags = taken(directory, keep=DESCRIPTIVE)
    told = tags.entries.keys() - {ORIENTATION} or tags.below
    return upright(built(tags, directory.order)) if told else None


def embedded(block: bytes | None) -> tuple[str, bytes, dict[int, bytes]]:
    """What a TIFF file begins with to hold a block: byte order, bytes, and entries by their tags.

    The bytes are the block itself, so that whatever points into it does so in the file as well.
    """
    first = first_directory(block)
    if block is None or first is None:
        return "<", b"II*\0\0\0\0\0", {}
    data = bare(block)
    if not _sound(data, first):
        data = built(taken(first), first.order)
        first = first_directory(data) or first
    places = {t: p for t, p in _places(data, first).items() if t in first and t not in STRUCTURE}
    rows = {tag: data[place : place + ENTRY] for tag, place in places.items()}
    return first.order, data + bytes(len(data) % 2), rows


def taken(directory: Directory, tag: int = 0, *, keep: Container[int] | None = None) -> Tags:
    """A directory and those below it out of their file; `tag` points to it, 0 for the first.

    `keep` are the tags that are wanted of it, all if None.
    """
    entries, room = {}, LARGEST
    for key, (kind, count, place) in directory.entries.items():
        room -= _length(kind, count)
        wanted = key not in (EXIF, GPS, INTEROP) and (keep is None or key in keep)
        if wanted and kind <= DOUBLE and room >= 0:
            directory.file.seek(place)
            entries[key] = kind, count, directory.file.read(_length(kind, count))
        else:
            room += _length(kind, count)
    found = {key: below(directory, key) for key in POINTERS.get(tag, ())}
    return Tags(entries, {key: taken(d, key) for key, d in found.items() if d is not None})


def built(tags: Tags, order: str) -> bytes:
    """A block of directories; `order` is that of the bytes, as `struct` calls it."""
    magic = b"II" if order == "<" else b"MM"
    return magic + struct.pack(f"{order}HI", 42, 8) + packed(tags, order, 8)


def packed(tags: Tags, order: str, start: int, rows: dict[int, bytes] | None = None) -> bytes:
    """A directory that begins at `start`, followed by its values and the directories below it.

    `rows` are further entries as they are, whose values lie elsewhere.
    """
    rows, values = dict(rows or {}), bytearray()
    end = start + 2 + ENTRY * len(rows.keys() | tags.entries.keys() | tags.below.keys()) + 4
    for tag, (kind, count, value) in tags.entries.items():
        values += bytes(len(values) % 2)
        long = len(value) > 4
        place = struct.pack(f"{order}I", end + len(values)) if long else value.ljust(4, b"\0")
        rows[tag] = struct.pack(f"{order}HHI", tag, kind, count) + place
        values += value if long else b""
    for tag, part in tags.below.items():
        values += bytes(len(values) % 2)
        rows[tag] = struct.pack(f"{order}HHII", tag, LONG, 1, end + len(values))
        values += packed(part, order, end + len(values))
    table = b"".join(row for _, row in sorted(rows.items()))
    return struct.pack(f"{order}H", len(rows)) + table + bytes(4) + bytes(values)


def _length(kind: int, count: int) -> int:
    return count * struct.calcsize("=" + LETTERS.get(kind, ""))


def _count(data: bytes | bytearray, directory: Directory) -> int:
    return struct.unpack_from(f"{directory.order}H", data, directory.offset)[0]


def _end(data: bytes | bytearray, directory: Directory) -> int:
    """Where the pointer to the next directory ends."""
    return directory.offset + 2 + ENTRY * _count(data, directory) + 4


def _places(data: bytes | bytearray, directory: Directory) -> dict[int, int]:
    """Where the first entry of each tag begins."""
    order = f"{directory.order}H"
    found: dict[int, int] = {}
    for place in range(directory.offset + 2, _end(data, directory) - 4, ENTRY):
        found.setdefault(struct.unpack_from(order, data, place)[0], place)
    return found


def _set(data: bytearray, directory: Directory, tag: int, value: int) -> None:
    """Let a tag that is there have one whole number, of its own type if that can hold it."""
    order, place = directory.order, _places(data, directory)[tag]
    kind, count = struct.unpack_from(f"{order}HI", data, place + 2)
    if count != 1 or kind not in (BYTE, SHORT, LONG) or value >= 1 << 8 * _length(kind, 1):
        kind = SHORT if value < 1 << 16 else LONG
    number = struct.pack(order + LETTERS[kind], value).ljust(4, b"\0")
    data[place + 2 : place + ENTRY] = struct.pack(f"{order}HI", kind, 1) + number


def _swap(data: bytearray, directory: Directory, one: int, other: int) -> None:
    """Exchange the values of two tags, if they are of one type."""
    if one in directory and other in directory:
        (kind, count, here), (*same, there) = directory.entries[one], directory.entries[other]
        if [kind, count] == same:
            length = _length(kind, count)
            values = data[here : here + length], data[there : there + length]
            data[there : there + length], data[here : here + length] = values


def _sound(data: bytes, first: Directory) -> bool:
    """Does every entry of the directories lead to a value within the block?"""
    return all(
        len(each.entries) == _count(data, each)
        and all(below(each, tag) for tag in (EXIF, GPS, INTEROP) if tag in each)
        for each in _tree(first)
    )


def _tree(directory: Directory, tag: int = 0) -> Iterator[Directory]:
    yield directory
    for key in POINTERS.get(tag, ()):
        if (found := below(directory, key)) is not None:
            yield from _tree(found, key)


def _spans(data: bytes | bytearray, directory: Directory) -> list[tuple[int, int]]:
    """Where a directory and its values lie: begins and ends."""
    spans = [(directory.offset, _end(data, directory))]
    for kind, count, place in directory.entries.values():
        if _length(kind, count) > 4:
            spans.append((place, place + _length(kind, count)))
    for begin, length in ((THUMBNAIL, THUMBNAIL_BYTES), (STRIPS, STRIP_BYTES)):
        begins, lengths = directory.numbers(begin), directory.numbers(length)
        spans += [(int(b), int(b + n)) for b, n in zip(begins, lengths, strict=False)]
    return spans


def _drop_others(data: bytearray, first: Directory) -> None:
    """Take out the directories that follow the first one, which tell of thumbnails."""
    kept, dropped = [], []
    for each in _tree(first):
        kept += _spans(data, each)
    for each in islice(directories(BytesIO(data)), 1, FOLLOWING):
        dropped += _spans(data, each)
    end = _end(data, first)
    data[end - 4 : end] = bytes(len(data[end - 4 : end]))
    kept = _merged(kept)
    alone = [span for span in _merged(dropped) if span[0] >= 8 and span[1] <= len(data)]
    for begin, end in reversed(alone):
        at = bisect(kept, (end, 0))
        if at and kept[at - 1][1] > begin:
            continue
        if end >= len(data) - 1:  # but for what fills up
            del data[begin:]
        else:
            data[begin:end] = bytes(end - begin)


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same places in order, without overlap."""
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if merged and begin < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        elif begin < end:
            merged.append((begin, end))
    return merged
