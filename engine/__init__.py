"""The engine. What holds for its whole process is settled here, before PyTorch is imported."""

import ctypes
import mmap
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Computing threads that wait for each other shall sleep sooner than is usual: a thread that writes
# a picture meanwhile then finds a free core.
os.environ.setdefault("GOMP_SPINCOUNT", "2000")

# PyTorch's library keeps the program it makes for each size of a convolution: 1024 of them take
# hundreds of megabytes, once many pictures have been seen. A network needs a few dozen.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128")

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -2, -3, -8  # of malloc.h
KEPT_BYTES, LARGE_BYTES = 128 << 20, 32 << 20
ALL_BYTES = (1 << 31) - 1  # what the C library takes at most
PIECE_BYTES, PAGE_BYTES = 16 << 20, mmap.PAGESIZE


class _Usage(ctypes.Structure):
    """As in malloc.h: `fordblks` bytes are free in the C library's hands."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
if _libc and hasattr(_libc, "mallinfo2"):  # not every C library has it
    _libc.mallinfo2.restype = _Usage
    _libc.malloc.restype, _libc.malloc.argtypes = ctypes.c_void_p, (ctypes.c_size_t,)
    _libc.free.restype, _libc.free.argtypes = None, (ctypes.c_void_p,)
    _libc.madvise.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
else:
    _libc = None


def keep_freed_memory(kept: int, large: int) -> None:
    """Keep up to `kept` bytes of freed memory for what is computed next.

    The C library would give it back at once and take it again page by page, which costs a fifteenth
    of the seconds of a small picture. Arrays from `large` bytes on still go back.
    """
    if _libc:
        _libc.mallopt(M_TRIM_THRESHOLD, kept)
        _libc.mallopt(M_MMAP_THRESHOLD, large)


@contextmanager
def all_memory_kept(largest: int = ALL_BYTES) -> Iterator[None]:
    """While a network computes a picture layer by layer, what is freed waits for the next layer.

    Taking hundreds of megabytes anew for every layer costs as much as computing them. Where the
    `largest` array has too few bytes to go back at once, nothing needs to change.
    """
    if largest < LARGE_BYTES:
        yield
        return
    keep_freed_memory(ALL_BYTES, ALL_BYTES)
    try:
        yield
    finally:
        _empty_freed_memory()
        keep_freed_memory(KEPT_BYTES, LARGE_BYTES)
        if _libc:
            _libc.malloc_trim(KEPT_BYTES)


def _empty_freed_memory() -> None:
    """Give the pages of freed memory back piece by piece.

    `malloc_trim` then finds little to do. Alone it takes a tenth of a second for a gigabyte, and no
    other thread gets memory meanwhile: the window would stand still.
    """
    if not _libc:
        return
    pieces = []
    for _ in range(_libc.mallinfo2().fordblks // PIECE_BYTES):
        pieces.append(piece := _libc.malloc(PIECE_BYTES))
        if piece is None:
            break
        inside = -piece % PAGE_BYTES
        whole = (PIECE_BYTES - inside) // PAGE_BYTES * PAGE_BYTES
        _libc.madvise(piece + inside, whole, mmap.MADV_DONTNEED)
    for piece in pieces:
        _libc.free(piece)


if _libc:
    _libc.mallopt(M_ARENA_MAX, 1)  # the arenas of other threads hold no large arrays
    _libc.mallopt(M_TOP_PAD, KEPT_BYTES)  # when more is freed, so much still stays
keep_freed_memory(KEPT_BYTES, LARGE_BYTES)
