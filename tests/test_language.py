"""The window in other languages: nothing is left in English, nothing is cut off."""

import os
import re
import string
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from xml.etree import ElementTree

import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QSize
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QLabel,
    QMessageBox,
    QSpinBox,
    QToolButton,
    QWidget,
)

from app import catalog
from app.figures import byte_count, duration, percent
from app.language import CATALOGS, plural, speak, tr
from app.look import Elided
from app.words import meaning, words_of
from engine import kernels
from engine.library import METHODS
from engine.pictures.formats import written_formats

ROOM = QSize(1366, 768) - QSize(16, 70)  # what the system's bars and the window's frame leave
WAIT = 30_000
SHIPPED = sorted(CATALOGS.glob("fovea_*.ts"))
TEXTS = "text", "title", "windowTitle", "toolTip", "statusTip", "placeholderText", "accessibleName"
NAMES = "Fovea", "tiny", "Holiday", "Upscaled", "Cancel"  # the last is Qt's own, in Qt's catalog


def messages(ts) -> list[tuple[str, list[ElementTree.Element]]]:
    """Of each message the source and the elements that hold its translations."""
    found = []
    for message in ElementTree.parse(ts).iter("message"):
        translation = message.find("translation")
        forms = list(translation) if message.get("numerus") else [translation]
        found.append((message.findtext("source"), forms))
    return found


def gaps(text: str) -> list[tuple]:
    return [part[1:] for part in string.Formatter().parse(text) if part[1] is not None]


# --- the catalogs --------------------------------------------------------------------------------


def test_german_is_shipped():
    assert [ts.stem for ts in SHIPPED] == ["fovea_de"]


@pytest.mark.parametrize("ts", SHIPPED, ids=lambda ts: ts.stem)
def test_a_catalog_holds_the_texts_of_the_code_and_no_others(ts):
    texts = catalog.texts(catalog.TEXTS) + catalog.texts(catalog.PLURALS)
    assert sorted(source for source, _ in messages(ts)) == sorted(texts)


@pytest.mark.parametrize("ts", SHIPPED, ids=lambda ts: ts.stem)
def test_everything_is_translated_with_the_same_gaps(ts):
    assert 'type="' not in ts.read_text(encoding="utf-8")  # neither unfinished nor vanished
    for source, forms in messages(ts):
        for form in forms:
            assert form.text and gaps(form.text) == gaps(source), source
            assert source.startswith(" ") == form.text.startswith(" "), source


@pytest.mark.parametrize("ts", SHIPPED, ids=lambda ts: ts.stem)
def test_what_is_loaded_is_compiled_from_the_catalog(ts, tmp_path):
    catalog.compile_to(ts, tmp_path / "new.qm")
    assert (tmp_path / "new.qm").read_bytes() == ts.with_suffix(".qm").read_bytes()


def test_an_update_adds_what_is_new_drops_what_is_gone_and_keeps_the_rest(tmp_path):
    ts = tmp_path / "fovea_de.ts"
    text = (CATALOGS / "fovea_de.ts").read_text(encoding="utf-8")
    text = text.replace("<source>Quit</source>", "<source>Leave at once</source>")
    ts.write_text(text, encoding="utf-8")
    catalog.update(ts)
    assert "Leave at once" not in ts.read_text(encoding="utf-8")
    found = {source: [form.text for form in forms] for source, forms in messages(ts)}
    assert found["Quit"] == [None] and found["Paste"] == ["Einfügen"]
    assert found["{} pictures"] == ["{} Bild", "{} Bilder"]


# --- the user's language -------------------------------------------------------------------------


@pytest.fixture
def german(qapp):
    speak(qapp, ["de-DE"])
    yield
    speak(qapp, ["en"])


