"""The sheet before an export of all files: where to, how large, under which names, for how long."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QIcon, QPalette
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app import look
from app.batch import Item, Outlook, outlook, output_pixels, source_pixels
from app.fields import ComboBox, SpinBox
from app.figures import byte_count, duration
from app.language import filled, plural, tr
from app.layout import Scrolled
from app.stops import asked
from engine.batch.names import jobs_of
from engine.errors import SettingsError
from engine.pictures.formats import written, written_formats
from engine.resize import LARGEST, Size
from engine.settings import FIELDS, Settings

WIDTH = 620
AROUND = QSize(16, 64)  # points that the frame around a window may take
SPARE = 24  # points for a sentence of three lines beside the buttons
LOOK = 100  # milliseconds between two looks at whether the files there are counted


class ExportSheet(QDialog):
    """Values in, properties out: `settings`, `folder` and `overwrite` as they are shown."""

    def __init__(
        self,
        items: list[Item],
        settings: Settings,
        folder: Path,
        *,
        scale: int,
        seconds_per_pixel: float | None,
        parent: QWidget | None = None,
    ):
        super().__init__(parent)
        self._items, self._given, self._scale = items, settings, scale
        self._rate = seconds_per_pixel
        self._reader, self._looked = ThreadPoolExecutor(1), Future()  # folders may be far away
        self._outlook, self._senseless = Outlook(), False
        self._timer = QTimer(self, interval=LOOK)
        self._timer.timeout.connect(self._show_outlook)
        self.setWindowTitle(tr("Export all"))
        self._make_fields(folder)
        self._lay_out()
        self._show_size_unit()
        self._show()
        self.name.setFocus()
        room = self.screen().availableSize() - AROUND
        self.resize(QSize(WIDTH, self.sizeHint().height() + SPARE).boundedTo(room))

    # --- what was chosen -----------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        return Path(self.place.text()).expanduser()

    @property
    def overwrite(self) -> bool:
        return self.replaced.isChecked()

    @property
    def settings(self) -> Settings:
        """Raises SettingsError where the name makes no sense."""
        unit = self.unit.currentData()
        return replace(
            self._given,
            size=Size(**{unit: self.amount.value()}) if unit else Size(),
            template=self.name.text(),
            format=self.format.currentData(),
            quality=self.quality.value(),
        )

    # --- the fields ----------------------------------------------------------------------------

    def _make_fields(self, folder: Path) -> None:
        given = self._given
        self.place = QLineEdit(str(folder))
        self.browse = QPushButton(tr("Choose…"))
        self.browse.setAutoDefault(False)
        self.browse.clicked.connect(self._browse)
        self.format = ComboBox()
        self.format.addItem(tr("As the original"), None)
        for form in written_formats():
            self.format.addItem(form.name, form.endings[0].removeprefix("."))
        self.format.setCurrentIndex(max(0, self.format.findData(given.format)))
        self.quality = SpinBox(minimum=1, maximum=100, value=given.quality)
        self.quality.setAccessibleName(tr("Quality"))
        self.unit = ComboBox()
        self.unit.addItem(tr("{} × the original").format(self._scale), None)
        self.unit.addItem(tr("Per cent"), "percent")
        self.unit.addItem(tr("Width"), "width")
        self.unit.addItem(tr("Height"), "height")
        self.amount = SpinBox(minimum=1, maximum=LARGEST)
        self.amount.setAccessibleName(tr("Size"))
        for unit in ("percent", "width", "height"):
            if (value := getattr(given.size, unit)) is not None:
                self.unit.setCurrentIndex(self.unit.findData(unit))
                self.amount.setValue(round(value))
        self.name = QLineEdit(given.template)
        fields = "  ".join("{" + field + "}" for field in FIELDS)
        self.name.setToolTip(tr("Fields: {}").format(fields))
        self.example = look.Elided()
        self.budget = QLabel(
            tr("{}, as the slider says").format(asked(given.name, given.budget.share))
        )
        self.replaced = QCheckBox(tr("Replace files that are already there"))
        self.replaced.toggled.connect(self._show)
        self.there = look.Elided()
        self.there.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.wrong = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.totals, self.time = look.Elided(), QLabel()
        self.format.currentIndexChanged.connect(self._show)
        self.unit.currentIndexChanged.connect(self._show_size_unit)
        for edit in (self.place, self.name):
            edit.textChanged.connect(self._show)
        for box in (self.quality, self.amount):
            box.valueChanged.connect(self._show)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(10)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.quality_label = QLabel(tr("Quality"))
        form.addRow(tr("&Folder"), row_of(self.place, self.browse))
        form.addRow(tr("F&ormat"), row_of(self.format, self.quality_label, self.quality))
        form.addRow(tr("&Size"), row_of(self.unit, self.amount))
        form.addRow(tr("&Name"), self.name)
        form.addRow("", self.example)
        form.addRow(tr("Budget"), self.budget)
        form.addRow("", self.replaced)
        form.addRow("", self.there)
        for field, widget in ((self.place, 0), (self.format, 1), (self.unit, 2)):
            form.itemAt(widget, QFormLayout.ItemRole.LabelRole).widget().setBuddy(field)
        line = QFrame(frameShape=QFrame.Shape.HLine)
        line.setForegroundRole(QPalette.ColorRole.Mid)
        line.setFrameShadow(QFrame.Shadow.Plain)
        form.addRow(line)
        form.addRow(tr("Output"), self.totals)
        form.addRow(tr("Time"), self.time)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        cancel = self.buttons.button(QDialogButtonBox.StandardButton.Cancel)
        cancel.setIcon(QIcon())  # Start has none either
        self.start = self.buttons.addButton(tr("Start"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 16)
        layout.setSpacing(18)
        fields = QWidget()
        fields.setLayout(form)
        form.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(Scrolled(fields), 1)
        layout.addLayout(row_of(self.wrong, self.buttons))
        self.start.setDefault(True)  # only now is it in a dialog

    # --- what they mean ------------------------------------------------------------------------

    def _browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(
            self, tr("Folder for the upscaled pictures"), str(self.folder.parent)
        )
        if chosen:
            self.place.setText(chosen)

    def _show_size_unit(self) -> None:
        """A new unit begins with what the network gives, for the first of the pictures."""
        unit = self.unit.currentData()
        self.amount.setVisible(unit is not None)
        self.amount.setSuffix(" %" if unit == "percent" else tr(" pixels"))
        if unit and getattr(self._given.size, unit) is None:
            height, width = next((i.size for i in self._items if i.size), (1000, 1000))
            usual = {"percent": 100, "width": width, "height": height}
            self.amount.setValue(self._scale * usual[unit])
        self._show()

    def _show(self) -> None:
        """The example, the totals, and whether all this can be started."""
        chosen = self.format.currentData()
        lossy = chosen is None or written()[f".{chosen}"].quality
        for widget in (self.quality_label, self.quality):
            widget.setVisible(lossy)
        try:
            settings = self.settings
            jobs = jobs_of(self._items[:1], self.folder, settings, scale=self._scale)
            sentence, wrong = "", False
            if jobs:
                sentence = f"{jobs[0].source.name}  →  {jobs[0].target.name}"
            pixels = output_pixels(self._items, settings, scale=self._scale)
            self.totals.setText(self._total(pixels))
            self._look(settings)
        except SettingsError as error:
            sentence, wrong = str(error), True
        self._senseless = wrong
        self._colour(self.example, bad=wrong)
        self.example.setText(sentence)
        self._allow()

    def _look(self, settings: Settings) -> None:
        """Look anew, in the reader's thread, at what is in the folder already."""
        self._looked.cancel()
        self._looked = self._reader.submit(
            outlook, self._items, self.folder, settings, scale=self._scale
        )
        self._timer.start()

    def _show_outlook(self) -> None:
        """Show what the reader has seen, when it is there."""
        if not self._looked.done():
            return
        self._timer.stop()
        failed = self._looked.cancelled() or self._looked.exception()
        seen = self._outlook = Outlook() if failed else self._looked.result()
        number, of, words = len(seen.there), len(self._items), ""
        if number:
            fate = (
                tr("those made otherwise are replaced")
                if self.overwrite
                else tr("they stay as they are")
            )
            words = tr("{} of {} are there already; {}").format(number, of, fate)
        self.there.setText(words)
        unfit = len(seen.impossible)
        some = tr("{} of {} cannot be made: {}")
        why = some.format(unfit, of, next(iter(seen.impossible.values()))) if unfit else ""
        self._colour(self.wrong, bad=True)
        self.wrong.setText(look.breakable(why))
        self._allow()

    def _allow(self) -> None:
        """Whether this can be started, and how long it would take."""
        possible = len(self._outlook.impossible) < len(self._items)
        somewhere = bool(self.place.text().strip())
        self.start.setEnabled(possible and somewhere and not self._senseless)
        self.time.setText(self._predicted())

    def _colour(self, label: QLabel, *, bad: bool) -> None:
        colours = self.palette()
        faint = colours.color(QPalette.ColorRole.PlaceholderText)
        colours.setColor(QPalette.ColorRole.WindowText, look.bad(colours) if bad else faint)
        label.setPalette(colours)

    def done(self, result: int) -> None:
        self._timer.stop()
        self._reader.shutdown(wait=False, cancel_futures=True)
        super().done(result)

    def _total(self, pixels: int) -> str:
        number = len(self._items)
        files = plural("1 picture", "{} pictures", number)
        size = filled(tr("{:,.1f} megapixels"), pixels / 1e6)
        raw = tr("{} uncompressed").format(byte_count(3 * pixels))
        unknown = sum(item.size is None for item in self._items)
        without = tr("{} of unknown size").format(unknown) if unknown else ""
        return look.BETWEEN.join(part for part in (files, size, raw, without) if part)

    def _predicted(self) -> str:
        if self._rate is None:
            return tr("unknown until the first picture")
        kept = frozenset() if self.overwrite else self._outlook.there
        kept |= self._outlook.impossible.keys()
        left = [item for item in self._items if item.key not in kept]
        return tr("about {}").format(duration(self._rate * source_pixels(left)))


def row_of(*widgets: QWidget) -> QHBoxLayout:
    """Widgets beside each other, the first as wide as it can be."""
    row = QHBoxLayout()
    row.setSpacing(8)
    for widget in widgets:
        row.addWidget(widget, int(widget is widgets[0]))
    return row
