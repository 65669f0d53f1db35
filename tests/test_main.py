"""main.py: a window where there is a screen, commands everywhere."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

import main
from engine import library
from engine.adaptive import depth
from engine.networks import edsr
from engine.pictures import read

SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


@pytest.fixture
def without_screen(tmp_path, monkeypatch):
    for name in SCREENS:
        monkeypatch.delenv(name, raising=False)
    torch.manual_seed(0)
    network = edsr.EDSR(edsr.Config(blocks=2, channels=8))
    library.save("adaedsr-x4", depth.AdaDSR(network, depth.Config(width=4)), {}, tmp_path / "m")
    monkeypatch.setenv("FOVEA_MODELS", str(tmp_path / "m"))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a screen")
def test_without_a_screen_a_photo_is_upscaled_and_the_user_is_told(
    without_screen, tmp_path, capsys
):
    Image.new("RGB", (9, 7), "teal").save(tmp_path / "photo.png")
    assert main.main([str(tmp_path / "photo.png")]) == 0
    assert read(tmp_path / "photo_4x.png").size == (28, 36)
    assert "no display" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a screen")
def test_without_a_screen_and_a_photo_the_commands_are_named(without_screen, capsys):
    assert main.main([]) == 2
    told = capsys.readouterr().err
    assert "no display" in told and "upscale" in told


def test_help_needs_no_qt_and_ends_well():
    program = Path(main.__file__)
    made = subprocess.run([sys.executable, str(program), "-h"], capture_output=True, text=True)
    assert made.returncode == 0 and "evaluate" in made.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break in another way there")
def test_a_reader_that_leaves_early_is_no_fault():
    program = Path(main.__file__)
    with subprocess.Popen(
        [sys.executable, str(program), "models"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as made:
        made.stdout.close()
        assert made.stderr.read() == ""
    assert made.returncode == 1
