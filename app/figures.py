"""Numbers as people read them. Whatever is told in two places is rounded by the same function."""

from app.language import filled, tr


def percent(share: float, digits: int = 1) -> str:
    """A share 0..1 with at most so many decimals: 36.5 %, 50 %."""
    return filled("{:g} %", round(100 * share, digits))


def duration(seconds: float) -> str:
    """0.8 s, 12 s, 3 min, 7 h 40 min; no time at all is 0.1 s."""
    if seconds < 9.95:
        return filled(tr("{:.1f} s"), max(0.1, seconds))
    if seconds < 119.5:
        return filled(tr("{:.0f} s"), seconds)
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours > 1:
        return filled(tr("{} h {} min"), hours, minutes)
    return filled(tr("{:.0f} min"), seconds / 60)


def byte_count(count: int) -> str:
    """4.1 GB, in thousands."""
    for power, words in ((3, tr("{:.1f} GB")), (2, tr("{:.1f} MB"))):
        if count >= 1000**power:
            return filled(words, count / 1000**power)
    return filled(tr("{:.0f} kB"), count / 1000)


def extent(size: tuple[int, int]) -> str:
    """A size (height, width) as width × height."""
    return f"{size[1]} × {size[0]}"
