"""What a picture has been through, and the look that is chosen for it."""

import io

import numpy as np
import pytest
from photographs import BUNDLED
from PIL import Image, ImageDraw

from engine.pictures import Picture
from engine.pictures.condition import Condition, choose_look, condition
from engine.pictures.quantisation import file_quality

KINDS = {  # of the 200 pictures: the look that is right
    "reduced": "faithful",
    "jpeg 95": "faithful",
    "jpeg 85": "clean",
    "jpeg 70": "clean",
    "jpeg 50": "clean",
    "noise 3": "clean",
    "noise 8": "clean",
    "noise 15": "clean",
    "screenshot": "faithful",
    "drawing": "faithful",
}
FILTERS = [Image.Resampling.LANCZOS, Image.Resampling.BICUBIC, Image.Resampling.BOX]
WORDS = [
    "File",
    "Edit",
    "View",
    "Save",
    "as",
    "Settings",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "the",
    "lazy",
    "dog",
    "12:45",
]


def jpeg(pixels: np.ndarray, quality: int | str, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, **options)
    return file.getvalue()


def decoded(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def noisy(pixels: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    return np.rint(pixels + rng.normal(0, sigma, pixels.shape)).clip(0, 255).astype(np.uint8)


def found(pixels: np.ndarray, data: bytes | None = None) -> Condition:
    return condition(Picture(pixels if pixels.ndim == 3 else pixels[:, :, None]), data)


def look(pixels: np.ndarray, data: bytes | None = None) -> str:
    return choose_look(found(pixels, data)).look


@pytest.fixture(scope="module")
def reduced(photograph):
    """reduced(name, factor, filter) -> a photograph without noise and JPEG of its own."""

    def draw(name: str, factor: float = 2, resample=Image.Resampling.LANCZOS) -> np.ndarray:
        image = Image.fromarray(photograph(name))
        size = round(image.width / factor), round(image.height / factor)
        return np.asarray(image.resize(size, resample))

    return draw


def screenshot(rng: np.random.Generator) -> np.ndarray:
    """A window with a bar, buttons and lines of text, in light or dark."""
    width, height = (int(v) for v in rng.integers(240, 520, 2))
    paper, ink = [((250, 250, 250), (20, 20, 20)), ((30, 30, 34), (220, 220, 220))][rng.integers(2)]
    image = Image.new("RGB", (width, height), paper)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width, 26), fill=tuple(rng.integers(0, 256, 3).tolist()))
    for _ in range(rng.integers(2, 8)):
        x, y = rng.integers((0, 30), (width - 40, height - 30)).tolist()
        colour = tuple(rng.integers(60, 256, 3).tolist())
        draw.rounded_rectangle((x, y, x + 90, y + 28), int(rng.integers(8)), colour, ink)
    for y in range(36, height - 14, int(rng.integers(13, 24))):
        line = " ".join(rng.choice(WORDS, rng.integers(2, 12)))
        draw.text((int(rng.integers(4, 40)), y), line, ink, font_size=float(rng.integers(9, 18)))
    return np.asarray(image)


def drawing(rng: np.random.Generator) -> np.ndarray:
    """Lines and filled shapes on plain paper, with soft edges or hard ones."""
    sharp = rng.random() < 0.4
    width, height = (int(v) for v in rng.integers(200, 500, 2))
    full = (width, height) if sharp else (3 * width, 3 * height)
    paper = (255, 255, 255) if rng.random() < 0.6 else tuple(rng.integers(0, 256, 3).tolist())
    image = Image.new("RGB", full, paper)
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(8, 40)):
        points = [tuple(point) for point in rng.integers((0, 0), full, (3, 2)).tolist()]
        colour = tuple(rng.integers(0, 256, 3).tolist())
        if rng.random() < 0.5:
            draw.line(points, (0, 0, 0), int(rng.integers(1, 4)) * (1 if sharp else 3))
        else:
            draw.polygon(points, colour, (0, 0, 0))
    return np.asarray(image.resize((width, height), Image.Resampling.BOX))


