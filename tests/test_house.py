"""The test of the house: a sixth method is one file and one row, and the whole program knows it."""

import importlib.util
import json
import textwrap

import numpy as np
import pytest
import torch
from PIL import Image

from engine import library
from engine.cli import main
from engine.pictures import read

METHOD_FILE = '''
    """Rows: the first rows of a picture by a network, the others by repeating pixels."""

    from collections.abc import Iterator
    from dataclasses import asdict, dataclass

    import numpy as np
    import torch
    import torch.nn.functional as F
    from torch import Tensor, nn

    from engine.adaptive.contract import Cells, Fact, MapWords, Method, RowPass
    from engine.budget import Budget
    from engine.tiling import Region


    @dataclass(frozen=True)
    class Config:
        scale: int = 2


    class Network(nn.Module):
        def __init__(self, config: Config):
            super().__init__()
            self.config = config
            self.tail = nn.Conv2d(3, 3 * config.scale**2, 1)

        def forward(self, x: Tensor) -> Tensor:
            return F.pixel_shuffle(self.tail(x), self.config.scale)


    @dataclass(frozen=True)
    class Survey:
        size: tuple[int, int]
        macs: int = 0


    @dataclass(frozen=True)
    class Allocation:
        knob: float
        macs: int
        map: Tensor
        cells: Cells | None = None

        @property
        def facts(self) -> tuple[Fact, ...]:
            return (Fact("{:.0f} rows", (self.knob,)),)


    class RowsPass(RowPass):
        def __init__(self, network: Network, x: Tensor, depth: Tensor, region: Region, strip: int):
            super().__init__(x, region, network.config.scale)
            self.network, self.x, self.strip = network, x, strip
            self.map = depth[region.rows, region.columns]

        @torch.inference_mode()
        def rows(self) -> Iterator[Tensor]:
            for top in range(self.region.top, self.region.bottom, self.strip):
                end = min(self.region.bottom, top + self.strip)
                x = self.x[top:end, self.region.columns]
                s = self.scale
                y = self.network.tail(x.permute(2, 0, 1)[None])[0]
                y = y.unflatten(0, (3, s, s)).permute(3, 4, 1, 2, 0)
                done = self.map[top - self.region.top : end - self.region.top, :, None, None, None]
                self.macs += int(done.sum()) * 9 * s**2
                yield torch.where(done > 0, y, x[:, :, None, None].expand_as(y))


    class RowsUpscaler:
        def __init__(self, name, module, device, dtype=None):
            self.name, self.module, self.device, self.dtype = name, module, device, "float32"
            self.scale = module.config.scale

        def map_range(self, values: np.ndarray) -> tuple[float, float]:
            return 0.0, 1.0

        def full_macs(self, size: tuple[int, int]) -> int:
            return size[0] * size[1] * 9 * self.scale**2

        def survey(self, x: Tensor) -> Survey:
            return Survey((x.shape[0], x.shape[1]))

        def allocate(self, survey: Survey, budget: Budget) -> Allocation:
            height, width = survey.size
            share = budget.knob / height if budget.share is None else budget.share
            rows = min(height, int(share * height))
            depth = torch.zeros(height, width)
            depth[:rows] = 1
            return Allocation(rows, self.full_macs((rows, width)), depth)

        def execute(self, x, allocation, *, region, strip) -> RowsPass:
            return RowsPass(self.module, x, allocation.map, region, strip)


    METHOD = Method(
        key="rows",
        kind=Network,
        build=lambda description: Network(Config(**description["network"])),
        describe=lambda module: {"scale": module.config.scale, "network": asdict(module.config)},
        upscaler=RowsUpscaler,
        title=lambda description: "Rows",
        map=MapWords("rows", "Row map", "Show the rows", "share", "row {:g} at {}, {}"),
        knob="rows",
    )
'''


