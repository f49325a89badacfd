"""What a batch tells while it runs: a progress bar for people, or JSON Lines for programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol, runtime_checkable

from tqdm import tqdm

from neural_style.batch.jobs import Outcome
from neural_style.batch.manifest import Problem
from neural_style.batch.plan import Plan
from neural_style.plan.clock import in_words

_TOLD = 20
"""Rows that are named before "and … more"."""


@runtime_checkable
class Progress(Protocol):
    """Where a batch tells what happens."""

    def problems(self, problems: Sequence[Problem]) -> None:
        """Rows that cannot be painted."""
        ...

    def plan(self, plan: Plan, seconds: float, memory: int) -> None:
        """What would be done: by one worker in that time, with that many bytes of memory."""
        ...

    def film(self, frames: int, scenes: int, seconds: float, memory: int) -> None:
        """What a film would take, as `FilmEstimate`."""
        ...

    def begin(self, jobs: int, skipped: int, failed: int = 0) -> None:
        """Before the first job.

        Args:
            jobs: Jobs to do.
            skipped: Jobs that are done.
            failed: Jobs that failed before and are not done again.
        """
        ...

    def tell(self, outcome: Outcome) -> None:
        """After each job."""
        ...

    def end(self, stopped: bool) -> None:
        """After the last job, or when the batch is stopped."""
        ...


class ForPeople:
    """A progress bar on standard error, with a line for each failure."""

    def __init__(self) -> None:
        """The bar appears with `begin`."""
        self._bar: tqdm | None = None
        self._done = self._failed = self._skipped = 0
        self._started = time.monotonic()

    def problems(self, problems: Sequence[Problem]) -> None:
        for number, message in problems[:_TOLD]:
            print(f"neural_style: row {number}: {message}", file=sys.stderr)
        if len(problems) > _TOLD:
            more = len(problems) - _TOLD
            print(f"neural_style: … and {more} more rows are wrong.", file=sys.stderr)

    def plan(self, plan: Plan, seconds: float, memory: int) -> None:
        print(
            f"{len(plan.todo)} to paint, {plan.skipped} done before, {plan.failed} failed before. "
            f"One worker like this machine takes about {in_words(seconds)} and "
            f"{memory / 1e9:.1f} GB of memory."
        )
        for one in plan.todo[:_TOLD]:
            print(f"  row {one.job.number}: {one.job.name}")
        if len(plan.todo) > _TOLD:
            print(f"  … and {len(plan.todo) - _TOLD} more")

    def film(self, frames: int, scenes: int, seconds: float, memory: int) -> None:
        print(
            f"{frames} frames in {scenes} scenes. One worker like this machine takes about "
            f"{in_words(seconds)} and {memory / 1e9:.1f} GB of memory."
        )

    def begin(self, jobs: int, skipped: int, failed: int = 0) -> None:
        self._skipped, self._failed, self._started = skipped, failed, time.monotonic()
        self._bar = tqdm(
            total=jobs,
            file=sys.stderr,
            dynamic_ncols=True,
            bar_format="{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}, {remaining} left{postfix}",
        )

    def tell(self, outcome: Outcome) -> None:
        self._done += outcome.error is None
        if outcome.error is not None:
            self._failed += 1
            self._bar.write(f"{outcome.name}: {outcome.error}", file=sys.stderr)
            self._bar.set_postfix_str(f"{self._failed} failed", refresh=False)
        self._bar.update()

    def end(self, stopped: bool) -> None:
        if self._bar is not None:  # else an error before the first job is told by itself
            self._bar.close()
            parts = [f"{self._done} painted in {in_words(time.monotonic() - self._started)}"]
            parts += [f"{self._skipped} done before"] if self._skipped else []
            parts += [f"{self._failed} failed"] if self._failed else []
            print(", ".join(parts) + ".", file=sys.stderr)
        if stopped:
            print("Stopped. Run the same command again to continue.", file=sys.stderr)


class ForPrograms:
    """One JSON object per line on standard output."""

    def __init__(self) -> None:
        """Starts to count with `begin`."""
        self._output = sys.stdout  # which `ray_cluster` redirects
        self._jobs = self._skipped = self._done = self._failed = 0
        self._started = time.monotonic()

    def problems(self, problems: Sequence[Problem]) -> None:
        for number, message in problems:
            self._write("problem", row=number, error=str(message))

    def plan(self, plan: Plan, seconds: float, memory: int) -> None:
        counts = {"todo": len(plan.todo), "skipped": plan.skipped, "failed": plan.failed}
        self._write("plan", **counts, seconds=round(seconds), memory_gb=round(memory / 1e9, 2))

    def film(self, frames: int, scenes: int, seconds: float, memory: int) -> None:
        counts = {"frames": frames, "scenes": scenes}
        self._write("plan", **counts, seconds=round(seconds), memory_gb=round(memory / 1e9, 2))

    def begin(self, jobs: int, skipped: int, failed: int = 0) -> None:
        self._jobs, self._skipped, self._started = jobs, skipped, time.monotonic()
        self._write("begin", jobs=jobs, skipped=skipped, failed=failed)

    def tell(self, outcome: Outcome) -> None:
        self._done += outcome.error is None
        self._failed += outcome.error is not None
        ended = self._done + self._failed
        each = (time.monotonic() - self._started) / ended
        self._write(
            "done" if outcome.error is None else "failed",
            name=outcome.name,
            error=None if outcome.error is None else str(outcome.error),
            seconds=round(outcome.seconds, 3),
            sha256=outcome.digest,
            done=self._done,
            failed=self._failed,
            jobs=self._jobs,
            seconds_left=round(each * (self._jobs - ended), 1),
        )

    def end(self, stopped: bool) -> None:
        counts = {"done": self._done, "failed": self._failed, "skipped": self._skipped}
        self._write("end", **counts, stopped=stopped)

    def _write(self, event: str, **values: Any) -> None:
        with suppress(OSError):  # standard output may be closed; the pictures are saved
            print(json.dumps({"event": event} | values), file=self._output, flush=True)
