"""Estimates of the work and the time of a run."""

from __future__ import annotations

import time
from collections.abc import Sequence

from neural_style.plan.schedule import CELLS, LAYERS, Scale


class Clock:
    """Seconds since the start of a run, and an estimate of the seconds left.

    The measured speed excludes loading, compiling and the first step. Until the second step, the
    estimate uses `speed`, or the speed of the run so far if that is faster.
    """

    def __init__(
        self,
        started: float,
        scales: list[Scale],
        number: int = 0,
        iteration: int = 0,
        *,
        speed: float,
    ):
        """Starts measuring.

        Args:
            started: `time.monotonic()` at the start of the run.
            number, iteration: Scale and iteration where a continued run begins.
            speed: Expected speed of this run: pixels per second, as `work` counts them.
        """
        self.started = started
        self.scales = scales
        self.speed = speed
        self.begins_at = number, iteration
        before = work(scales[:number]) + _pixels_each(scales[number]) * iteration
        self.begun = time.monotonic(), before
        self.stepped: tuple[float, int] | None = None

    def tick(self, number: int, iteration: int) -> tuple[float, float]:
        """Seconds since the start and seconds left, after evaluating an iteration of a scale.

        Call it at every iteration, so that the first step is not counted in the speed.
        """
        now = time.monotonic()
        here = self.scales[number]
        evaluations = _STARTS[here.stage] + iteration
        done = work(self.scales[:number]) + _pixels_each(here) * evaluations
        left = work(self.scales) - done
        since, before = self.stepped or self.begun
        pace = (now - since) / (done - before)
        if self.stepped is None:
            pace = min(pace, 1 / self.speed)
            if (number, iteration) > self.begins_at:
                self.stepped = now, done
        return now - self.started, left * pace


GUESSED_SPEEDS = {"cpu": 200_000.0, "mps": 1_000_000.0, "cuda": 5_000_000.0}
"""Pixels per second with statistic gram, as `work` counts them, by device type, for use before
anything was measured. The value for cpu was measured on two cores; the others are guesses."""


COST_OF_STATISTIC = {"nearest": 0.6}
"""Cost of an iteration relative to statistic gram; statistics not listed cost as much as gram."""

_STARTS = {"": 3, CELLS: 6, LAYERS: 3}
"""Stage of a pass → cost of its start in iterations: evaluating the pictures, finding the matches.
Measured on two cores."""


def cost_of(statistic: str) -> float:
    """Cost of an iteration with that statistic, relative to gram."""
    return COST_OF_STATISTIC.get(statistic, 1.0)


def in_words(seconds: float) -> str:
    """A duration for people: "48 s", "3 min 5 s", "2 h 10 min", "3 min"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        parts = (f"{hours} h", f"{minutes_left} min" if minutes_left else "")
    else:
        parts = (f"{minutes} min" if minutes else "", f"{rest} s" if rest or not minutes else "")
    return " ".join(filter(None, parts))


def work(scales: Sequence[Scale]) -> int:
    """Work of the scales, in pixels: the start of each, and an evaluation after each step."""
    return sum(_pixels_each(scale) * (_STARTS[scale.stage] + scale.iterations) for scale in scales)


def _pixels_each(scale: Scale) -> int:
    return scale.height * scale.width + _FIXED_PIXELS


_FIXED_PIXELS = 7_000
"""Fixed cost of an iteration, in pixels: measured on two cores."""