def made(kind: str, rng: np.random.Generator, reduced) -> tuple[np.ndarray, bytes | None]:
    """The pixels of a picture of a kind, and its file where that is a JPEG."""
    if kind in ("screenshot", "drawing"):
        return {"screenshot": screenshot, "drawing": drawing}[kind](rng), None
    name = str(rng.choice(sorted(BUNDLED)))
    factor, resample = rng.choice([2, 2.5, 3]), FILTERS[rng.integers(len(FILTERS))]
    photo = reduced(name, factor, resample)
    process, _, amount = kind.partition(" ")
    if process == "jpeg":
        data = jpeg(photo, int(amount))
        return decoded(data), data
    return (noisy(photo, float(amount), rng) if process == "noise" else photo), None


def test_the_look_is_right_for_nearly_all_of_200_pictures(reduced):
    rng = np.random.default_rng(2028)
    right = {
        kind: [look(*made(kind, rng, reduced)) == KINDS[kind] for _ in range(20)] for kind in KINDS
    }
    shares = {kind: float(np.mean(hits)) for kind, hits in right.items()}
    assert np.mean(list(shares.values())) >= 0.95, shares
    assert min(shares.values()) >= 0.75, shares


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_the_quality_of_a_file_is_the_one_that_it_was_saved_with(drawn_pixels, options):
    for quality in range(1, 101):
        assert file_quality(jpeg(drawn_pixels(16, 16), quality, **options)) == quality


def test_tables_of_other_programs_are_near_one_of_libjpeg(drawn_pixels):
    names = ["web_low", "web_medium", "web_high", "web_very_high", "web_maximum"]
    qualities = [file_quality(jpeg(drawn_pixels(16, 16), name)) for name in names]
    assert qualities == sorted(set(qualities))
    assert qualities[0] < 60 and qualities[2] < 93 <= qualities[3]


def test_16_bit_tables_are_read(drawn_pixels):
    data = jpeg(drawn_pixels(16, 16), 40)
    at = data.index(b"\xff\xdb")
    table = data[at + 5 : at + 69]
    wide = b"\xff\xdb\0\x83\x10" + b"".join(bytes([0, value]) for value in table)
    assert file_quality(data[:at] + wide + data[at + 69 :]) == 40


def test_what_is_no_jpeg_or_cut_off_has_no_quality(drawn_pixels):
    data = jpeg(drawn_pixels(16, 16), 40)
    first_scan = data.index(b"\xff\xda")
    for length in range(data.index(b"\xff\xc0")):
        assert file_quality(data[:length]) is None
    assert file_quality(data[:first_scan]) == 40
    assert file_quality(b"\x89PNG\r\n\x1a\n" + data) is None


@pytest.mark.parametrize("quality", [30, 50, 70, 85])
def test_a_jpeg_that_was_saved_anew_is_seen(reduced, quality):
    for name in ("astronaut", "cat", "coffee"):
        once = decoded(jpeg(reduced(name), quality))
        again = jpeg(once, 95)
        assert found(once).traces == pytest.approx(quality, abs=2)
        assert found(decoded(again), again).traces == pytest.approx(quality, abs=2)
        assert look(once) == look(decoded(again), again) == "clean"


def test_a_jpeg_that_was_cut_is_seen(reduced):
    once = decoded(jpeg(reduced("cat", 1.5), 60))
    assert found(once[3:, 5:]).traces == pytest.approx(60, abs=2)


def test_blocks_are_seen_where_a_jpeg_was_brightened(reduced):
    once = decoded(jpeg(reduced("astronaut"), 40))
    brighter = np.rint(255 * (once / 255) ** 0.8).astype(np.uint8)
    assert found(brighter).grid > 0.1 > 2 * found(reduced("astronaut")).grid
    assert look(brighter) == "clean"


