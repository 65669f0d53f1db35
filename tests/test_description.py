"""What the numbers of a picture mean travels with them, or they become sRGB's."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from engine.pictures import Picture, read, write
from engine.pictures.boxes import cicp_of
from engine.pictures.decode import decode
from engine.pictures.picture import Gamma

SRGB = ImageCms.createProfile("sRGB")
AVIF = pytest.mark.skipif(
    ".avif" not in Image.registered_extensions(), reason="this Pillow has no AVIF"
)
WRITTEN = [".png", ".jpg", ".tif", ".webp", ".bmp", pytest.param(".avif", marks=AVIF)]


def profile(grey: bool, exponent: float = 1.8) -> bytes:
    """A profile (ICC 2.0) of grey, or of the primaries of Display P3, with a plain power."""

    def number(value: float) -> bytes:
        return struct.pack(">i", round(value * 65_536))

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(map(number, values))

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(exponent * 256)) + b"\0\0"
    title = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(79)
    tags = {b"desc": title, b"cprt": b"text\0\0\0\0none", b"wtpt": xyz(0.9642, 1, 0.8249)}
    if grey:
        tags[b"kTRC"] = curve
    else:
        corners = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
        for letter, corner in zip(b"rgb", corners, strict=True):
            tags |= {b"%cTRC" % letter: curve, b"%cXYZ" % letter: xyz(*corner)}
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(
        ">I4sI4s4s4s",
        132 + 12 * len(tags) + len(body),
        b"",
        0x02100000,
        b"mntr",
        b"GRAY" if grey else b"RGB ",
        b"XYZ ",
    )
    head = head.ljust(36, b"\0") + b"acsp" + bytes(28) + xyz(0.9642, 1, 0.8249)[8:]
    return head.ljust(128, b"\0") + table + body


GREY, WIDE = profile(grey=True), profile(grey=False)


def ramp(channels=3, dtype=np.uint8) -> np.ndarray:
    """Slow changes of saturated colours, or of grey, that lossy formats stay close to."""
    y, x = np.mgrid[0:48, 0:64]
    planes = [0.2 + 0.7 * x / 64, 0.3 + 0.5 * y / 48, 0.5 + 0.3 * (x + y) / 112][:channels]
    return np.rint(np.dstack(planes) * np.iinfo(dtype).max).astype(dtype)


def shown(path) -> np.ndarray:
    """Pixels (H, W, 3) as a program that heeds profiles, and nothing else, shows a file in sRGB."""
    with Image.open(path) as image:
        icc, image = (
            image.info.get("icc_profile"),
            image.convert("RGB" if image.mode[:3] == "RGB" else "L"),
        )
    if icc is None:
        return np.asarray(image.convert("RGB")).astype(int)
    source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    return np.asarray(ImageCms.profileToProfile(image, source, SRGB, outputMode="RGB")).astype(int)


@pytest.mark.parametrize("suffix", WRITTEN)
@pytest.mark.parametrize("grey", [False, True])
def test_pixels_and_profile_mean_the_same_in_every_format(tmp_path, suffix, grey):
    icc = GREY if grey else WIDE
    picture = Picture(ramp(1 if grey else 3), icc=icc)
    source = Image.fromarray(np.squeeze(picture.pixels))
    profiles = ImageCms.ImageCmsProfile(io.BytesIO(icc)), SRGB
    right = np.asarray(ImageCms.profileToProfile(source, *profiles, outputMode="RGB")).astype(int)
    assert np.abs(right - picture.pixels).max() > 10  # it would be seen
    write(picture, tmp_path / f"a{suffix}")
    wrong = np.abs(shown(tmp_path / f"a{suffix}") - right)
    lossless = suffix in (".png", ".tif", ".bmp")
    assert wrong.max() == 0 if lossless else wrong.mean() < 2
    kept = suffix != ".bmp" and not (grey and suffix in (".webp", ".avif"))
    assert read(tmp_path / f"a{suffix}").icc == (icc if kept else None)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_with_alpha_has_a_profile_that_fits_in_tiff(tmp_path, dtype):
    pixels = ramp(1, dtype)
    write(Picture(pixels, alpha=pixels[:, :, 0].copy(), icc=GREY), tmp_path / "a.tif")
    again = read(tmp_path / "a.tif")
    assert again.icc == GREY and (again.pixels == pixels).all()
    assert (again.alpha == pixels[:, :, 0]).all()
    if dtype == np.uint8:  # what Pillow can open
        with Image.open(tmp_path / "a.tif") as image:
            assert image.mode == "LA" and (np.asarray(image)[:, :, 0] == pixels[:, :, 0]).all()


def test_colours_with_a_profile_of_grey_become_srgb(tmp_path):
    write(Picture(ramp(), icc=GREY), tmp_path / "a.png")
    again = read(tmp_path / "a.png")
    light = (ramp() / 255) ** 1.8
    assert again.icc is None and np.abs(again.pixels - 255 * encoded(light)).max() <= 1


def encoded(light: np.ndarray) -> np.ndarray:
    """sRGB's numbers, as IEC 61966-2-1 has them."""
    light = light.clip(0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def with_chunks(pixels: np.ndarray, chunks: dict[bytes, bytes]) -> bytes:
    """A PNG file with further chunks before its pixels."""
    file = io.BytesIO()
    write_png(file, pixels)
    data, made = file.getvalue(), b""
    for name, body in chunks.items():
        crc = struct.pack(">I", zlib.crc32(name + body))
        made += struct.pack(">I", len(body)) + name + body + crc
    return data[:33] + made + data[33:]


def write_png(file, pixels: np.ndarray) -> None:
    """Of any depth, by plain means."""
    rows = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder(">"))
    rows = rows.reshape(len(rows), -1).view(np.uint8)
    rows = np.concatenate([np.zeros((len(rows), 1), np.uint8), rows], axis=1)
    kind = 8 * pixels.itemsize, {1: 0, 3: 2}[pixels.shape[2]], 0, 0, 0
    head = struct.pack(">II5B", pixels.shape[1], pixels.shape[0], *kind)
    file.write(b"\x89PNG\r\n\x1a\n")
    for name, body in ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        file.write(struct.pack(">I", len(body)) + name + body)
        file.write(struct.pack(">I", zlib.crc32(name + body)))


