"""The weights that there are; and of those without a knob, what the slider stops at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.figures import percent
from engine import library

FAMILY = {"fmen-s-x{}": "FMEN-S", "fmen-x{}": "FMEN"}  # names by scale, the faster first


@dataclass(frozen=True)
class Weights:
    """What the window must know of weights before they are loaded."""

    name: str
    method: str
    scale: int


@dataclass(frozen=True)
class SliderStop:
    """The name of its weights, and its label."""

    name: str
    label: str


def weights(name: str) -> Weights:
    """Raises UpscalerError where there are no such weights, or where they make no sense."""
    return _of(library.describe(name))


def usable() -> list[Weights]:
    """All weights but those that make no sense, sorted by name."""
    return [_of(description) for description in library.listed()[0]]


def _of(description: dict[str, Any]) -> Weights:
    return Weights(description["name"], description["method"], description["scale"])


def stops_of(one: Weights, there: Sequence[Weights]) -> tuple[SliderStop, ...]:
    """The stops of the slider on which `one` is one, of those `there`; none where it has a knob."""
    if one.method != "fixed":
        return ()
    names = [other.name for other in there]
    family = [SliderStop(stem.format(one.scale), label) for stem, label in FAMILY.items()]
    stops = tuple(stop for stop in family if stop.name in names)
    return stops if one.name in [stop.name for stop in stops] else (SliderStop(one.name, one.name),)


def asked(name: str, effort: float) -> str:
    """What the slider asks for, in words: a stop's label, or the effort in per cent."""
    one = weights(name)
    labels = [stop.label for stop in stops_of(one, [one]) if stop.name == name]
    return labels[0] if labels else percent(effort)


def choices(current: str, there: Sequence[Weights]) -> list[str]:
    """The names to choose from; of those on one slider only one, `current` if it is there."""
    found: dict[tuple[SliderStop, ...], str] = {}
    for one in there:
        key = stops_of(one, there) or (SliderStop(one.name, one.name),)
        if key not in found or one.name == current:
            found[key] = one.name
    return list(found.values())
