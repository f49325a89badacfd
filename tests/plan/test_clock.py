"""Estimates of the time left, with simulated times."""

from __future__ import annotations

import pytest

from neural_style.plan import clock
from neural_style.plan.clock import Clock, Speed, in_words, seconds_of
from neural_style.plan.schedule import CELLS, LAYERS, Scale


@pytest.fixture
def set_clock(monkeypatch):
    """Sets the simulated time; starts cost one iteration."""
    monkeypatch.setattr(clock, "_STARTS", {"": 1, CELLS: 1, LAYERS: 1})

    def set_time(seconds):
        monkeypatch.setattr(clock.time, "monotonic", lambda: seconds)

    set_time(100.0)
    return set_time


def test_time_left_is_remaining_time_at_the_pace_so_far(set_clock):
    # (100 / 100 + 2) seconds × 10 evaluations, then (400 / 100 + 2) × 5: 60 in total.
    speed = Speed(100.0, 2.0)
    assert seconds_of([Scale(10, 10, 9), Scale(20, 20, 4)], speed) == 60
    timer = Clock(98.0, [Scale(10, 10, 9), Scale(20, 20, 4)], speed=speed)
    set_clock(101.0)
    timer.tick(0, 1)
    set_clock(105.0)
    assert timer.tick(0, 9) == (7.0, 5.0)  # 24 expected seconds in 4 s, so 30 in 5 s
    set_clock(109.0)
    assert timer.tick(1, 4) == (11.0, 0.0)


def test_speed_excludes_loading_compiling_and_first_step(set_clock):
    timer = Clock(
        90.0, [Scale(10, 10, 10)], speed=Speed(200.0, 0.0)
    )  # 11 evaluations, 2 per second expected
    set_clock(150.0)
    assert timer.tick(0, 0) == (60.0, 5.0)  # at the expected speed
    set_clock(170.0)
    assert timer.tick(0, 1) == (80.0, 4.5)  # the first step includes compilation
    set_clock(171.0)
    assert timer.tick(0, 2) == (81.0, 8.0)  # measured: 1 evaluation per second
    set_clock(175.0)
    assert timer.tick(0, 4) == (85.0, pytest.approx(6 * 5 / 3))


def test_speed_above_the_expected_one_is_used_at_once(set_clock):
    timer = Clock(100.0, [Scale(10, 10, 10)], speed=Speed(1.0, 0.0))
    set_clock(102.0)
    assert timer.tick(0, 0) == (2.0, 20.0)
    set_clock(103.0)
    assert timer.tick(0, 1) == (3.0, 13.5)


def test_resumed_run_measures_speed_from_its_own_first_step(set_clock):
    scales = [Scale(10, 10, 10), Scale(20, 20, 10)]
    timer = Clock(100.0, scales, 0, 9, speed=Speed(100.0, 0.0))
    set_clock(130.0)
    assert timer.tick(0, 10) == (30.0, 44.0)
    set_clock(138.0)
    assert timer.tick(1, 1) == (38.0, 36.0)  # 800 pixels in 8 s, so 3600 in 36 s


def test_start_of_a_pass_costs_several_iterations(set_clock, monkeypatch):
    monkeypatch.setattr(clock, "_STARTS", {"": 3, CELLS: 6, LAYERS: 3})
    scales = [Scale(10, 10, 4, CELLS), Scale(20, 20, 5, LAYERS)]
    speed = Speed(100.0, 0.0)
    assert seconds_of(scales, speed) == 1 * (6 + 4) + 4 * (3 + 5) == 42
    timer = Clock(100.0, scales, speed=speed)
    set_clock(106.0)
    assert timer.tick(0, 0) == (6.0, 36.0)  # 600 pixels are done
    set_clock(107.0)
    assert timer.tick(0, 1)[1] == 35.0
    set_clock(110.0)
    assert timer.tick(0, 4) == (10.0, 32.0)
    set_clock(122.0)
    assert timer.tick(1, 0) == (22.0, 20.0)


def test_start_of_a_run_that_has_begun_is_left_out():
    scales, speed = [Scale(10, 10, 4, CELLS), Scale(20, 20, 5, LAYERS)], Speed(100.0, 0.5)
    all_of_it, without = seconds_of(scales, speed), seconds_of(scales, speed, begun=True)
    assert all_of_it - without == clock._STARTS[CELLS] * 1.5


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.6, "1 min"), (185, "3 min 5 s"), (7800, "2 h 10 min")],
)
def test_in_words_formats_durations(seconds, words):
    assert in_words(seconds) == words
