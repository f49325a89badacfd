"""The line of runs: order of arrival, waiting time, leaving, and use from several threads."""

from __future__ import annotations

import threading
from contextlib import suppress
from types import SimpleNamespace

import pytest

from neural_style.web.run import line as line_module
from neural_style.web.run.line import Line


@pytest.fixture
def clock(monkeypatch) -> SimpleNamespace:
    """Replaces the clock of the line by one that stands still; `now` sets it."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(line_module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_first_run_may_begin_at_once():
    line = Line()
    with line.enter(60) as place:
        assert line.wait(place, 0)
        assert line.before(place) == (0, 0)


def test_runs_begin_in_order_of_arrival():
    line = Line()
    with line.enter(1) as first, line.enter(1) as second, line.enter(1) as third:
        assert [line.wait(place, 0) for place in (third, second, first)] == [False, False, True]
    with line.enter(1) as second:
        with line.enter(1) as third:
            assert not line.wait(third, 0)
            assert line.wait(second, 0)
        with line.enter(1) as fourth:
            assert not line.wait(fourth, 0)


def test_next_run_may_begin_when_the_first_leaves():
    line = Line()
    first = line.enter(1)
    first_place = first.__enter__()
    with line.enter(1) as second:
        assert line.wait(first_place, 0)
        assert not line.wait(second, 0)
        first.__exit__(None, None, None)
        assert line.wait(second, 0)


def test_waiting_time_is_the_sum_of_the_runs_before(clock):
    line = Line()
    with line.enter(60), line.enter(30), line.enter(5) as third, line.enter(7) as fourth:
        assert line.before(third) == (2, 90)
        assert line.before(fourth) == (3, 95)


def test_waiting_time_excludes_what_the_current_run_has_done(clock):
    line = Line()
    with line.enter(60) as first, line.enter(30), line.enter(5) as third:
        clock.now += 10  # the first has not begun
        assert line.before(third) == (2, 90)
        assert line.wait(first, 0)
        clock.now += 20
        assert line.wait(first, 0)  # a second call does not restart its clock
        assert line.before(third) == (2, 70)


def test_run_that_takes_longer_than_estimated_counts_one_second(clock):
    line = Line()
    with line.enter(60) as first, line.enter(5) as second:
        assert line.wait(first, 0)
        clock.now += 1000
        assert line.before(second) == (1, 1)


def test_time_left_that_a_run_tells_replaces_its_estimate(clock):
    line = Line()
    with line.enter(60) as first, line.enter(5) as second, line.enter(5) as third:
        line.expect(second, 100)  # has not begun
        assert line.wait(first, 0)
        clock.now += 20
        line.expect(first, 70)
        assert line.before(third) == (2, 75)
        clock.now += 10
        assert line.before(third) == (2, 65)


def test_run_that_leaves_while_waiting_shortens_the_line():
    line = Line()
    with line.enter(60) as first:
        leaving = line.enter(60)  # with the same duration as the first
        leaving.__enter__()
        with line.enter(5) as third:
            assert line.before(third) == (2, 120)
            leaving.__exit__(None, None, None)
            assert line.before(third) == (1, 60)
            assert line.wait(first, 0)
            assert not line.wait(third, 0)


def test_run_that_fails_leaves_the_line():
    line = Line()
    with pytest.raises(RuntimeError, match="a mistake"), line.enter(60):
        raise RuntimeError("a mistake")
    with line.enter(60) as place:
        assert line.wait(place, 0)


def test_waiting_thread_wakes_when_the_first_run_leaves():
    line, entered, began = Line(), threading.Event(), threading.Event()

    def run_second() -> None:
        with line.enter(1) as place:
            entered.set()
            if line.wait(place, 60):
                began.set()

    thread = threading.Thread(target=run_second)
    with line.enter(1) as place:
        assert line.wait(place, 0)
        thread.start()
        assert entered.wait(60)
        assert not began.wait(0.1)
    assert began.wait(60)
    thread.join(60)


def test_only_one_of_many_threads_runs_at_a_time():
    line, overlap = Line(), threading.Barrier(2)
    overlapping, finished = [], []

    def run(number: int) -> None:
        with line.enter(1) as place:
            assert line.wait(place, 60)
            with suppress(threading.BrokenBarrierError):
                overlap.wait(0.02)  # passes if another run comes here at the same time
                overlapping.append(number)
            overlap.reset()
            finished.append(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert overlapping == []
    assert sorted(finished) == [*range(8)]
    with line.enter(1) as place:
        assert line.before(place) == (0, 0)
