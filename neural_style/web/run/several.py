"""Progress of several runs that are made one after another, as variations and albums are."""

from __future__ import annotations

import time
from collections.abc import Sequence

from neural_style.web.run.status import CERTAIN_FRACTION, Overall, Status


class SeveralRuns:
    """How far several runs are, from their estimated durations and the times that they take.

    Args:
        estimates: Estimated seconds of each run.
    """

    def __init__(self, estimates: Sequence[float]) -> None:
        self._estimates = estimates
        self._finished = 0
        self._spent = self._estimated = 0.0
        self._began = time.monotonic()

    def overall(self, current: Status) -> Overall:
        """How far all are.

        Args:
            current: Status of the current run.
        """
        number, estimates = self._finished, self._estimates
        one = estimates[number]
        done = current.kind == "done"
        fraction = 1.0 if done else current.fraction or 0.0
        spent, estimated = self._spent, self._estimated
        left = 0.0 if done else current.seconds_left if fraction >= CERTAIN_FRACTION else None
        if left is not None:
            spent += time.monotonic() - self._began + left
            estimated += one
        pace = spent / estimated if estimated else 1.0
        if left is None:
            left = (1 - fraction) * pace * one
        return Overall(
            number + 1,
            len(estimates),
            left + pace * sum(estimates[number + 1 :]),
            (sum(estimates[:number]) + fraction * one) / sum(estimates),
        )

    def go_on(self) -> None:
        """Turns to the next run, whose time is foretold by those that are finished."""
        self._spent += time.monotonic() - self._began
        self._estimated += self._estimates[self._finished]
        self.skip()

    def skip(self) -> None:
        """Turns to the next run after one that has failed."""
        self._finished += 1
        self._began = time.monotonic()
