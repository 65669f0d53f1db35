"""Files written byte by byte, as no library would write them, for tests of what is read."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2))
PASSES = (*ADAM7, (1, 0, 2, 1))  # first row and column, and the steps to the next ones
PNG_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # samples -> colour type


def chunk(name: bytes, body: bytes = b"", *, wrong: bool = False) -> bytes:
    """A chunk of a PNG file, whose checksum may be wrong."""
    checksum = zlib.crc32(name + body) ^ wrong
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)


def png(
    samples: np.ndarray,
    depth: int = 8,
    *,
    colour: int | None = None,
    interlaced: bool = False,
    before: bytes = b"",
    after: bytes = b"",
    pack=zlib.compress,
    end: bytes = chunk(b"IEND"),
) -> bytes:
    """Samples (H, W, 1..4) of `depth` bits; `before` and `after` are chunks around the pixels."""
    height, width, count = samples.shape
    raw = b""
    for top, left, down, across in PASSES if interlaced else ((0, 0, 1, 1),):
        part = samples[top::down, left::across]
        if part.size:
            raw += b"".join(b"\0" + row.tobytes() for row in bits_of(part, depth))
    kind = PNG_COLOURS[count] if colour is None else colour
    header = chunk(b"IHDR", struct.pack(">II5B", width, height, depth, kind, 0, 0, interlaced))
    return SIGNATURE + header + before + chunk(b"IDAT", pack(raw)) + after + end


def bits_of(samples: np.ndarray, depth: int) -> np.ndarray:
    """Rows of bytes (H, n), samples of fewer than 8 bits close together."""
    rows = samples.reshape(len(samples), -1)
    if depth == 16:
        return rows.astype(">u2").view(np.uint8)
    if depth == 8:
        return rows.astype(np.uint8)
    bits = (rows[:, :, None] >> np.arange(depth)[::-1] & 1).astype(np.uint8)
    return np.packbits(bits.reshape(len(rows), -1), axis=1)


def tiff(
    samples: np.ndarray,
    *,
    order: str = "<",
    big: bool = False,
    planar: bool = False,
    packing: str | None = None,
    predicted: bool = False,
    rows: int = 16,
    tile: int = 0,
    tags: dict[int, tuple[int, ...] | bytes] | None = None,
    more: tuple[dict, ...] = (),
) -> bytes:
    """Samples (H, W, S) uint8 or uint16, in strips of `rows`, or in square tiles.

    `packing` is Pillow's name of it. `tags` replace what would be written; `more` are tags of
    further pages, of the same pixels.
    """
    height, width, count = samples.shape
    kind = samples.dtype.newbyteorder(order)
    planes = [samples[:, :, i : i + 1] for i in range(count)] if planar else [samples]
    pieces, code = [], 1
    for plane in planes:
        for part in parts_of(plane, rows, tile):
            if predicted:
                part = np.concatenate([part[:, :1], np.diff(part, axis=1)], axis=1)
            data, code = packed(part.astype(kind), packing)
            pieces.append(data)
    offsets = [16 + sum(map(len, pieces[:index])) for index in range(len(pieces))]
    places, sizes = (324, 325) if tile else (273, 279)
    table = {
        **{256: (width,), 257: (height,), 258: (8 * samples.itemsize,) * count, 259: (code,)},
        **{262: (2 if count > 2 else 1,), 277: (count,), 284: (2 if planar else 1,)},
        **{places: tuple(offsets), sizes: tuple(map(len, pieces))},
        **({322: (tile,), 323: (tile,)} if tile else {278: (rows,)}),
        **({317: (2,)} if predicted else {}),
        **(tags or {}),
    }
    body = b"".join(pieces)
    body += b"\0" * (len(body) % 2)
    link, mark = ("Q", 43) if big else ("I", 42)
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "H", mark)
    head += struct.pack(order + "HHQ", 8, 0, 16 + len(body)) if big else b""
    head = head if big else (head + struct.pack(order + "I", 16 + len(body))).ljust(16, b"\0")
    tables, start = b"", 16 + len(body)
    pages = [table, *({**table, **each} for each in more)]
    for index, page in enumerate(pages):
        made = directory(page, order, link, start + len(tables), last=index + 1 == len(pages))
        tables += made
    return head + body + tables


def directory(page: dict, order: str, link: str, start: int, *, last: bool) -> bytes:
    """A directory that lies at `start`, whose values follow it, and the next directory those."""
    room = struct.calcsize("=" + link)
    size = (8 if link == "Q" else 2) + len(page) * (4 + 2 * room) + room
    entries, values = b"", b""
    for tag, value in sorted(page.items()):
        opaque = isinstance(value, bytes)
        data = value if opaque else struct.pack(f"{order}{len(value)}{link}", *value)
        form = 7 if opaque else 16 if link == "Q" else 4
        place = data.ljust(room, b"\0")
        if len(data) > room:
            place, values = struct.pack(order + link, start + size + len(values)), values + data
        entries += struct.pack(f"{order}HH{link}", tag, form, len(value)) + place
    following = 0 if last else start + size + len(values)
    count = struct.pack(order + ("Q" if link == "Q" else "H"), len(page))
    return count + entries + struct.pack(order + link, following) + values


def parts_of(plane: np.ndarray, rows: int, tile: int) -> list[np.ndarray]:
    """Strips, or tiles that are filled up at the right and below."""
    height, width, _ = plane.shape
    if not tile:
        return [plane[top : top + rows] for top in range(0, height, rows)]
    padded = np.pad(plane, ((0, -height % tile), (0, -width % tile), (0, 0)))
    corners = [(top, left) for top in range(0, height, tile) for left in range(0, width, tile)]
    return [padded[top : top + tile, left : left + tile] for top, left in corners]


def packed(part: np.ndarray, packing: str | None) -> tuple[bytes, int]:
    """The bytes of an array as Pillow packs them, and TIFF's code of that."""
    raw = part.tobytes()
    if packing is None:
        return raw, 1
    file = io.BytesIO()
    image = Image.frombytes("L", (len(raw) // len(part), len(part)), raw)
    image.save(file, "TIFF", compression=packing, tiffinfo={278: len(part)})
    with Image.open(file) as written:
        (offset,), (size,) = written.tag_v2[273], written.tag_v2[279]
        return file.getvalue()[offset : offset + size], written.tag_v2[259]


def bmp(
    values: np.ndarray,
    bits: int,
    *,
    masks: tuple[int, ...] = (),
    header: int = 40,
    palette: bytes = b"",
    downward: bool = False,
    packing: int | None = None,
) -> bytes:
    """Numbers (H, W) of `bits` each; four masks need a header of 56 bytes or more."""
    height, width = values.shape
    if bits < 8:
        rows = bits_of(values[:, :, None], bits)
    else:
        rows = values.astype(f"<u{bits // 8}").view(np.uint8).reshape(height, -1)
    rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))
    pixels = (rows if downward else rows[::-1]).tobytes()
    kind = (3 if masks else 0) if packing is None else packing
    colours = len(palette) // 4
    info = struct.pack("<IiiHHIIiiII", header, width, -height if downward else height, 1, bits,
                       kind, len(pixels), 11811, 11811, colours, 0)  # fmt: skip
    info = (info + struct.pack(f"<{len(masks)}I", *masks)).ljust(header, b"\0") + palette
    begin = 14 + len(info)
    return struct.pack("<2sIHHI", b"BM", begin + len(pixels), 0, 0, begin) + info + pixels
