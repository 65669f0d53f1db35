"""A batch that is asked to end writes its report and leaves nothing half done."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from batches import COMMAND, PROCESSES, batch, drained, records, tree
from test_picture import scene

import main as program
from engine.batch.report import NAMES
from engine.batch.stages import SKIPPED
from engine.cli import main
from engine.interrupts import Stopped, heeded
from engine.pictures import Picture, write

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it has other signals")
ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def many(tmp_path):
    """Sixty pictures that take some time."""
    folder = tmp_path / "many"
    folder.mkdir()
    for index in range(60):
        write(Picture(scene(60 + index, 90)), folder / f"{index:02}.png")
    return folder


def drafts(folder):
    return [path.name for path in folder.rglob("*.part")]


@pytest.mark.parametrize("number", ASKING)
def test_a_batch_that_is_asked_to_end_reports_and_leaves_no_draft(many, tmp_path, number):
    target = tmp_path / "out"
    command = ["batch", str(many), str(target), *COMMAND]
    process = PROCESSES.Process(target=ending, args=(command,))
    process.start()
    while records(target) < 3 and process.is_alive():
        time.sleep(0.001)
    os.kill(process.pid, number)
    process.join(60)
    assert process.exitcode == 128 + number and not drafts(target)
    document = json.loads((target / NAMES[1]).read_text("utf-8"))
    assert document["stopped"] and not document["failed"]
    assert len(document["files"]) == len(tree(target)) == records(target) < 60
    assert len(document["files"]) + len(document["waiting"]) == 60
    report = drained(batch(many, target))
    assert len(report.of(SKIPPED)) == len(document["files"]) and len(tree(target)) == 60


def ending(command):
    sys.exit(main(command))


def started(*arguments):
    command = [sys.executable, str(Path(program.__file__)), *map(str, arguments)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def test_ctrl_c_prints_no_traceback_whenever_it_comes(many, tmp_path):
    for wait in (0.05, 0.5, None):
        target = tmp_path / f"out {wait}"
        with started("batch", many, target, *COMMAND) as process:
            while wait is None and records(target) < 2 and process.poll() is None:
                time.sleep(0.01)
            time.sleep(wait or 0)
            process.send_signal(signal.SIGINT)
            told = process.communicate(timeout=60)[1]
        early = told.startswith("Fatal Python error: init_import_site")  # before any line of ours
        assert (told in ("", "stopped\n") or early) and process.returncode in (
            1,
            -signal.SIGINT,
            130,
        )
        assert not target.exists() or not drafts(target)
    assert process.returncode == 130 and (target / NAMES[0]).exists()


def test_a_second_ctrl_c_kills_without_a_traceback():
    code = """if True:
        import os, signal, time
        from engine.interrupts import heeded
        with heeded(lambda number: print(number, flush=True)):
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGTERM)
        print("never reached")
    """
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (made.returncode, made.stdout, made.stderr) == (-15, "15\n", "")


def test_every_command_takes_away_what_is_half_written(tmp_path):
    def write_slowly():
        with heeded():
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(60)
            finally:
                ended.append("tidied up")

    ended = []
    before = [signal.getsignal(number) for number in ASKING]
    with pytest.raises(Stopped) as caught:
        write_slowly()
    assert caught.value.status == 143 and ended == ["tidied up"]
    assert [signal.getsignal(number) for number in ASKING] == before


def test_what_is_ignored_stays_so_and_other_threads_are_left_alone():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with heeded():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
    seen = []

    def elsewhere():
        with heeded():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]
