"""TIFF files: which page is the picture, and its samples in whatever order they are stored.

Pillow unpacks all that is packed, but knows few kinds of pixels of 16 bits or of more samples than
four. So pixels of 8 and 16 bits are shown to it as one grey plane as wide as all samples of a row.
"""

import ctypes
import io
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from engine.pictures import exif, xmp
from engine.pictures.directory import Directory, directories
from engine.pictures.formats import codecs
from engine.pictures.metadata import resolution, turned
from engine.pictures.picture import BAND, Picture, parted, shallow
from engine.pictures.readers.head import Head, RefusedError, damaged
from engine.pictures.readers.pillow import planes

SIGNATURE = rb"II\*\0|MM\0\*|II\+\0|MM\0\+"
SUBFILE, OLD_SUBFILE, WIDTH, HEIGHT, BITS, PACKING, PHOTOMETRIC = 254, 255, 256, 257, 258, 259, 262
FILL, STRIPS, SAMPLES, ROWS, STRIP_BYTES, PLANAR = 266, 273, 277, 278, 279, 284
PREDICTOR, TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES, BELOW = 317, 322, 323, 324, 325, 330
EXTRA, FORMAT, ICC, XMP = 338, 339, 34675, 700
REDUCED, MASK = 1, 4  # bits of SUBFILE; a page with one of them is none
INVERTED, GREY, RGB, PALETTE, CMYK, YCBCR, LAB, ICC_LAB = 0, 1, 2, 3, 5, 6, 8, 9
RAW = (32803, 34892)  # what a camera's sensor saw
COLOURS = {INVERTED: 1, GREY: 1, RGB: 3, CMYK: 4, LAB: 3, ICC_LAB: 3}  # samples without others
NONE, LZW, DEFLATE, OLD_DEFLATE, PACKBITS, LZMA, ZSTD = 1, 5, 8, 32946, 32773, 34925, 50000
CLASSIC = (1 << 32) - (1 << 24)  # bytes that 32-bit places reach, and room for directories
# packing -> how many times shorter it can make anything
SHORTENING = {NONE: 1, PACKBITS: 64, DEFLATE: 1032, OLD_DEFLATE: 1032, LZW: 1500}
OPAQUE = 7  # a type
PREDICTED = (LZW, DEFLATE, OLD_DEFLATE, LZMA, ZSTD)  # packings that may store differences
PACKINGS = (NONE, PACKBITS, *PREDICTED)
STRUCTURE = (  # the tags that pixels need, and nothing else does
    *(WIDTH, HEIGHT, BITS, PACKING, PHOTOMETRIC, FILL, STRIPS, SAMPLES, ROWS, STRIP_BYTES, PLANAR),
    *(292, 293, PREDICTOR, 320, TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES, 332, EXTRA, FORMAT),
    *(347, 512, 513, 514, 519, 520, 521, 529, 530, 531, 532),
)
Tags = dict[int, tuple[float, ...] | bytes]

# libtiff would print its own sentences. These are the handlers of the very library that Pillow has
# loaded; where it shows no names, as on Windows, there is nothing to be done.
with suppress(AttributeError, OSError):
    library = ctypes.CDLL(Image.core.__file__)
    library.TIFFSetErrorHandler(None)
    library.TIFFSetWarningHandler(None)


@dataclass(frozen=True)
class Page:
    """How one page stores its pixels."""

    width: int
    height: int
    samples: int
    bits: int
    photometric: int
    packing: int
    planar: bool
    alpha: int | None  # the sample that is alpha
    multiplied: bool  # by alpha

    @property
    def flat(self) -> bool:
        """Is it stored such that it can be shown to Pillow as one plane?"""
        return self.bits in (8, 16) and self.photometric in COLOURS and self.packing in PACKINGS


def head(file: BinaryIO) -> Head:
    """Reads nothing but the directories."""
    pages = pages_of(file)
    page = page_of(pages[0])
    colours = 1 if page.photometric in (INVERTED, GREY) else 3
    deep = page.bits > 8 and page.photometric in (INVERTED, GREY, RGB)
    channels = colours + (page.alpha is not None)
    return Head(
        codecs()["TIFF"],
        page.height,
        page.width,
        channels,
        bits=16 if deep else 8,
        orientation=turned(pages[0]),
        several=len(pages) > 1,
        taken=page.bits // 8 * (2 * page.samples + channels) + 1 if page.flat else 9,
    )


