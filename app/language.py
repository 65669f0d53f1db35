"""The language of the window: what its texts are in another one, and how that writes numbers.

Texts stand in the code in English, those of methods in the engine as plain data. A language is one
file, assets/translations/fovea_LANGUAGE.ts, compiled to .qm; see `app.catalog`.
"""

import string
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

CONTEXT = "Fovea"
SOURCE = "en"  # what the code is written in
CATALOGS = Path(__file__).resolve().parent.parent / "assets" / "translations"
GAP = "\N{NARROW NO-BREAK SPACE}"  # keeps thousands together at the end of a line


def tr(text: str) -> str:
    """The text in the user's language, or as it is. The catalog holds what stands in a tr(…)."""
    return QCoreApplication.translate(CONTEXT, text)


def plural(one: str, many: str, number: int) -> str:
    """What fits the number, which is put into its gap. The catalog holds `many`, in all forms that
    the user's language has."""
    text = QCoreApplication.translate(CONTEXT, many, None, number)
    return filled(one if number == 1 and text == many else text, number)


class _Numbers(string.Formatter):
    """Fills gaps as `str.format` does, but writes numbers as the user's language does."""

    def format_field(self, value: object, spec: str) -> str:
        text = super().format_field(value, spec)
        if isinstance(value, str) or ("," not in spec and "." not in text):
            return text
        return text.replace(",", GAP).replace(".", QLocale().decimalPoint())


def filled(text: str, *values: object) -> str:
    """`text.format(*values)` with numbers as people read them: 1 240, and 0.8 or 0,8."""
    return _Numbers().format(text, *values)


def speak(
    running: QCoreApplication, languages: Sequence[str] | None = None, catalogs: Path = CATALOGS
) -> None:
    """From now on use the first language that there is a catalog of, else English.

    `languages` are codes such as de-AT, the dearest first; None for those of the user.
    """
    for old in running.findChildren(QTranslator):
        running.removeTranslator(old)
        old.deleteLater()
    QLocale.setDefault(QLocale(SOURCE))
    for code in QLocale.system().uiLanguages() if languages is None else languages:
        language = code.split("-")[0]
        if language == SOURCE:
            return
        ours = QTranslator(running)
        if ours.load(f"fovea_{language}", str(catalogs)):
            qts = QTranslator(running)  # the names of standard buttons, of keys and in dialogs
            folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
            if qts.load(f"qtbase_{language}", folder):
                running.installTranslator(qts)
            running.installTranslator(ours)
            QLocale.setDefault(QLocale(code))
            return
