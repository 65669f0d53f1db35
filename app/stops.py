"""Networks without a knob: what the slider stops at, from fast to full."""

from dataclasses import dataclass

from engine import library

FAMILY = {"fmen-s-x{}": "FMEN-S", "fmen-x{}": "FMEN"}  # names by scale, the faster first


@dataclass(frozen=True)
class SliderStop:
    """The name of its weights, and its label."""

    name: str
    label: str


def stops_of(name: str) -> tuple[SliderStop, ...]:
    """The stops of the slider on which `name` is one; none for a network with a knob.

    Raises UpscalerError where there are no such weights.
    """
    description = library.describe(name)
    if description["method"] != "fixed":
        return ()
    there = library.names()
    family = [
        SliderStop(stem.format(description["scale"]), label) for stem, label in FAMILY.items()
    ]
    found = tuple(stop for stop in family if stop.name in there)
    return found if name in [stop.name for stop in found] else (SliderStop(name, name),)


def asked(name: str, effort: float) -> str:
    """What the slider asks for, in words: a stop's label, or the effort in per cent."""
    labels = [stop.label for stop in stops_of(name) if stop.name == name]
    return labels[0] if labels else f"{100 * effort:g} %"


def choices(current: str) -> list[str]:
    """All weights to choose from; of those on one slider only one, the current one if it is there.

    Sorted by name.
    """
    found: dict[tuple[SliderStop, ...], str] = {}
    for name in library.names():
        key = stops_of(name) or (SliderStop(name, name),)
        if key not in found or name == current:
            found[key] = name
    return list(found.values())
