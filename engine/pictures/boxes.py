"""The boxes of AVIF and HEIC files: where they tell what the numbers of their picture mean.

ISO/IEC 14496-12 and 23008-12: boxes lie in boxes, `meta` knows the items of a file and which is the
picture, `iprp` their properties, and a property `colr` of the kind `nclx` has H.273's codes.
"""

import struct
from collections.abc import Iterator

UNSAID = 2  # the code of what is not told


def cicp_of(data: bytes) -> tuple[int, int] | None:
    """Codes of primaries and transfer; None where a file tells neither."""
    for place in _places(data):
        codes = struct.unpack_from(">HH", data, place)
        return None if codes == (UNSAID, UNSAID) else codes
    return None


def with_cicp(data: bytes, codes: tuple[int, int]) -> bytes:
    """The file with these codes in place of its own."""
    changed = bytearray(data)
    for place in _places(data):
        struct.pack_into(">HH", changed, place, *codes)
    return bytes(changed)


def _places(data: bytes) -> list[int]:
    """Where the codes stand that the picture has; all that there are where it has none itself."""
    try:
        meta = dict(_parts(data, *_part(data, b"meta", 0, len(data)), skip=4))
        inner = list(_parts(data, *_part(data, b"ipco", *meta[b"iprp"])))
        own = _own(data, meta[b"pitm"], _part(data, b"ipma", *meta[b"iprp"]))
    except (KeyError, IndexError, struct.error):
        return []
    found = {
        index: begin + 4
        for index, (name, (begin, end)) in enumerate(inner, 1)
        if name == b"colr" and data[begin : begin + 4] == b"nclx" and end - begin >= 8
    }
    return [found[index] for index in own if index in found] or list(found.values())


def _parts(data: bytes, begin: int, end: int, *, skip: int = 0) -> Iterator[tuple[bytes, tuple]]:
    """Names of the boxes in a part of a file, and where their contents begin and end."""
    begin += skip
    while begin + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, begin)
        head = 8
        if size == 1:
            (size,), head = struct.unpack_from(">Q", data, begin + 8), 16
        stop = end if size == 0 else begin + size
        if stop < begin + head or stop > end:
            return
        yield name, (begin + head, stop)
        begin = stop


def _part(data: bytes, name: bytes, begin: int, end: int) -> tuple[int, int]:
    return dict(reversed(list(_parts(data, begin, end))))[name]


def _own(data: bytes, pitm: tuple[int, int], ipma: tuple[int, int]) -> list[int]:
    """Numbers, from 1, of the properties that the file's own picture has."""
    item = struct.unpack_from(">H" if data[pitm[0]] == 0 else ">I", data, pitm[0] + 4)[0]
    version, wide, place = data[ipma[0]], data[ipma[0] + 3] & 1, ipma[0] + 8
    for _ in range(struct.unpack_from(">I", data, ipma[0] + 4)[0]):
        kind = ">HB" if version < 1 else ">IB"
        number, count = struct.unpack_from(kind, data, place)
        place += struct.calcsize(kind)
        if place > ipma[1]:
            raise IndexError
        if number == item:
            form, mask = (f">{count}H", 0x7FFF) if wide else (f">{count}B", 0x7F)
            return [index & mask for index in struct.unpack_from(form, data, place)]
        place += count * (2 if wide else 1)
    return []