def test_pictures_that_were_never_a_jpeg_show_none(reduced):
    rng = np.random.default_rng(3)
    clean = [reduced(name) for name in sorted(BUNDLED)]
    drawn = [draw(rng) for draw in (screenshot, drawing) for _ in range(5)]
    for pixels in [*clean, *drawn, noisy(clean[0], 8, rng)]:
        assert found(pixels).traces is None


def test_a_jpeg_is_seen_in_a_large_picture(reduced):
    tile = decoded(jpeg(reduced("coffee", 1), 60))
    assert found(np.tile(tile, (3, 3, 1))).traces == pytest.approx(60, abs=2)


@pytest.mark.parametrize("sigma", [3, 8, 15])
def test_noise_is_measured(reduced, sigma):
    rng = np.random.default_rng(sigma)
    for name in ("astronaut", "camera", "cat", "coffee", "rocket"):
        pixels = noisy(reduced(name), sigma, rng)
        assert found(pixels).noise == pytest.approx(sigma, rel=0.25)
        assert found(pixels.astype(np.uint16) * 257).noise == pytest.approx(found(pixels).noise)


def test_noise_is_measured_in_dark_and_bright_pictures(reduced):
    rng = np.random.default_rng(5)
    cat = reduced("cat")
    for pixels in (cat // 6, 255 - (255 - cat) // 6):
        assert found(noisy(pixels, 8, rng)).noise == pytest.approx(8, rel=0.35)


@pytest.mark.parametrize("border", [0, 128, 255])
def test_a_plain_border_hides_no_noise(reduced, border):
    pixels = noisy(reduced("cat"), 8, np.random.default_rng(6))
    framed = np.pad(pixels, ((60, 60), (60, 60), (0, 0)), constant_values=border)
    assert found(framed).noise == pytest.approx(8, rel=0.35)
    assert look(framed) == "clean"


def test_what_is_transparent_is_not_noise(reduced):
    pixels = reduced("cat").copy()
    alpha = np.full(pixels.shape[:2], 255, np.uint8)
    alpha[:, 60:] = 0
    pixels[:, 60:] = noisy(np.full_like(pixels[:, 60:], 128), 20, np.random.default_rng(7))
    assert condition(Picture(pixels, alpha)).noise < 2


def test_noise_survives_a_good_jpeg(reduced):
    data = jpeg(noisy(reduced("coffee"), 8, np.random.default_rng(8)), 95)
    assert look(decoded(data), data) == "clean"


def test_drawings_are_told_from_photographs(reduced):
    rng = np.random.default_rng(9)
    drawn = [found(draw(rng)).drawn for draw in (screenshot, drawing) for _ in range(10)]
    assert np.mean(drawn) > 0.9
    for name in sorted(BUNDLED):
        photo = reduced(name)
        assert not found(photo).drawn
        assert not found(np.pad(photo, ((80, 80), (80, 80), (0, 0)), constant_values=255)).drawn


def test_blur_is_the_width_of_the_sharpest_edges():
    cv2 = pytest.importorskip("cv2")
    step = np.full((160, 160), 40, np.uint8)
    cv2.fillPoly(step, [np.array([[30, 40], [130, 60], [110, 130], [40, 120]])], 210)
    assert found(step).blur < 0.3
    for sigma in (1, 2, 3):
        assert found(cv2.GaussianBlur(step, (0, 0), sigma)).blur == pytest.approx(sigma, rel=0.15)


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (8, 8), (23, 24), (3, 5000), (20, 40_000)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size_will_do(size, channels):
    pixels = np.random.default_rng(0).integers(100, 156, (*size, channels)).astype(np.uint8)
    choice = choose_look(found(pixels, b""))
    assert choice.look in ("faithful", "clean")
    assert found(np.full_like(pixels, 90)).noise == 0


def test_one_plain_sentence_tells_why(reduced):
    photo = reduced("coffee")
    data = jpeg(photo, 70)
    assert choose_look(found(decoded(data), data)).sentence == "JPEG, quality 70: clean was chosen."
    assert choose_look(found(photo)).sentence == "No blocks and no noise: faithful was chosen."
