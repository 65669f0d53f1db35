"""Pictures survive: round trips of every format, upright, whole or not at all."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms, TiffImagePlugin

from engine.errors import PictureError
from engine.pictures import Picture, png, read, write
from engine.pictures.decode import TURNS, decode
from engine.pictures.formats import written
from engine.pictures.picture import bleed, joined

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def scene(height=30, width=40, channels=3, dtype=np.uint8):
    """A smooth picture, so that lossy formats stay close to it."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [(x / width), (y / height), (x + y) / (height + width)][:channels]
    return np.rint(np.dstack(planes) * np.iinfo(dtype).max).astype(dtype)


def exif_of(**tags) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "Fovea camera"
    exif[0x0112] = tags.get("orientation", 1)
    exif.get_ifd(0x8769).update({0x9003: "2024:05:06 07:08:09", 0xA002: 40, 0xA003: 30})
    return exif.tobytes()


@pytest.mark.parametrize("suffix", sorted(written()))
@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_profile_and_exif_survive(tmp_path, suffix, channels):
    if suffix == ".avif" and ".avif" not in Image.registered_extensions():
        pytest.skip("this Pillow has no AVIF")
    picture = Picture(scene(channels=channels), icc=ICC, exif=exif_of(), dpi=(300.0, 300.0))
    path = tmp_path / f"a{suffix}"
    write(picture, path)
    again = read(path)
    lossless = suffix in (".png", ".tif", ".tiff", ".bmp")
    if channels == 3 or suffix not in (".webp", ".avif"):  # these two hold no grey pictures
        assert again.pixels.shape == picture.pixels.shape
        error = np.abs(again.pixels.astype(int) - picture.pixels).max()
        assert error == 0 if lossless else error < 12
    if suffix != ".bmp":
        assert again.icc == ICC
        exif = Image.Exif()
        exif.load(again.exif)
        assert exif[0x010F] == "Fovea camera"
        assert exif.get_ifd(0x8769)[0x9003] == "2024:05:06 07:08:09"
    if suffix not in (".webp", ".avif"):
        assert again.dpi == pytest.approx((300, 300), abs=0.5)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("alpha", [False, True])
def test_sixteen_bits_stay_sixteen_bits(tmp_path, suffix, channels, alpha):
    pixels = scene(300, 400, channels, np.uint16)
    picture = Picture(
        pixels, alpha=pixels[:, :, 0].copy() if alpha else None, icc=ICC, exif=exif_of()
    )
    write(picture, tmp_path / f"a{suffix}")
    again = read(tmp_path / f"a{suffix}")
    assert again.pixels.dtype == np.uint16 and len(np.unique(again.pixels)) > 256
    if not (channels == 1 and alpha and suffix == ".tif"):  # grey with alpha is stored as colour
        assert (again.pixels == pixels).all()
    assert again.icc == ICC and (again.alpha is not None) == alpha
    if alpha:
        assert (again.alpha == picture.alpha).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (31, 17)])
def test_every_byte_of_a_png_file_survives(monkeypatch, size, channels, dtype):
    """Noise above, sums of noise below: all of Paeth's cases, also between two bands."""
    monkeypatch.setattr(png, "BAND_BYTES", 300)
    rng = np.random.default_rng(channels)
    pixels = rng.integers(0, np.iinfo(dtype).max, (*size, channels), dtype, endpoint=True)
    pixels[size[0] // 2 :].cumsum(axis=0, dtype=dtype, out=pixels[size[0] // 2 :])
    file = io.BytesIO()
    png.write_png(file, Picture(pixels))
    again = decode(file.getvalue(), "a.png")
    assert (joined(again) == pixels).all() and again.pixels.dtype == dtype
    with Image.open(file) as image:
        image.verify()


def test_a_png_file_is_as_small_as_pillows(photograph):
    for name in ("coffee", "astronaut", "cat"):
        ours, theirs = io.BytesIO(), io.BytesIO()
        png.write_png(ours, Picture(photograph(name)))
        Image.fromarray(photograph(name)).save(theirs, "PNG", compress_level=3)
        assert len(ours.getvalue()) < 1.05 * len(theirs.getvalue())


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_alpha_survives(tmp_path, suffix):
    picture = Picture(scene(), alpha=scene()[:, :, 0].copy())
    write(picture, tmp_path / f"a{suffix}")
    assert np.abs(read(tmp_path / f"a{suffix}").alpha.astype(int) - picture.alpha).max() == 0


def test_jpeg_puts_alpha_on_white_and_sixteen_bits_become_eight(tmp_path):
    pixels = np.zeros((16, 16, 3), np.uint16)
    write(Picture(pixels, alpha=np.zeros((16, 16), np.uint16)), tmp_path / "a.jpg")
    again = read(tmp_path / "a.jpg")
    assert again.pixels.dtype == np.uint8 and (again.pixels > 250).all()


def test_jpeg_keeps_full_colour_resolution(tmp_path):
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:, ::2] = 255, 0, 0
    write(Picture(pixels), tmp_path / "a.jpg")
    assert np.abs(read(tmp_path / "a.jpg").pixels.astype(int) - pixels).mean() < 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("deep", [False, True])
