"""Time: what a run costs, how fast it goes, how long it still takes."""

from __future__ import annotations

import time
from collections.abc import Sequence

from neural_style.plan.schedule import Scale


class Clock:
    """Seconds since the start of a run, and an estimate of the seconds left.

    Loading, compiling and the first step are no part of the speed that is measured. Until there is
    a step after them, the estimate is from `speed`, or from all that the run has done so far where
    that was faster.
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
        """Begins to measure.

        Args:
            number, iteration: Where a continued run begins.
            speed: Of this run on this machine, as far as is known: pixels a second, as `work`
                counts them.
        """
        self.started = started
        self.scales = scales
        self.speed = speed
        self.begins_at = number, iteration
        before = self._done(number, iteration) if number or iteration else 0
        self.begun = time.monotonic(), before
        self.stepped: tuple[float, int] | None = None

    def read(self, number: int, iteration: int) -> tuple[float, float]:
        """Seconds since the start and seconds left, after looking at `iteration` of a scale.

        To be asked at every iteration, so that the first step is known from the others.
        """
        now = time.monotonic()
        done = self._done(number, iteration + 1)
        left = work(self.scales) - done
        since, before = self.stepped or self.begun
        pace = (now - since) / (done - before)
        if self.stepped is None:
            pace = min(pace, 1 / self.speed)
            if (number, iteration) > self.begins_at:
                self.stepped = now, done
        return now - self.started, left * pace

    def _done(self, number: int, looks: int) -> int:
        here = self.scales[number]
        return work(self.scales[:number]) + _each(here) * looks


GUESSED_SPEEDS = {"cpu": 200_000.0, "mps": 1_000_000.0, "cuda": 5_000_000.0}
"""Pixels a second, as `work` counts them with statistic gram, by the kind of device: for as long as
nothing has been measured. That of cpu was measured on two cores; the others are guesses."""


COST_OF_STATISTIC = {"nearest": 0.8}
"""What an iteration costs by the statistic that compares styles, that of gram being 1.0; those not
listed cost as much as gram."""


def cost_of(statistic: str) -> float:
    """What an iteration with that statistic costs, that of gram being 1.0."""
    return COST_OF_STATISTIC.get(statistic, 1.0)


def in_words(seconds: float) -> str:
    """A duration for people: "48 s", "3 min 5 s", "2 h 10 min"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_left} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def work(scales: Sequence[Scale]) -> int:
    """What the scales cost, in pixels: one look before the first step and one after each."""
    return sum(_each(scale) * (scale.iterations + 1) for scale in scales)


def _each(scale: Scale) -> int:
    return scale.height * scale.width + _FIXED_PIXELS


_FIXED_PIXELS = 7_000
"""What an iteration costs beside its pixels, in pixels: measured on two cores."""
