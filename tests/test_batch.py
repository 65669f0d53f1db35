"""The laws of a batch: every file right in the morning, whatever happened in the night."""

import contextlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import struct
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from test_picture import broken_files, exif_of, scene

from engine import library
from engine.adaptive import depth
from engine.batch import local, stages
from engine.batch.eta import Clock
from engine.batch.export import export, make_batch
from engine.batch.folder import Job, jobs
from engine.batch.journal import NAME, Journal
from engine.batch.local import here, step_back
from engine.batch.report import NAMES
from engine.batch.stages import DONE, FAILED, RUNNING, SKIPPED, WAITING, Control
from engine.cli import main
from engine.errors import SettingsError
from engine.networks import edsr
from engine.pictures import Picture, encode, read, write
from engine.resize import Size, resized
from engine.settings import Settings, load_upscaler

SETTINGS = Settings("tiny", dtype="float32", quality=90)
COMMAND = ["-n", "tiny", "--dtype", "float32", "--quality", "90"]
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PROCESSES = multiprocessing.get_context("forkserver")  # they begin with PyTorch loaded


def display_p3() -> bytes:
    """The sRGB profile with the primaries of Display P3."""
    data, primaries = (
        bytearray(SRGB),
        {
            b"rXYZ": (0.5151, 0.2412, -0.0011),
            b"gXYZ": (0.2919, 0.6922, 0.0419),
            b"bXYZ": (0.1572, 0.0666, 0.7841),
        },
    )
    for index in range(struct.unpack_from(">I", data, 128)[0]):
        name, offset, _ = struct.unpack_from(">4sII", data, 132 + 12 * index)
        if name in primaries:
            struct.pack_into(">3i", data, offset + 8, *(round(v * 65536) for v in primaries[name]))
    return bytes(data)


def with_alpha(height, width, dtype=np.uint8):
    return Picture(scene(height, width, 3, dtype), alpha=scene(height, width, 1, dtype)[:, :, 0])


def save_palette(path, size):
    Image.fromarray(scene(*size)).quantize(16).save(path, transparency=0)


def save_cmyk(path, size):
    Image.fromarray(scene(*size)).convert("CMYK").save(path)


P3 = display_p3()
KINDS = {  # ending -> how to save a small picture of that kind
    ".png": lambda path, size: write(Picture(scene(*size), icc=P3), path),
    ".alpha.png": lambda path, size: write(with_alpha(*size), path),
    ".deep.png": lambda path, size: write(Picture(scene(*size, 3, np.uint16)), path),
    ".grey.png": lambda path, size: write(Picture(scene(*size, 1)), path),
    ".palette.png": save_palette,
    ".jpg": lambda path, size: write(Picture(scene(*size), icc=P3, exif=exif_of()), path),
    ".turned.jpg": lambda path, size: write(Picture(scene(*size), exif=exif_of()), path),
    ".cmyk.jpg": save_cmyk,
    ".deep.tif": lambda path, size: write(with_alpha(*size, np.uint16), path),
    ".webp": lambda path, size: write(with_alpha(*size), path),
    ".bmp": lambda path, size: write(Picture(scene(*size)), path),
    ".avif": lambda path, size: write(Picture(scene(*size)), path),
}
FOLDERS = ("", "a", "a/b ü", "пляж 100%")
STEMS = ("IMG {}", "画像-é-{}", "100% {x}{}", "n" * 200 + "{}")


