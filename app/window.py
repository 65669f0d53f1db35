"""The main window: its parts, what its actions do, and how it shows the session."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction, QPalette
from PySide6.QtWidgets import (
    QAbstractButton,
    QLabel,
    QMainWindow,
    QStackedWidget,
)

from app import look
from app.actions import Toolbar, fill_menus, make_actions
from app.budget import BudgetBar
from app.dropping import DropFrame
from app.exports import Exports
from app.figures import duration, extent
from app.intake import holds_picture
from app.language import tr
from app.layout import Scrolled, column, heading, split
from app.opening import Opening
from app.panel import Panel
from app.remembering import recall, remember
from app.results import Progress
from app.session import Session
from app.sheet import ExportSheet
from app.status import Status
from app.strip import Strip
from app.trouble import Notice, show_traceback
from app.viewer import Mode, Viewer
from app.welcome import Blank, Welcome
from app.words import meaning, words_of

STEP = 0.05  # what [ and ] change the budget by
VIEWING = ("export", "full", "split", "side", "original", "map", "fit", "actual", "in", "out")


class MainWindow(QMainWindow):
    """Connects everything; holds no state but the widgets."""

    actions_of: dict[str, QAction] = {}  # noqa: RUF012 - Qt asks for changes before they are made

    def __init__(self, session: Session):
        super().__init__()
        self.session = session
        self.setWindowTitle("Fovea")
        self.setAcceptDrops(True)
        self.viewer, self.panel, self.budget = Viewer(), Panel(), BudgetBar()
        self.welcome, self.blank, self.notice = Welcome(), Blank(), Notice()
        self.title, self.sizes = look.Elided(), QLabel()
        self.exports = Exports(self, session)
        self.actions_of = make_actions(self, self._slots())
        self.strip = Strip(session.film, self.actions_of)
        self.opening = Opening(self, session, self.strip)
        self.recent = fill_menus(self.menuBar(), self.actions_of)
        self.tools = Toolbar(self.actions_of, heading(self.title, self.sizes))
        self.addToolBar(self.tools)
        self._make_body()
        self.status = Status(self.actions_of["stop"])
        self.setStatusBar(self.status)
        self._leaving = False
        self._connect()
        self._redraw_icons()
        self._show_upscaler()
        recall(self)
        self._show_panel(self.actions_of["panel"].isChecked())
        self._show_state()

    def _slots(self) -> dict[str, Callable]:
        """What each action does."""
        session, film, viewer, exports = self.session, self.session.film, self.viewer, self.exports
        return {
            "open": lambda: self.opening.ask(),
            "open-folder": lambda: self.opening.ask_folder(),
            "paste": lambda: self.opening.paste(),
            "export": lambda: self._afresh(exports.ask_one),
            "export-all": lambda: self._afresh(exports.ask_all),
            "quit": self.close,
            **{mode.value: partial(self._set_mode, mode) for mode in Mode},
            "original": viewer.hold_original,
            "map": self._show_map,
            "panel": self._show_panel,
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
            "retry": lambda: self._afresh(film.retry),
            "report": exports.open_report,
            "reveal": exports.reveal,
        }

    def _make_body(self) -> None:
        self.side = Scrolled(self.panel)
        views = split(self.viewer, self.side, stretched=self.viewer)
        work = column(views, self.budget, stretched=views)
        self.pages = QStackedWidget()
        for page in (self.welcome, work, self.blank):
            self.pages.addWidget(page)
        self.work = work
        below = split(self.strip, self.pages, stretched=self.pages)
        self.setCentralWidget(column(self.notice, below, stretched=below))
        self.drop_frame = DropFrame(self.centralWidget())
        self.splitters = {"views": views, "strip": below}

    def _connect(self) -> None:
        session = self.session
        session.opening.connect(self.notice.hide)
        session.opened.connect(self._show_picture)
        session.renamed.connect(self._show_upscaler)
        session.planned.connect(self._show_plan)
        session.progressed.connect(self._show_progress)
        session.state_changed.connect(self._show_state)
        session.failed.connect(self.notice.show_sentence)
        session.crashed.connect(lambda text: show_traceback(text, self))
        session.film.state_changed.connect(self._show_page)
        self.budget.changed.connect(self._set_effort)
        self.budget.stopped.connect(lambda index: session.set_name(session.stops[index].name))
        self.panel.upscaler_chosen.connect(session.set_name)
        self.panel.map_toggled.connect(self.actions_of["map"].setChecked)
        self.panel.opacity_changed.connect(self.viewer.set_opacity)
        self.viewer.hovered.connect(self._show_value)
        self.viewer.moved.connect(self._show_place)
        self.recent.parentWidget().aboutToShow.connect(
            lambda: self.opening.fill_recent(self.recent)
        )
        self.welcome.open_asked.connect(self.opening.ask)
        self.welcome.sample_asked.connect(lambda: session.open(look.ASSETS / "sample.png"))

    # --- what the user asks for ----------------------------------------------------------------

    def open_paths(self, paths: list[Path]) -> None:
        """Open one picture by itself; several, or folders, go on the film strip."""
        self.opening.open_paths(paths)

    @property
    def sheet(self) -> ExportSheet | None:
        """The newest sheet before an export of all files."""
        return self.exports.sheet

    def _afresh(self, begin: Callable[[], None]) -> None:
        """What was told before is read."""
        self.notice.hide()
        begin()

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

    def _show_panel(self, shown: bool) -> None:
        self.side.setVisible(shown)

    def _show_place(self) -> None:
        """What is seen of the picture is computed first."""
        self.session.visible = self.viewer.visible()
        self.status.show_zoom(self.viewer.zoom * self.viewer.devicePixelRatioF())

    # --- what the session tells ----------------------------------------------------------------

    def _show_picture(self) -> None:
        opened = self.session.picture
        self.viewer.show_picture(opened)
        self._show_page()
        if not self.strip.view.hasFocus():  # the arrow keys go on along the strip
            self.viewer.setFocus()
        name = opened.name or tr("Pasted picture")
        self.setWindowTitle(f"{name} – Fovea")
        self.title.tip = str(opened.path or name)
        self.title.setText(name)
        height, width = opened.picture.size
        large = height * opened.scale, width * opened.scale
        self.sizes.setText(f"{extent(opened.picture.size)}  →  {extent(large)}")
        self._show_upscaler()
        self.panel.show_device(opened.scale, opened.device)
        self._show_state()

    def _show_page(self) -> None:
        """The picture, or what there is instead."""
        session, film = self.session, self.session.film
        if session.picture is not None:
            self.pages.setCurrentWidget(self.work)
        elif session.opens or film.searching:
            self.blank.show_words(session.status if session.opens else "")
            self.pages.setCurrentWidget(self.blank)
        elif film.items:
            self.blank.show_words(tr("Choose a picture on the left."))
            self.pages.setCurrentWidget(self.blank)
        else:
            self.pages.setCurrentWidget(self.welcome)

    def _show_upscaler(self) -> None:
        """The weights in use, what their map is called, and what the slider asks for."""
        session = self.session
        words, stops = words_of(session.weights.method), [stop.name for stop in session.stops]
        self.panel.show_upscaler(session.name, session.choices, words)
        self.actions_of["map"].setText(words.name)
        self.actions_of["map"].setToolTip(f"{words.name} (M)")
        self.tools.fit_words()
        self.side.fit()
        self.welcome.show_scale(session.scale)
        self.viewer.show_plan(None)
        self.budget.set_stops([stop.label for stop in session.stops])
        if stops:
            self.budget.show_stop(stops.index(session.name))
        else:
            self.budget.show_effort(session.effort)
        self._show_budget()

    def _show_plan(self) -> None:
        plan = self.session.plan
        self.viewer.show_plan(plan)
        self.panel.show_plan(plan)
        self._show_state()

    def _show_budget(self) -> None:
        """What the budget means and how long that takes: predicted, then taken."""
        session, plan, timing = self.session, self.session.plan, self.session.timing
        parts = [] if plan is None else meaning(plan)
        self.budget.show_plan(parts, valid=session.planned_for_now)
        words = ""
        if session.planned_for_now and timing.total is not None:
            whole = duration(timing.total)
            words = (tr("took {}") if timing.done == 1 else tr("about {}")).format(whole)
        self.budget.show_seconds(words)

    def _show_progress(self, progress: Progress) -> None:
        self.viewer.show_region(progress.region)
        self._show_state()

    def _show_state(self) -> None:
        session, there = self.session, self.session.picture is not None
        for name in VIEWING:
            self.actions_of[name].setEnabled(there)
        slider = self.budget.slider
        self.actions_of["less"].setEnabled(there and slider.value() > slider.minimum())
        self.actions_of["more"].setEnabled(there and slider.value() < slider.maximum())
        self.actions_of["stop"].setEnabled(session.busy)
        self.status.show_session(session)
        self._show_budget()
        self._show_page()

    def _show_value(self, place: tuple[int, int] | None) -> None:
        plan = self.session.plan
        inside = place is not None and plan is not None and plan.values is not None
        self.panel.show_value(float(plan.values[place]) if inside else None, place)

    # --- the window itself ---------------------------------------------------------------------

    def _redraw_icons(self) -> None:
        colour = self.palette().color(QPalette.ColorRole.ButtonText)
        for made in self.actions_of.values():
            if made.property("symbol"):
                made.setIcon(look.icon(made.property("symbol"), colour))

    def changeEvent(self, event) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._redraw_icons()
        if event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self._let_go()
        super().changeEvent(event)

    def keyPressEvent(self, event) -> None:
        """Space compares wherever the focus is; Enter presses the button that has it instead."""
        focus = self.focusWidget()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(
            focus, QAbstractButton
        ):
            focus.click()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._let_go()
        super().keyReleaseEvent(event)

    def _let_go(self) -> None:
        """Space is not held any more."""
        self.actions_of["original"].setChecked(False)

    def dragEnterEvent(self, event) -> None:
        if holds_picture(event.mimeData()):
            event.acceptProposedAction()
            self.drop_frame.show_over()

    def dragLeaveEvent(self, event) -> None:
        self.drop_frame.hide()

    def dropEvent(self, event) -> None:
        self.drop_frame.hide()
        if self.opening.take(event.mimeData()):
            event.acceptProposedAction()

    def closeEvent(self, event) -> None:
        if not (self._leaving or self.exports.may_leave(self._leave)):
            event.ignore()
            return
        remember(self)
        self.hide()  # the worker may still have seconds to go
        self.session.close()
        super().closeEvent(event)

    def _leave(self) -> None:
        """Whatever is still being exported is left undone."""
        self._leaving = True
        self.close()
