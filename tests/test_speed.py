"""The measurement of speed with a clock set by hand."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from neural_style import speed as measure
from neural_style.plan import clock
from neural_style.speed import measure_speed

SECONDS = [60.0, 70.0, 71.0, 71.5, 72.0, 72.8, 73.1, 99.0]
"""Of each iteration since the start; the first ones load and compile."""


@pytest.fixture
def frames(monkeypatch):
    """Those that were asked for of a run with that clock, in a machine with a CPU alone."""
    asked = []

    def stylize(content, style, settings, every):
        assert every == 1
        assert content.shape == style.shape == (1, 3, 192, 256)
        for iteration, seconds in enumerate(SECONDS):
            asked.append(iteration)
            yield SimpleNamespace(iteration=iteration, seconds=seconds)

    monkeypatch.setattr(measure, "stylize", stylize)
    monkeypatch.setattr(measure, "choose_device", lambda name: SimpleNamespace(type="cpu"))
    return asked


def test_steps_are_timed_after_the_first_three_for_a_second_and_a_half(frames, monkeypatch):
    monkeypatch.setattr(clock, "_FIXED_PIXELS", 848)
    # From the third, at 71.5, to the sixth, at 73.1: three steps of 50,000 pixels.
    assert measure_speed(lambda: True) == pytest.approx(3 * 50_000 / 1.6)
    assert frames == [*range(7)]


def test_the_measurement_stops_when_asked_to(frames):
    assert measure_speed(lambda: len(frames) < 3) is None
    assert frames == [0, 1, 2]


@pytest.mark.usefixtures("tiny")
def test_a_real_run_is_measured(monkeypatch):
    monkeypatch.setattr(measure, "_SECONDS", 0.01)
    monkeypatch.setattr(measure, "_SIZES", dict.fromkeys(measure._SIZES, 64))
    assert measure_speed(lambda: True) > 0
