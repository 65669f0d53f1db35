"""Numbers as people read them. Whatever is told in two places is rounded by the same function."""

from PySide6.QtCore import QCoreApplication


def tr(text: str) -> str:
    return QCoreApplication.translate("Figures", text)


def percent(share: float, digits: int = 1) -> str:
    """A share 0..1 with at most so many decimals: 36.5 %, 50 %."""
    return f"{round(100 * share, digits):g} %"


def duration(seconds: float) -> str:
    """0.8 s, 12 s, 3 min, 7 h 40 min; no time at all is 0.1 s."""
    if seconds < 9.95:
        return tr("{:.1f} s").format(max(0.1, seconds))
    if seconds < 119.5:
        return tr("{:.0f} s").format(seconds)
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours > 1:
        return tr("{} h {} min").format(hours, minutes)
    return tr("{:.0f} min").format(seconds / 60)


def byte_count(count: int) -> str:
    """4.1 GB, in thousands."""
    for power, unit in ((3, tr("GB")), (2, tr("MB"))):
        if count >= 1000**power:
            return f"{count / 1000**power:.1f} {unit}"
    return f"{count / 1000:.0f} " + tr("kB")


def extent(size: tuple[int, int]) -> str:
    """A size (height, width) as width × height."""
    return f"{size[1]} × {size[0]}"