@pytest.fixture
def house(tmp_path, monkeypatch):
    """The program with a sixth method and weights of it; returns the folder of the weights."""
    path = tmp_path / "rows.py"
    path.write_text(textwrap.dedent(METHOD_FILE), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("rows", path)
    rows = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(__import__("sys").modules, "rows", rows)
    spec.loader.exec_module(rows)
    monkeypatch.setitem(library.METHODS, "rows", rows.METHOD)
    module = rows.Network(rows.Config())
    with torch.no_grad():  # every subpixel is a little darker than the pixel it comes from
        module.tail.weight.zero_()
        module.tail.bias.zero_()
        for channel in range(12):
            module.tail.weight[channel, channel // 4] = 0.9
    folder = tmp_path / "models"
    library.save("rows-x2", module, {}, folder)
    monkeypatch.setenv("FOVEA_MODELS", str(folder))
    return folder


@pytest.fixture
def photo(tmp_path, drawn_pixels):
    path = tmp_path / "in" / "photo.png"
    path.parent.mkdir()
    Image.fromarray(drawn_pixels(40, 52)).save(path)
    return path


def expected(photo):
    """Half of the rows by the network, the others by repeating pixels."""
    pixels = read(photo).pixels
    upper = np.rint(pixels[:20] / 255 * np.float32(0.9) * 255)
    return np.concatenate([upper, pixels[20:]]).repeat(2, axis=0).repeat(2, axis=1)


def last_document(capsys):
    return json.loads(capsys.readouterr().out.strip().splitlines()[-1])


def test_upscale_shows_its_map(house, photo, tmp_path, capsys):
    out, maps = tmp_path / "out.png", tmp_path / "maps"
    command = ["upscale", str(photo), "-o", str(out), "-n", "rows-x2", "-b", "50"]
    assert main([*command, "--maps", str(maps), "--json"]) == 0
    entry = last_document(capsys)["files"][0]
    assert entry["compute"] == 0.5 and entry["knob"] == 20
    assert np.abs(read(out).pixels.astype(float) - expected(photo)).max() <= 1
    assert {path.name for path in maps.iterdir()} == {"photo_rows.png", "photo_rows.npy"}
    assert (np.load(maps / "photo_rows.npy")[:, 0] == np.repeat([1, 0], 20)).all()


def test_batch_runs_it(house, photo, tmp_path, capsys):
    command = ["batch", str(photo.parent), str(tmp_path / "made"), "-n", "rows-x2", "-b", "50"]
    assert main([*command, "--json"]) == 0
    assert last_document(capsys)["files"][0]["compute"] == 0.5
    made = read(tmp_path / "made" / "photo_2x.png").pixels
    assert np.abs(made.astype(float) - expected(photo)).max() <= 1


def test_bench_and_evaluate_and_models_know_it(house, photo, capsys):
    options = ["-n", "rows-x2", "--size", "32x24", "--rounds", "1", "--dtype", "float32"]
    assert main(["bench", *options, "--json"]) == 0
    rows = {row["name"]: row for row in last_document(capsys)["runners"]}
    assert [rows[f"fovea {n}%"]["compute"] for n in (100, 50, 25)] == [1, 0.5, 0.25]
    assert "pytorch-full" in rows
    assert main(["evaluate", str(photo.parent), "-n", "rows-x2", "-b", "0,100", "--json"]) == 0
    assert [row["compute"] for row in last_document(capsys)["rows"]] == [0, 1]
    assert main(["evaluate", str(photo.parent), "-n", "rows-x2", "--uniform"]) == 2
    capsys.readouterr()
    assert main(["models", "--json"]) == 0
    assert [one["method"] for one in last_document(capsys)["models"]] == ["rows"]


def test_the_window_shows_it(house, photo, qtbot):
    from PySide6.QtCore import QSettings

    from app.program import application
    from app.session import Session
    from app.window import MainWindow

    application()
    QSettings("Fovea", "Fovea").clear()
    window = MainWindow(Session("rows-x2"))
    qtbot.addWidget(window)
    session = window.session
    with qtbot.waitActive(window):
        window.show()
    with qtbot.waitSignal(session.opened, timeout=30_000):
        session.open(photo)
    qtbot.waitUntil(lambda: session.done == 1 and not session.busy, timeout=30_000)
    assert "rows-x2" in session.choices and window.budget.slider.isEnabled()
    assert window.panel.map_name.text() == "Row map"
    assert "50 % of the full compute" in window.budget.means.text()
    assert "20 rows" in window.budget.means.text()
    shown = session.picture.canvas.out.astype(float)
    assert np.abs(shown - expected(photo)).max() <= 1
    assert (session.plan.values[:, 0] == np.repeat([1, 0], 20)).all()
    window.close()
