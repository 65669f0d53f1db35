"""What all tests share: no display, no settings of the user's, the same numbers every time."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before anything loads Qt
os.environ["LANGUAGE"] = "en"  # whatever the user speaks

from pathlib import Path

import numpy as np
import pytest
import torch
from photographs import BUNDLED
from PIL import Image

from engine import library
from engine.adaptive import depth
from engine.networks import edsr


def pytest_collection_modifyitems(items):
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        return
    skip = pytest.mark.skip(reason="needs a CUDA or Metal device")
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def private_folders(tmp_path_factory):
    """Settings and caches are written to a temporary folder, never to the user's own."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("CONFIG", "CACHE", "DATA"):
            patch.setenv(f"XDG_{kind}_HOME", str(tmp_path_factory.mktemp(kind.lower())))
        yield


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.fixture
def weights(tmp_path_factory, monkeypatch):
    """The only weights there are: "tiny", whose depth map differs from pixel to pixel."""
    folder = tmp_path_factory.mktemp("models")
    module = depth.AdaDSR(edsr.EDSR(edsr.Config(blocks=6, channels=16)), depth.Config(width=4))
    with torch.no_grad():
        module.adapter.convs[-1].weight.mul_(30)
    library.save("tiny", module, {}, folder)
    monkeypatch.setenv("FOVEA_MODELS", str(folder))


@pytest.fixture
def window(qtbot, weights):
    """The real window with those weights, as at the very first start."""
    from PySide6.QtCore import QSettings
    from questions import pressed

    from app.program import application
    from app.session import Session
    from app.window import MainWindow

    application()
    QSettings("Fovea", "Fovea").clear()
    made = MainWindow(Session("tiny"))
    qtbot.addWidget(made)
    with qtbot.waitActive(made):
        made.show()
    yield made
    if not made.close():
        pressed(made, "Quit")
    assert not made.session.worker.isRunning()


@pytest.fixture
def opened(qtbot):
    """opened(window, path) opens a picture and waits until it is computed."""

    def opened(window, path: Path) -> None:
        session = window.session
        with qtbot.waitSignal(session.opened, timeout=30_000):
            session.open(path)
        qtbot.waitUntil(lambda: session.done == 1 and not session.busy, timeout=30_000)

    return opened


@pytest.fixture(scope="session")
def drawn_pixels():
    """draw(height, width) -> pixels (H, W, 3) uint8: flat sky, a slanted edge, fine texture."""

    def draw(height: int = 48, width: int = 64, *, seed: int = 0) -> np.ndarray:
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[0:height, 0:width] / max(height, width)
        sky = np.stack([0.4 + 0.3 * y, 0.6 + 0.2 * y, 0.9 - 0.1 * y], axis=-1)
        texture = np.array([0.5, 0.4, 0.25]) + rng.normal(0, 0.12, (height, width, 1))
        below = y > 0.35 + 0.2 * x
        pixels = np.where(below[..., None], texture, sky)
        return (pixels.clip(0, 1) * 255).round().astype(np.uint8)

    return draw


@pytest.fixture(scope="session")
def photograph():
    """photograph(name) -> pixels (H, W, 3) uint8 of a picture that comes with scikit-image."""
    import skimage

    def load(name: str) -> np.ndarray:
        with Image.open(Path(skimage.__file__).parent / "data" / BUNDLED[name]) as image:
            return np.asarray(image.convert("RGB"))

    return load
