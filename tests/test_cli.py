"""The command line: what it writes, what it prints, and how it fails."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine import library
from engine.adaptive import depth
from engine.cli import main
from engine.networks import edsr
from engine.pictures import read


@pytest.fixture(autouse=True)
def weights(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    network = edsr.EDSR(edsr.Config(blocks=12, channels=32))
    library.save("adaedsr-x4", depth.AdaDSR(network, depth.Config(width=4)), {}, folder)
    monkeypatch.setenv("FOVEA_MODELS", str(folder))


@pytest.fixture
def photo(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def last_json(capsys):
    return json.loads(capsys.readouterr().out.strip().splitlines()[-1])


def test_upscale_writes_the_picture_its_map_and_the_numbers(photo, tmp_path, capsys):
    out, maps = tmp_path / "out.png", tmp_path / "maps"
    status = main(
        ["upscale", str(photo), "-o", str(out), "-b", "50", "--maps", str(maps), "--json"]
    )
    document = last_json(capsys)
    assert status == 0 and document["failed"] == [] and len(document["files"]) == 1
    entry = document["files"][0]
    assert set(entry) == {
        "input", "output", "height", "width", "effort", "compute", "knob", "gmacs", "gmacs_full",
        "seconds",
    }  # fmt: skip
    assert entry["effort"] == entry["compute"]
    assert (entry["height"], entry["width"]) == (160, 200) == read(out).size
    assert entry["effort"] == pytest.approx(0.5, abs=0.02)
    assert entry["effort"] == pytest.approx(entry["gmacs"] / entry["gmacs_full"])
    values = np.load(maps / "photo_depth.npy")
    assert values.shape == (40, 50) and values.dtype == np.float32
    assert values.min() >= 0 and values.max() <= 12
    with Image.open(maps / "photo_depth.png") as image:
        assert image.mode == "RGB" and image.height > image.width * 40 / 50


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (700, 3)])
def test_extreme_sizes_are_upscaled(tmp_path, size, capsys):
    Image.new("RGB", size, "teal").save(tmp_path / "a.png")
    assert main(["upscale", str(tmp_path / "a.png"), "-o", str(tmp_path / "b.png"), "--json"]) == 0
    entry = last_json(capsys)["files"][0]
    assert (entry["width"], entry["height"]) == (4 * size[0], 4 * size[1])


def test_the_knob_is_the_native_one(photo, tmp_path, capsys):
    assert (
        main(["upscale", str(photo), "-o", str(tmp_path / "o.png"), "--knob", "3", "--json"]) == 0
    )
    assert last_json(capsys)["files"][0]["knob"] == 3


def test_a_folder_of_outputs_is_named_after_the_sources(photo, tmp_path):
    assert main(["upscale", str(photo), "-o", str(tmp_path / "all"), "-f", "jpg"]) == 0
    assert [p.name for p in (tmp_path / "all").iterdir()] == ["photo_4x.jpg"]


def test_one_bad_file_does_not_stop_the_others(photo, tmp_path, capsys):
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    status = main(["upscale", str(bad), str(photo), "-o", str(tmp_path / "all"), "--json"])
    document = last_json(capsys)
    assert status == 1 and [f["input"] for f in document["files"]] == [str(photo)]
    assert document["failed"][0]["input"] == str(bad)
    assert str(bad) in document["failed"][0]["error"]


def test_sources_and_existing_files_are_never_overwritten(photo, tmp_path, capsys):
    before = photo.read_bytes()
    assert main(["upscale", str(photo), "-o", str(photo), "--overwrite"]) == 1
    existing = tmp_path / "there.png"
    existing.write_bytes(b"old")
    assert main(["upscale", str(photo), "-o", str(existing)]) == 1
    assert photo.read_bytes() == before and existing.read_bytes() == b"old"
    assert main(["upscale", str(photo), "-o", str(existing), "--overwrite"]) == 0
    assert read(existing).size == (160, 200)


@pytest.mark.parametrize(
    "arguments",
    [["-b", "120"], ["-n", "nothing"], ["-s", "3"], ["--knob", "-1"], ["-b", "1", "--knob", "1"]],
)
def test_bad_usage_exits_with_two(photo, tmp_path, arguments):
    try:
        status = main(["upscale", str(photo), "-o", str(tmp_path / "o.png"), *arguments])
    except SystemExit as stop:  # argparse's own complaints
        status = stop.code
    assert status == 2 and not (tmp_path / "o.png").exists()


def test_evaluate_prints_one_document(tmp_path, capsys):
    folder = tmp_path / "hr"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(2):
        coarse = Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8))
        coarse.resize((66, 81), Image.Resampling.BICUBIC).save(folder / f"{index}.png")
    assert main(["evaluate", str(folder), "-b", "50,100", "--json"]) == 0
    document = last_json(capsys)
    assert document["pictures"] == 2 and document["scale"] == 4 and document["name"] == "adaedsr-x4"
    assert [row["budget"] for row in document["rows"]] == [50, 100]
    for row in document["rows"]:
        assert set(row) == {
            "budget", "knob", "effort", "compute", "psnr_y", "ssim_y", "gmacs", "gmacs_full",
            "seconds",
        }  # fmt: skip
        assert row["effort"] == pytest.approx(row["budget"] / 100, abs=0.02)
    assert main(["evaluate", str(folder), "-b", "50", "--uniform", "--json"]) == 0


def test_an_lr_folder_must_fit(tmp_path, photo):
    high, low = tmp_path / "hr", tmp_path / "lr"
    high.mkdir(), low.mkdir()
    Image.new("RGB", (64, 64)).save(high / "a.png")
    Image.new("RGB", (15, 16)).save(low / "a.png")
    assert main(["evaluate", str(high), "--lr", str(low)]) == 1


def test_models_and_devices_are_listed(capsys):
    assert main(["models", "--json"]) == 0
    assert last_json(capsys)["models"][0]["name"] == "adaedsr-x4"
    assert main(["devices", "--json"]) == 0
    assert last_json(capsys)["devices"][0]["device"] == "cpu"


def test_train_resumes_and_saves_to_the_library(tmp_path, monkeypatch, capsys):
    from dataclasses import replace

    from engine.training import recipes

    def tiny():
        return depth.AdaDSR(edsr.EDSR(edsr.Config(blocks=2, channels=16)), depth.Config(width=4))

    recipe = replace(recipes.RECIPES["adaedsr-x4"], build=tiny, start=None, batch=2, patch=8)
    monkeypatch.setitem(recipes.RECIPES, "adaedsr-x4", recipe)
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.effect_noise((64, 64), 60).convert("RGB").save(folder / "a.png")
    command = ["train", "adaedsr-x4", "--data", str(folder), "--checkpoint", str(tmp_path / "c")]
    assert main([*command, "--steps", "2"]) == 0
    assert main([*command, "--steps", "3", "--save", "mine"]) == 0
    assert "resumed at step 2" in capsys.readouterr().err
    assert library.describe("mine")["steps"] == 3
    assert library.load("mine").blocks == 2


def noise(*shape, most=255):
    rng = np.random.default_rng(1)
    return rng.integers(0, most, shape, dtype=np.uint8 if most < 256 else np.uint16)


KINDS = {
    "grey.png": lambda: Image.fromarray(noise(48, 52)),
    "grey_alpha.png": lambda: Image.fromarray(noise(48, 52, 2)),
    "deep.png": lambda: Image.fromarray(noise(48, 52, most=65_535)),
    "palette.png": lambda: Image.fromarray(noise(48, 52, 3)).quantize(7),
    "transparent.webp": lambda: Image.fromarray(noise(48, 52, 4)),
    "odd.bmp": lambda: Image.fromarray(noise(51, 49, 3)),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_picture_can_be_evaluated(tmp_path, name, capsys):
    KINDS[name]().save(tmp_path / name)
    assert main(["evaluate", str(tmp_path), "-b", "100", "--json"]) == 0
    row = last_json(capsys)["rows"][0]
    assert 5 < row["psnr_y"] < 40 and 0 < row["ssim_y"] < 1


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "I;16"])
def test_a_partner_of_any_kind_can_be_evaluated(tmp_path, mode, capsys):
    (tmp_path / "lr").mkdir()
    Image.fromarray(noise(48, 64)).save(tmp_path / "a.png")
    Image.fromarray(noise(12, 16)).convert(mode).save(tmp_path / "lr" / "a.png")
    assert (
        main(["evaluate", str(tmp_path), "--lr", str(tmp_path / "lr"), "-b", "50", "--json"]) == 0
    )
    assert last_json(capsys)["pictures"] == 1


def test_what_cannot_be_evaluated_is_named_and_left_out(tmp_path, capsys):
    Image.fromarray(noise(48, 52, 3)).save(tmp_path / "good.png")
    whole = (tmp_path / "good.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    Image.new("RGB", (300, 18)).save(tmp_path / "low.png")
    assert main(["evaluate", str(tmp_path), "-b", "100", "--json"]) == 1
    printed = capsys.readouterr()
    document = json.loads(printed.out.splitlines()[-1])
    names = [tmp_path / name for name in ("cut.png", "dot.png", "low.png")]
    assert [entry["input"] for entry in document["failed"]] == [str(name) for name in names]
    assert document["pictures"] == 1 and len(document["rows"]) == 1
    for name, line in zip(names, printed.err.splitlines(), strict=True):
        assert str(name) in line


def test_a_picture_that_comes_out_exactly_makes_no_broken_json(tmp_path, capsys, monkeypatch):
    Image.fromarray(noise(48, 52, 3)).save(tmp_path / "a.png")
    monkeypatch.setattr("engine.evaluate.psnr_y", lambda *_, border: float("inf"))
    assert main(["evaluate", str(tmp_path), "-b", "100", "--json"]) == 0
    text = capsys.readouterr().out.strip().splitlines()[-1]
    assert json.loads(text, parse_constant=pytest.fail)["rows"][0]["psnr_y"] is None


def test_nothing_to_evaluate_is_said(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "none", tmp_path / ("x" * 300)):
        assert main(["evaluate", str(folder)]) == 2
        assert str(folder) in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="signals work in another way there")
@pytest.mark.parametrize(
    ("command", "number"), [("upscale", signal.SIGINT), ("evaluate", signal.SIGTERM)]
)
def test_a_stopped_command_says_so_and_leaves_no_draft(tmp_path, command, number):
    for index in range(100):
        Image.new("RGB", (90, 90), (index % 256, 0, 0)).save(tmp_path / f"{index:03}.png")
    out = tmp_path / "out"
    words = ["upscale", *map(str, tmp_path.glob("*.png")), "-o", str(out)]
    if command == "evaluate":
        words = ["evaluate", str(tmp_path), "-b", ",".join(["100"] * 40)]
    with subprocess.Popen(
        [sys.executable, "-c", RUNNING, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as made:
        assert made.stdout.readline() == b"begun\n"
        made.send_signal(number)
        errors = made.stderr.read().decode()
    assert made.returncode == 128 + number and errors.splitlines()[-1] == "stopped"
    assert "Traceback" not in errors and not list(tmp_path.rglob(".fovea*"))


RUNNING = """
import sys
from engine import cli
from engine.adaptive.depth import DepthUpscaler
def survey(self, x, real=DepthUpscaler.survey):
    print("begun", flush=True)
    return real(self, x)
DepthUpscaler.survey = survey
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full disk")
def test_a_full_disk_after_stdout_is_told_without_a_traceback():
    program = Path(__file__).parent.parent / "main.py"
    with open("/dev/full", "w") as full:
        made = subprocess.run(
            [sys.executable, str(program), "models"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert made.returncode == 1 and "No space" in made.stderr and "Traceback" not in made.stderr