def test_numbers_and_plurals_in_english(qapp):
    speak(qapp, ["en", "de"])
    assert (percent(0.365), duration(0.84), byte_count(4_120_000)) == ("36.5 %", "0.8 s", "4.1 MB")
    assert plural("1 picture", "{} pictures", 1) == "1 picture"
    assert plural("1 picture", "{} pictures", 1240) == "1240 pictures"


def test_numbers_and_plurals_in_german(german):
    assert (percent(0.365), duration(0.84), byte_count(4_120_000)) == ("36,5 %", "0,8 s", "4,1 MB")
    assert plural("1 picture", "{} pictures", 1) == "1 Bild"
    assert plural("1 picture", "{} pictures", 2) == "2 Bilder"


def test_buttons_of_qt_are_german_too(qtbot, german):
    box = QMessageBox(QMessageBox.Icon.Warning, "Fovea", "", QMessageBox.StandardButton.Close)
    qtbot.addWidget(box)
    assert box.buttons()[0].text().replace("&", "") == "Schließen"


@pytest.mark.parametrize(
    "environment, words",
    [
        ({"LANGUAGE": "de"}, "Beenden"),
        ({"LANG": "de_AT.UTF-8"}, "Beenden"),
        ({"LANGUAGE": "xx:de:en"}, "Beenden"),
        ({"LANGUAGE": "en:de", "LANG": "de_DE.UTF-8"}, "Quit"),
        ({"LANG": "C"}, "Quit"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep the language elsewhere")
def test_the_first_language_of_the_user_that_there_is(environment, words):
    program = "from PySide6.QtCore import QCoreApplication as A; a = A([])\n"
    program += "from app.language import speak, tr; speak(a); print(ascii(tr('Quit')))"
    kept = {k: v for k, v in os.environ.items() if k != "LANGUAGE" and not k.startswith("L")}
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**kept, **environment},
        cwd=catalog.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == repr(words)


# --- a made-up language --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    """A catalog of all texts, a third longer and in brackets."""
    folder = tmp_path_factory.mktemp("translations")
    ts = folder / "fovea_eo.ts"
    catalog.update(ts)
    tree = ElementTree.parse(ts)
    for message in tree.iter("message"):
        source, translation = message.findtext("source"), message.find("translation")
        translation.attrib.clear()
        for form in list(translation) or [translation]:
            form.text = f"[!!{source}{'~' * (len(source) * 35 // 100)}!!]"
    tree.write(ts, encoding="utf-8", xml_declaration=True)
    catalog.compile_to(ts, folder / "fovea_eo.qm")
    return folder


@pytest.fixture
def spoken(qapp, made_up, monkeypatch):
    """Whatever window is made meanwhile speaks that language."""
    monkeypatch.setattr("app.program.speak", partial(speak, languages=["eo"], catalogs=made_up))
    yield
    speak(qapp, ["en"])


def texts_of(widget: QWidget) -> Iterator[str]:
    """All that a widget and those in it say or could say."""
    for thing in (widget, *widget.findChildren(QWidget), *widget.findChildren(QAction)):
        if isinstance(thing, QSpinBox):
            yield thing.suffix()
        elif isinstance(thing, Elided):
            yield from (thing.words, thing.tip)
        elif isinstance(thing, QComboBox):
            yield from (thing.itemText(row) for row in range(thing.count()))
            yield thing.accessibleName()
        else:
            skipped = "text" if thing.inherits("QLineEdit") else ""
            yield from (str(thing.property(name) or "") for name in TEXTS if name != skipped)


def english(texts: Iterator[str], *data: str) -> set[str]:
    """Those in which letters are left that are neither translated nor `data`."""
    names = [*data, *NAMES, kernels.describe(), *(form.name for form in written_formats())]
    return {text for text in texts if left(text, sorted(names, key=len, reverse=True))}


def left(text: str, names: list[str]) -> bool:
    """Are there letters but for translations and names? Keys stand in brackets in tool tips."""
    for name in names:
        text = text.replace(name, "")
    text = re.sub(r"\{\w+\}|\([^()]*\)$", "", text)
    before = ""
    while text != before:
        before, text = text, re.sub(r"\[!![^\[\]]*!!\]", "", text)
    return any(letter.isalpha() for letter in text)


def cut_off(widget: QWidget) -> list[str]:
    """What has less room than it needs, or is not to be seen in its full width."""
    QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
    found = []
    for part in widget.findChildren(QWidget):
        if not part.isVisible() or not isinstance(part, QLabel | QAbstractButton | QSpinBox):
            continue
        needs = part.sizeHint()
        if isinstance(part, QLabel) and part.wordWrap():
            needs = QSize(0, part.heightForWidth(part.width()))
        if isinstance(part, Elided):
            needs.setWidth(0)
        seen = part.visibleRegion().boundingRect().width() == part.width()
        if not seen or needs.expandedTo(part.size()) != part.size():
            found.append(f"{type(part).__name__} {part.property('text')!r} {needs} {part.size()}")
    found += [
        b.objectName()
        for b in widget.findChildren(QToolButton, "qt_toolbar_ext_button")
        if b.isVisible()
    ]
    return found


@pytest.fixture
def folder(tmp_path, drawn_pixels):
    """Two pictures, and one file that is none."""
    folder = tmp_path / "Holiday"
    folder.mkdir()
    for name in ("1", "2"):
        Image.fromarray(drawn_pixels(300, 200)).save(folder / f"{name}.png")
    (folder / "3.png").write_text("no picture")
    return folder


def test_the_window_says_nothing_in_english_and_cuts_nothing_off(qtbot, spoken, window, folder):
    session, film, actions = window.session, window.session.film, window.actions_of
    window.resize(ROOM)
    data = str(folder), "1.png", "2.png", "3.png", "1_4x.png"

    def check(widget: QWidget) -> None:
        assert english(texts_of(widget), *data) == set()
        assert cut_off(widget) == []

    check(window)
    actions["paste"].trigger()
    window.open_paths([folder])
    assert english([session.status, *texts_of(window)], *data) == set()
    qtbot.waitUntil(lambda: session.done == 1 and not session.busy, timeout=WAIT)
    actions["map"].setChecked(True)
    window.viewer.hovered.emit((3, 4))
    check(window)
    assert english(meaning(session.plan)) == set()
    assert english([film.words(row) for row in range(2)], *data) == set()

    actions["export-all"].trigger()
    for row in range(window.sheet.unit.count()):
        window.sheet.unit.setCurrentIndex(row)
        check(window.sheet)
    window.sheet.unit.setCurrentIndex(0)
    window.sheet.accept()
    actions["pause"].trigger()
    check(window)
    actions["quit"].trigger()
    for box in window.findChildren(QMessageBox):
        check(box)
        box.reject()
    actions["resume"].trigger()
    qtbot.waitUntil(lambda: film.phase.value == "idle", timeout=WAIT)
    check(window)
    assert english([film.words(row) for row in range(2)], *data) == set()


def test_maps_and_facts_of_all_methods_are_translated(qtbot, spoken, window):
    window.resize(ROOM)
    window.pages.setCurrentWidget(window.work)
    for method in METHODS:
        words = words_of(method)
        used = words.name, words.show, words.unit, words.value, words.lines
        assert english(used) == set()
        window.panel.show_upscaler("tiny", ["tiny"], words)
        window.side.fit()
        assert window.panel.shown.isVisible()
        assert cut_off(window) == []
        legend = window.panel.legend
        assert legend.fontMetrics().horizontalAdvance(words.unit) <= legend.minimumWidth()


def test_texts_in_engine_and_window_are_found(qapp):
    found = catalog.texts(catalog.TEXTS)
    for method in METHODS.values():
        words = method.map
        assert {words.name, words.question, words.unit, words.value} <= set(found)
    assert "K = {:,.0f} of {:,} cells" in found and "Open…" in found
    assert tr("Open…") == "Open…"
