"""What each method calls its map and its budget, in the words of the window."""

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from app.figures import percent, spaced
from app.worker import Planned


@dataclass(frozen=True)
class Words:
    """Of a map: its name, the question that showing it answers, the unit below its legend, the
    value under the cursor (at column, row), and what its lines are."""

    name: str
    show: str
    unit: str
    value: str
    lines: str = ""


def tr(text: str) -> str:
    return QCoreApplication.translate("Words", text)


def words_of(method: str) -> Words:
    """The words of a method's map; `method` is a key of `engine.library.METHODS`."""
    return {
        "depth": Words(
            tr("Depth map"),
            tr("Show where the work goes"),
            tr("blocks"),
            tr("depth {:g} at {}, {}"),
        ),
        "mask": Words(
            tr("Error map"),
            tr("Show where the work goes"),
            tr("estimated remaining error"),
            tr("error {:.3f} at {}, {}"),
            tr("Outlined cells are refined."),
        ),
        "fixed": Words(
            tr("Attention map"),
            tr("Show what it looks at"),
            tr("high-frequency attention"),
            tr("attention {:.3f} at {}, {}"),
        ),
    }[method]


def shortened(name: str, most: int = 48) -> str:
    """A name with at most so many letters, cut in its middle."""
    half = most // 2
    return name if len(name) <= most else f"{name[:half]}…{name[half + 1 - most :]}"


def meaning(method: str, plan: Planned) -> list[str]:
    """What a plan gives out, and the executed share of the dense network's compute."""
    share = percent(plan.effort)
    if method == "mask":
        return [
            tr("{} of the dense network's compute").format(share),
            tr("K = {} of {} cells").format(spaced(plan.knob), spaced(plan.chosen.size)),
        ]
    if method == "fixed":
        return [tr("the whole network at every pixel")]
    return [
        tr("{} of the full compute").format(share),
        tr("mean depth {:.1f} of {:g} blocks").format(plan.mean, plan.high),
        *([tr("d = {:.1f}").format(plan.knob)] if plan.knob < 10 * plan.high else []),
    ]