def gama(exponent: float) -> bytes:
    return struct.pack(">I", round(exponent * 100_000))


CHRM = struct.pack(
    ">8I", *(round(100_000 * n) for n in (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06))
)
LINEAR_P3 = {b"gAMA": gama(1.0), b"cHRM": CHRM}
TO_SRGB = np.array([[1.2249, -0.2247, 0], [-0.0420, 1.0419, 0], [-0.0197, -0.0786, 1.0979]])
MEANINGS = {
    "gamma 1": ({b"gAMA": gama(1.0)}, lambda v: encoded(v)),
    "gamma 1.8": ({b"gAMA": gama(1 / 1.8)}, lambda v: encoded(v**1.8)),
    "sRGB's gamma": ({b"gAMA": gama(0.45455)}, lambda v: v),
    "sRGB": ({b"sRGB": b"\0", b"gAMA": gama(1.0)}, lambda v: v),
    "linear P3": (LINEAR_P3, lambda v: encoded(v @ TO_SRGB.T)),
    "P3": ({b"cICP": bytes([12, 13, 0, 1])}, lambda v: encoded(decoded(v) @ TO_SRGB.T)),
    "cICP first": ({b"cICP": bytes([1, 8, 0, 1]), b"gAMA": gama(0.9)}, lambda v: encoded(v)),
}


def decoded(v: np.ndarray) -> np.ndarray:
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("name", MEANINGS)
def test_what_png_tells_stays_in_png_and_is_converted_elsewhere(tmp_path, name, dtype):
    chunks, meaning = MEANINGS[name]
    data = with_chunks(ramp(dtype=dtype), chunks)
    picture = decode(data, "a.png")
    write(picture, tmp_path / "a.png")
    again, most = read(tmp_path / "a.png"), np.iinfo(dtype).max
    assert (again.pixels == ramp(dtype=dtype)).all()
    assert (again.cicp, again.gamma) == (picture.cicp, picture.gamma)
    told = next(iter(chunks))
    assert told + chunks[told] in (tmp_path / "a.png").read_bytes()
    right = meaning(ramp(dtype=dtype) / most) * most
    write(picture, tmp_path / "a.tif")
    made = read(tmp_path / "a.tif")
    assert made.pixels.dtype == dtype
    most_wrong = 0 if name.startswith("sRGB") else 1 if dtype == np.uint8 else 150
    assert np.abs(made.pixels - right).max() <= most_wrong + 1e-6
    write(picture, tmp_path / "a.jpg")
    assert np.abs(read(tmp_path / "a.jpg").pixels - right * (255 / most)).mean() < 1.5


