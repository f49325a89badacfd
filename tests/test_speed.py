"""Speed measurement with simulated times."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from neural_style import speed as measure
from neural_style.plan.clock import Speed
from neural_style.speed import measure_speed

SECONDS = [60.0, 70.0, 71.0, 71.5, 72.0, 72.8, 73.1, 99.0]
"""Seconds from the start to each iteration; the first ones include loading and compilation."""


@pytest.fixture
def requested_iterations(monkeypatch):
    """Iterations requested from a simulated run with the times `SECONDS` on a CPU."""
    requested = []

    def stylize(content, style, settings, every):
        assert every == 1
        assert content.shape == style.shape == (1, 3, 192, 256)
        for iteration, seconds in enumerate(SECONDS):
            requested.append(iteration)
            yield SimpleNamespace(iteration=iteration, seconds=seconds)

    monkeypatch.setattr(measure, "stylize", stylize)
    monkeypatch.setattr(measure, "choose_device", lambda name: SimpleNamespace(type="cpu"))
    return requested


def test_speed_is_measured_for_1_5_seconds_after_three_steps(requested_iterations, monkeypatch):
    # From iteration 3 at 71.5 s to iteration 6 at 73.1 s: 0.5, 0.8 and 0.3 s.
    monkeypatch.setitem(measure.FIXED_SECONDS, "cpu", 0.1)
    assert measure_speed("gram", lambda: True) == Speed(pytest.approx(192 * 256 / 0.4), 0.1)
    assert requested_iterations == [*range(7)]


def test_measurement_stops_when_the_callback_returns_false(requested_iterations):
    assert measure_speed("gram", lambda: len(requested_iterations) < 3) is None
    assert requested_iterations == [0, 1, 2]


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("kind", measure.KINDS)
def test_measure_speed_of_a_real_run(kind, monkeypatch):
    monkeypatch.setattr(measure, "_SECONDS", 0.01)
    monkeypatch.setattr(measure, "_SIZES", dict.fromkeys(measure._SIZES, 64))
    assert measure_speed(kind, lambda: True).pixels > 0
