"""What goes wrong costs one file, and is told in one sentence."""

import json
import os

import pytest
from batches import COMMAND, batch, drained, tree

from engine.batch import local, stages
from engine.batch.journal import Journal
from engine.batch.report import NAMES
from engine.batch.stages import DONE, FAILED
from engine.cli import main
from engine.errors import SettingsError
from engine.pictures import encode


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
        "input", "output", "height", "width", "effort", "compute", "knob", "gmacs", "gmacs_full",
        "seconds",
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


def test_the_report_tells_of_every_file(few, tmp_path):
    (few / "bad, really.png").write_text("no picture")
    target = tmp_path / "out"
    assert main(["batch", str(few), str(target), *COMMAND]) == 1
    table, document = ((target / name).read_text("utf-8") for name in NAMES)
    assert len(table.splitlines()) == 5 and '"' + str(few / "bad, really.png") + '"' in table
    assert len(json.loads(document)["files"]) == 3
