"""EXIF, XMP, text and resolution come out as they went in, but for what the picture has changed."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from engine.pictures import Picture, read, write
from engine.pictures.decode import decode
from engine.pictures.encode import encode
from engine.pictures.formats import written
from engine.resize import resized

RATING, RATING_PERCENT, MAKER_NOTE = 18246, 18249, 0x927C
XMP = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:'
    b'meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    b'rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:exif="http://ns.adobe.com/exif'
    b'/1.0/" tiff:Orientation="6" exif:PixelXDimension="40"><tiff:ImageLength>30</tiff:ImageLength>'
    b"<dc:title>\xc3\xbc</dc:title></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
)


def plain(height=30, width=40) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    return np.dstack([4 * y, 3 * x, y + x]).astype(np.uint8)


def packed(order: str, start: int, entries: list, following: int = 0) -> bytes:
    """A directory at `start`: entries of (tag, type, count, bytes or a number)."""
    values, rows = b"", b""
    end = start + 2 + 12 * len(entries) + 4
    for tag, kind, count, value in sorted(entries, key=lambda entry: entry[0]):
        if isinstance(value, int):
            form = {1: "B3x", 3: "H2x", 4: "I"}[kind]
            rows += struct.pack(f"{order}HHI{form}", tag, kind, count, value)
        elif len(value) <= 4:
            rows += struct.pack(f"{order}HHI4s", tag, kind, count, value)
        else:
            rows += struct.pack(f"{order}HHII", tag, kind, count, end + len(values))
            values += value + bytes(len(value) % 2)
    return (
        struct.pack(f"{order}H", len(entries)) + rows + struct.pack(f"{order}I", following) + values
    )


def block(order="<", orientation=(3, 1), *, thumbnail=True, note=b"notes " * 20) -> bytes:
    """An EXIF block with text beyond ASCII, a rating, Interop, GPS, a maker's note, a thumbnail."""

    def ratio(above: int, below: int) -> bytes:
        return struct.pack(f"{order}II", above, below)

    interop = [(1, 2, 4, b"R98\0"), (2, 7, 4, b"0100")]
    gps = [(1, 2, 2, b"N\0"), (2, 5, 3, ratio(52, 1) + ratio(30, 1) + ratio(77, 10))]
    inner = [
        (0x9003, 2, 20, b"2024:05:06 07:08:09\0"),
        (MAKER_NOTE, 7, len(note), note),
        (0x9286, 7, 12, b"ASCII\0\0\0hi\xe9\0"),
        (0xA002, 4, 1, 40),
        (0xA003, 3, 1, 30),
    ]
    first = [
        (0x010F, 2, 7, "Zoë ©\0".encode("latin-1") + b"\0"),
        (0x010E, 2, 14, "Äpfel & ©€\0".encode()[:14]),
        (0x0112, orientation[0], 1, orientation[1]),
        (0x011A, 5, 1, ratio(300, 1)),
        (0x011B, 5, 1, ratio(150, 1)),
        (0x0128, 3, 1, 2),
        (RATING, 3, 1, 4),
        (RATING_PERCENT, 3, 1, 75),
        (0x9C9B, 1, 8, "Täg\0".encode("utf-16-le")),
    ]
    places = {0x8769: 0, 0x8825: 0, 0xA005: 0}
    for _ in range(2):  # the second time with the right places
        top = first + [(tag, 4, 1, places[tag]) for tag in (0x8769, 0x8825)]
        middle = [*inner, (0xA005, 4, 1, places[0xA005])]
        data = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
        data += packed(order, 8, top, following=places.get("thumbnail", 0))
        for tag, entries in ((0x8769, middle), (0x8825, gps), (0xA005, interop)):
            places[tag] = len(data)
            data += packed(order, len(data), entries)
        if thumbnail:
            places["thumbnail"] = len(data)
            begin = len(data) + 2 + 12 * 2 + 4
            small = [(0x0201, 4, 1, begin), (0x0202, 4, 1, 100)]
            data += packed(order, len(data), small) + b"\xff\xd8" + b"secret" * 16 + b"\xff\xd9"
    return data


def jpeg(*segments: bytes, pixels: np.ndarray | None = None) -> bytes:
    """A JPEG file with these APP1 segments."""
    file = io.BytesIO()
    Image.fromarray(plain() if pixels is None else pixels).save(file, "JPEG", quality=95)
    made = [struct.pack(">BBH", 0xFF, 0xE1, len(body) + 2) + body for body in segments]
    return b"\xff\xd8" + b"".join(made) + file.getvalue()[2:]


