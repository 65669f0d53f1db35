"""Transparent pictures lie on a checkerboard, before and after; what they hide stays hidden."""

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData
from PySide6.QtGui import QImage

from app.canvas import image_of, make_canvas, veiled
from app.intake import picture_in
from app.painting import CHECKS
from app.thumbs import thumbnail
from app.viewer import Mode
from engine.pictures import Picture, read
from engine.tiling import Region

HIDDEN, SEEN = (255, 0, 255), (20, 120, 40)


@pytest.fixture
def sprite(tmp_path):
    """A green disc whose transparent surroundings hold magenta."""
    y, x = np.mgrid[0:48, 0:60]
    inside = (y - 24) ** 2 + (x - 30) ** 2 < 15**2
    pixels = np.where(inside[..., None], SEEN, HIDDEN).astype(np.uint8)
    alpha = np.where(inside, 255, 0).astype(np.uint8)
    Image.fromarray(np.dstack([pixels, alpha])).save(tmp_path / "sprite.png")
    return tmp_path / "sprite.png"


def colours(image: QImage) -> np.ndarray:
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


def near(pixels: np.ndarray, code: str) -> np.ndarray:
    wanted = [int(code[i : i + 2], 16) for i in (1, 3, 5)]
    return (abs(pixels - wanted) < 3).all(axis=2)


@pytest.mark.parametrize("mode", Mode)
def test_both_sides_lie_on_a_checkerboard(window, sprite, opened, mode):
    window.actions_of[mode.value].setChecked(True)
    opened(window, sprite)
    for held in (False, True):
        window.viewer.hold_original(held)
        shown = colours(window.viewer.grab().toImage())
        halves = np.array_split(shown, 2, axis=1)
        for half in halves:
            for code in CHECKS:
                assert near(half, code).sum() > 500
            assert not (abs(half - HIDDEN) < 90).all(axis=2).any()
    assert (abs(shown - SEEN) < 12).all(axis=2).sum() > 500


def test_opaque_pictures_have_none(window, photo_of, opened):
    opened(window, photo_of("RGB"))
    shown = colours(window.viewer.grab().toImage())
    assert not any(near(shown, code).any() for code in CHECKS)


@pytest.fixture
def photo_of(tmp_path):
    def made(mode):
        Image.new(mode, (30, 20), "teal").save(tmp_path / "plain.png")
        return tmp_path / "plain.png"

    return made


def test_averages_never_bring_hidden_colours_into_sight():
    rng = np.random.default_rng(0)
    pixels = np.full((64, 2100, 3), HIDDEN, np.uint8)
    alpha = np.zeros((64, 2100), np.uint8)
    pixels[:, ::2], alpha[:, ::2] = SEEN, rng.integers(1, 255, (64, 1050))
    canvas = make_canvas(Picture(pixels, alpha=alpha), 1)
    assert len(canvas.levels) > 1
    for level in canvas.levels:
        assert (level[..., :3] <= level[..., 3:]).all()  # multiplied by alpha
        red, green, blue = (level[..., i].astype(int) for i in range(3))
        assert (red <= green + 3).all() and (blue <= green + 3).all()
    kept = canvas.levels[0].copy()
    canvas.update(Region(0, 8, 0, 2100))
    assert (canvas.levels[0] == kept).all()
    canvas.out[:8] = 255  # the white below
    canvas.update(Region(0, 8, 0, 2100))
    assert (canvas.levels[0][:8, :, :3] == canvas.levels[0][:8, :, 3:]).all()
    assert (canvas.levels[0][8:] == kept[8:]).all()


def test_what_is_shown_in_the_end_is_what_is_exported(window, sprite, opened, tmp_path, qtbot):
    opened(window, sprite)
    window.session.export(tmp_path / "out.png")
    qtbot.waitUntil((tmp_path / "out.png").exists, timeout=30_000)
    made = read(tmp_path / "out.png")
    assert (window.session.picture.canvas.levels[0] == veiled(made.pixels, made.alpha)).all()


def test_the_same_alpha_everywhere(window, opened, tmp_path):
    for alpha in (255, 128, 0):
        Image.new("RGBA", (30, 20), (*SEEN, alpha)).save(tmp_path / "even.png")
        opened(window, tmp_path / "even.png")
        for level in window.session.picture.canvas.levels:
            assert (level[..., 3] == alpha).all()
            want = np.array(SEEN) * alpha / 255
            assert (abs(level[..., :3].mean(axis=(0, 1)) - want) < 25).all()
            assert (level[..., :3] <= level[..., 3:]).all()


def test_pasted_pictures_keep_their_alpha(window, qtbot):
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 255, (9, 14, 4), dtype=np.uint8)
    pixels[:4, :, 3] = 255
    image = QImage(pixels.data, 14, 9, 56, QImage.Format.Format_RGBA8888)
    data = QMimeData()
    data.setImageData(image)
    with qtbot.waitSignal(window.session.opened, timeout=30_000):
        assert window.opening.take(data)
    picture = window.session.picture.picture
    assert (picture.alpha == pixels[:, :, 3]).all()
    seen = pixels[:, :, 3] > 0
    assert (picture.pixels[seen] == pixels[seen, :3]).all()


def test_an_opaque_image_has_no_alpha():
    pixels = np.full((5, 6, 4), 255, np.uint8)
    data = QMimeData()
    data.setImageData(QImage(pixels.data, 6, 5, 24, QImage.Format.Format_RGBA8888))
    assert picture_in(data).alpha is None
    assert picture_in(QMimeData()) is None


def test_thumbnails_hide_it_too(sprite):
    image, sentence = thumbnail(sprite)
    assert image.hasAlphaChannel() and not sentence
    corner = image.convertToFormat(QImage.Format.Format_RGBA8888_Premultiplied).pixelColor(0, 0)
    assert corner.alpha() == 0
    assert not image_of(np.zeros((2, 2, 3), np.uint8)).hasAlphaChannel()
