"""Seconds and per cent: whatever the window tells in several places agrees."""

from itertools import pairwise

import pytest
from PIL import Image

from app.figures import duration, percent
from app.stops import asked
from app.timing import Timing


@pytest.fixture
def photo(tmp_path, drawn_pixels):
    Image.fromarray(drawn_pixels(300, 200)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def told(window):
    """All that the window tells of seconds, in order."""
    return window.budget.seconds.text(), window.status.left.text()


def test_what_is_predicted_left_and_taken_is_one_account():
    begun = Timing(predicted=12.0)
    assert begun.total == begun.left == 12
    for predicted in (12.0, 3.0, None):
        steps = [Timing(predicted, 6 * share, share) for share in (0.01, 0.2, 0.5, 0.9, 1.0)]
        for step in steps:
            assert step.total == pytest.approx(step.elapsed + step.left) and step.left >= 0
        errors = [abs(step.total - 6) for step in steps]
        assert all(b <= a + 1e-9 for a, b in pairwise(errors))  # ever nearer to what is measured
        assert steps[-1].total == pytest.approx(6) and steps[-1].left == pytest.approx(0)
    assert Timing().total is None and Timing().left is None


def test_the_window_tells_one_time_after_the_other(qtbot, window, photo, opened):
    opened(window, photo)  # now there is something to predict by
    session, seen = window.session, []

    def look(*_):
        if not session.planned_for_now:
            return
        whole, left = told(window)
        seen.append(whole.split()[0])
        timing = session.timing
        assert whole.endswith(duration(timing.total))
        if left:
            assert left.startswith(duration(timing.left))
            assert timing.total == pytest.approx(timing.elapsed + timing.left)

    session.planned.connect(look)
    session.progressed.connect(look)
    session.state_changed.connect(look)
    window.budget.slider.setValue(180)
    qtbot.waitUntil(lambda: session.done == 1 and not session.busy, timeout=30_000)
    assert seen[0] == "about" and seen[-1] == "took"
    assert "about" not in seen[seen.index("took") :]
    assert told(window) == (f"took {duration(session.timing.elapsed)}", "")
    assert not window.statusBar().currentMessage()

    taken = told(window)
    session.compute()  # it is there already
    qtbot.waitUntil(lambda: session.done == 1 and not session.busy, timeout=30_000)
    assert told(window) == taken


def test_nothing_of_the_last_picture_stays(qtbot, window, photo, tmp_path, opened, drawn_pixels):
    opened(window, photo)
    Image.fromarray(drawn_pixels(70, 90)).save(tmp_path / "next.png")
    session, seen = window.session, []
    session.opened.connect(
        lambda: seen.append((window.title.words, window.budget.means.words, *told(window)))
    )
    session.open(tmp_path / "next.png")
    assert window.statusBar().currentMessage() == "Opening next.png…"
    qtbot.waitUntil(lambda: session.picture.name == "next.png", timeout=30_000)
    assert seen == [("next.png", "", "", "")]
    assert "Opening" not in window.statusBar().currentMessage()
    qtbot.waitUntil(lambda: session.done == 1 and not session.busy, timeout=30_000)
    assert not window.statusBar().currentMessage() and window.budget.means.words


def test_numbers_of_another_budget_are_faint_until_the_new_ones_come(qtbot, window, photo, opened):
    opened(window, photo)
    assert window.budget.means.isEnabled()
    window.budget.slider.setValue(73)
    assert window.budget.asked.text() == "36.5 %"
    assert not window.budget.means.isEnabled() and not window.budget.seconds.text()
    qtbot.waitUntil(lambda: window.session.planned_for_now, timeout=30_000)
    assert window.budget.means.isEnabled()


def test_per_cent_are_rounded_in_one_way(qtbot, window, photo, opened):
    opened(window, photo)
    for step in (73, 1, 100, 199):
        window.budget.slider.setValue(step)
        effort = window.session.effort
        assert window.budget.asked.text() == percent(effort) == asked("tiny", effort)
        name = percent(effort).removesuffix(" %")
        assert f"{100 * effort:g}" == name  # as {budget} in names of files
    assert [percent(share) for share in (0.365, 0.3649, 1 / 3, 1.0, 0.0)] == [
        "36.5 %",
        "36.5 %",
        "33.3 %",
        "100 %",
        "0 %",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "0.1 s"), (9.94, "9.9 s"), (9.96, "10 s"), (119.6, "2 min"), (27_600, "7 h 40 min")],
)
def test_durations(seconds, words):
    assert duration(seconds) == words
