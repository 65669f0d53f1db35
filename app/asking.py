"""What the window asks: which files to open, where to export to, and whether to go on."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from app.language import tr
from engine.pictures.formats import readable, written, written_formats


def files_to_open(parent: QWidget, folder: str) -> list[Path]:
    """Pictures of all kinds that can be read."""
    endings = " ".join(f"*{ending}" for ending in sorted(readable()))
    filters = tr("Pictures ({});;All files (*)").format(endings)
    names, _ = QFileDialog.getOpenFileNames(parent, tr("Open pictures"), folder, filters)
    return [Path(name) for name in names]


def folder_to_open(parent: QWidget, folder: str) -> Path | None:
    name = QFileDialog.getExistingDirectory(parent, tr("Open a folder of pictures"), folder)
    return Path(name) if name else None


def file_to_write(parent: QWidget, suggestion: Path) -> tuple[Path, bool] | None:
    """A place for the export, and whether the dialog knew that very name.

    A name without the ending of a picture gets that of the chosen format.
    """
    rows = {
        f"{form.name} ({' '.join('*' + ending for ending in form.endings)})": form.endings[0]
        for form in written_formats()
    }
    known = written().get(suggestion.suffix.lower())
    usual = next(row for row, first in rows.items() if known is None or first in known.endings)
    name, chosen = QFileDialog.getSaveFileName(
        parent, tr("Export"), str(suggestion), ";;".join(rows), usual
    )
    if not name:
        return None
    path = Path(name)
    if path.suffix.lower() in readable():
        return path, True
    return path.with_name(path.name + rows.get(chosen, written_formats()[0].endings[0])), False


def question(
    parent: QWidget, words: str, more: str, *, verb: str, other: str, then: Callable[[], None]
) -> QMessageBox:
    """Ask whether to do what `verb` says; `then` is called where that button is pressed.

    The safe answer, `other`, is that of the Enter and Escape keys.
    """
    box = QMessageBox(QMessageBox.Icon.Question, "Fovea", words, parent=parent)
    box.setInformativeText(more)
    box.setTextFormat(Qt.TextFormat.PlainText)
    go = box.addButton(verb, QMessageBox.ButtonRole.DestructiveRole)
    stay = box.addButton(other, QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(stay)
    box.setEscapeButton(stay)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    go.clicked.connect(then)
    box.open()
    return box
