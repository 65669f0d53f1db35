"""The film strip: the files of a batch with their states, and below them the export."""

from itertools import islice

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QIcon, QImage, QPainter, QPainterPath, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListView,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import look
from app.figures import duration
from app.film import Film, Phase, State
from app.language import plural, tr
from app.painting import paint_checks
from app.panel import heading
from engine.batch.stages import DONE, FAILED, RUNNING

WIDTH, LEAST, ROW, THUMB, GAP = 264, 224, 60, 44, 10
TOLD = 20  # reasons in a tool tip
Index = QModelIndex | QPersistentModelIndex


class Frame(QStyledItemDelegate):
    """Paints a row: the thumbnail, the name, and what has become of the file."""

    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self._icons: dict[tuple[str, str], QIcon] = {}

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        self.initStyleOption(option, index)
        item, state = index.model().items[index.row()], index.model().states[index.row()]
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        role = QPalette.ColorRole.HighlightedText if chosen else QPalette.ColorRole.Text
        ink = option.palette.color(QPalette.ColorGroup.Active, role)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if chosen:
            group = QPalette.ColorGroup.Active
            painter.fillRect(option.rect, option.palette.color(group, QPalette.ColorRole.Highlight))
        box = option.rect.adjusted(GAP, (ROW - THUMB) // 2, -GAP, -(ROW - THUMB) // 2)
        square = QRect(box.topLeft(), QSize(THUMB, THUMB))
        self._thumb(painter, square, index.data(Qt.ItemDataRole.DecorationRole), option.palette)
        text = box.adjusted(THUMB + GAP, 2, 0, -2)
        if state.name == FAILED:  # whose reason takes two lines
            text.adjust(0, -6, 0, 6)
        self._mark(painter, text, state, ink if chosen else None, option.palette)
        if state.kind in (DONE, FAILED):
            text.setRight(text.right() - 24)
        painter.setPen(ink)
        painter.setFont(option.font)
        name = option.fontMetrics.elidedText(
            item.source.name, Qt.TextElideMode.ElideMiddle, text.width()
        )
        painter.drawText(text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, name)
        self._words(painter, text, option, index, ink if chosen else None)
        painter.restore()

    def _thumb(
        self, painter: QPainter, square: QRect, image: QImage | None, colours: QPalette
    ) -> None:
        path = QPainterPath()
        path.addRoundedRect(square, 4, 4)
        if image is None:
            painter.fillPath(path, colours.color(QPalette.ColorRole.Mid))
            return
        painter.save()
        painter.setClipPath(path)
        if image.hasAlphaChannel():
            paint_checks(painter, QRectF(square))
        painter.drawImage(square, image)
        painter.restore()

    def _mark(
        self, painter: QPainter, box: QRect, state: State, ink: QColor | None, colours: QPalette
    ) -> None:
        """A check or an exclamation mark at the right."""
        if state.kind not in (DONE, FAILED):
            return
        colour = ink or (look.good(colours) if state.kind == DONE else look.bad(colours))
        key = "done" if state.kind == DONE else "failed", colour.name()
        if key not in self._icons:
            self._icons[key] = look.icon(key[0], colour)
        self._icons[key].paint(painter, box.right() - 18, box.center().y() - 9, 20, 20)

    def _words(
        self,
        painter: QPainter,
        box: QRect,
        option: QStyleOptionViewItem,
        index: Index,
        ink: QColor | None,
    ) -> None:
        """The second line: the state in words, with a bar while the file is computed."""
        state = index.model().states[index.row()]
        colours = option.palette
        colour = colours.color(QPalette.ColorRole.PlaceholderText)
        if state.name == FAILED:
            colour = look.bad(colours)
        words = index.model().words(index.row())
        room = box.width()
        if state.name == RUNNING:
            room = option.fontMetrics.horizontalAdvance("100 % ")
            track = QRect(box.left() + room, 0, box.width() - room, 4)
            if state.progress < 1:
                track.moveTop(box.bottom() - option.fontMetrics.height() // 2 - 1)
                ground = QColor(ink or colour)
                ground.setAlphaF(0.3)
                self._bar(painter, track, ground)
                track.setWidth(max(4, round(track.width() * state.progress)))
                self._bar(painter, track, ink or colours.color(QPalette.ColorRole.Highlight))
            else:
                room = box.width()
        painter.setPen(ink or colour)
        most = 2 if state.name == FAILED else 1
        lines = "\n".join(look.lines(words, option.font, room, most))
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, lines)

    def _bar(self, painter: QPainter, track: QRect, colour: QColor) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(track, 2, 2)


class Strip(QWidget):
    """Shows a film; its buttons are the actions that the window gives it."""

    chosen = Signal(object)  # the path of a file that is to be looked at

    def __init__(self, film: Film, actions: dict[str, QAction]):
        super().__init__()
        self.film, self._actions = film, actions
        self.title = heading("")
        close = QToolButton(text="✕", autoRaise=True)
        close.setToolTip(tr("Take all files off the strip"))
        close.setAccessibleName(close.toolTip())
        close.clicked.connect(film.clear)
        self.close_button = close
        self.view = QListView()
        self.view.setModel(film)
        self.view.setItemDelegate(Frame(self.view))
        self.view.setUniformItemSizes(True)
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setAccessibleName(tr("Film strip"))
        self.view.selectionModel().currentChanged.connect(self._choose)
        self.view.activated.connect(self._choose)
        remove = QAction(tr("Take off the strip"), self.view)
        remove.setShortcut(Qt.Key.Key_Delete)
        remove.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        remove.triggered.connect(lambda: film.remove(self.view.currentIndex().row()))
        self.view.addAction(remove)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.remove = remove
        empty = QLabel(tr("Looking for pictures…"))
        empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        empty.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.view)
        self.pages.addWidget(empty)

        head = QHBoxLayout()
        head.setContentsMargins(12, 8, 8, 8)
        head.addWidget(self.title, 1)
        head.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self.pages, 1)
        layout.addLayout(self._foot())
        film.state_changed.connect(self._show)
        self._show()

    def _foot(self) -> QVBoxLayout:
        self.bar = QProgressBar(maximum=1000, textVisible=False)
        self.bar.setMaximumHeight(12)
        self.bar.setAccessibleName(tr("Progress of the export"))
        self.words = look.Elided(most=2)
        grid = QGridLayout()
        grid.setSpacing(8)
        places = {
            "pause": (0, 0, 1, 1),
            "resume": (0, 0, 1, 1),
            "stop-all": (0, 1, 1, 1),
            "retry": (1, 0, 1, 2),
            "report": (2, 0, 1, 2),
            "reveal": (3, 0, 1, 2),
            "export-all": (4, 0, 1, 2),
        }
        self.buttons = {name: button_of(self._actions[name]) for name in places}
        for name, place in places.items():
            grid.addWidget(self.buttons[name], *place)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        foot = QVBoxLayout()
        foot.setContentsMargins(12, 12, 12, 12)
        foot.setSpacing(8)
        foot.addWidget(self.bar)
        foot.addWidget(self.words)
        foot.addLayout(grid)
        return foot

    def minimumSizeHint(self) -> QSize:
        return super().minimumSizeHint().expandedTo(QSize(LEAST, 0))

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, super().sizeHint().height())

    def show_row(self, row: int) -> None:
        """Choose a file, which opens it."""
        self.view.setCurrentIndex(self.film.index(row))

    def _choose(self, index: Index) -> None:
        if index.isValid():
            self.chosen.emit(self.film.items[index.row()].source)

    def _show(self) -> None:
        film, actions = self.film, self._actions
        number, counts = len(film.items), film.counts
        idle, ended = film.phase is Phase.IDLE, film.order is not None
        self.setVisible(bool(number or film.searching))
        self.pages.setCurrentIndex(0 if number else 1)
        self.title.setText(plural("1 picture", "{} pictures", number))
        for thing in (self.close_button, self.remove):
            thing.setEnabled(idle)
        self.bar.setVisible(not idle)
        self.bar.setValue(round(1000 * film.overall))
        reasons = [passed.reason for passed in islice(film.passed.values(), TOLD)]
        more = ["…"] if len(film.passed) > TOLD else []
        self.words.tip = "\n".join(reasons + more)
        self.words.setText(self._sentence(number, counts))
        self.words.setVisible(bool(self.words.words))
        actions["export-all"].setEnabled(idle and bool(number))
        actions["pause"].setEnabled(film.phase is Phase.RUNNING)
        actions["resume"].setEnabled(film.phase is Phase.PAUSED)
        actions["stop-all"].setEnabled(film.phase in (Phase.RUNNING, Phase.PAUSED))
        actions["retry"].setEnabled(bool(film.retriable))
        actions["reveal"].setEnabled(idle and ended)
        actions["report"].setEnabled(film.report is not None)
        for name, button in self.buttons.items():
            button.setVisible(actions[name].isEnabled())

    def _sentence(self, number: int, counts) -> str:
        """One line about the export as a whole."""
        film = self.film
        passed = tr("{} passed over").format(len(film.passed)) if film.passed else ""
        if film.order is None:
            return passed
        done = tr("{} of {} done").format(counts[DONE], number)
        failed = tr("{} failed").format(counts[FAILED]) if counts[FAILED] else ""
        first = {
            Phase.IDLE: "",
            Phase.RUNNING: "" if film.left is None else tr("{} left").format(duration(film.left)),
            Phase.PAUSED: tr("Paused"),
            Phase.STOPPING: tr("Stopping…"),
        }[film.phase]
        return look.BETWEEN.join(part for part in (first, done, failed, passed) if part)


def button_of(action: QAction) -> QPushButton:
    """A push button that is an action: its text, its icon, its state."""
    button = QPushButton()
    button.clicked.connect(action.trigger)

    def follow() -> None:
        button.setText(action.text())
        button.setIcon(action.icon())
        button.setToolTip(action.toolTip())
        button.setEnabled(action.isEnabled())

    action.changed.connect(follow)
    follow()
    return button
