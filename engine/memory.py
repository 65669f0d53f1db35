"""The memory that this process may still take, so that work too large is refused beforehand."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096  # not on Windows
GROUPS = Path("/sys/fs/cgroup")


def available() -> int:
    """Bytes that this process may still take: of the machine, its control groups and its limits.

    Memory that the system can take back from its caches counts, and so does swap. Where nothing
    is known of the machine, as outside Linux, it is the machine's whole memory or `sys.maxsize`.
    """
    return max(0, min(_machine(), *_groups(), *_limits(), sys.maxsize))


def _machine() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        table = {name: int(rest.split()[0]) for name, rest in (x.split(":", 1) for x in lines)}
        return 1024 * (table["MemAvailable"] + table.get("SwapFree", 0))
    except (OSError, ValueError, KeyError, IndexError):
        pass
    try:
        return PAGE * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return sys.maxsize


def _limits() -> Iterator[int]:
    """What the limits of the process leave (`ulimit -v` and `ulimit -d`)."""
    try:
        used = [PAGE * int(pages) for pages in Path("/proc/self/statm").read_text().split()]
    except (OSError, ValueError):
        return
    for limit, taken in ((resource.RLIMIT_AS, used[0]), (resource.RLIMIT_DATA, used[5])):
        most, _ = resource.getrlimit(limit)
        if most != resource.RLIM_INFINITY:
            yield most - taken


def _groups() -> Iterator[int]:
    """What the control groups around this process leave, as in a container (Linux, version 2)."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    own = next((line[4:] for line in lines if line.startswith("0::/")), None)
    if own is None:
        return
    for group in (GROUPS / own, *(GROUPS / own).parents):
        try:
            most = int((group / "memory.max").read_text())  # "max" where there is none
            taken = int((group / "memory.current").read_text())
            stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            yield most - taken + int(stat["inactive_file"]) + int(stat["active_file"])
        except (OSError, ValueError, KeyError):
            continue
