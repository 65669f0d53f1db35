"""Requests that meet in the worker, without a window."""

import pytest
from PIL import Image
from test_fmen import TINY

from app.jobs import Compute, Export, Open
from app.worker import Worker
from engine import library
from engine.networks import fmen
from engine.settings import Settings
from engine.tiling import Region

WAIT = 30_000


@pytest.fixture
def worker(qapp, weights):
    """Not started yet: what is asked for first waits."""
    made = Worker()
    made.crashes = []
    made.crashed.connect(lambda _, text: made.crashes.append(text))
    yield made
    made.close()
    assert not made.crashes, made.crashes[0]


@pytest.fixture
def photo(tmp_path, drawn_pixels):
    """photo(height, width) -> a file."""

    def make(height, width):
        path = tmp_path / f"{height}-{width}.png"
        Image.fromarray(drawn_pixels(height, width)).save(path)
        return path

    return make


def asked(qtbot, worker, *jobs):
    """Ask for jobs, and wait until the last one, which computes, is done; all that was opened."""
    opened = []
    worker.opened.connect(lambda _, one: opened.append(one))
    numbers = [worker.request(job) for job in jobs]
    with qtbot.waitSignals(
        [worker.finished_run], timeout=WAIT, check_params_cbs=[lambda n, _: n == numbers[-1]]
    ):
        worker.start()
    return opened


def test_weights_of_another_scale_open_the_picture_anew(qtbot, worker, photo):
    library.save("double", fmen.FMEN(TINY), {}, library.shipped())
    opened = asked(qtbot, worker, Open("double", photo(20, 30)), Compute("tiny", 1.0))
    assert [one.scale for one in opened] == [TINY.scale, 4]
    assert opened[-1].canvas.out.shape == (80, 120, 3)


@pytest.mark.parametrize("seen", [Region(10, 60, 20, 80), Region(50, 60, 0, 30)])
def test_what_is_seen_of_a_larger_picture_does_no_harm(qtbot, worker, photo, seen):
    [opened] = asked(qtbot, worker, Open("tiny", photo(20, 30)), Compute("tiny", 1.0, seen))
    assert opened.canvas.out.shape == (80, 120, 3)


def test_an_export_that_another_picture_overtakes_is_told(qtbot, worker, photo, tmp_path):
    told = []
    worker.failed.connect(lambda number, sentence: told.append((number, sentence)))
    first, target = photo(20, 30), tmp_path / "out.png"
    worker.request(Open("tiny", first))
    export = worker.request(Export(target, Settings("tiny")))
    asked(qtbot, worker, Open("tiny", photo(24, 30)), Compute("tiny", 0.5))
    assert told == [(export, "The export was stopped; nothing was written.")]
    assert not target.exists()
