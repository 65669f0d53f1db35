"""Under which names outputs are written, and that a name once given stays."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

import numpy as np
import pytest
from batches import COMMAND, SETTINGS, batch, drained, tree
from test_picture import scene

from engine.batch.journal import recall
from engine.batch.names import jobs_of
from engine.batch.outputs import digest_of
from engine.batch.stages import DONE, FAILED, RUNNING, SKIPPED
from engine.cli import main
from engine.pictures import Picture, write

AS_PNG = replace(SETTINGS, format="png")


@dataclass(frozen=True)
class Item:
    """A source that is known by another key than its place."""

    source: Path
    place: PurePath
    size: tuple[int, int] | None = (8, 8)
    trouble: str | None = None

    @property
    def key(self) -> str:
        return str(self.source)


def places(items, folder, made=None):
    jobs = jobs_of(items, folder, AS_PNG, scale=4, made=made)
    return [job.target.relative_to(folder).as_posix() for job in jobs]


def test_two_sources_never_get_one_name(few, tmp_path):
    shutil.copy(few / "a.png", few / "A.PNG")
    write(Picture(scene()), few / "a.jpg")
    report = drained(batch(few, tmp_path / "out", settings=AS_PNG))
    assert len(report.of(DONE)) == 5 and len(tree(tmp_path / "out")) == 5


def test_names_are_kept_apart_on_file_systems_that_know_no_capitals_and_accents(tmp_path):
    names = ("é.png", "e\u0301.png", "É.PNG", "straße.png", "STRASSE.png")
    made = places([Item(tmp_path / name, PurePath(name)) for name in names], tmp_path)
    assert made == ["é_4x.png", "e\u0301_png_4x.png", "É_PNG_PNG_4x.png",
                    "straße_4x.png", "STRASSE_png_4x.png"]  # fmt: skip


def test_a_name_stays_when_a_sibling_comes_or_goes(few, tmp_path):
    target = tmp_path / "out"
    drained(batch(few, target, settings=AS_PNG))
    before = tree(target)
    write(Picture(scene(9, 9)), few / "a.jpg")  # sorts before a.png
    report = drained(batch(few, target, settings=AS_PNG))
    assert {row.job.key: row.state for row in report.rows} == {
        "a.jpg": DONE, "a.png": SKIPPED, "b.png": SKIPPED, "deeper/c.png": SKIPPED
    }  # fmt: skip
    assert tree(target) == before | {"a_jpg_4x.png": tree(target)["a_jpg_4x.png"]}
    (few / "a.png").unlink()
    report = drained(batch(few, target, settings=AS_PNG))
    assert [row.state for row in report.rows] == [SKIPPED] * 3
    (few / "b.png").unlink()
    write(Picture(scene(7, 7)), few / "b.bmp")  # the name of an output whose source has gone
    report = drained(batch(few, target, settings=AS_PNG))
    assert not report.of(FAILED) and tree(target)["b_4x.png"] == before["b_4x.png"]
    assert tree(target).keys() == before.keys() | {"a_jpg_4x.png", "b_bmp_4x.png"}
    assert [row.state for row in drained(batch(few, target, settings=AS_PNG)).rows] == [SKIPPED] * 3


def test_a_name_stays_though_another_would_be_free_now(few, tmp_path):
    target = tmp_path / "out"
    (few / "a.jpg").write_text("not a picture yet")
    report = drained(batch(few, target, settings=AS_PNG))
    assert len(report.of(FAILED)) == 1 and "a_png_4x.png" in tree(target)
    write(Picture(scene(9, 9)), few / "a.jpg", overwrite=True)
    for state in (DONE, SKIPPED):
        report = drained(batch(few, target, settings=AS_PNG))
        assert [row.state for row in report.rows] == [state, SKIPPED, SKIPPED, SKIPPED]
    (few / "a.jpg").unlink()
    assert [row.state for row in drained(batch(few, target, settings=AS_PNG)).rows] == [SKIPPED] * 3


def test_a_file_that_was_moved_keeps_its_name_and_no_other_file_takes_it(tmp_path):
    def record(source, data):
        return {"source": source, "content": digest_of(data)}

    for folder in ("new", "other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.png").write_bytes(folder.encode())
    new, other = (Item(tmp_path / f / "a.png", PurePath("a.png")) for f in ("new", "other"))
    made = {"a_4x.png": record("/old/a.png", b"new")}
    assert places([other, new], tmp_path, made) == ["a_png_4x.png", "a_4x.png"]
    assert places([other], tmp_path, made) == ["a_png_4x.png"]
    assert places([Item(tmp_path / "a.bmp", PurePath("a.bmp"))], tmp_path, made) == ["a_bmp_4x.png"]
    made["a_png_4x.png"] = record(other.key, b"anything")
    assert places([other, new], tmp_path, made) == ["a_png_4x.png", "a_4x.png"]


def test_names_follow_the_template(few, tmp_path):
    options = ["--template", "{model} {stem} {ext} {scale} {budget} {width}x{height}", "-b", "50"]
    target = tmp_path / "out"
    assert main(["batch", str(few), str(target), *COMMAND, *options, "-f", "jpg"]) == 0
    assert sorted(tree(target)) == [
        "deeper/tiny c png 4 50 40x40.jpg", "tiny a png 4 50 40x32.jpg", "tiny b png 4 50 40x36.jpg"
    ]  # fmt: skip


def test_targets_that_cannot_be_are_told_before_anything_is_computed(few, tmp_path):
    target, long = tmp_path / "out", "é" * 125 + ".png"  # 254 bytes, and 257 with _4x
    for folder in "yz":
        (few / folder).mkdir()
    write(Picture(scene(8, 8)), few / "z" / long)
    write(Picture(np.zeros((5, 4_097, 3), np.uint8)), few / "wide.webp")
    write(Picture(scene(8, 8)), few / "y" / "d.png")
    target.mkdir()
    (target / "y").write_text("a file where a folder should be")
    events = []
    report = drained(batch(few, target), lambda event: events.append((event.job.key, event.state)))
    impossible = {f"z/{long}": "too long", "wide.webp": "16,383", "y/d.png": "no folder"}
    assert {key for key, state in events[:3] if state == FAILED} == set(impossible)
    assert events[3] == ("a.png", RUNNING) and len(report.of(DONE)) == 3
    for row in report.of(FAILED):
        assert impossible[row.job.key] in row.reason and row.reason.endswith(".")


def test_weights_in_another_folder_give_no_name(few, tmp_path, models, capsys):
    command = ["batch", str(few), str(tmp_path / "out"), "-n", f"../{models.name}/tiny"]
    assert main([*command, "--template", "{model} {stem}"]) == 2
    assert "{model}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main(command) == 0
    assert len(recall(tmp_path / "out").made) == 3


@pytest.mark.parametrize("name", ["n" * 300, "é" * 200])
def test_names_that_no_folder_can_have_give_one_sentence(few, tmp_path, name, capsys):
    for source, target in ((Path(name), tmp_path / "out"), (few, tmp_path / name)):
        assert main(["batch", str(source), str(target), *COMMAND]) == 2
        error = capsys.readouterr().err
        assert name in error and error.endswith(".\n") and error.count("\n") == 1
