"""What a batch tells while it runs: a progress bar for people, or JSON Lines for programs."""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from typing import Any, Protocol, runtime_checkable

from tqdm import tqdm

from neural_style.batch.jobs import Outcome
from neural_style.plan.clock import in_words


@runtime_checkable
class Progress(Protocol):
    """Where a batch tells what happens."""

    def begin(self, jobs: int, skipped: int) -> None:
        """Before the first job.

        Args:
            jobs: Jobs to be done.
            skipped: Jobs that an earlier run has done.
        """
        ...

    def tell(self, outcome: Outcome) -> None:
        """After each job."""
        ...

    def close(self) -> None:
        """After the last job, or when the batch is stopped."""
        ...


class Bar:
    """A progress bar on standard error, with a line for each failure."""

    def __init__(self) -> None:
        """A bar that appears with `begin`."""
        self._bar: tqdm | None = None
        self._failed = 0

    def begin(self, jobs: int, skipped: int) -> None:
        if skipped:
            print(f"{skipped} done before.", file=sys.stderr)
        self._bar = tqdm(
            total=jobs,
            unit="picture",
            file=sys.stderr,
            dynamic_ncols=True,
            bar_format="{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}, {remaining} left{postfix}",
        )

    def tell(self, outcome: Outcome) -> None:
        if outcome.error is not None:
            self._failed += 1
            self._bar.write(f"{outcome.output}: {outcome.error}", file=sys.stderr)
            self._bar.set_postfix_str(f"{self._failed} failed", refresh=False)
        self._bar.update()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


class JsonLines:
    """One JSON object per line on standard output."""

    def __init__(self) -> None:
        """Starts to count with `begin`."""
        self._jobs = self._done = self._failed = 0
        self._started = time.monotonic()

    def begin(self, jobs: int, skipped: int) -> None:
        self._jobs, self._started = jobs, time.monotonic()
        write_json("begin", jobs=jobs, skipped=skipped)

    def tell(self, outcome: Outcome) -> None:
        self._done += outcome.error is None
        self._failed += outcome.error is not None
        ended = self._done + self._failed
        each = (time.monotonic() - self._started) / ended
        write_json(
            "picture",
            output=outcome.output,
            error=None if outcome.error is None else str(outcome.error),
            seconds=round(outcome.seconds, 3),
            sha256=outcome.digest,
            done=self._done,
            failed=self._failed,
            jobs=self._jobs,
            seconds_left=round(each * (self._jobs - ended), 1),
        )

    def close(self) -> None:
        """Nothing is open."""


def write_json(event: str, **values: Any) -> None:
    """Writes one event to standard output."""
    with suppress(OSError):  # standard output may be closed; the pictures are saved
        print(json.dumps({"event": event} | values), flush=True)


def summary(done: int, failed: int, skipped: int, seconds: float) -> str:
    """The last line for people."""
    parts = [f"{done} painted in {in_words(seconds)}"]
    parts += [f"{skipped} done before"] if skipped else []
    parts += [f"{failed} failed"] if failed else []
    return ", ".join(parts) + "."
