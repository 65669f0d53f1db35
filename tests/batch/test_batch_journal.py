"""What the journal knows is believed as far as it is sound, and no further."""

import json
import os
import random

import numpy as np
import pytest
from batches import COMMAND, batch, drained, tree
from test_picture import scene

from engine.batch.journal import NAME, Journal, recall
from engine.batch.outputs import There, there
from engine.batch.stages import DONE, FAILED, SKIPPED
from engine.cli import main
from engine.pictures import Picture, read, write
from engine.resize import Size
from engine.settings import Settings


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


@pytest.fixture
def done(few, tmp_path):
    """A finished export of `few`: its folder and its tree."""
    target = tmp_path / "out"
    drained(batch(few, target))
    return target, tree(target)


def states(report):
    return [row.state for row in report.rows]


@pytest.mark.parametrize("seed", range(8))
def test_flipped_bits_in_the_journal_cost_only_their_lines(few, done, seed):
    target, whole = done
    lines, rng = bytearray((target / NAME).read_bytes()), random.Random(seed)
    for _ in range(5):
        lines[rng.randrange(len(lines))] ^= 1 << rng.randrange(8)
    (target / NAME).write_bytes(lines)
    assert not drained(batch(few, target)).of(FAILED) and tree(target) == whole
    assert states(drained(batch(few, target))) == [SKIPPED] * 3


def test_every_single_flipped_bit_is_seen(few, done):
    target, _ = done
    lines = (target / NAME).read_bytes()
    made, rng = recall(target).made, random.Random(0)
    for place in rng.sample(range(len(lines)), 300):
        flipped = bytearray(lines)
        flipped[place] ^= 1 << rng.randrange(8)
        (target / NAME).write_bytes(flipped)
        memory = recall(target)
        assert all(memory.made[key] == made[key] for key in memory.made)


SOUND = {
    "source": "a.png", "content": "c", "settings": "s", "output": "a_4x.png", "checksum": "1-a",
    "height": 1, "width": 1, "effort": 1.0, "knob": 0, "gmacs": 1.0, "gmacs_full": 1.0,
    "seconds": 1.0,
}  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "{" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        "9" * 10_000,
        "null",
        "[]",
        '"text"',
        '{"process": "12"}',
        '{"process": [1]}',
        '{"process": 1, "crc": "00000000"}',
        '{"source": "a.png", "error": null}',
        '{"error": "none"}',
        *(json.dumps({k: v for k, v in SOUND.items() if k != key}) for key in SOUND),
        *(json.dumps({**SOUND, key: wrong}) for key in SOUND for wrong in (None, {"a": []})),
        json.dumps({**SOUND, "seconds": float("inf")}),
        json.dumps({**SOUND, "height": 1.5}),
        json.dumps({**SOUND, "more": 1}),
    ],
    ids=lambda line: line[:60],
)
def test_lines_that_make_no_sense_are_passed_over(tmp_path, line):
    sound = json.dumps(SOUND)
    (tmp_path / NAME).write_text(f"\n{line}\n\n{sound}\n")
    memory = recall(tmp_path)
    assert memory.damaged == 1 and memory.made == {"a_4x.png": SOUND} and not memory.failed


def test_sound_lines_of_older_journals_are_believed(tmp_path):
    (tmp_path / NAME).write_text(f"\n{json.dumps(SOUND)}\n")
    assert recall(tmp_path).made == {"a_4x.png": SOUND} and recall(tmp_path).damaged == 0


def zeroed(data):
    return bytes(len(data))


def flipped(data):
    return data[:-200] + bytes([data[-200] ^ 16]) + data[-199:]


def emptied(data):
    return b""


def cut(data):
    return data[: len(data) // 2]


def zeroed_at_the_end(data):
    return data[: len(data) // 2] + bytes(len(data) - len(data) // 2)


@pytest.mark.parametrize("damage", [zeroed, flipped, emptied, cut, zeroed_at_the_end])
@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "tif"])
def test_damaged_outputs_are_made_anew(few, tmp_path, damage, ending):
    target = tmp_path / "out"
    settings = Settings("tiny", dtype="float32", quality=90, format=ending)
    drained(batch(few, target, settings=settings))
    whole, path = tree(target), target / f"b_4x.{ending}"
    path.write_bytes(damage(path.read_bytes()))
    assert states(drained(batch(few, target, settings=settings))) == [SKIPPED, DONE, SKIPPED]
    assert tree(target) == whole


def test_an_output_that_somebody_has_worked_on_stays(few, done):
    target, whole = done
    for change in (
        lambda p: Picture(p.pixels[:-1]),
        lambda p: Picture(np.pad(p.pixels, 9)[..., :3]),
    ):
        write(change(read(target / "b_4x.png")), target / "b_4x.png", overwrite=True)
        changed = (target / "b_4x.png").read_bytes()
        assert len(changed) != len(whole["b_4x.png"])
        report = drained(batch(few, target))
        assert states(report) == [SKIPPED, FAILED, SKIPPED]
        assert "was changed" in report.rows[1].reason
        assert (target / "b_4x.png").read_bytes() == changed
    assert states(drained(batch(few, target, overwrite=True))) == [SKIPPED, DONE, SKIPPED]
    assert tree(target) == whole


