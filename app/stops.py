"""The weights that there are; and of those without a knob, what the slider stops at."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.figures import percent
from engine import library
from engine.adaptive.contract import Description


@dataclass(frozen=True)
class Weights:
    """What the window must know of weights before they are loaded.

    `graded`: the slider moves freely, instead of having stops; `size` in bytes.
    """

    name: str
    method: str
    scale: int
    title: str
    graded: bool
    size: int


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


def _of(description: Description) -> Weights:
    method = library.METHODS[description["method"]]
    name = description["name"]
    title, size = method.title(description), library.bytes_of(name)
    return Weights(name, method.key, description["scale"], title, method.graded, size)


def stops_of(one: Weights, there: Sequence[Weights]) -> tuple[SliderStop, ...]:
    """The stops of the slider on which `one` is one, of those `there`, the lightest first; none
    where it has a knob."""
    if one.graded:
        return ()
    family = [other for other in there if (other.method, other.scale) == (one.method, one.scale)]
    family.sort(key=lambda other: (other.size, other.name))
    return tuple(SliderStop(other.name, other.title) for other in family)


def asked(name: str, share: float) -> str:
    """What the slider asks for, in words: a stop's label, or the share in per cent."""
    one = weights(name)
    labels = [stop.label for stop in stops_of(one, [one]) if stop.name == name]
    return labels[0] if labels else percent(share)


def choices(current: str, there: Sequence[Weights]) -> list[str]:
    """The names to choose from; of those on one slider only one, `current` if it is there."""
    found: dict[tuple[SliderStop, ...], str] = {}
    for one in there:
        key = stops_of(one, there) or (SliderStop(one.name, one.name),)
        if key not in found or one.name == current:
            found[key] = one.name
    return list(found.values())
