"""The laws of a batch: every file right in the morning, whatever happened in the night."""

import os
import random
import signal
import time
from pathlib import Path

from batches import COMMAND, PROCESSES, batch, drained, records, tree

from engine.batch.stages import DONE, FAILED, SKIPPED
from engine.cli import main
from engine.pictures import read


def test_exactly_the_broken_files_fail_and_each_says_why(mixed, whole):
    folder, broken = mixed
    report = whole[0]
    assert len(report.rows) == 300 and len(broken) == 12 and not report.stopped
    failed = report.of(FAILED)
    assert {row.job.key for row in failed} == broken
    assert len({row.reason.replace(str(row.job.source), "") for row in failed}) >= 8
    for row in failed:
        assert str(folder / row.job.key) in row.reason and row.reason.endswith(".")
    assert len(report.of(DONE)) == 288


def test_all_other_files_are_right(whole):
    report, _, files = whole
    for row in report.of(DONE):
        source, output = read(row.job.source), read(row.job.target)
        assert output.size == (4 * source.height, 4 * source.width) == (
            row.record["height"], row.record["width"]
        )  # fmt: skip
        assert (output.bits, output.icc) == (source.bits, source.icc)
        assert (output.alpha is None) == (source.alpha is None)
        if row.job.target.suffix not in (".avif", ".webp"):  # these hold no grey pictures
            assert output.grey == source.grey
    assert len(files) == 288


def test_one_file_alone_gives_the_same_bytes(whole, tmp_path):
    report, _, files = whole
    rows = {"".join(row.job.source.suffixes[-2:]): row for row in report.of(DONE)}
    for row in list(rows.values())[:16]:
        path = tmp_path / row.job.target.name
        assert main(["upscale", str(row.job.source), "-o", str(tmp_path), *COMMAND]) == 0
        assert path.read_bytes() == files[row.record["output"]]


def test_what_is_done_is_skipped(mixed, whole):
    _, folder, files = whole
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*_4x*")}
    report = drained(batch(mixed[0], folder))
    assert len(report.of(SKIPPED)) == 288 and len(report.of(FAILED)) == 12
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*_4x*")}
    assert tree(folder) == files


def test_killed_five_times_and_resumed_the_tree_is_the_same(mixed, whole, tmp_path):
    rng, target, files = random.Random(5), tmp_path / "out", whole[2]
    command = ["batch", str(mixed[0]), str(target), *COMMAND]
    goal = 0
    for _ in range(5):
        process = PROCESSES.Process(target=main, args=(command,))
        process.start()
        goal = min(280, max(goal, records(target)) + rng.randrange(1, 60))
        while records(target) < goal and process.is_alive():
            time.sleep(0.001)
        time.sleep(rng.random() / 50)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        seen = {k: v for k, v in tree(target).items() if not Path(k).name.startswith(".")}
        assert seen.items() <= files.items()  # nothing visible is partial
    assert 0 < len(seen) < 288
    report = drained(batch(mixed[0], target))
    assert len(report.of(SKIPPED)) >= len(seen) - 1 and len(report.of(FAILED)) == 12
    assert tree(target) == files
