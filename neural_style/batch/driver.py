"""Does what the command `batch` asks for: compares, paints, records, tells."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from neural_style.batch.estimate import estimate, estimate_film
from neural_style.batch.films import film_task, is_film, paint_here, paint_in_pieces
from neural_style.batch.jobs import Worker
from neural_style.batch.ledger import Ledger, open_ledger, read_ledger
from neural_style.batch.manifest import (
    Defaults,
    Planned,
    Problem,
    list_rows,
    plan_jobs,
    read_manifest,
)
from neural_style.batch.places import (
    absolute,
    exists,
    is_local,
    join,
    list_pictures,
    make_folder,
    parent_of,
    stamp,
    sweep,
)
from neural_style.batch.plan import Plan, compare
from neural_style.batch.pool import Line, LocalPool, Pool
from neural_style.batch.progress import ForPeople, ForPrograms, Progress
from neural_style.batch.ray_pool import RayPool, ray_cluster
from neural_style.batch.sheet import save_sheet
from neural_style.errors import SettingsError
from neural_style.film.paint import Later
from neural_style.flags import given_settings
from neural_style.interrupts import exit_code
from neural_style.settings.presets import DEFAULT_QUALITY, choose_preset

SOME_FAILED = 1
USER_ERROR = 2

LEDGER = "ledger.jsonl"
"""Name of the ledger in the folder of the results."""

_SHEET = "contact-sheet.jpg"


def run_batch(options: argparse.Namespace) -> int:
    """Runs the command with the options of `command.add_batch`; returns the exit code."""
    if options.workers and not options.address:
        raise SettingsError("batch.workers_without_cluster")
    if bool(options.source) == bool(options.content):
        raise SettingsError("batch.one_source")
    progress = ForPrograms() if options.json else ForPeople()
    if options.source and is_film(options.source):
        return _film(progress, options)
    return _pictures(progress, options)


def _film(progress: Progress, options: argparse.Namespace) -> int:
    preset = choose_preset(options.preset or DEFAULT_QUALITY, options.manner)
    task = film_task(
        options.source,
        options.style or (),
        options.output,
        replace(preset, **given_settings(options)),
        Later(steps=options.later_iterations),
    )
    if options.dry_run:
        progress.film(*estimate_film(task))
        return 0
    with _told_to_the_end(progress) as ended:
        if options.address is None:
            paint_here(task, Worker(options.threads), progress)
        else:
            with _pool(options) as pool:
                ended.failed = not paint_in_pieces(task, options.piece, pool, progress)
    return ended.code or (SOME_FAILED if ended.failed else 0)


def _pictures(progress: Progress, options: argparse.Namespace) -> int:
    planned, problems = _planned(options)
    ledger_path = _ledger_path(options)
    if options.dry_run:
        plan, foreign = compare(planned, read_ledger(ledger_path), options.retry_failed)
        progress.problems([*problems, *foreign])
        if (problems or foreign) and not options.keep_going:
            return USER_ERROR
        progress.plan(plan, *estimate([one.job for one in plan.todo]))
        return 0
    progress.problems(problems)
    if problems and not options.keep_going:
        return USER_ERROR
    make_folder(options.output)
    with open_ledger(ledger_path) as ledger:
        plan, foreign = compare(planned, ledger.entries, options.retry_failed)
        progress.problems(foreign)
        if foreign and not options.keep_going:
            return USER_ERROR
        sweep(options.output)
        ended = _paint(plan, ledger, progress, options)
        _make_sheet(plan, ledger, join(options.output, _SHEET))
    failed = ended.failed or plan.failed or problems or foreign
    return ended.code or (SOME_FAILED if failed else 0)


def _make_sheet(plan: Plan, ledger: Ledger, path: str) -> None:
    """Writes the contact sheet, unless a file that no batch has made has its place."""
    painted = [job.output for job in plan.jobs if ledger.is_done(job.name)]
    is_ours = _SHEET in ledger.entries and all(job.name != _SHEET for job in plan.jobs)
    if painted and (is_ours or not exists(path)):
        ledger.begin(_SHEET, "")
        save_sheet(painted, path)


def _paint(plan: Plan, ledger: Ledger, progress: Progress, options: argparse.Namespace) -> _Ended:
    """Does the jobs."""
    requests = {one.job.name: one.request for one in plan.todo}
    line = Line(
        [one.job for one in plan.todo],
        taken=lambda job: ledger.begin(job.name, requests[job.name]),
    )
    progress.begin(len(plan.todo), plan.skipped, plan.failed)
    with _told_to_the_end(progress) as ended, _pool(options) as pool:
        for outcome in pool.run(line):
            ledger.end(requests[outcome.name], outcome)
            progress.tell(outcome)
            ended.failed = ended.failed or outcome.error is not None
    return ended


@dataclass
class _Ended:
    """How a batch ended: whether a job failed, and the exit code of an interruption."""

    failed: bool = False
    code: int = 0


@contextmanager
def _told_to_the_end(progress: Progress) -> Iterator[_Ended]:
    """Tells the end, also after Ctrl-C, which is not raised further."""
    ended = _Ended()
    try:
        yield ended
    except KeyboardInterrupt as interrupt:
        ended.code = exit_code(interrupt)
    finally:
        progress.end(bool(ended.code))


def _planned(options: argparse.Namespace) -> tuple[list[Planned], list[Problem]]:
    """The jobs, and what is wrong with rows."""
    if options.source:
        rows, base = read_manifest(options.source), parent_of(options.source)
    else:
        contents = [
            path
            for given in options.content
            for path in ([given] if stamp(given) else list_pictures(given))
        ]
        rows, base = list_rows(contents), ""
    defaults = Defaults(
        styles=tuple(map(absolute, options.style or ())),
        manner=options.manner,
        preset=options.preset,
        settings=given_settings(options),
        ending=f".{options.format}",
        bits=options.bits,
    )
    return plan_jobs(rows, base, options.output, defaults)


def _ledger_path(options: argparse.Namespace) -> Path:
    if options.ledger:
        return Path(options.ledger)
    if not is_local(options.output):
        raise SettingsError("batch.no_ledger", folder=options.output)
    return Path(options.output) / LEDGER


@contextmanager
def _pool(options: argparse.Namespace) -> Iterator[Pool]:
    if options.address is None:
        yield LocalPool(Worker(options.threads))
        return
    with ray_cluster(options.address) as ray:
        yield RayPool(ray, options.workers, options.threads)
