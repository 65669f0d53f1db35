"""The engine. What holds for its whole process is settled here, before PyTorch is imported."""

import ctypes
import os
import sys

# Computing threads that wait for each other shall sleep sooner than is usual: a thread that writes
# a picture meanwhile then finds a free core.
os.environ.setdefault("GOMP_SPINCOUNT", "2000")

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h
KEPT_BYTES, LARGE_BYTES = 128 << 20, 32 << 20


def keep_freed_memory() -> None:
    """Keep some freed memory for the next picture.

    The C library would give it back at once and take it again page by page, which costs a fifteenth
    of the seconds of a small picture. Arrays from LARGE_BYTES on still go back.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)


if sys.platform == "linux":
    keep_freed_memory()