@pytest.fixture(scope="module", autouse=True)
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    network = edsr.EDSR(edsr.Config(blocks=2, channels=8))
    library.save("tiny", depth.AdaDSR(network, depth.Config(width=4)), {}, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOVEA_MODELS", str(folder))
        PROCESSES.set_forkserver_preload(["engine.cli", "engine.batch.cluster"])
        yield


@pytest.fixture(scope="module")
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


def batch(source, target, *, lane=here, control=None, overwrite=False, settings=SETTINGS):
    """The whole way in this process; yields the events and returns the report."""
    upscaler = load_upscaler(settings)
    found = jobs(source, target, settings, scale=upscaler.scale)
    with Journal(target) as journal:
        made = make_batch(found, settings, upscaler=upscaler, journal=journal, overwrite=overwrite)
        return (yield from export(made, lane=lane, control=control))


def drained(events, see=lambda event: None):
    while True:
        try:
            see(next(events))
        except StopIteration as stop:
            return stop.value


def tree(folder):
    """All files of an output tree with their bytes, without journal and reports."""
    own = {NAME, *NAMES}
    files = (p for p in folder.rglob("*") if p.is_file() and p.name not in own)
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


@pytest.fixture(scope="module")
def whole(mixed, tmp_path_factory):
    """An uninterrupted export of the mixed files: its report, its folder and its tree."""
    folder = tmp_path_factory.mktemp("whole")
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


# --- 300 mixed files ---------------------------------------------------------------------------


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


def records(folder):
    """How many records the journal of a running export holds."""
    try:
        return (folder / NAME).read_bytes().count(b'"checksum"')
    except FileNotFoundError:
        return 0


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


# --- memory and overlap ------------------------------------------------------------------------


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


# --- pause, stop, time left --------------------------------------------------------------------


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


# --- trouble -----------------------------------------------------------------------------------


def test_a_full_disk_costs_one_file_and_retry_makes_it(few, tmp_path, monkeypatch, capsys):
    encode_now = encode._encode

    def encode_or_fail(picture, form, file, quality):
        if picture.height == 36:
            file.write(b"half")
            raise OSError(28, "No space left on device")
        encode_now(picture, form, file, quality)

    target = tmp_path / "out"
    command = ["batch", str(few), str(target), *COMMAND, "--json"]
    with monkeypatch.context() as patch:
        patch.setattr(encode, "_encode", encode_or_fail)
        assert main(command) == 1
    output = capsys.readouterr()
    document = json.loads(output.out.splitlines()[-1])
    assert [entry["input"] for entry in document["failed"]] == [str(few / "b.png")]
    assert "No space left on device" in document["failed"][0]["error"]
    assert document["failed"][0]["error"] in output.err
    assert sorted(tree(target)) == ["a_4x.png", "deeper/c_4x.png"]
    assert main([*command, "--retry"]) == 0
    assert len(json.loads((target / NAMES[1]).read_text("utf-8"))["skipped"]) == 2
    document = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [entry["input"] for entry in document["files"]] == [str(few / "b.png")]
    assert set(document["files"][0]) == {
        "input", "output", "height", "width", "effort", "knob", "gmacs", "gmacs_full", "seconds"
    }  # fmt: skip
    assert main([*command, "--retry"]) == 0
    assert capsys.readouterr().out.startswith("nothing to do.")
    assert len(tree(target)) == 3


def test_a_full_disk_spoils_neither_journal_nor_output(few, tmp_path, monkeypatch):
    real, calls = os.fsync, []

    def full_at_times(descriptor):
        calls.append(descriptor)
        if len(calls) % 3 == 0:
            raise OSError(28, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full_at_times)
        report = drained(batch(few, tmp_path / "out"))
    assert report.of(FAILED) and len(report.of(DONE)) == len(tree(tmp_path / "out"))
    again = drained(batch(few, tmp_path / "out"))
    assert not again.of(FAILED) and len(tree(tmp_path / "out")) == 3


def test_a_disk_that_is_full_from_the_start_gives_one_clear_sentence(
    few, tmp_path, monkeypatch, capsys
):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert main(["batch", str(few), str(tmp_path / "out"), *COMMAND]) == 2
    assert "out cannot be written: No space left on device." in capsys.readouterr().err


def test_a_folder_closed_to_us_costs_only_its_own_files(few, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "deeper").write_text("in the way")
    report = drained(batch(few, tmp_path / "out"))
    assert [row.state for row in report.rows] == [DONE, DONE, FAILED]
    assert str(tmp_path / "out" / "deeper") in report.rows[2].reason


def test_a_defect_met_in_one_file_does_not_cost_the_others(few, tmp_path, monkeypatch):
    def upscaled(upscaler, picture, settings):
        if picture.height == 8:
            raise ZeroDivisionError("division by zero")
        return (yield from stages.upscaled(upscaler, picture, settings))

    monkeypatch.setattr(local, "upscaled", upscaled)
    report = drained(batch(few, tmp_path / "out"))
    assert [row.state for row in report.rows] == [FAILED, DONE, DONE]
    assert "ZeroDivisionError" in report.rows[0].reason


def test_a_torn_journal_is_read_as_far_as_it_goes(few, tmp_path):
    target = tmp_path / "out"
    drained(batch(few, target))
    whole = tree(target)
    lines = (target / NAME).read_bytes()
    (target / NAME).write_bytes(lines[:-40])
    (target / "deeper" / "c_4x.png").unlink()  # entered last, it had not appeared
    report = drained(batch(few, target))
    assert [row.state for row in report.rows] == [SKIPPED, SKIPPED, DONE] and tree(target) == whole
    assert [row.state for row in drained(batch(few, target)).rows] == [SKIPPED] * 3


def test_other_content_or_settings_or_a_damaged_output_are_made_anew_if_asked(few, tmp_path):
    target = tmp_path / "out"
    drained(batch(few, target))
    whole = tree(target)
    write(Picture(scene(9, 9)), few / "a.png", overwrite=True)
    (target / "b_4x.png").write_bytes(whole["b_4x.png"][:-1])
    report = drained(batch(few, target))
    assert [row.state for row in report.rows] == [FAILED, FAILED, SKIPPED]
    assert all("exists already" in row.reason for row in report.of(FAILED))
    report = drained(batch(few, target, overwrite=True))
    assert [row.state for row in report.rows] == [DONE, DONE, SKIPPED]
    assert tree(target)["b_4x.png"] == whole["b_4x.png"]
    other = Settings("tiny", dtype="float32", quality=90, size=Size(percent=300))
    report = drained(batch(few, target, overwrite=True, settings=other))
    assert [row.state for row in report.rows] == [DONE] * 3
    assert read(target / "b_3x.png").size == (27, 30)


def test_a_source_is_never_overwritten(tmp_path):
    source = tmp_path / "all" / "in"
    (source / "in").mkdir(parents=True)
    write(Picture(scene(8, 8)), source / "in" / "k.png")
    write(Picture(scene(9, 9)), source / "k_4x.png")
    before = (source / "k_4x.png").read_bytes()
    report = drained(batch(source, tmp_path / "all", overwrite=True))
    failed = {row.job.key: row.reason for row in report.of(FAILED)}
    assert set(failed) == {"in/k.png"} and "is itself a source" in failed["in/k.png"]
    assert (source / "k_4x.png").read_bytes() == before


def test_outputs_within_the_folder_are_no_sources(few):
    assert len(drained(batch(few, few / "out")).of(DONE)) == 3
    assert len(drained(batch(few, few / "out")).of(SKIPPED)) == 3


def test_two_sources_never_get_one_name(few, tmp_path):
    shutil.copy(few / "a.png", few / "A.PNG")
    write(Picture(scene()), few / "a.jpg")
    settings = Settings("tiny", dtype="float32", format="png")
    report = drained(batch(few, tmp_path / "out", settings=settings))
    assert len(report.of(DONE)) == 5 and len(tree(tmp_path / "out")) == 5


def test_one_export_at_a_time_writes_to_a_folder(few, tmp_path):
    events = batch(few, tmp_path / "out")
    next(events)
    with pytest.raises(SettingsError, match="Another export"):
        Journal(tmp_path / "out")
    events.close()
    with Journal(tmp_path / "out"):
        pass


@pytest.mark.parametrize(
    "options",
    [
        ["--template", "{name}"],
        ["--template", "all"],
        ["--template", "{stem}/{scale}"],
        ["--width", "0"],
        ["--quality", "101"],
        ["-f", "xyz"],
        ["-s", "3"],
        ["-b", "101"],
    ],
)
def test_bad_settings_exit_with_two(few, tmp_path, options, capsys):
    assert main(["batch", str(few), str(tmp_path / "out"), *COMMAND, *options]) == 2
    assert capsys.readouterr().err.strip().endswith(".") and not (tmp_path / "out").exists()


def test_folders_that_cannot_be_used_exit_with_two(few, tmp_path, capsys):
    empty, file = tmp_path / "empty", few / "a.png"
    empty.mkdir()
    pairs = ((file, empty), (few, file), (few, few), (empty, tmp_path / "out"))
    for source, target in pairs:
        assert main(["batch", str(source), str(target), *COMMAND]) == 2
        assert str(source) in (error := capsys.readouterr().err) or str(target) in error


# --- names and sizes ---------------------------------------------------------------------------


def test_names_follow_the_template(few, tmp_path):
    options = ["--template", "{model} {stem} {ext} {scale} {budget} {width}x{height}", "-b", "50"]
    target = tmp_path / "out"
    assert main(["batch", str(few), str(target), *COMMAND, *options, "-f", "jpg"]) == 0
    assert sorted(tree(target)) == [
        "deeper/tiny c png 4 50 40x40.jpg", "tiny a png 4 50 40x32.jpg", "tiny b png 4 50 40x36.jpg"
    ]  # fmt: skip


def test_folders_within_are_left_out_if_asked(few, tmp_path):
    command = ["batch", str(few), str(tmp_path / "out"), *COMMAND, "--no-recursive"]
    assert main(command) == 0
    assert sorted(tree(tmp_path / "out")) == ["a_4x.png", "b_4x.png"]


def test_the_report_tells_of_every_file(few, tmp_path):
    (few / "bad, really.png").write_text("no picture")
    target = tmp_path / "out"
    assert main(["batch", str(few), str(target), *COMMAND]) == 1
    table, document = ((target / name).read_text("utf-8") for name in NAMES)
    assert len(table.splitlines()) == 5 and '"' + str(few / "bad, really.png") + '"' in table
    assert len(json.loads(document)["files"]) == 3


@pytest.mark.parametrize(
    "options, size",
    [
        (["--percent", "150"], (45, 60)),
        (["--width", "100"], (75, 100)),
        (["--height", "300"], (300, 400)),
    ],
)
def test_the_output_has_the_size_that_is_asked_for(tmp_path, options, size):
    write(Picture(scene(30, 40)), tmp_path / "a.png")
    target = tmp_path / "b.png"
    assert main(["upscale", str(tmp_path / "a.png"), "-o", str(target), *COMMAND, *options]) == 0
    assert read(target).size == size


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_resizing_keeps_levels_greys_and_flat_colours(dtype):
    fine = Picture(scene(64, 600, 1, dtype), alpha=scene(64, 600, 1, dtype)[:, :, 0])
    small = resized(fine, (32, 300))
    assert small.size == (32, 300) and small.grey and small.pixels.dtype == dtype
    assert small.alpha.shape == (32, 300)
    levels = len(np.unique(small.pixels))
    assert levels > 256 if dtype == np.uint16 else levels > 200
    limit = np.iinfo(dtype).max
    error = np.abs(small.pixels.astype(float) - scene(32, 300, 1, dtype)).max()
    assert error < limit / 100
    flat = Picture(np.full((20, 20, 3), limit, dtype))
    assert (resized(flat, (7, 33)).pixels == limit).all() and resized(flat, (20, 20)) is flat


def test_heic_is_read_where_its_plugin_is_installed(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(Image.fromarray(scene(64, 64))).save(tmp_path / "a.heic")
    report = drained(batch(tmp_path, tmp_path / "out"))
    assert report.rows[0].job.target.name == "a_4x.jpg" and report.rows[0].state == DONE


@pytest.mark.skipif(sys.platform != "linux", reason="threads share one priority elsewhere")
def test_reading_and_writing_step_back_behind_computing():
    own = os.getpriority(os.PRIO_PROCESS, 0)
    with ThreadPoolExecutor(1, initializer=step_back) as executor:
        there = executor.submit(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    assert there.result() == 19
    assert os.getpriority(os.PRIO_PROCESS, 0) == own
