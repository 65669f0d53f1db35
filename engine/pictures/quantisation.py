"""How coarsely a JPEG file rounds its coefficients, and the quality that this stands for.

A JPEG holds blocks of 8 x 8 pixels as 64 coefficients each, divided by the steps of a table and
rounded. The "quality" of libjpeg, and so of Pillow, scales one example table of the standard (ITU-T
T.81, table K.1). Cameras and other programs have tables of their own, for which the nearest of
libjpeg's qualities is told.
"""

from collections.abc import Iterator

import numpy as np

EXAMPLE = np.array(  # steps of the luma, by vertical and horizontal frequency
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
ZIGZAG = sorted(  # the order in which files hold a table: diagonals, run through to and fro
    np.ndindex(8, 8), key=lambda at: (sum(at), at[0] if sum(at) % 2 else at[1])
)
START, SCAN, TABLES = 0xD8, 0xDA, 0xDB
FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def scaled(quality: int) -> np.ndarray:
    """libjpeg's table (8, 8) of a quality from 1 to 100."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((EXAMPLE * percent + 50) // 100, 1, 255)


WEIGHTS = 1 / (1 + np.add.outer(np.arange(8), np.arange(8))) ** 2
SCALED = np.stack([scaled(quality) for quality in range(1, 101)])


def nearest_quality(steps: np.ndarray) -> int:
    """The quality, 1 to 100, whose table comes nearest to steps (8, 8); unknown ones are NaN.

    The steps of low frequencies count most: they are what makes blocks visible.
    """
    known = ~np.isnan(steps)
    distances = np.abs(np.log(SCALED[:, known] / steps[known]))
    return int((distances @ WEIGHTS[known]).argmin()) + 1


def file_quality(data: bytes) -> int | None:
    """The quality of a JPEG file by the table of its luma; None where it is no JPEG, or cut off."""
    tables: dict[int, np.ndarray] = {}
    luma = None
    for marker, content in _segments(data):
        if marker == TABLES:
            tables |= _tables(content)
        elif marker in FRAMES and len(content) > 8:
            luma = content[8]  # the table that the first component names
    return nearest_quality(tables[luma]) if luma in tables else None


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Markers and contents of a JPEG file's header, up to its first scan."""
    if data[:2] != bytes([0xFF, START]):
        return
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker == SCAN:
            return
        length = int.from_bytes(data[at + 2 : at + 4])
        yield marker, data[at + 4 : at + 2 + length]
        at += 2 + length


def _tables(content: bytes) -> dict[int, np.ndarray]:
    """The tables (8, 8) of a segment by their numbers."""
    tables = {}
    at = 0
    while at < len(content):
        deep, number = divmod(content[at], 16)
        size = 128 if deep else 64
        if at + 1 + size > len(content):
            break
        values = np.frombuffer(content, ">u2" if deep else "u1", 64, at + 1)
        table = np.empty((8, 8))
        table[tuple(zip(*ZIGZAG, strict=True))] = np.maximum(values, 1)
        tables[number] = table
        at += 1 + size
    return tables
