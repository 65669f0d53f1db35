"""What each method calls its map and its budget, in the words of the window."""

from dataclasses import dataclass

from app.figures import percent
from app.language import filled, tr
from app.results import Planned
from engine.library import METHODS


@dataclass(frozen=True)
class Words:
    """Of a map: its name, the question that showing it answers, the unit below its legend, the
    value under the cursor (at column, row), and what its lines are."""

    name: str
    show: str
    unit: str
    value: str
    lines: str = ""


def words_of(method: str) -> Words:
    """The words of a method's map; `method` is a key of `engine.library.METHODS`."""
    given = METHODS[method].map
    texts = (given.name, given.question, given.unit, given.value, given.lines)
    return Words(*(text and tr(text) for text in texts))


def shortened(name: str, most: int = 48) -> str:
    """A name with at most so many letters, cut in its middle."""
    half = most // 2
    return name if len(name) <= most else f"{name[:half]}…{name[half + 1 - most :]}"


def meaning(plan: Planned) -> list[str]:
    """The executed share of the dense network's compute, and what the plan gives out."""
    share = tr("{} of the full compute").format(percent(plan.compute))
    return [share, *(filled(tr(fact.text), *fact.numbers) for fact in plan.facts)]
