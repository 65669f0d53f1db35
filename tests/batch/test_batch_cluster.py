"""A batch on a cluster gives what it gives here, and ends with a report whatever breaks."""

import json
import os
import signal
import socket
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from types import SimpleNamespace

import dask
import distributed
import pytest
from batches import COMMAND, batch, drained, records, tree
from clusters import (
    cluster,
    worker,
    worker_of_another_version,
    worker_that_gives_other_pixels,
)

from engine.batch import crew
from engine.batch import scheduler as scheduling
from engine.batch.cluster import lane_to
from engine.batch.journal import NAME
from engine.batch.report import NAMES
from engine.batch.stages import DONE, FAILED, RUNNING, SKIPPED, WAITING, Control
from engine.cli import main
from engine.errors import UpscalerError

# Real schedulers and workers take minutes and are not yet steady, so they run only on demand.
pytestmark = pytest.mark.skipif(
    not os.environ.get("FOVEA_CLUSTER"), reason="FOVEA_CLUSTER=1 starts real clusters"
)


@pytest.fixture(scope="module")
def two_workers():
    """A Dask cluster of two worker processes, which are started anew when they die."""
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with (
        dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}),
        distributed.LocalCluster(silence_logs=60, **options) as started,
    ):
        yield started


@pytest.mark.timeout(900)  # workers take their time to start where others compute
def test_a_cluster_gives_the_same_bytes_though_a_worker_dies(mixed, whole, two_workers, tmp_path):
    report, _, files = whole
    finished, states = [], set()

    def see(event):
        states.add(event.state)
        if event.state == DONE:
            finished.append(event.job.key)
            if len(finished) == 100:
                os.kill(two_workers.workers[0].process.process.pid, signal.SIGKILL)

    lane = lane_to(two_workers.scheduler_address)
    clustered = drained(batch(mixed[0], tmp_path, lane=lane), see)
    assert tree(tmp_path) == files and states == {RUNNING, DONE, FAILED}
    assert len(clustered.of(DONE)) == 288
    reasons = {row.job.key: row.reason for row in report.of(FAILED)}
    assert {row.job.key: row.reason for row in clustered.of(FAILED)} == reasons


@pytest.mark.timeout(900)
def test_a_stopped_cluster_export_goes_on_here(mixed, whole, two_workers, tmp_path):
    control = Control()

    def see(event):
        if event.state == DONE:
            control.stop()

    lane = lane_to(two_workers.scheduler_address)
    report = drained(batch(mixed[0] / "a", tmp_path, lane=lane, control=control), see)
    assert report.stopped and report.of(DONE) and len(report.of(WAITING)) > 60
    assert set(tree(tmp_path)) == {row.record["output"] for row in report.of(DONE)}
    again = drained(batch(mixed[0] / "a", tmp_path))
    assert len(again.of(SKIPPED)) == len(report.of(DONE))
    whole_part = {name[2:]: data for name, data in whole[2].items() if name.startswith("a/")}
    assert tree(tmp_path) == whole_part


