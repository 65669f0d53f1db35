"""Targets that cannot be are refused before any work, in one sentence, without a trace."""

import os

import numpy as np
import pytest
from PIL import Image

from engine.errors import PictureError
from engine.pictures import Picture, check_target, write


def closed_folder(folder):
    """A folder in which we cannot make a file, whoever we are."""
    if os.geteuid() == 0:
        return "/sys"
    folder.chmod(0o500)
    return folder


def refusal(*arguments, **options) -> str:
    with pytest.raises(PictureError) as caught:
        check_target(*arguments, **options)
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message
    return message


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.gif", "no ending"),
        ("a", "no ending"),
        ("none/a.png", "does not exist"),
        ("file/a.png", "is no folder"),
        ("file/below/a.png", "does not exist"),
        ("folder.png", "is a folder"),
        ("there.png", "exists already"),
        ("a" * 252 + ".png", "too long"),
        ("é" * 126 + ".png", "too long"),
        ("a\0.png", "letters"),
        ("a\ud800.png", "letters"),
    ],
)
def test_what_cannot_be_is_known_before(tmp_path, name, words):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "there.png").write_bytes(b"old")
    (tmp_path / "folder.png").mkdir()
    before = sorted(tmp_path.iterdir())
    assert words in refusal(tmp_path / name)
    assert sorted(tmp_path.iterdir()) == before


def test_what_can_be_leaves_no_trace(tmp_path):
    for name in ("a.png", "a" * 251 + ".png", "é" * 125 + ".png", "  .JPG"):
        check_target(tmp_path / name)
    check_target(tmp_path / "one/two/a.png", folders=True)
    assert not list(tmp_path.iterdir())
    (tmp_path / "there.png").write_bytes(b"old")
    assert check_target(tmp_path / "there.png", overwrite=True).name == "PNG"
    assert (tmp_path / "there.png").read_bytes() == b"old"


def test_folders_that_are_to_be_made_must_be_possible(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert "is no folder" in refusal(tmp_path / "file/below/a.png", folders=True)
    assert "too long" in refusal(tmp_path / ("a" * 300) / "a.png", folders=True)


def test_a_closed_folder_is_known_before(tmp_path):
    folder = closed_folder(tmp_path)
    assert "cannot be written" in refusal(f"{folder}/a.png")
    assert "cannot be written" in refusal(f"{folder}/below/a.png", folders=True)


@pytest.mark.parametrize(
    ("name", "most"), [("a.webp", 16_383), ("a.jpg", 65_500), ("a.avif", 65_535)]
)
def test_sides_beyond_the_formats_are_known_before(tmp_path, name, most):
    check_target(tmp_path / name, (most, 9))
    assert f"{most + 1:,} × 9 pixels" in refusal(tmp_path / name, (9, most + 1))
    assert "choose PNG" in refusal(tmp_path / name, (most + 1, 9))
    check_target(tmp_path / "a.png", (most + 1, most + 1))


def test_bmp_files_end_at_4_gib(tmp_path):
    check_target(tmp_path / "a.bmp", (37_000, 37_000))
    assert "megapixels" in refusal(tmp_path / "a.bmp", (40_000, 40_000))


@pytest.mark.parametrize("form", ["WEBP", "JPEG", "AVIF"])
def test_the_limits_of_sides_are_those_of_the_writers(tmp_path, form):
    """A picture of one row as long as the limit is written, one pixel more is not."""
    suffix = {"WEBP": ".webp", "JPEG": ".jpg", "AVIF": ".avif"}[form]
    if form not in Image.SAVE and suffix not in Image.registered_extensions():
        pytest.skip(f"this Pillow has no {form}")
    most = check_target(tmp_path / f"a{suffix}").side
    write(Picture(np.zeros((1, most, 3), np.uint8)), tmp_path / f"a{suffix}")
    with pytest.raises(PictureError):
        write(Picture(np.zeros((1, most + 1, 3), np.uint8)), tmp_path / f"b{suffix}")
    assert not (tmp_path / f"b{suffix}").exists()
