"""The folders of pictures that the tests of a batch export."""

from importlib.util import find_spec

import numpy as np
import pytest
import torch
from batches import PROCESSES, batch, drained, tree
from kinds import FOLDERS, KINDS, STEMS
from PIL import Image
from test_picture import broken_files, scene

from engine import library
from engine.adaptive import depth
from engine.networks import edsr
from engine.pictures import Picture, write

collect_ignore = [] if find_spec("distributed") else ["test_batch_cluster.py"]


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """A folder with the only weights there are."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    network = edsr.EDSR(edsr.Config(blocks=2, channels=8))
    library.save("tiny", depth.AdaDSR(network, depth.Config(width=4)), {}, folder)
    return folder


@pytest.fixture(scope="module", autouse=True)
def weights(models):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOVEA_MODELS", str(models))
        PROCESSES.set_forkserver_preload(["engine.cli", "engine.batch.cluster"])
        yield


@pytest.fixture(scope="session")
def mixed(tmp_path_factory):
    """300 files of all kinds in nested folders; returns the folder and its twelve broken files."""
    folder = tmp_path_factory.mktemp("mixed")
    bad = folder / "bad"
    bad.mkdir()
    broken_files(bad)
    (bad / "dangling.png").symlink_to("nowhere")
    Image.fromarray(np.zeros((8, 8), np.int32)).save(bad / "deeper.tif")
    broken = {path.relative_to(folder).as_posix() for path in bad.iterdir() if not path.is_dir()}
    for index in range(288):
        ending = list(KINDS)[index % len(KINDS)]
        stem = STEMS[index // 12 % len(STEMS)].replace("{}", str(index))
        path = folder / FOLDERS[index // 48 % len(FOLDERS)] / (stem + ending)
        path.parent.mkdir(parents=True, exist_ok=True)
        KINDS[ending](path, (6 + index % 7, 9 + index % 5))
    for index, path in enumerate(sorted(folder.rglob("*.turned.jpg"))):
        with Image.open(path) as image:
            exif = image.getexif()
            exif[0x0112] = 2 + index % 7
            image.load()
        image.save(path, exif=exif)
    (folder / "notes.txt").write_text("no picture")
    (folder / "._IMG 0.png").write_text("no picture either")
    return folder, broken


@pytest.fixture(scope="session")
def whole(mixed, models, tmp_path_factory):
    """An uninterrupted export of the mixed files: its report, its folder and its tree."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOVEA_MODELS", str(models))
        report = drained(batch(mixed[0], folder))
    return report, folder, tree(folder)


@pytest.fixture
def few(tmp_path):
    """A folder with three small pictures, one in a folder of its own."""
    folder = tmp_path / "few"
    (folder / "deeper").mkdir(parents=True)
    for index, name in enumerate(("a.png", "b.png", "deeper/c.png")):
        write(Picture(scene(8 + index, 10)), folder / name)
    return folder
