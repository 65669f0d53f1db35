"""The project itself: who may import whom, and what may lie in the repository."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
LARGEST = 16 * 2**20

WITHOUT_QT = """
import importlib, pkgutil, sys

class NoQt:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("PySide6", "shiboken6", "pyqtgraph"):
            raise ImportError(f"{name} is not installed")

sys.meta_path.insert(0, NoQt())
import engine
for module in pkgutil.walk_packages(engine.__path__, "engine."):
    importlib.import_module(module.name)
"""


def test_imports_point_one_way(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT))
    assert lint_imports(no_logo=True, no_cache=True) == EXIT_STATUS_SUCCESS


def test_the_engine_needs_no_qt():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_QT], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_no_tracked_file_is_large():
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    tracked = [ROOT / name for name in listed.split("\0") if name]
    assert [path for path in tracked if path.is_file() and path.stat().st_size > LARGEST] == []


def test_the_sample_picture_is_small_and_is_there():
    sample = ROOT / "assets" / "sample.png"
    with Image.open(sample) as image:
        assert image.mode == "RGB" and max(image.size) <= 480
    assert sample.stat().st_size < 300_000


def test_the_icons_can_be_tinted():
    icons = sorted((ROOT / "assets" / "icons").glob("*.svg"))
    assert icons
    for path in icons:
        assert set(re.findall(r'stroke="([^"]*)"', path.read_text())) == {"currentColor"}, path


@pytest.mark.parametrize(
    "name", ["astronaut", "brick", "camera", "cat", "coffee", "grass", "rocket"]
)
def test_the_photographs_of_the_tests_are_bundled(photograph, name):
    pixels = photograph(name)
    assert pixels.ndim == 3 and pixels.shape[2] == 3 and min(pixels.shape[:2]) >= 300
