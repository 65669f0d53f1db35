"""How an export runs: memory, overlap, pause, stop and the time left."""

import contextlib
import os
import shutil
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from batches import COMMAND, PROCESSES, batch, drained, tree

from engine.batch import local
from engine.batch.eta import Clock
from engine.batch.local import step_back
from engine.batch.names import Job
from engine.batch.stages import DONE, SKIPPED, WAITING, Control
from engine.cli import main
from engine.pictures import Picture, write


def peak(source, target):
    """The most memory, in bytes, of a process that exports a folder."""
    process = PROCESSES.Process(target=main, args=(["batch", str(source), str(target), *COMMAND],))
    process.start()
    most = 0
    while process.is_alive():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, IndexError):
            status = Path(f"/proc/{process.pid}/status").read_text()
            most = max(most, int(status.split("VmHWM:")[1].split()[0]) << 10)
        time.sleep(0.002)
    process.join()
    assert process.exitcode == 0
    return most


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_memory_is_that_of_one_picture(tmp_path):
    one, many = tmp_path / "one", tmp_path / "many"
    one.mkdir(), many.mkdir()
    for index in range(10):
        write(Picture(np.full((500, 500, 3), index, np.uint8)), many / f"{index}.bmp")
    shutil.copy(many / "0.bmp", one)
    assert peak(many, tmp_path / "b") < peak(one, tmp_path / "a") + (80 << 20)


def test_one_is_read_one_computed_and_one_written_at_a_time(few, tmp_path, monkeypatch):
    third_read = threading.Event()
    read_now, store_now = local.read, local.store

    def read_then_tell(batch, job):
        if job.key == "deeper/c.png":
            third_read.set()
        return read_now(batch, job)

    def store_when_told(batch, job, **given):
        assert third_read.wait(60)
        return store_now(batch, job, **given)

    monkeypatch.setattr(local, "read", read_then_tell)
    monkeypatch.setattr(local, "store", store_when_told)
    assert len(drained(batch(few, tmp_path / "out")).of(DONE)) == 3


def test_nothing_overlaps_where_memory_is_short(few, tmp_path, monkeypatch):
    log = []
    for name in ("read", "store"):
        known = getattr(local, name)

        def told(batch, job, known=known, name=name, **given):
            result = known(batch, job, **given)
            log.append((name, job.key))
            return result

        monkeypatch.setattr(local, name, told)
    monkeypatch.setattr(local, "MARGIN", -(1 << 40))
    assert len(drained(batch(few, tmp_path / "out")).of(DONE)) == 3
    reads = [index for index, (name, _) in enumerate(log) if name == "read"]
    assert [name for name, _ in log].count("store") == 3 and len(reads) == 3
    assert [key for name, key in log if name == "store"] == ["a.png", "b.png", "deeper/c.png"]


def test_a_stopped_export_keeps_what_is_done_and_goes_on(few, tmp_path):
    control = Control()
    stop = lambda event: control.stop() if event.job.key == "b.png" else None  # noqa: E731
    report = drained(batch(few, tmp_path / "out", control=control), stop)
    assert report.stopped and [r.state for r in report.rows] == [DONE, WAITING, WAITING]
    assert "1 upscaled, 2 left" in report.summary()
    again = drained(batch(few, tmp_path / "out"))
    assert [r.state for r in again.rows] == [SKIPPED, DONE, DONE] and not again.stopped


def test_closing_the_events_stops_at_once(few, tmp_path):
    events = batch(few, tmp_path / "out")
    next(events)
    events.close()
    assert not tree(tmp_path / "out")


def test_a_paused_export_waits_until_it_is_resumed(few, tmp_path):
    control, seen = Control(), []
    control.pause()
    thread = threading.Thread(
        target=drained, args=(batch(few, tmp_path / "out", control=control), seen.append)
    )
    thread.start()
    thread.join(0.2)
    assert thread.is_alive() and not seen
    control.resume()
    thread.join()
    assert seen[-1].state == DONE and seen[-1].overall == 1 and seen[-1].eta == 0


def test_the_time_left_is_learned_from_what_has_run():
    made = tuple(Job(str(i), Path(), Path(), (100 * (i + 1), 1000)) for i in range(4))
    clock = Clock(made, {"3"})
    assert clock.eta is None
    clock.note(made[3], 1, computed=False, seconds=9)
    assert clock.eta is None
    clock.note(made[0], 0.5, computed=True, seconds=0.5)
    assert clock.eta == pytest.approx(5.5, rel=0.05)
    clock.note(made[0], 1, computed=True, seconds=0.5)
    clock.note(made[1], 1, computed=True, seconds=4)  # it has become slower
    assert 5 < clock.eta < 6 and 0.6 < clock.overall < 0.75
    clock.note(made[2], 1, computed=False, seconds=0)
    assert clock.eta == pytest.approx(0, abs=1e-6) and clock.overall == pytest.approx(1)


@pytest.mark.skipif(sys.platform != "linux", reason="threads share one priority elsewhere")
def test_reading_and_writing_step_back_behind_computing():
    own = os.getpriority(os.PRIO_PROCESS, 0)
    with ThreadPoolExecutor(1, initializer=step_back) as executor:
        there = executor.submit(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    assert there.result() == 19
    assert os.getpriority(os.PRIO_PROCESS, 0) == own