def exif_in(path) -> bytes:
    """The EXIF block as it stands in a file, found without our readers."""
    with Image.open(path) as image:
        return image.info["exif"].removeprefix(b"Exif\0\0")


def tiff_tags(data: bytes, offset: int | None = None) -> dict[int, tuple[int, int, bytes]]:
    """Tags of a directory with the bytes of their values, all of which lie in the file."""
    order = "<" if data[:2] == b"II" else ">"
    offset = struct.unpack_from(f"{order}I", data, 4)[0] if offset is None else offset
    sizes, found = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 10: 8}, {}
    for index in range(struct.unpack_from(f"{order}H", data, offset)[0]):
        entry = offset + 2 + 12 * index
        tag, kind, count = struct.unpack_from(f"{order}HHI", data, entry)
        length = count * sizes[kind]
        place = entry + 8 if length <= 4 else struct.unpack_from(f"{order}I", data, entry + 8)[0]
        assert place + length <= len(data), f"tag {tag} dangles"
        found[tag] = kind, count, data[place : place + length]
    return found


def number(order: str, entry: tuple[int, int, bytes]) -> int:
    return struct.unpack(order + {1: "B", 3: "H", 4: "I"}[entry[0]], entry[2])[0]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif"])
def test_exif_keeps_every_byte(tmp_path, order, suffix):
    if suffix == ".avif" and ".avif" not in Image.registered_extensions():
        pytest.skip("this Pillow has no AVIF")
    told = block(order, thumbnail=False)
    picture = decode(jpeg(b"Exif\0\0" + told), "a.jpg")
    write(picture, tmp_path / f"a{suffix}")
    assert exif_in(tmp_path / f"a{suffix}") == told
    assert read(tmp_path / f"a{suffix}").exif == told


@pytest.mark.parametrize("order", ["<", ">"])
def test_sizes_orientation_and_thumbnail_are_the_pictures(tmp_path, order):
    told = block(order, orientation=(3, 6))
    picture = decode(jpeg(b"Exif\0\0" + told), "a.jpg")
    assert picture.size == (40, 30)
    write(resized(picture, (200, 150)), tmp_path / "a.jpg")
    made, bare = exif_in(tmp_path / "a.jpg"), block(order, thumbnail=False)
    assert len(made) == len(bare) and b"secret" not in made
    first, was = tiff_tags(made), tiff_tags(bare)
    assert number(order, first[0x0112]) == 1
    assert first[0x011A][2] == was[0x011B][2] and first[0x011B][2] == was[0x011A][2]  # turned
    inner = tiff_tags(made, number(order, first[0x8769]))
    assert number(order, inner[0xA002]) == 150 and number(order, inner[0xA003]) == 200
    assert sum(a != b for a, b in zip(made, bare, strict=True)) < 16


def test_a_side_beyond_65535_gets_a_larger_type(tmp_path):
    picture = Picture(np.zeros((70_000, 2, 1), np.uint8), exif=block())
    write(picture, tmp_path / "a.png")
    inner = tiff_tags(exif_in(tmp_path / "a.png"))[0x8769]
    inner = tiff_tags(exif_in(tmp_path / "a.png"), number("<", inner))
    assert inner[0xA003][0] == 4 and number("<", inner[0xA003]) == 70_000


@pytest.mark.parametrize("kind", [1, 3, 4])
def test_any_type_of_orientation_turns_the_picture(kind):
    told = block(orientation=(kind, 6))
    picture = decode(jpeg(b"Exif\0\0" + told), "a.jpg")
    assert picture.size == (40, 30)
    assert number("<", tiff_tags(picture.exif)[0x0112]) == 1
    assert tiff_tags(picture.exif)[RATING] == tiff_tags(told)[RATING]


