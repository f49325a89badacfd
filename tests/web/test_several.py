"""The progress of several runs that are made one after another."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from neural_style.web.run import several
from neural_style.web.run.several import SeveralRuns
from neural_style.web.run.status import Overall, Status

PREPARING = Status("busy", "Preparing…", fraction=0.0)
DONE = Status("done", "Done", fraction=1.0)


def running(fraction: float, left: float) -> Status:
    """The status of a run at that fraction."""
    return Status("busy", "About that", fraction=fraction, seconds_left=left)


@pytest.fixture
def clock(monkeypatch) -> SimpleNamespace:
    """Replaces the clock by one that stands still; `now` sets it."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(several, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_estimates_count_until_the_first_run_knows_its_time(clock):
    runs = SeveralRuns([10.0, 20.0, 10.0])
    assert runs.overall(PREPARING) == Overall(1, 3, 40.0, 0.0)
    clock.now += 5
    assert runs.overall(running(0.08, 90.0)) == Overall(1, 3, pytest.approx(39.2), 0.02)


def test_time_of_the_current_run_foretells_the_others(clock):
    runs = SeveralRuns([10.0, 20.0, 10.0])
    clock.now += 8
    # Twice as long as estimated: 8 s have passed and 12 are left of 10, so 60 for the other 30.
    assert runs.overall(running(0.4, 12.0)) == Overall(1, 3, 72.0, pytest.approx(0.1))


def test_time_left_does_not_jump_from_one_run_to_the_next(clock):
    runs = SeveralRuns([10.0] * 4)
    lefts = []
    for _ in range(4):
        for second in range(0, 20, 2):
            lefts.append(runs.overall(running(max(0.1, second / 20), 20.0 - second)).seconds_left)
            clock.now += 2
        lefts.append(runs.overall(DONE).seconds_left)
        runs.go_on()
    moments = [20.0 * run + second for run in range(4) for second in range(0, 22, 2)]
    assert lefts == [pytest.approx(80.0 - moment) for moment in moments]


def test_run_that_fails_foretells_nothing(clock):
    runs = SeveralRuns([10.0, 20.0])
    clock.now += 1
    runs.skip()
    assert runs.overall(PREPARING) == Overall(2, 2, 20.0, pytest.approx(1 / 3))


def test_finished_run_leaves_nothing_of_its_own(clock):
    runs = SeveralRuns([10.0, 20.0])
    clock.now += 5
    runs.go_on()
    assert runs.overall(PREPARING) == Overall(2, 2, 10.0, pytest.approx(1 / 3))
    assert runs.overall(DONE) == Overall(2, 2, 0.0, 1.0)
