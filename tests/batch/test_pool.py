"""The line of jobs, and the worker in this process."""

from __future__ import annotations

from typing import NamedTuple

from neural_style.batch.jobs import Outcome, Worker
from neural_style.batch.pool import Line, LocalPool, Styles


class Named(NamedTuple):
    """A job that paints nothing."""

    name: str
    styles: tuple[str, ...]

    def run(self, worker: Worker) -> Outcome:
        return Outcome(self.name, None, 0.0)


def jobs(styles: str) -> list[Named]:
    return [Named(str(number), (style,)) for number, style in enumerate(styles)]


def test_a_worker_gets_jobs_with_its_styles_first():
    pool = LocalPool(Worker())
    painted = [outcome.name for outcome in pool.run(Line(jobs("abcab")))]
    assert painted == ["0", "3", "1", "4", "2"]


def test_workers_avoid_each_others_styles():
    line, one, other = Line(jobs("aaabab")), Styles(), Styles()
    assert line.take(one).name == "0"
    assert line.take(other, [one]).name == "3"
    assert line.take(one, [other]).name == "1"
    assert line.take(other, [one]).name == "5"
    assert line.take(other, [one]).name == "2"  # none of its own is left
    assert line.take(other, [one]).name == "4"
    assert line.take(one, [other]) is None


def test_a_job_put_back_is_the_next():
    line, seen = Line(jobs("ab")), Styles()
    job = line.take(seen)
    line.put_back(job)
    assert line.take(seen) is job
    assert line


def test_only_the_front_of_a_long_line_is_made():
    made = []

    def endless():
        for number in range(10**9):
            made.append(number)
            yield Named(str(number), (str(number % 1000),))

    line, seen = Line(endless()), Styles()
    for _ in range(50):
        line.take(seen)
    assert len(made) < 300


def test_jobs_are_told_when_a_worker_gets_them():
    taken = []
    line = Line(jobs("ab"), taken=taken.append)
    assert line
    assert taken == []
    line.take(Styles())
    assert [job.name for job in taken] == ["0"]


def test_the_styles_seen_longest_ago_are_forgotten():
    seen = Styles()
    for style in "abcdefga":
        seen.add((style,))
    assert ("b",) not in seen
    assert all((style,) in seen for style in "cdefga")
