"""What each method calls its map and its budget, in the words of the window."""

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

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


def meaning(method: str, plan: Planned) -> list[str]:
    """What a plan gives out, and the executed share of the dense network's compute."""
    share = 100 * plan.effort
    if method == "mask":
        return [
            tr("K = {} of {} cells").format(spaced(plan.knob), spaced(plan.chosen.size)),
            tr("{:.1f} % of the dense network's compute").format(share),
        ]
    if method == "fixed":
        return [tr("the whole network at every pixel")]
    return [
        tr("mean depth {:.1f} of {:g} blocks").format(plan.mean, plan.high),
        *([tr("d = {:.1f}").format(plan.knob)] if plan.knob < 10 * plan.high else []),
        tr("{:.1f} % of the full compute").format(share),
    ]


def spaced(count: float) -> str:
    """1240 as 1 240, which does not break at the end of a line."""
    return f"{count:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