def load(data: bytes, head: Head) -> Picture:
    """The picture as stored. CMYK and LAB become sRGB, through the profile if there is one."""
    directory = pages_of(io.BytesIO(data))[0]
    page = page_of(directory)
    icc = directory.raw(ICC) or None
    least = page.height * (page.width * page.samples * page.bits // 8)
    most = SHORTENING.get(page.packing, least) * len(data)
    if page.photometric != YCBCR and least > most:
        raise damaged("it is too short for its size")
    if page.flat:
        array = samples(data, directory, page)
        pixels, alpha = coloured(array, page, icc)
    else:
        array = by_pillow(data, directory, page)
        colours = array.shape[2] - (array.shape[2] in (2, 4))
        pixels, alpha = array[:, :, :colours], None
        if array.shape[2] > colours:
            alpha = array[:, :, colours]
    return Picture(
        pixels,
        alpha,
        icc=None if page.photometric in (CMYK, LAB, ICC_LAB) else icc,
        exif=exif.of_tiff(directory),
        dpi=resolution(directory),
        xmp=xmp.upright(directory.raw(XMP)),
    )


def pages_of(file: BinaryIO) -> list[Directory]:
    """The directories that are pages: neither reduced previews nor masks of others."""
    found = list(directories(file))
    pages = [
        each
        for each in found
        if not each.number(SUBFILE, 0) & (REDUCED | MASK) and each.number(OLD_SUBFILE, 1) != 2
    ]
    if not found:
        raise damaged("it has no directory")
    if not pages and (len(found) > 1 or BELOW in found[0]):
        raise RefusedError("holds nothing but reduced previews; export the picture itself")
    return pages or found


def page_of(directory: Directory) -> Page:
    """How a page is stored. Raises RefusedError where that makes no sense, or cannot be read."""
    width, height = directory.number(WIDTH, 0), directory.number(HEIGHT, 0)
    if min(width, height) < 1:
        raise damaged("it tells no size")
    bits = {int(n) for n in directory.numbers(BITS, 1)}
    formats = {int(n) for n in directory.numbers(FORMAT, 1)}
    photometric = directory.number(PHOTOMETRIC, INVERTED)
    if photometric in RAW:
        raise RefusedError("is a camera's raw file; develop it first")
    if 3 in formats:
        raise RefusedError("has pixels of floating-point numbers; save it as 8 or 16 bit RGB")
    if len(bits) > 1 or max(bits) > 16 or not formats <= {1, 4}:  # 4: not told
        raise unusual("signed numbers" if formats & {2} else f"{max(bits)} bits a channel")
    samples = directory.number(SAMPLES, 1)
    extras = [int(n) for n in directory.numbers(EXTRA)]
    colours = COLOURS.get(photometric, 3)
    kinds = [2] if photometric == RGB and samples == 4 and not extras else extras
    alpha = next((colours + i for i, kind in enumerate(kinds) if kind in (1, 2)), None)
    return Page(
        width,
        height,
        samples,
        bits.pop(),
        photometric,
        directory.number(PACKING, NONE),
        planar=directory.number(PLANAR, 1) == 2 and samples > 1,
        alpha=alpha if alpha is not None and alpha < samples else None,
        multiplied=1 in kinds and 2 not in kinds,
    )


def unusual(kind: str) -> RefusedError:
    return RefusedError(
        f"is damaged, or a TIFF file of an unusual kind ({kind}); save it as 8 or 16 bit RGB"
    )


def samples(data: bytes, directory: Directory, page: Page) -> np.ndarray:
    """All samples (H, W, S) uint8 or uint16, in the machine's order."""
    planes, together = (page.samples, 1) if page.planar else (1, page.samples)
    tags = {tag: directory.numbers(tag) for tag in (TILE_HEIGHT, FILL) if tag in directory}
    tags |= {WIDTH: (page.width * together,), HEIGHT: (page.height,), BITS: (page.bits,)}
    tags |= {PACKING: (page.packing,), PHOTOMETRIC: (GREY,), SAMPLES: (1,)}
    tile = directory.number(TILE_WIDTH, 0)
    if tile:
        tags[TILE_WIDTH] = (tile * together,)
    else:
        tags[ROWS] = (rows_of(directory, page),)
    pieces = {tag: directory.numbers(tag) for tag in (STRIPS, STRIP_BYTES, TILES, TILE_BYTES)}
    expected = pieces_a_plane(directory, page)
    if len(pieces[TILES if tile else STRIPS]) < planes * expected:
        raise damaged("some of its pixels are missing")
    tables: list[Tags] = []
    for plane in range(planes):
        part = slice(plane * expected, (plane + 1) * expected)
        own = {tag: values[part] for tag, values in pieces.items() if values}
        tables.append({**tags, **own})
    array = np.empty((page.height, page.width, page.samples), np.uint8 if page.bits == 8 else "u2")
    with Image.open(io.BytesIO(rebuilt(data, directory, tables))) as image:
        for plane in range(planes):
            image.seek(plane)
            part = slice(plane, plane + 1) if page.planar else slice(None)
            for top in range(0, page.height, BAND):
                band = image.crop((0, top, image.width, min(top + BAND, page.height)))
                rows = np.asarray(band).reshape(-1, page.width, together)
                array[top : top + BAND, :, part] = rows
    if directory.number(PREDICTOR, 1) == 2 and page.packing in PREDICTED:
        for left in range(0, page.width, tile or page.width):
            block = array[:, left : left + (tile or page.width)]
            np.cumsum(block, axis=1, dtype=array.dtype, out=block)
    return array


def pieces_a_plane(directory: Directory, page: Page) -> int:
    """How many strips or tiles cover the page once."""
    across, down = directory.number(TILE_WIDTH, 0), directory.number(TILE_HEIGHT, 0)
    if not across:
        across, down = page.width, rows_of(directory, page)
    if not down:
        raise damaged("its tiles have no height")
    return -(-page.width // across) * -(-page.height // down)


def rows_of(directory: Directory, page: Page) -> int:
    """Rows a strip, all where that is not told."""
    rows = directory.number(ROWS, page.height)
    return rows if 0 < rows < page.height else page.height


def rebuilt(data: bytes, directory: Directory, tables: list[Tags]) -> bytes:
    """A file of the same bytes whose pages are `tables`, with nothing that pixels do not need."""
    big = len(data) > CLASSIC
    order, word, kind = directory.order, "Q" if big else "I", 16 if big else 4
    room = struct.calcsize(f"={word}")
    start, parts = len(data) + len(data) % 2, [b"\0" * (len(data) % 2)]
    first = start
    for index, table in enumerate(tables):
        size = (8 if big else 2) + len(table) * (4 + 2 * room) + room
        entries, values = [], b""
        for tag, value in sorted(table.items()):
            if isinstance(value, bytes):
                packed, form = value, OPAQUE
            else:
                packed, form = struct.pack(f"{order}{len(value)}{word}", *map(int, value)), kind
            place = packed.ljust(room, b"\0")
            if len(packed) > room:
                place = struct.pack(order + word, start + size + len(values))
                values += packed
            entries.append(struct.pack(f"{order}HH{word}", tag, form, len(value)) + place)
        start += size + len(values)
        following = start if index + 1 < len(tables) else 0
        count = struct.pack(order + ("Q" if big else "H"), len(table))
        parts += [count, *entries, struct.pack(order + word, following), values]
    header = data[:8] if big else data[:2] + struct.pack(order + "H", 42)
    pointer = struct.pack(order + word, first)
    return b"".join([header, pointer, memoryview(data)[len(header) + room :], *parts])


def coloured(
    array: np.ndarray, page: Page, icc: bytes | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Pixels and alpha (or None) from all samples."""
    colours = COLOURS[page.photometric]
    if array.shape[2] < colours:
        raise damaged("it has fewer colours than it says")
    alpha = None if page.alpha is None else array[:, :, page.alpha]
    pixels, most = array[:, :, :colours], np.iinfo(array.dtype).max
    if page.photometric == INVERTED:
        pixels = most - pixels
    if alpha is not None and page.multiplied:
        pixels = parted(pixels, alpha)
    if page.photometric in (CMYK, LAB, ICC_LAB):
        if page.bits != 8:
            pixels, alpha = shallow(pixels), None if alpha is None else shallow(alpha)
        if page.photometric == ICC_LAB:
            pixels = pixels ^ np.array([0, 128, 128], np.uint8)
        mode, size = "CMYK" if page.photometric == CMYK else "LAB", (page.width, page.height)
        pixels = planes(Image.frombytes(mode, size, pixels.tobytes()), icc)
    return pixels, alpha


def by_pillow(data: bytes, directory: Directory, page: Page) -> np.ndarray:
    """Pixels (H, W, 1..4) of fewer bits, of a palette, or packed as JPEG or facsimile."""
    tags: Tags = {
        tag: directory.raw(tag) if directory.entries[tag][0] == OPAQUE else directory.numbers(tag)
        for tag in STRUCTURE
        if tag in directory
    }
    try:
        with Image.open(io.BytesIO(rebuilt(data, directory, [tags]))) as image:
            if image.mode == "I;16" and page.bits == 12:
                wide = np.asarray(image)[:, :, None].astype(np.uint32)
                return (wide * 65_535 // 4095).astype(np.uint16)
            return planes(image)
    except UnidentifiedImageError:
        kind = f"colours {page.photometric}, {page.bits} bits, packing {page.packing}"
        raise unusual(kind) from None
