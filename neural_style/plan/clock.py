"""Estimates of the work and the time of a run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from neural_style.plan.schedule import CELLS, LAYERS, Scale


class Speed(NamedTuple):
    """How fast a machine makes iterations of one kind.

    Attributes:
        pixels: Pixels per second.
        fixed: Seconds that an iteration takes besides.
    """

    pixels: float
    fixed: float


class Clock:
    """Seconds since the start of a run, and an estimate of the seconds left.

    The measured pace excludes loading, compiling and the first step. Until the second step, the
    estimate uses `speed`, or the pace of the run so far if that is faster.
    """

    def __init__(
        self,
        started: float,
        scales: list[Scale],
        number: int = 0,
        iteration: int = 0,
        *,
        speed: Speed,
    ):
        """Starts measuring.

        Args:
            started: `time.monotonic()` at the start of the run.
            number, iteration: Scale and iteration where a continued run begins.
            speed: Expected speed of this run.
        """
        self.started = started
        self.scales = scales
        self.speed = speed
        self.begins_at = number, iteration
        before = seconds_of(scales[:number], speed)
        before += _seconds_each(scales[number], speed) * iteration
        self.begun = time.monotonic(), before
        self.stepped: tuple[float, float] | None = None

    def tick(self, number: int, iteration: int) -> tuple[float, float]:
        """Seconds since the start and seconds left, after evaluating an iteration of a scale.

        Call it at every iteration, so that the first step is not counted in the speed.
        """
        now = time.monotonic()
        here = self.scales[number]
        evaluations = _STARTS[here.stage] + iteration
        done = seconds_of(self.scales[:number], self.speed)
        done += _seconds_each(here, self.speed) * evaluations
        left = seconds_of(self.scales, self.speed) - done
        since, before = self.stepped or self.begun
        pace = (now - since) / (done - before)
        if self.stepped is None:
            pace = min(pace, 1.0)
            if (number, iteration) > self.begins_at:
                self.stepped = now, done
        return now - self.started, left * pace


FIXED_SECONDS = {"cpu": 0.06, "mps": 0.06, "cuda": 0.01}
"""Seconds of an iteration besides those for its pixels, by device type: for cpu what
fits the measured times of runs of 256 to 1024 pixels on two kinds best, for cuda measured on an
H100, for mps a guess."""

GUESSED_SPEEDS = {
    kind: Speed(pixels, FIXED_SECONDS[kind])
    for kind, pixels in {"cpu": 200_000.0, "mps": 1_000_000.0, "cuda": 5_000_000.0}.items()
}
"""Device type → speed before anything was measured: for cpu the mean of two kinds, the others are
guesses."""

_STARTS = {"": 3, CELLS: 6, LAYERS: 3}
"""Stage of a pass → cost of its start in iterations: evaluating the pictures, finding the matches.
Between what was measured on two kinds of CPU, two cores each."""


def in_words(seconds: float) -> str:
    """A duration for people: "48 s", "3 min 5 s", "2 h 10 min", "3 min"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        parts = (f"{hours} h", f"{minutes_left} min" if minutes_left else "")
    else:
        parts = (f"{minutes} min" if minutes else "", f"{rest} s" if rest or not minutes else "")
    return " ".join(filter(None, parts))


def seconds_of(scales: Sequence[Scale], speed: Speed, *, begun: bool = False) -> float:
    """Estimated seconds of the scales: the start of each, and an evaluation after each step.

    Args:
        begun: Whether the start of the first one is left out.
    """
    seconds = sum(
        _seconds_each(scale, speed) * (_STARTS[scale.stage] + scale.iterations) for scale in scales
    )
    if begun:
        seconds -= _seconds_each(scales[0], speed) * _STARTS[scales[0].stage]
    return seconds


def _seconds_each(scale: Scale, speed: Speed) -> float:
    return scale.height * scale.width / speed.pixels + speed.fixed