def test_a_missing_scheduler_gives_one_clear_sentence(few, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(scheduling, "PATIENCE", 0.2)
    command = ["batch", str(few), str(tmp_path / "out"), *COMMAND]
    assert main([*command, "--scheduler", "tcp://127.0.0.1:1"]) == 2
    assert "tcp://127.0.0.1:1" in capsys.readouterr().err


OTHERS = {
    worker_of_another_version: "another version of Fovea",
    worker_that_gives_other_pixels: "other bytes for the same picture",
}


@pytest.mark.timeout(900)
def test_workers_that_would_give_other_bytes_get_no_work(few, tmp_path):
    drained(batch(few, tmp_path / "here"))
    with cluster(worker, *OTHERS) as (address, _):
        report = drained(batch(few, tmp_path / "there", lane=lane_to(address)))
    assert len(report.of(DONE)) == 3 and report.ended is None
    assert tree(tmp_path / "there") == tree(tmp_path / "here")
    assert all("gets no work" in note for note in report.notes)


@pytest.mark.timeout(900)
def test_without_a_worker_that_gives_the_same_bytes_nothing_is_made(
    few, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(crew, "PATIENCE", 0.5)
    with cluster(*OTHERS) as (address, _):
        command = ["batch", str(few), str(tmp_path / "out"), *COMMAND, "--scheduler", address]
        assert main([*command, "--json"]) == 1
    out, err = capsys.readouterr()
    document = json.loads(out.splitlines()[-1])
    assert "has no worker for this export" in document["ended"] and len(document["waiting"]) == 3
    for words in OTHERS.values():
        assert sum(words in note for note in document["notes"]) == 1, document["notes"]
    assert err.splitlines() == [*document["notes"], document["ended"]]
    assert not tree(tmp_path / "out") and (tmp_path / "out" / NAMES[0]).exists()


def test_workers_that_prove_nothing_get_no_work_and_others_are_waited_for(monkeypatch):
    class Client:
        scheduler = SimpleNamespace(address="tcp://there", ncores=None)

        def sync(self, *_, **__):
            return threads

    now, ours = [0.0], {"code": "ours", "torch": "3", "dtype": "float32", "pixels": "ours"}
    monkeypatch.setattr(crew.time, "monotonic", lambda: now[0])
    threads = {"silent": 1, "older": 2, "like us": 2}
    seen = crew.Crew(Client(), ours)
    notes = [note.sentence for note in seen.look()]
    notes += [note.sentence for note in seen.judge("older", {**ours, "code": "old", "torch": "2"})]
    notes += [note.sentence for note in seen.judge("like us", dict(ours))]
    assert notes == ["The worker at older gets no work: it has PyTorch 2, not 3."]
    busy = Counter()
    while worker := seen.free(busy):
        busy[worker] += 1
    assert busy == {"like us": 3}
    now[0] += crew.GRACE + 1
    notes = [note.sentence for note in seen.look()]
    assert notes == ["The worker at silent gets no work: it cannot run this version of Fovea."]
    del threads["like us"]
    now[0] += crew.ALONE - 1
    assert not list(seen.look()) and seen.free(Counter()) is None
    now[0] += 2
    with pytest.raises(UpscalerError, match="no worker for this export"):
        list(seen.look())


@pytest.mark.timeout(900)
@pytest.mark.parametrize("made", [0, 7])
def test_a_scheduler_that_dies_leaves_a_report_and_one_sentence(mixed, tmp_path, made, capfd):
    target = tmp_path / "out"
    command = ["batch", str(mixed[0] / "a"), str(target), *COMMAND, "--json"]
    with cluster(worker) as (address, process):
        killer = threading.Thread(target=kill_after, args=(process, target, made))
        killer.start()
        assert main([*command, "--scheduler", address]) == 1
        killer.join()
    out, err = capfd.readouterr()
    document = json.loads((target / NAMES[1]).read_text("utf-8"))
    assert len(document["files"]) == len(tree(target)) >= made and document["waiting"]
    assert "scheduler is gone" in document["ended"] and "Traceback" not in err
    assert json.loads(out.splitlines()[-1])["ended"] == document["ended"]
    assert err.splitlines()[-1] == document["ended"]
    reasons = {entry["error"] for entry in document["failed"]}
    assert set(err.splitlines()) == reasons | {document["ended"]}


def kill_after(process, target, made):
    """Kill a process when so many outputs are journalled."""
    while not (target / NAME).exists() or b"process" not in (target / NAME).read_bytes():
        time.sleep(0.001)
    while records(target) < made:
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)


@contextmanager
def listener(answer):
    """A port where something listens that is no scheduler; yields its number."""
    with socket.create_server(("127.0.0.1", 0)) as server, suppress(OSError):

        def serve():
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    kept.append(connection)
                    answer(connection)

        kept = []
        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        for connection in kept:
            connection.close()


ANSWERS = {
    "silent": lambda connection: None,
    "closing": lambda connection: connection.close(),
    "http": lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "zeros": lambda connection: connection.sendall(bytes(1000)),
    "ones": lambda connection: connection.sendall(b"\xff" * 1000),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_port_of_something_else_gives_one_sentence(few, tmp_path, monkeypatch, capfd, answer):
    monkeypatch.setattr(scheduling, "PATIENCE", 0.3)
    command = ["batch", str(few), str(tmp_path / "out"), *COMMAND, "--scheduler"]
    with listener(answer) as port:
        assert main([*command, f"tcp://127.0.0.1:{port}"]) == 2
    error = capfd.readouterr().err
    assert f"no Dask scheduler at tcp://127.0.0.1:{port}" in error and error.count("\n") == 1


@pytest.mark.parametrize(
    "address",
    ["", "nonsense", "tcp://", "tcp://127.0.0.1", "127.0.0.1:port", "127.0.0.1:0",
     "127.0.0.1:65536", "http://127.0.0.1:8786", "inproc://127.0.0.1:8786", "tcp://[::1",
     "tcp://a b:8786", "tcp://no-such-machine.invalid:8786", "tcp://127.0.0.1:8786/more"],
)  # fmt: skip
def test_an_address_that_makes_no_sense_is_told_at_once(
    few, tmp_path, monkeypatch, capsys, address
):
    def connect(*_):
        raise AssertionError("there is nothing to connect to")

    monkeypatch.setattr(scheduling, "rpc", connect)
    command = ["batch", str(few), str(tmp_path / "out"), *COMMAND]
    assert main([*command, f"--scheduler={address}"]) == 2
    error = capsys.readouterr().err
    assert address in error and "address" in error and error.count("\n") == 1
