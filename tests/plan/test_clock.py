"""Estimates of time with a clock set by hand."""

from __future__ import annotations

import pytest

from neural_style.plan import clock
from neural_style.plan.clock import Clock, in_words, work
from neural_style.plan.schedule import Scale


@pytest.fixture
def at(monkeypatch):
    """Sets the time; an evaluation has no fixed cost."""
    monkeypatch.setattr(clock, "_FIXED_PIXELS", 0)

    def set_time(seconds):
        monkeypatch.setattr(clock.time, "monotonic", lambda: seconds)

    set_time(100.0)
    return set_time


def test_the_clock_divides_the_work_left_by_that_done_a_second(at, monkeypatch):
    monkeypatch.setattr(clock, "_FIXED_PIXELS", 200)
    # 100 + 200 pixels × 10 looks, then 400 + 200 × 5 looks: 6000 in all.
    assert work([Scale(10, 10, 9), Scale(20, 20, 4)]) == 6000
    timer = Clock(98.0, [Scale(10, 10, 9), Scale(20, 20, 4)], speed=1.0)
    at(101.0)
    timer.tick(0, 1)
    at(105.0)
    assert timer.tick(0, 9) == (7.0, 5.0)  # 2400 in four seconds, so 3000 in five
    at(109.0)
    assert timer.tick(1, 4) == (11.0, 0.0)


def test_loading_compiling_and_the_first_step_do_not_count_for_the_speed(at):
    timer = Clock(90.0, [Scale(10, 10, 10)], speed=200.0)  # eleven looks; two a second are believed
    at(150.0)
    assert timer.tick(0, 0) == (60.0, 5.0)  # as believed
    at(170.0)
    assert timer.tick(0, 1) == (80.0, 4.5)  # the first step compiles, too
    at(171.0)
    assert timer.tick(0, 2) == (81.0, 8.0)  # measured: one look a second
    at(175.0)
    assert timer.tick(0, 4) == (85.0, pytest.approx(6 * 5 / 3))


def test_a_speed_above_the_expected_one_counts_at_once(at):
    timer = Clock(100.0, [Scale(10, 10, 10)], speed=1.0)
    at(102.0)
    assert timer.tick(0, 0) == (2.0, 20.0)
    at(103.0)
    assert timer.tick(0, 1) == (3.0, 13.5)


def test_a_continued_run_measures_from_its_own_first_step_on(at):
    timer = Clock(100.0, [Scale(10, 10, 10), Scale(20, 20, 10)], 0, 9, speed=100.0)
    at(130.0)
    assert timer.tick(0, 10) == (30.0, 44.0)
    at(138.0)
    assert timer.tick(1, 1) == (38.0, 36.0)  # eight looks' worth in eight seconds


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.6, "1 min 0 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")],
)
def test_durations_are_written_in_usual_units(seconds, words):
    assert in_words(seconds) == words
