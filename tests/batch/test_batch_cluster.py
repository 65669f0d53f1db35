"""A batch on a cluster gives what it gives here, and ends with a report whatever breaks."""

import os
import signal

import pytest
from batches import COMMAND, batch, drained, tree

from engine.batch.stages import DONE, FAILED, RUNNING, SKIPPED, WAITING, Control
from engine.cli import main


@pytest.fixture(scope="module")
def cluster():
    """A Dask cluster of two worker processes."""
    dask = pytest.importorskip("dask")
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with (
        dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}),
        distributed.LocalCluster(silence_logs=60, **options) as started,
    ):
        yield started


@pytest.mark.timeout(900)  # workers take their time to start where others compute
def test_a_cluster_gives_the_same_bytes_though_a_worker_dies(mixed, whole, cluster, tmp_path):
    from engine.batch.cluster import lane_to

    report, _, files = whole
    finished, states = [], set()

    def see(event):
        states.add(event.state)
        if event.state == DONE:
            finished.append(event.job.key)
            if len(finished) == 100:
                os.kill(cluster.workers[0].process.process.pid, signal.SIGKILL)

    lane = lane_to(cluster.scheduler_address)
    clustered = drained(batch(mixed[0], tmp_path, lane=lane), see)
    assert tree(tmp_path) == files and states == {RUNNING, DONE, FAILED}
    assert len(clustered.of(DONE)) == 288
    reasons = {row.job.key: row.reason for row in report.of(FAILED)}
    assert {row.job.key: row.reason for row in clustered.of(FAILED)} == reasons


@pytest.mark.timeout(900)
def test_a_stopped_cluster_export_goes_on_here(mixed, whole, cluster, tmp_path):
    from engine.batch.cluster import lane_to

    control = Control()

    def see(event):
        if event.state == DONE:
            control.stop()

    lane = lane_to(cluster.scheduler_address)
    report = drained(batch(mixed[0], tmp_path, lane=lane, control=control), see)
    assert report.stopped and report.of(DONE) and len(report.of(WAITING)) > 200
    assert set(tree(tmp_path)) == {row.record["output"] for row in report.of(DONE)}
    again = drained(batch(mixed[0], tmp_path))
    assert len(again.of(SKIPPED)) == len(report.of(DONE)) and tree(tmp_path) == whole[2]


def test_a_missing_scheduler_gives_one_clear_sentence(few, tmp_path, monkeypatch, capsys):
    cluster = pytest.importorskip("engine.batch.cluster")
    monkeypatch.setattr(cluster, "PATIENCE", 0.2)
    command = ["batch", str(few), str(tmp_path / "out"), *COMMAND]
    assert main([*command, "--scheduler", "tcp://127.0.0.1:1"]) == 2
    assert "tcp://127.0.0.1:1" in capsys.readouterr().err
