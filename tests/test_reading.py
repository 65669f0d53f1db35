"""What is read is right, whatever kind of file it comes from; what cannot be had is refused."""

import io
import struct
import zlib

import numpy as np
import pillow_heif
import pytest
from handmade import bmp, chunk, png, tiff
from PIL import Image, ImageCms
from test_picture import exif_of, scene

from engine.batch.folder import listing
from engine.errors import PictureError
from engine.pictures import Picture, formats, peek, read, write
from engine.pictures.decode import decode
from engine.pictures.picture import joined
from engine.settings import Settings, target_name

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PNG_KINDS = [(1, 1), (1, 2), (1, 4), *((c, d) for c in (1, 2, 3, 4) for d in (8, 16))]
KEPT = [b"tEXt", b"iTXt", b"zTXt", b"tIME", b"pHYs", b"iCCP", b"eXIf", b"vpAg"]


def noise(height=13, width=21, channels=3, most=255):
    rng = np.random.default_rng(channels)
    form = np.uint8 if most < 256 else np.uint16
    return rng.integers(0, most, (height, width, channels), form, endpoint=True)


# --- PNG ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("channels", "depth"), PNG_KINDS)
@pytest.mark.parametrize("size", [(1, 1), (13, 21), (3, 2)])
def test_every_kind_of_png_is_read(channels, depth, interlaced, size):
    most = (1 << depth) - 1
    samples = noise(*size, channels, most)
    picture = decode(png(samples, depth, interlaced=interlaced), "a.png")
    assert (joined(picture) == samples * (1 if depth >= 8 else 255 // most)).all()
    assert picture.bits == max(8, depth)


@pytest.mark.parametrize(("channels", "depth"), [k for k in PNG_KINDS if k[0] in (1, 3)])
def test_a_colour_key_is_transparent_at_every_depth(channels, depth):
    samples = noise(13, 21, channels, (1 << depth) - 1)
    key = samples[4, 5]
    clear = chunk(b"tRNS", key.astype(">u2").tobytes())
    picture = decode(png(samples, depth, before=clear), "a.png")
    assert ((picture.alpha == 0) == (samples == key).all(axis=2)).all()
    assert picture.alpha.dtype == picture.pixels.dtype
    assert set(np.unique(picture.alpha)) == {0, np.iinfo(picture.pixels.dtype).max}


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_a_palette_has_its_colours_and_its_alpha(depth):
    numbers = noise(13, 21, 1, (1 << depth) - 1)
    colours = noise(1 << depth, 1, 3)[:, 0]
    before = chunk(b"PLTE", colours.tobytes()) + chunk(b"tRNS", b"\0")
    picture = decode(png(numbers, depth, colour=3, before=before), "a.png")
    assert (picture.pixels == colours[numbers[:, :, 0]]).all()
    assert ((picture.alpha == 0) == (numbers[:, :, 0] == 0)).all()


@pytest.mark.parametrize("depth", [8, 16])
def test_one_flipped_bit_among_the_pixels_is_damage(depth):
    samples = noise(40, 30, 3, (1 << depth) - 1)
    whole = png(samples, depth)
    begin = whole.index(b"IDAT") + 4
    rng = np.random.default_rng(0)
    for place in rng.integers(begin, len(whole) - 16, 40):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        with pytest.raises(PictureError, match="damaged"):
            decode(bytes(damaged), "a.png")


@pytest.mark.parametrize("name", [b"IHDR", b"PLTE", b"tRNS"])
def test_a_wrong_checksum_of_what_the_pixels_need_is_damage(name):
    colours = chunk(b"PLTE", b"\1\2\3\4\5\6") + chunk(b"tRNS", b"\0")
    data = bytearray(png(noise(9, 9, 1, 1), 1, colour=3, before=colours))
    begin = data.index(name)
    (length,) = struct.unpack_from(">I", data, begin - 4)
    data[begin + 4 + length] ^= 1
    with pytest.raises(PictureError, match=f"damaged.*{name.decode()}"):
        decode(bytes(data), "a.png")


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("name", KEPT)
@pytest.mark.parametrize("late", [False, True])
def test_a_wrong_checksum_of_anything_else_is_not(name, depth, late):
    samples = noise(13, 21, 3, (1 << depth) - 1)
    wrong = {"after" if late else "before": chunk(name, b"key\0\0\0\0\0\0", wrong=True)}
    assert (decode(png(samples, depth, **wrong), "a.png").pixels == samples).all()
    wrong = {"end": chunk(b"IEND", wrong=True)}
    assert (decode(png(samples, depth, **wrong), "a.png").pixels == samples).all()


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("late", [False, True])
def test_long_texts_and_profiles_are_read(depth, late):
    long, samples = bytes(3_000_000), noise(13, 21, 3, (1 << depth) - 1)
    parts = chunk(b"tEXt", b"a\0" + long) + chunk(b"zTXt", b"b\0\0" + zlib.compress(long))
    parts += chunk(b"iTXt", b"c\0\1\0\0\0" + zlib.compress(long))
    before = chunk(b"iCCP", b"d\0\0" + zlib.compress(SRGB + long))
    kept = {"before": before, "after": parts} if late else {"before": before + parts}
    picture = decode(png(samples, depth, **kept), "a.png")
    assert (picture.pixels == samples).all() and picture.icc == SRGB + long


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_long_profile_comes_back_from_a_file_of_our_own(tmp_path, dtype):
    profile = SRGB + np.random.default_rng(0).bytes(2_000_000)
    write(Picture(scene(dtype=dtype), icc=profile), tmp_path / "a.png")
    assert read(tmp_path / "a.png").icc == profile


@pytest.mark.parametrize("depth", [8, 16])
def test_a_png_file_without_its_end_is_read_and_one_cut_off_is_not(depth):
    samples = noise(40, 30, 3, (1 << depth) - 1)
    whole = png(samples, depth, end=b"")
    assert (decode(whole, "a.png").pixels == samples).all()
    for length in (1, 5, 60, 500, len(whole) - 60):
        with pytest.raises(PictureError, match="damaged"):
            decode(whole[:-length], "a.png")


def test_a_palette_picture_without_its_palette_is_damaged():
    with pytest.raises(PictureError, match=r"damaged.*palette"):
        decode(png(noise(9, 9, 1, 15), 4, colour=3), "a.png")


# --- TIFF --------------------------------------------------------------------------------------


@pytest.mark.parametrize("packing", [None, "tiff_adobe_deflate", "tiff_lzw", "packbits", "zstd"])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("most", [255, 65_535])
def test_every_number_of_samples_is_read_in_every_order(most, channels, planar, packing):
    samples = noise(40, 21, channels, most)
    tags = {338: (2,) * (channels in (2, 4)) + (0, 2) * (channels == 5)}
    tags = tags if channels in (2, 4, 5) else {}
    picture = decode(tiff(samples, planar=planar, packing=packing, tags=tags), "a.tif")
    wanted = {5: [0, 1, 2, 4]}.get(channels, list(range(channels)))
    assert (joined(picture) == samples[:, :, wanted]).all()
    assert picture.bits == 8 * samples.itemsize


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("tile", [0, 16])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("packing", [None, "zstd"])
def test_tiffs_of_either_order_and_size_in_strips_and_tiles(order, big, tile, planar, packing):
    samples = noise(40, 37, 3, 65_535)
    kind = {"order": order, "big": big, "tile": tile, "planar": planar, "packing": packing}
    assert (decode(tiff(samples, **kind), "a.tif").pixels == samples).all()
    if packing:
        assert (decode(tiff(samples, predicted=True, **kind), "a.tif").pixels == samples).all()


@pytest.mark.parametrize("most", [255, 65_535])
def test_inverted_grey_and_multiplied_colours_are_put_right(most):
    grey = noise(9, 9, 1, most)
    assert (decode(tiff(grey, tags={262: (0,)}), "a.tif").pixels == most - grey).all()
    alpha = np.full((9, 9, 1), most // 2, grey.dtype)
    colours = np.concatenate([scene(9, 9, dtype=grey.dtype) // 2, alpha], axis=2)
    picture = decode(tiff(colours, tags={338: (1,)}), "a.tif")
    assert np.abs(picture.pixels.astype(int) - scene(9, 9, dtype=grey.dtype)).max() <= 2
    assert (picture.alpha == most // 2).all()


@pytest.mark.parametrize("most", [255, 65_535])
def test_cmyk_and_lab_become_srgb(most):
    unit = (most + 1) // 256
    inks = np.zeros((9, 9, 4), noise(most=most).dtype)
    inks[:, :, 1:3] = most
    red = decode(tiff(inks, tags={262: (5,)}), "a.tif").pixels[4, 4].astype(int)
    assert red[0] > 200 and red[1:].max() < 60
    colour = np.zeros_like(inks[:, :, :3])
    colour[:] = [54 * 255 // 100 * unit, 81 * unit, 70 * unit]  # sRGB's red, nearly
    red = decode(tiff(colour, tags={262: (8,)}), "a.tif").pixels[4, 4].astype(int)
    assert red[0] > 240 and red[1:].max() < 40


def test_grey_of_twelve_bits_spans_sixteen():
    values = np.linspace(0, 4095, 9 * 20).astype(np.uint16).reshape(9, 20, 1)
    bits = (values >> np.arange(12, dtype=np.uint16)[::-1] & 1).astype(np.uint8)
    packed = np.packbits(bits.reshape(9, -1), axis=1)[:, :, None]
    picture = decode(tiff(packed, tags={256: (20,), 258: (12,)}), "a.tif")
    assert picture.bits == 16 and np.abs(picture.pixels - values * (65_535 / 4095)).max() <= 1


@pytest.mark.parametrize("mark", [{254: (1,)}, {254: (4,)}, {255: (2,)}])
def test_a_reduced_preview_or_a_mask_is_no_page(mark):
    samples = noise(40, 21)
    plain = {254: (0,)} if 254 in mark else {255: (1,)}
    small = {256: (5,), 257: (5,), 278: (5,), **mark}
    assert (decode(tiff(samples, more=(small, mark)), "a.tif").pixels == samples).all()
    first = tiff(samples, tags=mark, more=(plain,))
    assert (decode(first, "a.tif").pixels == samples).all()
    with pytest.raises(PictureError, match="several pages"):
        decode(tiff(samples, more=(plain, mark)), "a.tif")


@pytest.mark.parametrize(
    "tags", [{339: (3,), 258: (32,)}, {339: (2,)}, {258: (32,)}, {262: (32803,)}, {259: (77,)}]
)
def test_kinds_of_tiff_that_are_not_read_are_named(tags):
    with pytest.raises(PictureError, match=r"floating|signed|32 bits|raw|packing 77"):
        decode(tiff(noise(9, 9, 4)[:, :, :1], tags=tags), "a.tif")


def test_a_directory_that_leads_to_itself_ends():
    data = bytearray(tiff(noise(9, 9, 1)))
    (place,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, place)
    struct.pack_into("<I", data, place + 2 + 12 * count, place)
    assert decode(bytes(data), "a.tif").size == (9, 9)


# --- JPEG --------------------------------------------------------------------------------------


def jpeg(*, mode="RGB", **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(scene(90, 120)).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


KINDS = [
    {"mode": "L"},
    {"mode": "CMYK"},
    {"subsampling": 2},
    {"progressive": True},
    {"optimize": True, "quality": 30},
    {"restart_marker_rows": 2},
]


@pytest.mark.parametrize("options", KINDS, ids=str)
@pytest.mark.parametrize("filling", [b"", bytes(4000)], ids=["cut", "filled"])
def test_a_jpeg_that_lacks_its_end_is_read_and_one_cut_off_is_not(options, filling):
    data = jpeg(**options)
    wanted = decode(data, "a.jpg").pixels
    assert (decode(data[:-2] + filling, "a.jpg").pixels == wanted).all()
    for length in (8, 16, 30, 90, 200, 400, len(data) // 2, len(data) - 100):
        with pytest.raises(PictureError, match="damaged"):
            decode(data[:-length] + filling, "a.jpg")


def test_broken_notes_do_not_cost_the_picture():
    data = jpeg()
    wanted = decode(data, "a.jpg").pixels
    make = struct.pack("<2sHIHHHII", b"II", 42, 8, 1, 0x010F, 5, 6, 26)  # no rational
    for name, body in (
        (0xE1, b"Exif\0\0" + make + b"\0\0\0\0camera"),
        (0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff"),
        (0xE2, b"ICC_PROFILE\0"),
        (0xE2, b"MPF\0\xff"),
        (0xED, b"Photoshop 3.0\0008BIM"),
    ):
        notes = struct.pack(">BBH", 0xFF, name, len(body) + 2) + body
        assert (decode(data[:2] + notes + data[2:], "a.jpg").pixels == wanted).all()


def test_a_jpeg_of_twelve_bits_is_named():
    data = bytearray(jpeg())
    data[data.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(PictureError, match="12 bits"):
        decode(bytes(data), "a.jpg")


# --- BMP, GIF, WebP, HEIC ----------------------------------------------------------------------


@pytest.mark.parametrize("downward", [False, True])
@pytest.mark.parametrize(
    ("bits", "masks"),
    [
        (16, (0xF800, 0x07E0, 0x001F)),
        (16, (0x7C00, 0x03E0, 0x001F, 0x8000)),
        (16, (0x0F00, 0x00F0, 0x000F, 0xF000)),
        (16, (0x001F, 0x07E0, 0xF800)),
        (32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
        (32, (0xFF, 0xFF00, 0xFF0000, 0)),
        (32, (0xF00, 0xF0000, 0xFF000000, 0xFF)),
        (32, (0x3FF00000, 0xFFC00, 0x3FF, 0xC0000000)),
    ],
)
def test_bmp_of_any_bit_masks(bits, masks, downward):
    values = np.random.default_rng(0).integers(0, 1 << bits, (9, 7), np.uint32)
    data = bmp(values, bits, masks=masks, header=40 if len(masks) == 3 else 108, downward=downward)
    if len(masks) == 3:
        data = data[:14] + struct.pack("<I", 40) + data[18:]
    picture = decode(data, "a.bmp")
    most = 65_535 if any(mask.bit_count() > 8 for mask in masks) else 255
    for mask, plane in zip(masks, np.moveaxis(joined(picture), 2, 0), strict=False):
        part = (values & mask) // (mask & -mask)
        wanted = part * most / (mask // (mask & -mask))
        assert np.abs(plane - wanted).max() <= 0.5
    assert (picture.alpha is not None) == (len(masks) > 3 and masks[3] > 0)
    assert picture.dpi == pytest.approx((300, 300), abs=0.5)


def test_bmp_without_masks_and_with_an_alpha_that_is_nowhere():
    values = np.random.default_rng(0).integers(0, 1 << 16, (9, 7), np.uint32)
    red = decode(bmp(values, 16), "a.bmp").pixels[:, :, 0]
    assert np.abs(red - (values >> 10 & 31) * 255 / 31).max() <= 0.5
    data = bmp(values, 32, masks=(0xFF0000, 0xFF00, 0xFF, 0xFF000000), header=56)
    assert decode(data, "a.bmp").alpha is None


@pytest.mark.parametrize("grey", [False, True])
def test_bmp_of_two_bits(grey):
    numbers = noise(9, 7, 1, 3)[:, :, 0]
    colours = noise(4, 1, 4)[:, 0]
    colours[:] = colours[:, :1] if grey else colours
    picture = decode(bmp(numbers, 2, palette=colours.tobytes()), "a.bmp")
    wanted = colours[numbers][:, :, 2::-1]
    assert picture.grey == grey and (picture.pixels == wanted[:, :, : 1 if grey else 3]).all()


def test_kinds_of_bmp_that_are_not_read_are_named():
    values = noise(9, 7, 1)[:, :, 0]
    for data in (bmp(values, 8, packing=4), bmp(values, 16, masks=(5, 8, 16))):
        with pytest.raises(PictureError, match="unusual kind"):
            decode(data, "a.bmp")
    with pytest.raises(PictureError, match="damaged"):
        decode(bmp(values, 32)[:-9], "a.bmp")


def test_a_gif_that_does_not_move_is_read():
    file = io.BytesIO()
    Image.fromarray(scene()).quantize(16).save(file, "GIF", transparency=3)
    with Image.open(file) as image:
        wanted = np.asarray(image.convert("RGBA"))
    assert (joined(decode(file.getvalue(), "a.gif")) == wanted).all()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_heic_of_eight_bits_is_read(channels):
    pixels = scene(48, 64, 3)
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
    file = io.BytesIO()
    pillow_heif.register_heif_opener()
    Image.fromarray(pixels).convert(mode).save(file, "HEIF", quality=95, exif=exif_of())
    picture = decode(file.getvalue(), "a.heic")
    assert picture.bits == 8 and joined(picture).shape == (48, 64, channels)
    wanted = np.asarray(Image.fromarray(pixels).convert(mode)).reshape(48, 64, -1)
    assert np.abs(joined(picture).astype(int) - wanted).mean() < 3 and picture.exif


def test_heic_of_ten_bits_has_more_than_eight():
    pixels = scene(48, 64, 3, np.uint16)
    file = io.BytesIO()
    made = pillow_heif.from_bytes("RGB;16", (64, 48), pixels.tobytes())
    made.save(file, quality=95, chroma=444)
    picture = decode(file.getvalue(), "a.heic")
    assert picture.bits == 16 and np.abs(picture.pixels.astype(int) - pixels).mean() < 400
    assert len(np.unique(picture.pixels)) > 256


# --- the size from the head --------------------------------------------------------------------


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp", "avif", "heic"])
def test_the_head_tells_the_size_upright(tmp_path, ending, orientation):
    path = tmp_path / f"a.{ending}"
    pillow_heif.register_heif_opener()
    if ending == "tif":
        path.write_bytes(tiff(scene(30, 40), tags={274: (orientation,)}))
    else:
        Image.fromarray(scene(30, 40)).save(path, exif=exif_of(orientation=orientation))
    wanted = (40, 30) if orientation == 6 else (30, 40)
    assert peek(path) == read(path).size == wanted


def test_a_new_format_is_one_row_of_the_table(tmp_path, monkeypatch):
    row = formats.Format("JPEG 2000", "JPEG2000", (".jp2",), alpha=True, icc=False)
    monkeypatch.setattr(formats, "FORMATS", (*formats.FORMATS, row))
    (tmp_path / "in").mkdir()
    source = tmp_path / "in" / "a.jp2"
    write(Picture(scene()), source)
    assert np.abs(read(source).pixels.astype(int) - scene()).max() < 3 and peek(source) == (30, 40)
    (found,) = listing(tmp_path / "in").sources
    assert found.size == (30, 40)
    for settings in (Settings("any"), Settings("any", format="jp2")):
        assert target_name(settings, source, size=(30, 40), scale=2).endswith(".jp2")
    (tmp_path / "no.png").write_text("no picture")
    with pytest.raises(PictureError, match="JPEG 2000"):
        read(tmp_path / "no.png")