def test_pictures_are_upright_and_say_so(tmp_path, orientation, deep):
    """Pillow's own transposition is the reference; 16 bits must be turned the same way."""
    path = tmp_path / "a.png"
    pixels = scene(dtype=np.uint16 if deep else np.uint8)
    write(Picture(pixels, exif=exif_of(orientation=orientation)), path)
    again = read(path)
    from PIL import ImageOps

    with Image.open(path) as image:
        upright = np.asarray(ImageOps.exif_transpose(image))
    shown = again.pixels >> 8 if deep else again.pixels
    assert np.abs(shown.astype(int) - upright).max() <= 1
    exif = Image.Exif()
    exif.load(again.exif)
    assert exif[0x0112] == 1


def save_tiled(path, pixels, orientation, tile=32):
    """A TIFF file in tiles, as cameras' and scanners' programs write them."""
    height, width, channels = pixels.shape
    tiles = []
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            piece = pixels[top : top + tile, left : left + tile]
            padding = (tile - piece.shape[0], tile - piece.shape[1])
            tiles.append(np.pad(piece, ((0, padding[0]), (0, padding[1]), (0, 0))).tobytes())
    table = TiffImagePlugin.ImageFileDirectory_v2()
    table.update({256: width, 257: height, 258: (8 * pixels.itemsize,) * channels, 259: 1})
    table.update({262: 2, 271: "Fovea scanner", 274: orientation, 277: channels, 284: 1})
    table.update({322: tile, 323: tile, 324: (0,) * len(tiles), 325: (len(tiles[0]),) * len(tiles)})
    for tag in (322, 323, 324, 325):
        table.tagtype[tag] = TiffImagePlugin.TiffTags.LONG
    begin = 8 + len(table.tobytes(8))
    table[324] = tuple(begin + index * len(tiles[0]) for index in range(len(tiles)))
    path.write_bytes(b"II*\0" + struct.pack("<I", 8) + table.tobytes(8) + b"".join(tiles))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tiled_tiff_is_turned_once_and_saved_whole(tmp_path, orientation, dtype):
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (40, 70, 3), dtype=dtype)
    save_tiled(tmp_path / "tiled.tif", pixels, orientation)
    upright = TURNS.get(orientation, lambda a: a)(pixels)
    picture = read(tmp_path / "tiled.tif")
    assert picture.dpi is None and (picture.pixels == upright).all()
    write(picture, tmp_path / "again.tif")
    again = read(tmp_path / "again.tif")
    assert (again.pixels == upright).all() and again.dpi is None
    with Image.open(tmp_path / "again.tif") as image:
        assert image.tag_v2[271] == "Fovea scanner" and image.tag_v2[274] == 1
        assert not {322, 323, 324, 325} & set(image.tag_v2)


def test_an_exif_block_cannot_spoil_the_structure_of_a_tiff(tmp_path):
    exif = Image.Exif()
    exif.load(exif_of())
    exif.update({259: 5, 322: 32, 323: 32, 324: (8, 9), 325: (3, 4), 330: 8, 339: 3, 347: b"x"})
    write(Picture(scene(), exif=exif.tobytes()), tmp_path / "a.tif")
    again = read(tmp_path / "a.tif")
    assert (again.pixels == scene()).all()
    kept = Image.Exif()
    kept.load(again.exif)
    assert kept[0x010F] == "Fovea camera"


