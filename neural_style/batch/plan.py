"""What a batch has to do, after comparing its rows with the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from neural_style.batch.jobs import Picture
from neural_style.batch.ledger import DONE, FAILED, Entry
from neural_style.batch.manifest import Planned, Problem
from neural_style.batch.places import exists
from neural_style.errors import ImageError
from neural_style.messages import Message


class Plan(NamedTuple):
    """What a batch does.

    Attributes:
        todo: Jobs to do.
        jobs: All jobs, also those that are done, in the order of the rows.
        skipped: Number of rows that are done.
        failed: Number of rows that failed before and are not done again.
    """

    todo: list[Planned]
    jobs: list[Picture]
    skipped: int
    failed: int


def compare(
    planned: Sequence[Planned], entries: Mapping[str, Entry], retry_failed: bool
) -> tuple[Plan, list[Problem]]:
    """What is left to do, and rows whose output is a file that no batch has made.

    Args:
        entries: Of the ledger, by the jobs' names.
        retry_failed: Whether rows that failed before are done again.
    """
    todo: list[Planned] = []
    foreign: list[Problem] = []
    skipped = failed = 0
    for one in planned:
        entry = entries.get(one.job.name)
        same = entry is not None and entry.request == one.request
        if same and entry.state == FAILED and not retry_failed:
            failed += 1
            continue
        try:
            is_there = exists(one.job.output)
        except ImageError as error:  # such as a name that is too long
            foreign.append(Problem(one.job.number, error.message))
            continue
        if same and entry.state == DONE and is_there:
            skipped += 1
        elif is_there and entry is None:
            wrong = Message("batch.foreign_output", output=one.job.name)
            foreign.append(Problem(one.job.number, wrong))
        else:
            todo.append(one)
    return Plan(todo, [one.job for one in planned], skipped, failed), foreign