def test_odd_types_beside_the_orientation_cost_nothing(tmp_path):
    """A number where text belongs, text where a number belongs: all of it stays."""
    odd = [(0x010F, 5, 1, struct.pack("<II", 1, 2)), (0x0112, 3, 1, 8), (0x0131, 3, 1, 7)]
    told = b"II*\0\x08\0\0\0" + packed("<", 8, [*odd, (RATING, 2, 2, b"5\0")])
    picture = decode(jpeg(b"Exif\0\0" + told), "a.jpg")
    assert picture.size == (40, 30)
    for suffix in (".jpg", ".png", ".tif", ".webp"):
        write(picture, tmp_path / f"a{suffix}")
        again = tiff_tags(read(tmp_path / f"a{suffix}").exif)
        for tag in (0x010F, 0x0131, RATING):
            assert again[tag] == tiff_tags(told)[tag], suffix


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_exif_lives_in_tiff_files_and_nothing_dangles(tmp_path, order, dtype):
    told = block(order)
    pixels = plain().astype(dtype) * (257 if dtype == np.uint16 else 1)
    write(Picture(pixels, exif=told), tmp_path / "a.tif")
    data = (tmp_path / "a.tif").read_bytes()
    first, was = tiff_tags(data), tiff_tags(told)
    for tag in was.keys() - {0x8769, 0x8825, 0x011A, 0x011B, 0x0128}:
        assert first[tag] == was[tag], tag
    inner = tiff_tags(data, number(order, first[0x8769]))
    source = tiff_tags(told, number(order, was[0x8769]))
    for tag in source.keys() - {0xA005}:
        assert inner[tag] == source[tag], tag
    assert tiff_tags(data, number(order, inner[0xA005]))[1][2] == b"R98\0"
    assert tiff_tags(data, number(order, first[0x8825]))[2][1] == 3
    again = read(tmp_path / "a.tif")
    assert (again.pixels == pixels).all() and again.pixels.dtype == dtype
    write(again, tmp_path / "b.jpg")  # and out of it
    out = tiff_tags(exif_in(tmp_path / "b.jpg"))
    assert out[RATING] == was[RATING] and out[0x010F] == was[0x010F]
    inner = tiff_tags(exif_in(tmp_path / "b.jpg"), number(order, out[0x8769]))
    assert inner[MAKER_NOTE] == source[MAKER_NOTE]


def test_other_programs_read_our_tiff_files(tmp_path):
    for order in "<>":
        picture = Picture(plain(), exif=block(order), dpi=(300.0, 150.0), xmp=XMP)
        write(picture, tmp_path / "a.tif", overwrite=True)
        with Image.open(tmp_path / "a.tif") as image:
            assert (np.asarray(image) == picture.pixels).all()
            assert image.info["dpi"] == (300, 150) and image.getexif()[RATING] == 4
            assert image.getexif().get_ifd(0x8769)[0x9003] == "2024:05:06 07:08:09"


def test_entries_that_lead_nowhere_do_not_get_into_tiff_files(tmp_path):
    told = bytearray(block())
    place = told.index(struct.pack("<HHI", 0x9003, 2, 20)) + 8
    told[place : place + 4] = struct.pack("<I", 1 << 30)
    write(Picture(plain(), exif=bytes(told)), tmp_path / "a.tif")
    data = (tmp_path / "a.tif").read_bytes()
    inner = tiff_tags(data, number("<", tiff_tags(data)[0x8769]))
    assert MAKER_NOTE in inner and 0x9003 not in inner


def test_what_does_not_fit_into_jpeg_goes_and_the_rest_stays(tmp_path):
    told = block(note=b"x" * 66_000)
    write(Picture(plain(), exif=told), tmp_path / "a.jpg")
    first = tiff_tags(exif_in(tmp_path / "a.jpg"))
    inner = tiff_tags(exif_in(tmp_path / "a.jpg"), number("<", first[0x8769]))
    assert MAKER_NOTE not in inner and 0x9003 in inner and 0xA005 in inner
    assert first[RATING] == tiff_tags(told)[RATING]


@pytest.mark.parametrize("junk", [b"", b"Exif\0\0", b"MM", b"II*\0\xff\xff\xff\xff", b"x" * 99])
def test_a_block_that_is_none_costs_nothing(tmp_path, junk):
    picture = decode(jpeg(b"Exif\0\0" + junk), "a.jpg")
    for suffix in (".jpg", ".tif", ".png"):
        write(picture, tmp_path / f"a{suffix}")
        assert read(tmp_path / f"a{suffix}").exif is None


def test_cut_and_flipped_blocks_never_stop_an_export():
    rng = np.random.default_rng(0)
    for index in range(60):
        told = bytearray(block("<>"[index % 2]))
        for place in rng.integers(0, len(told), 8):
            told[place] = rng.integers(256)
        picture = Picture(plain(2, 2), exif=bytes(told[: rng.integers(8, len(told) + 1)]))
        for suffix in written():
            file = io.BytesIO()
            encode(picture, f"a{suffix}", file)
            assert decode(file.getvalue(), "a").size == (2, 2)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp", ".avif"])
