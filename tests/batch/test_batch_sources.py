"""What in a folder is a source, and what is not."""

import csv
import json
import os
import struct

import pytest
from batches import COMMAND, batch, drained, tree
from PIL import Image
from test_picture import scene

from engine.batch import folder, local
from engine.batch.folder import listing
from engine.batch.journal import NAME
from engine.batch.report import NAMES, PASSED
from engine.batch.stages import DONE, FAILED, SKIPPED
from engine.cli import main
from engine.pictures import Picture, write

RAISED = (
    AssertionError, AttributeError, IndexError, KeyError, MemoryError, OverflowError,
    RecursionError, RuntimeError, SyntaxError, TypeError, ValueError,
    ZeroDivisionError, struct.error, OSError,
)  # fmt: skip


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


def test_folders_with_a_journal_are_no_sources(few, capsys):
    for name in ("out", "deeper/out", "other"):
        assert main(["batch", str(few), str(few / name), *COMMAND, "--json"]) == 0
        document = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert len(document["files"]) == 3 and len(tree(few / name)) == 3
    assert [entry["input"] for entry in document["passed"]] == [
        str(few / "out"), str(few / "deeper" / "out")
    ]  # fmt: skip
    (few / "out" / NAME).write_bytes(b"damaged")
    assert len(listing(few).sources) == 3


def test_what_a_journal_in_the_folder_itself_knows_is_no_source(few, capsys):
    command = [*COMMAND, "--template", "{stem}_big"]
    main(["batch", str(few), str(few / "out"), *command])
    write(Picture(scene(8, 8)), few / "out" / "new.png")
    found = listing(few / "out")
    assert [source.key for source in found.sources] == ["new.png"] and len(found.passed) == 3
    (few / "out" / "new.png").unlink()
    capsys.readouterr()
    assert main(["batch", str(few / "out"), str(few / "out2"), *command]) == 2
    error = capsys.readouterr().err
    assert "a_big.png was made by Fovea, and 2 more were passed over." in error
    assert not (few / "out2").exists()


def test_what_is_passed_over_is_in_the_report_by_name(few, tmp_path, capsys):
    endings = ("jxl", "jp2", "tga", "ico", "CR2", "nef", "arw", "dng", "psd", "svg")
    for name in endings:
        (few / "deeper" / f"photo.{name}").write_bytes(b"whatever it is")
    (few / "notes.txt").write_text("no picture by its name")
    (few / ".hidden.nef").write_bytes(b"hidden")
    (tmp_path / "elsewhere").mkdir()
    write(Picture(scene(8, 8)), tmp_path / "elsewhere" / "d.png")
    (few / "linked").symlink_to(tmp_path / "elsewhere")
    target = tmp_path / "out"
    assert main(["batch", str(few), str(target), *COMMAND]) == 0
    assert "3 upscaled, 11 passed over." in capsys.readouterr().out
    names = {f"deeper/photo.{ending}" for ending in endings} | {"linked"}
    document = json.loads((target / NAMES[1]).read_text("utf-8"))
    assert {entry["input"] for entry in document["passed"]} == {str(few / n) for n in names}
    with open(target / NAMES[0], newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["state"] == PASSED]
    assert [(row["input"], row["error"]) for row in rows] == [
        (entry["input"], entry["reason"]) for entry in document["passed"]
    ]
    assert all(row["input"] in row["error"] and row["error"].endswith(".") for row in rows)
    assert "raw photograph" in {row["input"]: row["error"] for row in rows}[
        str(few / "deeper" / "photo.CR2")
    ]  # fmt: skip


def test_pipes_and_devices_are_no_pictures(few, tmp_path):
    os.mkfifo(few / "pipe.png")
    (few / "zero.png").symlink_to("/dev/zero")
    found = listing(few)
    assert [source.key for source in found.sources] == ["a.png", "b.png", "deeper/c.png"]
    assert [passed.source.name for passed in found.passed] == ["pipe.png", "zero.png"]
    assert len(drained(batch(few, tmp_path / "out")).of(DONE)) == 3


def test_a_picture_that_becomes_a_pipe_meanwhile_is_one_failed_file(few, tmp_path):
    events = batch(few, tmp_path / "out")
    next(events)
    (few / "deeper" / "c.png").unlink()
    os.mkfifo(few / "deeper" / "c.png")
    report = drained(events)
    assert [row.state for row in report.rows] == [DONE, DONE, FAILED]


@pytest.mark.parametrize("raised", RAISED)
def test_whatever_a_decoder_raises_is_one_failed_file(few, tmp_path, monkeypatch, raised):
    def peek(path):
        if path.name == "b.png":
            raise raised()
        return 8, 10

    def decode(data, path):
        if path.name == "b.png":
            raise raised()
        return decode_now(data, path)

    decode_now = local.decode
    monkeypatch.setattr(folder, "peek", peek)
    monkeypatch.setattr(local, "decode", decode)
    report = drained(batch(few, tmp_path / "out"))
    assert [row.state for row in report.rows] == [DONE, FAILED, DONE]
    reason = report.rows[1].reason
    assert str(few / "b.png") in reason and reason.endswith(".") and "\n" not in reason
    assert ": ." not in reason and len(reason) > len(str(few / "b.png")) + 30


def test_sizes_that_make_no_sense_are_unknown(tmp_path, monkeypatch):
    for size in ((0, 5), (-1, 3), None):
        monkeypatch.setattr(folder, "peek", lambda path, size=size: size)
        assert folder.size_of(tmp_path) is None


def test_folders_that_cannot_be_listed_are_told(few, tmp_path, monkeypatch, capsys):
    def scandir(path):
        if str(path) in closed:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir_now(path)

    scandir_now, closed = os.scandir, {str(few / "deeper")}
    monkeypatch.setattr(os, "scandir", scandir)
    report = drained(batch(few, tmp_path / "out"))
    assert [row.state for row in report.rows] == [DONE, DONE, FAILED]
    assert report.rows[2].reason == f"{few / 'deeper'} cannot be listed: Permission denied."
    closed = {str(few)}
    assert main(["batch", str(few), str(tmp_path / "out"), *COMMAND]) == 2
    assert capsys.readouterr().err == f"{few} cannot be listed: Permission denied.\n"


def test_folders_within_are_left_out_if_asked(few, tmp_path):
    command = ["batch", str(few), str(tmp_path / "out"), *COMMAND, "--no-recursive"]
    assert main(command) == 0
    assert sorted(tree(tmp_path / "out")) == ["a_4x.png", "b_4x.png"]


def test_heic_is_read(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(Image.fromarray(scene(64, 64))).save(tmp_path / "a.heic")
    report = drained(batch(tmp_path, tmp_path / "out"))
    assert report.rows[0].job.target.name == "a_4x.jpg" and report.rows[0].state == DONE
