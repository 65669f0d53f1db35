"""The main window: its actions, its layout, and the wires between session and widgets."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QImage, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMessageBox,
    QProgressBar,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import look
from app.actions import fill_menus, make_actions, make_toolbar
from app.batch import OUTPUT, Order
from app.budget import BudgetBar, duration
from app.film import Phase
from app.panel import Panel
from app.session import Session
from app.sheet import ExportSheet
from app.stops import choices
from app.strip import Strip
from app.trouble import Notice, show_traceback
from app.viewer import Mode, Viewer
from app.welcome import Welcome
from app.words import meaning, words_of
from engine.pictures import Picture
from engine.pictures.formats import readable, written_formats

STEP = 0.05  # what [ and ] change the budget by


class MainWindow(QMainWindow):
    """Connects everything; holds no state but the widgets."""

    def __init__(self, session: Session):
        super().__init__()
        self.session = session
        self.setWindowTitle("Fovea")
        self.setAcceptDrops(True)
        self.resize(1280, 800)
        self.viewer, self.panel, self.budget = Viewer(), Panel(), BudgetBar()
        self.welcome, self.notice = Welcome(), Notice()
        self.title, self.sizes = QLabel(), QLabel()
        self.actions_of = make_actions(self, self._slots())
        self.strip = Strip(session.film, self.actions_of)
        self.recent = fill_menus(self.menuBar(), self.actions_of)
        self.addToolBar(make_toolbar(self.actions_of, self._make_heading()))
        self._make_body()
        self._make_status()
        self._connect()
        self._redraw_icons()
        self.viewer.set_opacity(0.6)
        self.panel.opacity.setValue(60)
        self._show_state()
        self.actions_of["split"].setChecked(True)

    def _slots(self) -> dict[str, Callable]:
        """What each action does."""
        session, film, viewer = self.session, self.session.film, self.viewer
        return {
            "open": self._ask_open,
            "open-folder": self._ask_open_folder,
            "paste": self._paste,
            "export": self._ask_export,
            "export-all": self._ask_export_all,
            "quit": self.close,
            **{mode.value: partial(self._set_mode, mode) for mode in Mode},
            "map": self._show_map,
            "fit": lambda: viewer.fit(),
            "actual": lambda: viewer.actual_size(),
            "in": lambda: viewer.zoom_by(1.25),
            "out": lambda: viewer.zoom_by(0.8),
            "less": lambda: self._step(-1),
            "more": lambda: self._step(1),
            "stop": session.stop,
            "pause": lambda: film.pause(True),
            "resume": lambda: film.pause(False),
            "stop-all": film.stop,
            "retry": film.retry,
            "report": self._open_report,
            "reveal": self._reveal,
        }

    def _make_heading(self) -> QWidget:
        heading = QWidget()
        heading.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout(heading)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(10)
        self.title.setMinimumWidth(40)
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row.addWidget(self.title, 1)
        row.addWidget(self.sizes)
        return heading

    def _make_body(self) -> None:
        work = QWidget()
        grid = QVBoxLayout(work)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(0)
        grid.addWidget(self.viewer, 1)
        grid.addWidget(self.budget)
        row = QWidget()
        beside = QHBoxLayout(row)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(0)
        beside.addWidget(work, 1)
        beside.addWidget(self.panel)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        self.pages.addWidget(row)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.notice)
        below = QHBoxLayout()
        below.setSpacing(0)
        below.addWidget(self.strip)
        below.addWidget(self.pages, 1)
        column.addLayout(below, 1)
        self.setCentralWidget(body)

    def _make_status(self) -> None:
        self.bar, self.eta = QProgressBar(), QLabel()
        self.bar.setFixedWidth(180)
        self.bar.setTextVisible(False)
        self.bar.setMaximumHeight(12)
        self.bar.setAccessibleName(self.tr("Progress"))
        self.eta.setMinimumWidth(self.eta.fontMetrics().horizontalAdvance("000 min left"))
        self.stop_button = QToolButton()
        self.stop_button.setDefaultAction(self.actions_of["stop"])
        self.stop_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.stop_button.setAutoRaise(True)
        for widget in (self.bar, self.eta, self.stop_button):
            self.statusBar().addPermanentWidget(widget)
        self.statusBar().setSizeGripEnabled(False)

    def _connect(self) -> None:
        session = self.session
        session.opening.connect(self.notice.hide)
        session.opened.connect(self._show_picture)
        session.renamed.connect(self._show_upscaler)
        session.planned.connect(self._show_plan)
        session.progressed.connect(self._show_progress)
        session.state_changed.connect(self._show_state)
        session.settings_changed.connect(self._show_sizes)
        session.film.added.connect(self.strip.show_row)
        self.strip.chosen.connect(self._look_at)
        session.message.connect(self.statusBar().showMessage)
        session.failed.connect(self.notice.show_sentence)
        session.crashed.connect(lambda text: show_traceback(text, self))
        self.budget.changed.connect(self._set_effort)
        self.budget.stopped.connect(lambda index: session.set_name(session.stops[index].name))
        self.panel.upscaler_chosen.connect(session.set_name)
        self.panel.map_toggled.connect(self.actions_of["map"].setChecked)
        self.panel.opacity_changed.connect(self.viewer.set_opacity)
        self.viewer.hovered.connect(self._show_value)
        self.viewer.moved.connect(self._remember_visible)
        self.recent.parentWidget().aboutToShow.connect(self._fill_recent)
        self.welcome.open_asked.connect(self._ask_open)
        self.welcome.sample_asked.connect(lambda: session.open(look.ASSETS / "sample.png"))

    # --- what the user asks for ----------------------------------------------------------------

    def _ask_open(self) -> None:
        endings = " ".join(f"*{ending}" for ending in sorted(readable()))
        filters = self.tr("Pictures ({});;All files (*)").format(endings)
        names, _ = QFileDialog.getOpenFileNames(self, self.tr("Open pictures"), "", filters)
        self.open_paths([Path(name) for name in names])

    def _ask_open_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, self.tr("Open a folder of pictures"))
        if name:
            self.open_paths([Path(name)])

    def open_paths(self, paths: list[Path]) -> None:
        """Open one picture by itself; several, or folders, go on the film strip."""
        film = self.session.film
        if len(paths) > 1 or any(path.is_dir() for path in paths) or (paths and film.items):
            film.add(paths)
        elif paths:
            self.session.open(paths[0])

    def _look_at(self, path: Path) -> None:
        opened = self.session.picture
        if opened is None or opened.path != path or self.session.busy:
            self.session.open(path)

    def _paste(self) -> None:
        data = QApplication.clipboard().mimeData()
        if data.hasUrls() and data.urls()[0].isLocalFile():
            self.session.open(Path(data.urls()[0].toLocalFile()))
        elif data.hasImage():
            self.session.open_picture(Picture(array_of(QApplication.clipboard().image())))
        else:
            self.notice.show_sentence(self.tr("There is no picture on the clipboard."))

    def _ask_export(self) -> None:
        if self.session.picture is None:
            return
        suggestion = str(self.session.suggestion())
        filters = ";;".join(f"{form.name} (*{form.endings[0]})" for form in written_formats())
        path, _ = QFileDialog.getSaveFileName(self, self.tr("Export"), suggestion, filters)
        if not path:
            return
        target, source = Path(path), self.session.picture.path
        target = target if target.suffix else target.with_suffix(".png")
        if source is not None and target.exists() and target.samefile(source):
            self.notice.show_sentence(self.tr("That is the source itself; choose another name."))
            return
        self.session.export(target)

    def _ask_export_all(self) -> None:
        session, film = self.session, self.session.film
        if not film.items or film.phase is not Phase.IDLE:
            return
        beside = film.items[0].source.parents[len(film.items[0].place.parts) - 1]
        self.sheet = ExportSheet(
            film.items,
            session.settings,
            film.order.folder if film.order else beside / OUTPUT,
            scale=session.scale,
            seconds_per_pixel=session.seconds_per_pixel,
            parent=self,
        )
        self.sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.sheet.accepted.connect(self._export_all)
        self.sheet.open()

    def _export_all(self) -> None:
        sheet, film = self.sheet, self.session.film
        self.session.set_settings(sheet.settings)
        self.notice.hide()
        order = Order(tuple(film.items), sheet.folder, sheet.settings, sheet.overwrite)
        film.start(order)

    def _open_report(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.session.film.report)))

    def _reveal(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.session.film.order.folder)))

    def _set_effort(self, effort: float) -> None:
        self.budget.show_effort(effort)
        self.session.set_effort(effort)

    def _step(self, steps: int) -> None:
        """Move the budget by so many steps of STEP, or by so many stops."""
        session = self.session
        if session.stops:
            self.budget.slider.setValue(self.budget.slider.value() + steps)
        else:
            self._set_effort(min(1.0, max(0.0, (round(session.effort / STEP) + steps) * STEP)))

    def _set_mode(self, mode: Mode, shown: bool) -> None:
        if shown:
            self.viewer.set_mode(mode)

    def _show_map(self, shown: bool) -> None:
        self.panel.shown.setChecked(shown)
        self.viewer.set_map(shown)

    def _remember_visible(self) -> None:
        self.session.visible = self.viewer.visible()

    def _fill_recent(self) -> None:
        self.recent.clear()
        for path in self.session.recent:
            self.recent.addAction(path.name, lambda path=path: self.session.open(path))
        self.recent.setEnabled(bool(self.recent.actions()))

    # --- what the session tells ----------------------------------------------------------------

    def _show_picture(self) -> None:
        opened = self.session.picture
        self.pages.setCurrentIndex(1)
        self.viewer.show_picture(opened)
        if not self.strip.view.hasFocus():  # the arrow keys go on along the strip
            self.viewer.setFocus()
        name = opened.name or self.tr("Pasted picture")
        self.setWindowTitle(f"{name} – Fovea")
        self.title.setToolTip(str(opened.path or name))
        self._show_sizes()
        self._show_upscaler()
        self.panel.scale.setText(f"× {opened.scale}")
        self.panel.device.setText(opened.device)
        self._elide()
        self._show_state()

    def _show_upscaler(self) -> None:
        """The weights in use, what their map is called, and what the slider asks for."""
        session = self.session
        words, stops = words_of(session.method), [stop.name for stop in session.stops]
        self.panel.show_upscaler(session.name, choices(session.name), words)
        self.actions_of["map"].setText(words.name)
        self.actions_of["map"].setToolTip(f"{words.name} (M)")
        self.viewer.show_plan(None)
        self.budget.set_stops([stop.label for stop in session.stops])
        if stops:
            self.budget.show_stop(stops.index(session.name))
        else:
            self.budget.show_effort(session.effort)

    def _show_sizes(self) -> None:
        """The sizes of the picture and of its export."""
        opened = self.session.picture
        if opened is not None:
            height, width = opened.picture.size
            tall, wide = self.session.settings.size.of((height, width), opened.scale)
            self.sizes.setText(f"{width} × {height}  →  {wide} × {tall}")

    def _show_plan(self) -> None:
        plan = self.session.plan
        self.viewer.show_plan(plan)
        self.panel.show_plan(plan)
        self._show_budget()
        self._show_state()

    def _show_budget(self) -> None:
        session, plan = self.session, self.session.plan
        parts = [] if plan is None else meaning(session.method, plan)
        self.budget.show_plan(parts, session.seconds)

    def _show_progress(self, progress) -> None:
        self.viewer.show_region(progress.region)
        self._show_state()

    def _show_state(self) -> None:
        session, there = self.session, self.session.picture is not None
        for name in ("export", "full", "split", "side", "map", "fit", "actual", "in", "out"):
            self.actions_of[name].setEnabled(there)
        self.actions_of["stop"].setEnabled(session.busy)
        for widget in (self.bar, self.eta, self.stop_button):
            widget.setVisible(session.busy)
        self.bar.setRange(0, 100 if session.done else 0)
        self.bar.setValue(round(100 * session.done))
        left = session.left
        self.eta.setText("" if left is None else self.tr("{} left").format(duration(left)))
        if not session.busy:
            self._show_budget()

    def _show_value(self, place: tuple[int, int] | None) -> None:
        plan = self.session.plan
        inside = place is not None and plan is not None and plan.values is not None
        self.panel.show_value(float(plan.values[place]) if inside else None, place)

    # --- the window itself ---------------------------------------------------------------------

    def _elide(self) -> None:
        opened = self.session.picture
        if opened is not None:
            name = opened.name or self.tr("Pasted picture")
            metrics = self.title.fontMetrics()
            room = max(40, self.title.width())
            self.title.setText(metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, room))

    def _redraw_icons(self) -> None:
        colour = self.palette().color(QPalette.ColorRole.ButtonText)
        for made in self.actions_of.values():
            if made.property("symbol"):
                made.setIcon(look.icon(made.property("symbol"), colour))

    def _sure(self) -> bool:
        """Ask whether to leave while files are exported."""
        answer = QMessageBox.question(
            self,
            "Fovea",
            self.tr(
                "Files are still being exported. Quit all the same? What is done stays, and the "
                "same export goes on from there."
            ),
        )
        return answer == QMessageBox.StandardButton.Yes

    def changeEvent(self, event) -> None:
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "actions_of"):
            self._redraw_icons()
        super().changeEvent(event)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        QTimer.singleShot(0, self._elide)

    def dragEnterEvent(self, event) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event) -> None:
        files = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        known = [path for path in files if path.suffix.lower() in readable() or path.is_dir()]
        self.open_paths(known or files[:1])

    def closeEvent(self, event) -> None:
        if self.session.film.phase is not Phase.IDLE and not self._sure():
            event.ignore()
            return
        self.session.close()
        super().closeEvent(event)


def array_of(image: QImage):
    """A copy of a QImage's pixels (H, W, 3) uint8."""
    import numpy as np

    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()
