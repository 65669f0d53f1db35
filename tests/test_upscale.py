"""`upscale`: nothing ends it, no two sources share a file, what cannot be is said beforehand."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.adaptive.depth import DepthUpscaler
from engine.cli import main
from engine.commands import targets, upscale
from engine.pictures import read


@pytest.fixture(autouse=True)
def here(weights, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def surveyed(monkeypatch):
    """The sizes of all pictures on which work was begun."""
    seen, survey = [], DepthUpscaler.survey

    def noted(self, x):
        seen.append(tuple(x.shape[:2]))
        return survey(self, x)

    monkeypatch.setattr(DepthUpscaler, "survey", noted)
    return seen


def draw(name, height=6, width=8, *, seed=0):
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return str(path)


def upscaled(capsys, *words):
    """Exit status, JSON document and the lines on stderr."""
    status = main(["upscale", "-n", "tiny", "--json", *map(str, words)])
    printed = capsys.readouterr()
    return status, json.loads(printed.out.splitlines()[-1]), printed.err.splitlines()


def drafts(folder):
    return [p for p in folder.rglob("*") if p.name.startswith(".fovea")]


LONG = "n" * 300


def closed():
    """A folder in which not even root can write, where the system has one."""
    folder = Path("/sys/kernel")
    try:
        (folder / "probe").touch()
    except OSError:
        return str(folder / "out") if folder.exists() else "file/out"
    return "file/out"


@pytest.mark.parametrize(
    "output", ["file", "file/out", "file/a/b.png", LONG, f"{LONG}/a", closed(), "/dev/null"]
)
@pytest.mark.parametrize("option", ["-o", "--maps"])
def test_a_place_that_cannot_be_is_told_before_the_work(here, surveyed, capsys, output, option):
    Path("file").write_text("mine")
    sources = [draw("a.png"), draw("b.png")]
    words = [*sources, "-o", "fine", "--maps", output] if option == "--maps" else []
    status, document, errors = upscaled(capsys, *(words or [*sources, "-o", output]))
    assert status == 1 and surveyed == [] and document["files"] == []
    assert [entry["input"] for entry in document["failed"]] == sources
    assert errors == [entry["error"] for entry in document["failed"]]
    assert all(line.endswith(".") and len(line) < 900 for line in errors)
    assert Path("file").read_text() == "mine" and not Path("fine").exists() and not drafts(here)


def test_a_name_too_long_for_its_output_costs_no_other_picture(surveyed, capsys):
    long = draw("n" * 250 + ".png")
    status, document, errors = upscaled(capsys, long, draw("b.png"), "-o", "out")
    assert status == 1 and [entry["output"] for entry in document["files"]] == ["out/b_4x.png"]
    assert document["failed"][0]["input"] == long and len(errors) == 1
    assert surveyed == [(6, 8)]


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("a.png", "b.gif"),
        ("a.png", "b.txt"),
        ("a.png", "none/b.png"),
        ("a.png", "."),
        ("wide.png", "b.webp"),
        ("wide.png", "b.jpg"),
    ],
)
def test_a_target_that_cannot_be_is_told_before_the_work(surveyed, capsys, source, output):
    draw("a.png"), draw("wide.png", 2, 20_000)
    Path("a_4x.png").write_text("there")
    status, _, errors = upscaled(capsys, source, "-o", output)
    assert status == 1 and surveyed == [] and len(errors) == 1
    assert "none" in output or Path(output).name in errors[0]
    assert sorted(os.listdir()) == ["a.png", "a_4x.png", "wide.png"]


def test_two_sources_never_share_an_output_or_a_map(capsys):
    sources = [
        draw("x/a.png", 5, 6),
        draw("y/a.png", 6, 7),
        draw("x/a.bmp", 7, 8),
        draw("y/A.PNG", 8, 9),
    ]
    status, document, _ = upscaled(capsys, *sources, "-o", "out", "--maps", "maps")
    assert status == 0
    for entry, height in zip(document["files"], (5, 6, 7, 8), strict=True):
        assert read(entry["output"]).height == 4 * height == entry["height"]
    assert len({entry["output"].casefold() for entry in document["files"]}) == 4
    shapes = sorted(np.load(path).shape for path in Path("maps").glob("*.npy"))
    assert shapes == [(5, 6), (6, 7), (7, 8), (8, 9)]
    assert len(list(Path("maps").glob("*.png"))) == 4


def test_a_map_replaces_neither_a_picture_nor_an_output(capsys):
    source, other = draw("a.png"), draw("a_depth.png", seed=1)
    words = [source, other, "-o", ".", "--template", "{stem}_x", "--maps", ".", "--overwrite"]
    before = Path(other).read_bytes()
    status, _, errors = upscaled(capsys, *words)
    assert status == 1 and Path(other).read_bytes() == before and "source" in errors[0]
    Path("out").mkdir()
    words = [draw("b.png"), draw("b_depth.png", 9, 9), "-o", "out", "--maps", "out"]
    status, document, _ = upscaled(capsys, *words, "--template", "{stem}")
    assert status == 0
    assert [read(entry["output"]).size for entry in document["files"]] == [(24, 32), (36, 36)]


def test_a_map_that_is_there_is_replaced_only_when_allowed(surveyed, capsys):
    Path("maps").mkdir()
    Path("maps/a_depth.npy").write_text("mine")
    words = [draw("a.png"), "-o", "out", "--maps", "maps"]
    status, _, errors = upscaled(capsys, *words)
    assert status == 1 and "maps/a_depth.npy" in errors[0] and surveyed == []
    assert Path("maps/a_depth.npy").read_text() == "mine"
    assert upscaled(capsys, *words, "--overwrite")[0] == 0
    assert np.load("maps/a_depth.npy").shape == (6, 8)


def test_no_input_is_replaced_by_the_output_of_another(capsys):
    first, second = draw("a.png"), draw("a_4x.png", seed=1)
    before = Path(second).read_bytes()
    status, document, _ = upscaled(capsys, first, second, "-o", ".", "--overwrite")
    assert status == 1 and Path(second).read_bytes() == before
    assert [entry["input"] for entry in document["files"]] == [second]


def test_a_picture_given_twice_is_upscaled_once(surveyed, capsys):
    draw("a.png")
    status, document, _ = upscaled(capsys, "a.png", "./a.png", "-o", "out")
    assert status == 0 and len(document["files"]) == len(surveyed) == 1


@pytest.mark.parametrize("error", [AssertionError, TypeError, OverflowError, MemoryError, OSError])
@pytest.mark.parametrize("part", ["read", "upscaled", "resized", "write", "save_map"])
def test_whatever_fails_is_one_file_and_one_sentence(monkeypatch, capsys, part, error):
    real = getattr(upscale, part)
    calls = []

    def failing(*values, **others):
        calls.append(values)
        if len(calls) == 1:
            raise error
        return real(*values, **others)

    monkeypatch.setattr(upscale, part, failing)
    sources = [draw("a.png"), draw("b.png")]
    status, document, errors = upscaled(capsys, *sources, "-o", "out", "--maps", "maps")
    assert status == 1 and len(errors) == 1 and "a.png" in errors[0] and len(errors[0]) > 30
    assert [entry["input"] for entry in document["files"]] == ["b.png"]
    assert document["failed"] == [{"input": "a.png", "error": errors[0]}]


def test_what_is_no_picture_is_told_first(surveyed, capsys):
    Path("notes.txt").write_text("no picture")
    Path("folder").mkdir()
    names = ["notes.txt", "folder", "none.png", LONG]
    status, _, errors = upscaled(capsys, draw("a.png"), *names, "-o", "out")
    assert status == 1 and len(errors) == 4 and len(surveyed) == 1
    for name, line in zip(names, errors, strict=True):
        assert line.startswith(name)
    assert "batch" in errors[1] and "exist" in errors[2]


def test_very_narrow_pictures_have_maps(capsys):
    sources = [draw("thin.png", 3000, 1), draw("flat.png", 1, 3000)]
    assert upscaled(capsys, *sources, "-o", "out", "--maps", "maps")[0] == 0
    for name in ("thin", "flat"):
        with Image.open(f"maps/{name}_depth.png") as image:
            assert image.width >= 240 and image.width * image.height < 10_000_000


def test_a_picture_too_large_for_the_memory_is_told_first(surveyed, monkeypatch, capsys):
    monkeypatch.setattr("engine.room.available", lambda: 20_000_000)
    monkeypatch.setattr(targets, "read", lambda path: pytest.fail("the head is enough"))
    large, small = draw("large.png", 1000, 1000), draw("small.png")
    status, document, errors = upscaled(capsys, large, small, "-o", "out")
    assert status == 1 and len(errors) == 1 and surveyed == [(6, 8)]
    assert errors[0].startswith("large.png: It takes") and "MB" in errors[0]
    assert [entry["input"] for entry in document["files"]] == [small]


def test_what_writing_takes_is_foreseen_too(surveyed, monkeypatch, capsys):
    monkeypatch.setattr("engine.room.available", lambda: 20_000_000)
    words = [draw("a.png", 100, 100), "-o", "out"]
    assert upscaled(capsys, *words)[0] == 0
    status, _, errors = upscaled(capsys, *words, "--overwrite", "--percent", "3000")
    assert status == 1 and "memory" in errors[0] and len(surveyed) == 1
