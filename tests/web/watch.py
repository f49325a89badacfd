"""A watch over the network and the runs of the page."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Watch:
    """Sees every look of the network and every end of a run; may slow or hold the looks."""

    def __init__(self) -> None:
        self.seconds_per_look = 0.0
        self.allowed_looks = math.inf
        self.looks = 0
        self.begun = 0
        self.ended = 0
        self.changed = threading.Condition()

    def look(self) -> None:
        """Returns when the network may look."""
        self.count("looks")
        time.sleep(self.seconds_per_look)
        with self.changed:
            assert self.changed.wait_for(lambda: self.looks <= self.allowed_looks, timeout=60)

    def allow(self, looks: float) -> None:
        """Looks beyond so many wait until more are allowed."""
        with self.changed:
            self.allowed_looks = looks
            self.changed.notify_all()

    def count(self, name: str) -> None:
        with self.changed:
            setattr(self, name, getattr(self, name) + 1)
            self.changed.notify_all()

    def wait(self, *, looks: int = 0, ended: int = 0, timeout_seconds: float = 30) -> None:
        """Waits until there have been so many."""
        with self.changed:
            there = self.changed.wait_for(
                lambda: self.looks >= looks and self.ended >= ended, timeout_seconds
            )
        assert there, f"{self.looks} looks and {self.ended} ended runs in {timeout_seconds} s"

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """What is done inside stops the run that is going on, at once and for good."""
        looks, ended = self.looks, self.ended
        yield
        self.wait(ended=ended + 1)
        after = self.looks
        assert after - looks <= 3
        with self.changed:
            assert not self.changed.wait(3 * self.seconds_per_look + 0.1)
        assert self.looks == after