def test_a_damaged_output_of_other_settings_is_made_anew_too(few, done):
    target, _ = done
    (target / "b_4x.png").write_bytes(b"")
    other = Settings("tiny", dtype="float32", quality=90, size=Size(percent=400))
    assert states(drained(batch(few, target, settings=other))) == [FAILED, DONE, FAILED]


@pytest.mark.parametrize("known", [True, False])
def test_a_link_in_the_place_of_an_output_is_not_followed(few, done, tmp_path, known):
    target, whole = done
    kept = tmp_path / "kept.png"
    kept.write_bytes(whole["b_4x.png"])
    (target / "b_4x.png").unlink()
    (target / "b_4x.png").symlink_to(kept)
    if not known:
        (target / NAME).unlink()
    report = drained(batch(few, target))
    assert report.rows[1].state == FAILED and "is a link" in report.rows[1].reason
    assert (target / "b_4x.png").is_symlink()
    assert drained(batch(few, target, overwrite=True)).rows[1].state == DONE
    assert not (target / "b_4x.png").is_symlink() and tree(target) == whole
    assert kept.read_bytes() == whole["b_4x.png"]


def test_a_link_to_nowhere_or_to_a_source_is_not_followed_either(few, done):
    target, _ = done
    for goal in (target / "nowhere.png", few / "b.png"):
        (target / "b_4x.png").unlink()
        (target / "b_4x.png").symlink_to(goal)
        before = goal.exists() and goal.read_bytes()
        assert "is a link" in drained(batch(few, target)).rows[1].reason
        assert drained(batch(few, target, overwrite=True)).rows[1].state == DONE
        assert (goal.exists() and goal.read_bytes()) == before


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
@pytest.mark.parametrize("overwrite", [True, False])
def test_what_is_no_file_in_the_place_of_an_output_stays(few, done, make, overwrite):
    target, _ = done
    (target / "b_4x.png").unlink()
    make(target / "b_4x.png")
    report = drained(batch(few, target, overwrite=overwrite))
    assert states(report) == [SKIPPED, FAILED, SKIPPED]
    assert str(target / "b_4x.png") in report.rows[1].reason
    assert there(target / "b_4x.png", None) is There.NO_FILE


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: os.symlink("/dev/zero", path)])
def test_a_journal_that_is_no_file_gives_one_sentence(few, tmp_path, make, capsys):
    target = tmp_path / "out"
    target.mkdir()
    make(target / NAME)
    assert main(["batch", str(few), str(target), *COMMAND]) == 2
    error = capsys.readouterr().err
    assert str(target) in error and error.count("\n") == 1
    assert recall(target).made == {}


def test_an_output_whose_line_is_lost_is_known_by_its_bytes(few, done):
    target, whole = done
    lines = (target / NAME).read_bytes()
    (target / NAME).write_bytes(lines.replace(b'"b_4x.png"', b'"b_5x.png"'))
    (target / "deeper" / "c_4x.png").unlink()
    write(Picture(scene(5, 5)), target / "deeper" / "c_4x.png")
    (target / NAME).write_bytes((target / NAME).read_bytes().replace(b"c_4x", b"c_5x"))
    foreign = (target / "deeper" / "c_4x.png").read_bytes()
    report = drained(batch(few, target))
    assert states(report) == [SKIPPED, DONE, FAILED] and "exists already" in report.rows[2].reason
    assert (target / "b_4x.png").read_bytes() == whole["b_4x.png"]
    assert (target / "deeper" / "c_4x.png").read_bytes() == foreign


def test_two_exports_at_once_do_not_mix(few, tmp_path):
    events = batch(few, tmp_path / "out")
    next(events)
    with open(tmp_path / "out" / NAME, "rb") as file:
        before = file.read()
    assert main(["batch", str(few), str(tmp_path / "out"), *COMMAND]) == 2
    assert (tmp_path / "out" / NAME).read_bytes() == before
    drained(events)
    with Journal(tmp_path / "out") as journal:
        assert len(journal.memory.made) == 3 and not journal.memory.damaged


def test_other_content_or_settings_are_made_anew_if_asked(few, tmp_path):
    target = tmp_path / "out"
    drained(batch(few, target))
    whole = tree(target)
    write(Picture(scene(9, 9)), few / "a.png", overwrite=True)
    report = drained(batch(few, target))
    assert [row.state for row in report.rows] == [FAILED, SKIPPED, SKIPPED]
    assert all("exists already" in row.reason for row in report.of(FAILED))
    report = drained(batch(few, target, overwrite=True))
    assert [row.state for row in report.rows] == [DONE, SKIPPED, SKIPPED]
    assert tree(target)["a_4x.png"] != whole["a_4x.png"]
    other = Settings("tiny", dtype="float32", quality=90, size=Size(percent=300))
    report = drained(batch(few, target, overwrite=True, settings=other))
    assert [row.state for row in report.rows] == [DONE] * 3
    assert read(target / "b_3x.png").size == (27, 30)
