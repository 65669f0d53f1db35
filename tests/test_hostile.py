"""Damaged and hostile files end in a right picture or in one sentence, soon and silently."""

import io
import json
import os
import random
import struct
import subprocess
import sys
import tracemalloc
import zlib

import numpy as np
import pillow_heif
import pytest
from handmade import SIGNATURE, bmp, chunk, png, tiff
from PIL import Image
from test_picture import exif_of, scene

from engine.errors import PictureError
from engine.pictures import Picture, decode, peek, read
from engine.pictures.encode import encode
from engine.pictures.picture import joined
from engine.pictures.readers import Reader

READ = """
import json, resource, sys
from pathlib import Path
import numpy as np
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
from engine.errors import PictureError
from engine.pictures import peek, read
from engine.pictures.picture import joined
ends = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    if path.suffix == ".npy":
        continue
    peek(path)
    try:
        pixels = joined(read(path))
    except PictureError as error:
        ends[path.name] = str(error)
        continue
    wanted = path.with_suffix(".npy")
    right = not wanted.exists() or np.array_equal(pixels, np.load(wanted))
    ends[path.name] = "right" if right else "wrong"
print(json.dumps(ends))
"""


def ended(folder) -> dict[str, str]:
    """How each file of a folder ends in a process of its own, with 4 GiB, that prints nothing."""
    command = [sys.executable, "-c", READ, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    ends = json.loads(done.stdout)
    for name, end in ends.items():
        sentence = name in end and end.endswith(".") and end.count("\n") == 0
        assert end == "right" or sentence, (name, end)
    return ends


def saved(form, image, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def sound_files() -> dict[str, bytes]:
    """A file of every kind, by its name."""
    pillow_heif.register_heif_opener()
    pixels, alpha = scene(48, 64), scene(48, 64)[:, :, 0].copy()
    deep, image = pixels.astype(np.uint16) * 257, Image.fromarray(pixels)
    made = {
        "jpeg.jpg": saved("JPEG", image, exif=exif_of()),
        "progressive.jpg": saved("JPEG", image, progressive=True),
        "cmyk.jpg": saved("JPEG", image.convert("CMYK")),
        "facsimile.tif": saved("TIFF", image.convert("1"), compression="group4"),
        "jpeg.tif": saved("TIFF", image, compression="jpeg"),
        "palette.tif": saved("TIFF", image.quantize(16)),
        "palette.bmp": saved("BMP", image.quantize(16)),
        "still.gif": saved("GIF", image.quantize(16)),
        "lossy.webp": saved("WEBP", image, exif=exif_of()),
        "lossless.webp": saved("WEBP", image, lossless=True),
        "picture.avif": saved("AVIF", image, exif=exif_of()),
        "picture.heic": saved("HEIF", image, exif=exif_of()),
        "masks.bmp": bmp(pixels[:, :, 0], 16, masks=(0xF00, 0xF0, 0xF, 0xF000), header=56),
        "interlaced.png": png(pixels, interlaced=True, before=chunk(b"eXIf", exif_of()[6:])),
        "palette.png": png(pixels[:, :, :1] // 32, 4, colour=3, before=chunk(b"PLTE", bytes(48))),
        "deep.png": png(deep, 16, interlaced=True),
    }
    for packing in (None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd", "lzma"):
        made[f"{packing}.tif"] = tiff(deep, packing=packing, planar=packing == "zstd")
    for name in ("ours.png", "ours.tif", "deep ours.png", "deep ours.tif"):
        values, clear = (deep, alpha.astype(np.uint16) * 257) if "deep" in name else (pixels, alpha)
        file = io.BytesIO()
        encode(Picture(values, clear, exif=exif_of(), dpi=(300.0, 300.0)), name, file)
        made[name] = file.getvalue()
    return made


def spoiled(data: bytes, chance: random.Random) -> bytes:
    """A file with bits flipped, bytes lost, repeated or zeroed, or a number made huge."""
    made, place = bytearray(data), chance.randrange(len(data))
    match chance.choice(["bit", "bits", "cut", "zero", "more", "huge", "head"]):
        case "bit":
            made[place] ^= 1 << chance.randrange(8)
        case "bits":
            for _ in range(12):
                made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)
        case "cut":
            del made[place:]
        case "zero":
            made[place : place + 100] = bytes(len(made[place : place + 100]))
        case "more":
            made[place:place] = chance.randbytes(20)
        case "huge":
            made[place : place + 4] = chance.choice(
                [b"\xff" * 4, b"\0\0\0\x80", b"\x7f\xff\xff\xff"]
            )
        case "head":
            for _ in range(3):
                made[chance.randrange(min(60, len(made)))] = chance.randrange(256)
    return bytes(made)


def test_two_hundred_files_end_in_a_right_picture_or_in_one_sentence(tmp_path):
    chance, sound = random.Random(3), sound_files()
    for number in range(200):
        name = sorted(sound)[number % len(sound)]
        path = tmp_path / f"{number} {name}"
        path.write_bytes(spoiled(sound[name], chance) if number >= len(sound) else sound[name])
        if name.endswith(".png"):  # whose checksums tell of any damage
            np.save(path.with_suffix(".npy"), joined(decode.decode(sound[name], name)))
    ends = ended(tmp_path)
    assert len(ends) == 200 and 60 < sum(end == "right" for end in ends.values()) < 140
    assert all(ends[f"{i} {name}"] == "right" for i, name in enumerate(sorted(sound)))


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_only_regular_files_are_pictures(tmp_path, kind):
    path = tmp_path / "a.png"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    assert peek(path) is None
    with pytest.raises(PictureError, match="folder" if kind == "folder" else "regular file"):
        read(path)


@pytest.mark.parametrize(
    "error",
    [
        *(AssertionError(), RuntimeError("code 7"), TypeError(), OverflowError(), AttributeError()),
        *(struct.error("unpack"), MemoryError(), RecursionError(), zlib.error("\nbad\n")),
    ],
    ids=repr,
)
@pytest.mark.parametrize("place", ["head", "load"])
def test_whatever_a_decoder_raises_becomes_one_sentence(tmp_path, monkeypatch, error, place):
    def fail(*_: object):
        raise error

    good = decode.reader_of(io.BytesIO(SIGNATURE))
    bad = Reader(b"", good.head, fail) if place == "load" else Reader(b"", fail, good.load)
    path = tmp_path / "a.png"
    path.write_bytes(png(scene()))
    monkeypatch.setattr(decode, "reader_of", lambda file: bad)
    assert (peek(path) is None) == (place == "head")
    with pytest.raises(PictureError, match=r"(damaged \(.*\w{3}|memory).*\.$") as caught:
        read(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


# --- the size is known, and what does not fit is refused, before anything is decoded -------------


def large_files(folder) -> dict:
    """Files that begin as pictures of 400 megapixels do, and have next to nothing else."""
    header = struct.pack(">II5B", 20_000, 20_000, 16, 2, 0, 0, 0)
    info = struct.pack("<IiiHHIIiiII", 40, 20_000, 20_000, 1, 24, 0, 0, 0, 0, 0, 0)
    photo = bytearray(saved("JPEG", Image.fromarray(scene())))
    struct.pack_into(">HH", photo, photo.index(b"\xff\xc0") + 5, 20_000, 20_000)
    pixels = chunk(b"IDAT", zlib.compress(bytes(9)))
    made = {
        "a.png": SIGNATURE + chunk(b"IHDR", header) + pixels + chunk(b"IEND"),
        "a.jpg": bytes(photo),
        "a.bmp": struct.pack("<2sIHHI", b"BM", 0, 0, 0, 54) + info,
        "a.tif": tiff(scene(), tags={256: (20_000,), 257: (20_000,)}),
    }
    for name, data in made.items():
        (folder / name).write_bytes(data)
    return {folder / name: (20_000, 20_000) for name in made}


def test_a_head_that_promises_too_much_costs_nothing(tmp_path):
    files = large_files(tmp_path)
    tracemalloc.start()
    try:
        for path, size in files.items():
            assert peek(path) == size
            with pytest.raises(PictureError, match=r"damaged|memory"):
                read(path)
        assert tracemalloc.get_traced_memory()[1] < 3 << 20
    finally:
        tracemalloc.stop()


def test_the_size_is_read_without_the_pixels(tmp_path):
    pixels, large = scene(), 200 << 20
    made = {
        "a.png": png(pixels)[:-12] + struct.pack(">I4s", large, b"IDAT"),
        "a.tif": tiff(pixels),
        "a.jpg": saved("JPEG", Image.fromarray(pixels)),
        "a.webp": saved("WEBP", Image.fromarray(pixels)),
        "a.bmp": saved("BMP", Image.fromarray(pixels)),
    }
    for name, data in made.items():
        path = tmp_path / name
        path.write_bytes(data)
        os.truncate(path, large + len(data))  # takes no room on the disk
        tracemalloc.start()
        assert peek(path) == (30, 40), name
        assert tracemalloc.get_traced_memory()[1] < 1 << 20, name
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["jpeg.jpg", "lossy.webp", "deep.png", "ours.tif", "still.gif"])
def test_what_does_not_fit_is_refused_before_it_is_decoded(monkeypatch, name):
    data = sound_files()[name]
    monkeypatch.setattr(decode, "available", lambda: 48 * 64 * 3)
    reader = decode.reader_of(io.BytesIO(data))
    watched = Reader(b"", reader.head, lambda *_: pytest.fail("it was decoded"))
    monkeypatch.setattr(decode, "reader_of", lambda file: watched)
    with pytest.raises(PictureError, match="GB of memory"):
        decode.decode(data, name)


MEASURE = """
import ctypes, io, sys
from pathlib import Path
from engine.pictures.decode import decode
from engine.pictures.readers import reader_of
def now(what):
    return 1024 * int(Path("/proc/self/status").read_text().split(what + ":")[1].split()[0])
for path in sys.argv[1:]:
    data = Path(path).read_bytes()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, file = now("VmRSS"), io.BytesIO(data)
    foreseen = reader_of(file).head(file).memory + 2 * len(data)
    decode(data, path)
    print(foreseen, now("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak")
def test_the_memory_foreseen_is_that_taken(tmp_path):
    pixels, paths = scene(1500, 2000), []
    alpha, deep = pixels[:, :, 0].copy(), pixels.astype(np.uint16)
    for name, picture in {
        "first.png": Picture(pixels[:9]),  # loads the libraries
        "first.jpg": Picture(pixels[:9]),
        "first.tif": Picture(deep[:9]),
        "a.png": Picture(pixels, alpha),
        "deep.png": Picture(deep),
        "deep.tif": Picture(deep),
        "a.jpg": Picture(pixels),
    }.items():
        file = io.BytesIO()
        encode(picture, name, file)
        paths.append(str(tmp_path / name))
        (tmp_path / name).write_bytes(file.getvalue())
    command = [sys.executable, "-c", MEASURE, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for path, line in list(zip(paths, done.stdout.splitlines(), strict=True))[3:]:
        foreseen, taken = map(int, line.split())
        assert 0.4 * foreseen < taken < 1.05 * foreseen, (path, foreseen, taken)
