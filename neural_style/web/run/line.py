"""The line of runs on this machine: one goes on, the others wait in order of arrival."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(eq=False)
class Place:
    """A run's place in the line.

    Attributes:
        seconds: Estimated duration of the run.
        began: `time.monotonic()` when the run began; None while it waits.
    """

    seconds: float
    began: float | None = None


@dataclass
class Line:
    """The runs that go on or wait, the first one first; safe to use from many threads."""

    _places: list[Place] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def enter(self, seconds: float) -> Iterator[Place]:
        """A place at the end of the line, until the block is left.

        Args:
            seconds: Estimated duration of the run.
        """
        place = Place(seconds)
        with self._changed:
            self._places.append(place)
        try:
            yield place
        finally:
            with self._changed:
                self._places.remove(place)
                self._changed.notify_all()

    def wait(self, place: Place, timeout_seconds: float) -> bool:
        """Waits until the run may begin, or until the timeout. Returns whether it may begin."""
        with self._changed:
            first = self._changed.wait_for(lambda: self._places[0] is place, timeout_seconds)
            if first and place.began is None:
                place.began = time.monotonic()
        return first

    def expect(self, place: Place, seconds_left: float) -> None:
        """Replaces the estimated duration of a run that has begun, from its own time left."""
        with self._changed:
            if place.began is not None:
                place.seconds = time.monotonic() - place.began + seconds_left

    def before(self, place: Place) -> tuple[int, float]:
        """Number of runs before the place, and estimated seconds until they are done."""
        with self._changed:
            ahead = self._places[: self._places.index(place)]
        now = time.monotonic()
        left = [
            one.seconds if one.began is None else max(1.0, one.seconds - (now - one.began))
            for one in ahead
        ]
        return len(ahead), sum(left)
