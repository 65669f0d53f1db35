"""Start the window."""

import gc
import sys
from pathlib import Path

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QApplication, QMessageBox

from app import look
from app.language import speak
from app.session import Session
from app.trouble import catch_all
from app.window import MainWindow
from engine.errors import FoveaError

WEIGHTS = "adaedsr-x4"


def application() -> QApplication:
    """The one QApplication, dressed, in the user's language and the system's light or dark."""
    made = QCoreApplication.instance() or QApplication(sys.argv[:1])
    made.setApplicationName("Fovea")
    made.setOrganizationName("Fovea")
    speak(made)
    look.dress(made)
    made.styleHints().colorSchemeChanged.connect(lambda _: look.dress(made))
    return made


def main(paths: list[str]) -> int:
    """Show the window with a picture open, or several on the film strip."""
    running = application()
    try:
        session = Session(WEIGHTS)
    except FoveaError as error:  # there is nothing to work with
        QMessageBox.critical(None, "Fovea", str(error))
        return 1
    window = MainWindow(session)
    catch_all(window)
    window.show()
    gc.freeze()  # to look through all that is loaded would take the window a tenth of a second
    window.open_paths([Path(path).absolute() for path in paths])
    return running.exec()
