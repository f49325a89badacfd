"""Workers of a batch: one in this process. `ray_pool.py` has those of a Ray cluster."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from typing import Protocol, runtime_checkable

from neural_style.batch.jobs import Job, Outcome, Worker

_WINDOW = 200
"""Jobs from the front of the line among which one with a known style is looked for."""

_STYLES_KNOWN = 6
"""Sets of style images that a worker is taken to have kept: those of `Reuse` at size 512."""


@runtime_checkable
class Pool(Protocol):
    """Workers that do jobs."""

    def run(self, line: Line) -> Iterator[Outcome]:
        """Does all jobs of the line; yields their outcomes in the order in which they end."""
        ...


class Line:
    """Jobs that wait. A worker gets one whose style images it has seen, if one is near the front.

    Only the jobs near the front are held here, so the jobs may come from a generator.
    """

    def __init__(self, jobs: Iterable[Job], taken: Callable[[Job], None] = lambda job: None):
        """A line of jobs.

        Args:
            jobs: In the order in which they are to be done.
            taken: Called with each job that a worker is about to get.
        """
        self._upcoming = iter(jobs)
        self._taken = taken
        self._front: deque[Job] = deque()

    def take(self, seen: Styles, others: Collection[Styles] = ()) -> Job | None:
        """The next job for a worker; None if there is none.

        Args:
            seen: What the worker has seen; the job's styles are added.
            others: What the other workers have seen: a job with styles that none has is preferred
                to one with theirs.
        """
        self._front.extend(islice(self._upcoming, _WINDOW - len(self._front)))
        if not self._front:
            return None
        mine = (k for k, job in enumerate(self._front) if job.styles in seen)
        new = (
            k
            for k, job in enumerate(self._front)
            if not any(job.styles in other for other in others)
        )
        chosen = next(mine, None)
        if chosen is None:
            chosen = next(new, 0)
        job = self._front[chosen]
        del self._front[chosen]
        seen.add(job.styles)
        self._taken(job)
        return job

    def put_back(self, job: Job) -> None:
        """Puts a job at the front, to be done again."""
        self._front.appendleft(job)

    def __bool__(self) -> bool:
        self._front.extend(islice(self._upcoming, _WINDOW - len(self._front)))
        return bool(self._front)


class Styles:
    """The sets of style images that a worker has seen last."""

    def __init__(self) -> None:
        """Starts empty."""
        self._seen: OrderedDict[tuple[str, ...], None] = OrderedDict()

    def add(self, styles: tuple[str, ...]) -> None:
        """Adds a set, and drops the oldest beyond `_STYLES_KNOWN`."""
        self._seen.pop(styles, None)
        self._seen[styles] = None
        if len(self._seen) > _STYLES_KNOWN:
            self._seen.popitem(last=False)

    def __contains__(self, styles: tuple[str, ...]) -> bool:
        return styles in self._seen


class LocalPool:
    """One worker, in this process."""

    def __init__(self, worker: Worker):
        """A pool of that worker alone."""
        self._worker = worker

    def run(self, line: Line) -> Iterator[Outcome]:
        """Does the jobs one by one, while outcomes are asked for."""
        seen = Styles()
        while (job := line.take(seen)) is not None:
            yield job.run(self._worker)