def test_the_size_tags_follow_the_picture(tmp_path):
    write(Picture(scene(120, 160), exif=exif_of()), tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        inner = image.getexif().get_ifd(0x8769)
    assert (inner[0xA002], inner[0xA003]) == (160, 120)


def test_palette_and_bilevel_pictures_are_read(tmp_path):
    pixels = scene(16, 16)
    image = Image.fromarray(pixels).quantize(64)
    image.save(tmp_path / "p.png", transparency=0)
    again = read(tmp_path / "p.png")
    assert again.pixels.shape == (16, 16, 3) and (again.alpha == 0).any()
    Image.fromarray(pixels[:, :, 0] > 99).save(tmp_path / "b.png")
    assert read(tmp_path / "b.png").grey


def test_cmyk_is_read_in_its_colours(tmp_path):
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    red.save(tmp_path / "c.jpg", quality=95)
    red.save(tmp_path / "c.tif")
    for name in ("c.jpg", "c.tif"):
        pixel = read(tmp_path / name).pixels[8, 8].astype(int)
        assert pixel[0] > 200 and pixel[1] < 60 and pixel[2] < 60


def broken_files(folder):
    buffer = io.BytesIO()
    Image.fromarray(scene(64, 64)).save(buffer, "JPEG", quality=95)
    whole = buffer.getvalue()
    (folder / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "text.png").write_text("This is no picture.")
    (folder / "empty.png").write_bytes(b"")
    (folder / "folder.png").mkdir()
    frames = [Image.new("RGB", (8, 8), c) for c in ("red", "blue")]
    frames[0].save(folder / "moving.webp", save_all=True, append_images=frames[1:])
    frames[0].save(folder / "moving.png", save_all=True, append_images=frames[1:])
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    frames[0].save(folder / "pages.tif", save_all=True, append_images=frames[1:])
    png = io.BytesIO()
    Image.fromarray(scene(64, 64)).save(png, "PNG")
    (folder / "truncated.png").write_bytes(png.getvalue()[:200])
    deep = folder / "deep.png"
    write(Picture(scene(64, 64, 3, np.uint16)), deep)
    deep.write_bytes(deep.read_bytes()[:100])
    Image.fromarray(np.zeros((4, 4), np.float32)).save(folder / "float.tif")
    return [*sorted(folder.iterdir()), folder / "missing.png"]


def test_every_broken_file_gives_one_clear_sentence(tmp_path):
    for path in broken_files(tmp_path):
        with pytest.raises(PictureError) as caught:
            read(path)
        message = str(caught.value)
        assert str(path) in message and message.endswith(".") and "\n" not in message, message


def test_extreme_sizes_are_read(tmp_path):
    for size in ((1, 1), (3, 5000), (5000, 3)):
        write(Picture(scene(*size)), tmp_path / f"{size[0]}.png")
        assert read(tmp_path / f"{size[0]}.png").size == size


def test_strange_names_work(tmp_path):
    for name in ("тест 100%.png", "a" * 200 + ".png", "  .png", "q'\"?.jpg"):
        write(Picture(scene()), tmp_path / name)
        assert read(tmp_path / name).size == (30, 40)


def test_an_existing_file_stays_unless_asked(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(PictureError):
        write(Picture(scene()), path)
    assert path.read_bytes() == b"old"
    write(Picture(scene()), path, overwrite=True)
    assert read(path).size == (30, 40)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_a_failed_export_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"old")

    def full_disk(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(PictureError, match="No space left"):
        write(Picture(scene()), path, overwrite=True)
    assert path.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["a.xyz", "a", "none/a.png"])
def test_a_bad_target_gives_one_clear_sentence(tmp_path, name):
    with pytest.raises(PictureError, match=r"\.$"):
        write(Picture(scene()), tmp_path / name)


def test_colour_bleeds_under_transparent_pixels():
    pixels = np.zeros((9, 9, 3), np.uint8)
    pixels[3:6, 3:6] = 255, 128, 0
    alpha = np.zeros((9, 9), np.uint8)
    alpha[3:6, 3:6] = 255
    assert (bleed(pixels, alpha) == (255, 128, 0)).all()
    assert bleed(pixels, np.full_like(alpha, 9)) is pixels