def test_xmp_survives_upright_and_sized(tmp_path, suffix):
    if suffix == ".avif" and ".avif" not in Image.registered_extensions():
        pytest.skip("this Pillow has no AVIF")
    told = block(orientation=(3, 6), thumbnail=False)
    name = b"http://ns.adobe.com/xap/1.0/\0"
    picture = decode(jpeg(b"Exif\0\0" + told, name + XMP), "a.jpg")
    write(resized(picture, (120, 90)), tmp_path / f"a{suffix}")
    expected = XMP.replace(b'tion="6"', b'tion="1"').replace(b'sion="40"', b'sion="90"')
    expected = expected.replace(b">30<", b">120<")
    assert read(tmp_path / f"a{suffix}").xmp == expected
    if suffix != ".tif":
        with Image.open(tmp_path / f"a{suffix}") as image:
            assert image.info["xmp"].rstrip(b"\0") == expected


def test_long_xmp_comes_out_of_jpeg_and_into_it_again(tmp_path):
    middle = b"".join(b"<rdf:li>%d</rdf:li>" % n for n in range(20_000))
    packet = XMP.replace(b"<dc:title>", b"<dc:list>" + middle + b"</dc:list><dc:title>")
    write(Picture(plain(), xmp=packet), tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        assert b"HasExtendedXMP" in image.info["xmp"]
    again = read(tmp_path / "a.jpg").xmp
    assert middle in again and b"HasExtendedXMP" not in again and again.count(b"<rdf:RDF") == 1
    write(read(tmp_path / "a.jpg"), tmp_path / "b.png")
    assert read(tmp_path / "b.png").xmp == again


def test_text_of_png_files_survives(tmp_path):
    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    texts = [
        (b"tEXt", b"parameters\0a cat, 20 steps, \xfc"),
        (b"iTXt", b"Title\0\0\0de\0Titel\0" + "Zoë".encode()),
        (b"zTXt", b"Comment\0\0" + zlib.compress(b"long " * 99)),
    ]
    file = io.BytesIO()
    Image.fromarray(plain()).save(file, "PNG")
    data = file.getvalue()
    head, tail = data[:33], data[33:]
    whole = head + b"".join(chunk(*text) for text in texts) + tail
    write(decode(whole, "a.png"), tmp_path / "a.png")
    made = (tmp_path / "a.png").read_bytes()
    for text in texts:
        assert chunk(*text) in made
    with Image.open(tmp_path / "a.png") as image:
        assert image.text["Title"] == "Zoë" and image.text["Comment"] == "long " * 99


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".bmp"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_unequal_resolution_turns_with_the_picture(tmp_path, suffix, orientation):
    told = block(orientation=(3, orientation))
    picture = decode(jpeg(b"Exif\0\0" + told, pixels=plain()), "a.jpg")
    write(picture, tmp_path / f"a{suffix}")
    sideways = orientation in (6, 8)
    across = (150, 300) if sideways else (300, 150)
    assert picture.dpi == across
    with Image.open(tmp_path / f"a{suffix}") as image:
        assert image.info["dpi"] == pytest.approx(across, abs=0.1)


def test_tags_of_a_tiff_file_come_along(tmp_path):
    table = TiffImagePlugin.ImageFileDirectory_v2()
    table[0x010E], table[RATING], table[0x0112], table[33432] = "A rose", 3, 6, "me"
    Image.fromarray(plain()).save(tmp_path / "a.tif", tiffinfo=table)
    picture = read(tmp_path / "a.tif")
    assert picture.size == (40, 30)
    for suffix in (".jpg", ".png", ".tif"):
        write(picture, tmp_path / f"b{suffix}")
        exif = Image.Exif()
        exif.load(read(tmp_path / f"b{suffix}").exif)
        assert (exif[0x010E], exif[RATING], exif[0x0112], exif[33432]) == ("A rose", 3, 1, "me")


def test_a_hostile_block_takes_neither_time_nor_memory(tmp_path):
    """10,000 entries of 1 MB each, all of them the same bytes, in a ring of directories."""
    size, count = 1 << 20, 10_000
    rows = b"".join(struct.pack("<HHII", 100 + n, 7, size // 2, 8) for n in range(count))
    told = b"II*\0\x08\0\0\0" + struct.pack("<H", count) + rows + struct.pack("<I", 20)
    told += bytes(size)
    for suffix in (".jpg", ".tif", ".png"):
        write(Picture(plain(2, 2), exif=told), tmp_path / f"a{suffix}")
    assert decode(jpeg(b"Exif\0\0" + told[:65_000]), "a.jpg").size == (30, 40)
    assert decode((tmp_path / "a.png").read_bytes(), "a.png").size == (2, 2)