def test_grey_gamma_is_converted_and_stays_grey(tmp_path):
    picture = decode(with_chunks(ramp(1), {b"gAMA": gama(1.0)}), "a.png")
    assert picture.gamma == Gamma(1.0)
    write(picture, tmp_path / "a.bmp")
    made = read(tmp_path / "a.bmp").pixels
    assert made.shape[2] == 1 and np.abs(made - 255 * encoded(ramp(1) / 255)).max() <= 1


def test_high_dynamic_range_is_kept_or_shown_with_its_paper_white(tmp_path):
    """58 % of PQ's scale are 203 candelas a square metre, which paper has."""
    picture = decode(
        with_chunks(
            np.full((8, 8, 3), round(0.581 * 65_535), np.uint16), {b"cICP": b"\x09\x10\0\1"}
        ),
        "a.png",
    )
    write(picture, tmp_path / "a.png")
    assert read(tmp_path / "a.png").cicp == (9, 16)
    write(picture, tmp_path / "a.jpg")
    assert read(tmp_path / "a.jpg").pixels.min() >= 252


def test_numbers_of_a_narrow_range_are_widened():
    picture = decode(
        with_chunks(np.array([[[16], [235], [126]]], np.uint8), {b"cICP": bytes([1, 13, 0, 0])}),
        "a.png",
    )
    assert picture.pixels.ravel().tolist() == [0, 255, 128]


def test_nonsense_costs_neither_picture_nor_file(tmp_path):
    for chunks in (
        {b"gAMA": gama(0)},
        {b"cHRM": bytes(32)},
        {b"cICP": b"\2\2"},
        {b"gAMA": b"x"},
        {b"cHRM": b"\xff" * 32, b"gAMA": b"\xff" * 4},
        {b"cICP": bytes([99, 99, 0, 1])},
    ):
        picture = decode(with_chunks(ramp(), chunks), "a.png")
        for suffix in (".png", ".jpg", ".tif"):
            write(picture, tmp_path / f"a{suffix}", overwrite=True)
            assert read(tmp_path / f"a{suffix}").size == (48, 64)
    write(Picture(ramp(), icc=b"x" * 200), tmp_path / "b.bmp")
    assert (read(tmp_path / "b.bmp").pixels == ramp()).all()


@AVIF
def test_codes_of_avif_are_read_kept_and_converted(tmp_path):
    file = io.BytesIO()
    Image.fromarray(ramp()).save(file, "AVIF", quality=100, subsampling="4:4:4")
    data = file.getvalue()
    place = data.index(b"colrnclx") + 8
    assert cicp_of(data) == struct.unpack_from(">HH", data, place)
    data = data[:place] + struct.pack(">HH", 12, 13) + data[place + 4 :]
    picture = decode(data, "a.avif")
    assert picture.cicp == (12, 13)
    for suffix in (".avif", ".png"):
        write(picture, tmp_path / f"a{suffix}")
        assert read(tmp_path / f"a{suffix}").cicp == (12, 13)
    write(picture, tmp_path / "a.tif")
    right = 255 * encoded(decoded(picture.pixels / 255) @ TO_SRGB.T)
    assert np.abs(read(tmp_path / "a.tif").pixels - right).max() <= 1


def test_boxes_that_make_no_sense_tell_nothing():
    assert cicp_of(b"") is None and cicp_of(bytes(99)) is None
    rng = np.random.default_rng(0)
    for _ in range(200):
        cicp_of(b"\0\0\0\x40meta" + rng.bytes(40) + b"\0\0\0\x20iprp" + rng.bytes(60))


@pytest.mark.parametrize("alpha", [False, True])
def test_lossless_webp_stays_lossless(tmp_path, alpha):
    lines = np.zeros((24, 24, 3), np.uint8)
    lines[:, ::2] = 255, 0, 0
    covered = (np.arange(576) % 256).astype(np.uint8).reshape(24, 24) | 1 if alpha else None
    array = lines if covered is None else np.dstack([lines, covered])
    Image.fromarray(array).save(tmp_path / "a.webp", lossless=True, exact=True)
    picture = read(tmp_path / "a.webp")
    assert picture.lossless
    write(picture, tmp_path / "b.webp")
    again = read(tmp_path / "b.webp")
    assert again.lossless and (again.pixels == lines).all()
    assert again.alpha is None or (again.alpha == covered).all()
    Image.fromarray(array).save(tmp_path / "c.webp", quality=80)
    assert not read(tmp_path / "c.webp").lossless
    write(read(tmp_path / "c.webp"), tmp_path / "d.webp")
    assert not read(tmp_path / "d.webp").lossless
