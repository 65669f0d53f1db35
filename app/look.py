"""How the program looks: two palettes around one accent, and icons in the text's colour."""

import re
from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QGuiApplication,
    QIcon,
    QPainter,
    QPalette,
    QPixmap,
    QTextLayout,
    QTextOption,
)
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QLabel, QSizePolicy

ASSETS = Path(__file__).resolve().parent.parent / "assets"
ACCENT = "#2f7fd6"

LIGHT = {
    "Window": "#f4f4f5",
    "WindowText": "#1d1d20",
    "Base": "#ffffff",
    "AlternateBase": "#ececee",
    "Text": "#1d1d20",
    "PlaceholderText": "#6d6d74",
    "Button": "#fbfbfc",
    "ButtonText": "#1d1d20",
    "ToolTipBase": "#1d1d20",
    "ToolTipText": "#f4f4f5",
    "Mid": "#c9c9ce",
    "Dark": "#a6a6ad",
}
DARK = {
    "Window": "#242427",
    "WindowText": "#ececee",
    "Base": "#1b1b1d",
    "AlternateBase": "#2c2c30",
    "Text": "#ececee",
    "PlaceholderText": "#9a9aa2",
    "Button": "#44444c",
    "Light": "#3a3a40",
    "Midlight": "#34343a",
    "ButtonText": "#ececee",
    "ToolTipBase": "#ececee",
    "ToolTipText": "#1d1d20",
    "Mid": "#48484f",
    "Dark": "#17171a",
}
BETWEEN = "  ·  "  # facts in one line
PIECE = 40  # letters of a name that are not broken
GOOD, BAD = ("#1d7f45", "#5fd08d"), ("#b3372f", "#ff8f86")  # text on light and on dark ground


def palette(dark: bool) -> QPalette:
    """Fusion's roles in our colours; disabled text is half as strong."""
    made = QPalette()
    for role, code in (DARK if dark else LIGHT).items():
        made.setColor(QPalette.ColorRole[role], QColor(code))
    made.setColor(QPalette.ColorRole.Highlight, QColor(ACCENT))
    made.setColor(QPalette.ColorRole.HighlightedText, QColor("white"))
    made.setColor(QPalette.ColorRole.Link, QColor(ACCENT))
    faded = made.color(QPalette.ColorRole.WindowText)
    faded.setAlphaF(0.4)
    for role in ("WindowText", "Text", "ButtonText"):
        made.setColor(QPalette.ColorGroup.Disabled, QPalette.ColorRole[role], faded)
    return made


def is_dark() -> bool:
    """Does the system ask for a dark window?"""
    return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark


def good(colours: QPalette) -> QColor:
    """The colour of success on a palette's base."""
    return QColor(GOOD[_dark(colours)])


def bad(colours: QPalette) -> QColor:
    """The colour of failure on a palette's base."""
    return QColor(BAD[_dark(colours)])


def _dark(colours: QPalette) -> bool:
    return colours.color(QPalette.ColorRole.Base).lightnessF() < 0.5


def dress(application: QApplication, dark: bool | None = None) -> None:
    """Give the program its style; follow the system where `dark` is None."""
    application.setStyle("Fusion")
    colours = palette(is_dark() if dark is None else dark)
    application.setPalette(colours)
    colours.setColor(QPalette.ColorRole.Base, colours.color(QPalette.ColorRole.Button))
    application.setPalette(colours, "QCheckBox")  # an empty one would not be seen on dark ground
    application.setWindowIcon(QIcon(str(ASSETS / "icon.svg")))


def icon(name: str, colour: QColor) -> QIcon:
    """assets/icons/NAME.svg in a colour, sharp on any screen, and half as strong when disabled."""
    made = QIcon()
    text = (ASSETS / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    for mode, opacity in ((QIcon.Mode.Normal, 1.0), (QIcon.Mode.Disabled, 0.35)):
        for size in (20, 40, 60):
            made.addPixmap(
                _render(text.replace("currentColor", colour.name()), size, opacity), mode
            )
    return made


def _render(svg: str, size: int, opacity: float) -> QPixmap:
    pixmap = QPixmap(QSize(size, size))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setOpacity(opacity)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return pixmap


class Elided(QLabel):
    """Plain text in at most `most` lines that is cut where it does not fit, and then all of it is
    its tool tip; `words` is all, and `tip` is the tool tip instead. One line is cut as `mode` says,
    of several the last one at its end."""

    def __init__(
        self,
        words: str = "",
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle,
        *,
        most: int = 1,
    ):
        super().__init__()
        self.words, self.tip, self._mode, self._most = words, "", mode, most
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(40)

    def setText(self, words: str) -> None:
        self.words = words
        self.setAccessibleName(words)
        room = self.contentsRect().width()
        if self._most == 1:
            text = self.fontMetrics().elidedText(words, self._mode, room)
        else:
            parts = [part.replace(" ", "\N{NO-BREAK SPACE}") for part in words.split(BETWEEN)]
            text = "\n".join(lines(BETWEEN.join(parts), self.font(), room, self._most))
        self.setToolTip(self.tip or (words if "…" in text else ""))
        super().setText(text)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self.setText(self.words)


def breakable(text: str) -> str:
    """Text whose paths and long names can be broken at the end of a line."""
    gap = "\N{ZERO WIDTH SPACE}"
    return re.sub(rf"[^\s/\\{gap}]{{{PIECE}}}|[/\\]", rf"\g<0>{gap}", text)


def lines(text: str, font: QFont, width: int, most: int) -> list[str]:
    """Text broken into lines of `width` points, of which the last of at most so many is cut."""
    layout = QTextLayout(text, font)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    layout.beginLayout()
    made: list[str] = []
    while len(made) < most and (line := layout.createLine()).isValid():
        line.setLineWidth(width)
        rest = text[line.textStart() :]
        made.append(rest[: line.textLength()].strip())
        if len(made) == most:
            made[-1] = QFontMetrics(font).elidedText(rest, Qt.TextElideMode.ElideRight, width)
    layout.endLayout()
    return made
