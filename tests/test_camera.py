"""What is seen of a picture, and where the line between before and after stands."""

import pytest
from PySide6.QtCore import QPointF, QRectF, QSizeF

from app.camera import Camera
from engine.tiling import Region

VIEWS = [(800, 300), (300, 800), (1048, 640)]
PICTURES = [(400, 1200), (1200, 400), (4000, 100), (16, 16)]


def camera(picture, view):
    made = Camera()
    made.picture = QSizeF(*picture)
    made.resize(QSizeF(*view))
    return made


def close(one: QPointF, other: QPointF):
    return (one - other).manhattanLength() < 1e-6


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("picture", PICTURES)
def test_the_line_stands_on_the_picture(picture, view):
    """However a portrait or a panorama lies in the view, the whole of the line's way is on it."""
    made = camera(picture, view)
    pane = made.panes[0]
    for zoom, at in ((None, None), (3.0, QPointF(5, 5)), (0.02, None), (20.0, QPointF(*view))):
        if zoom:
            made.zoom_to(zoom, at)
            made.pan(QPointF(37, -21))
        covered = made.covered(pane)
        assert covered.width() > 0 and covered.height() > 0
        for share, x in (
            (0.0, covered.left()),
            (0.5, covered.center().x()),
            (1.0, covered.right()),
        ):
            made.split = share
            assert made.line == pytest.approx(x, abs=0.5)
        made.move_line(-1000)
        assert made.split == 0 and made.line == pytest.approx(covered.left(), abs=0.5)
        made.move_line(covered.left() + covered.width() / 4)
        assert made.split == pytest.approx(0.25)


def test_a_fitted_picture_is_whole_in_every_pane():
    for paired in (False, True):
        made = Camera()
        made.picture, made.paired = QSizeF(640, 480), paired
        made.resize(QSizeF(1000, 500))
        assert len(made.panes) == 1 + paired and made.region(4) is None
        for pane in made.panes:
            assert made.seen(pane) == QRectF(0, 0, 640, 480)
            assert pane.contains(made.covered(pane))


def test_the_point_under_the_cursor_stays_while_zooming():
    made = camera((640, 480), (1000, 500))
    pane, at = made.panes[0], QPointF(333, 222)
    before = made.to_picture(at, pane)
    for zoom in (2.0, 9.0, 0.5):
        made.zoom_to(zoom, at)
        assert close(made.to_picture(at, pane), before) and not made.fitted
    box = QRectF(10, 20, 30, 40)
    assert close(made.to_picture(made.to_screen(box, pane).topLeft(), pane), box.topLeft())


def test_the_seen_region_holds_what_is_on_the_screen_and_little_more():
    made = camera((640, 480), (200, 100))
    made.zoom_to(1.0)
    made.pan(QPointF(13, 7))
    seen, region = made.seen(made.panes[0]), made.region(4)
    assert 4 * region.left <= seen.left() and seen.right() <= 4 * region.right
    assert 4 * region.top <= seen.top() and seen.bottom() <= 4 * region.bottom
    assert region.height * 4 <= seen.height() + 12 and region.width * 4 <= seen.width() + 12
    made.pan(QPointF(1e6, 1e6))  # the picture stays in sight
    assert made.region(4) == Region(0, 13, 0, 26)
