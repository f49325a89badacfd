"""The shell's command `batch`: many pictures by a manifest, or a folder with one style."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from neural_style.batch.estimate import estimate
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
from neural_style.flags import add_knobs, add_preset_flags, file_name, given_settings
from neural_style.interrupts import exit_code

SOME_FAILED = 1
USER_ERROR = 2

_LEDGER = "ledger.jsonl"
_SHEET = "contact-sheet.jpg"


def add_batch(commands: argparse._SubParsersAction) -> None:
    """Adds the command to the shell."""
    command = commands.add_parser(
        "batch",
        help="repaint many pictures",
        description="Repaint many pictures: the rows of a table, or all pictures of a folder. Run "
        "the same command again to continue after an interruption: what is done is skipped.",
    )
    command.set_defaults(run=_run)
    command.add_argument(
        "manifest",
        nargs="?",
        type=file_name,
        metavar="MANIFEST",
        help="a table of pictures: .csv with the columns content, style, and if wanted output, "
        "manner, preset and any setting; or .jsonl with an object per line. Several styles of a "
        "row are separated by semicolons; paths are relative to the table",
    )
    command.add_argument(
        "--content",
        type=file_name,
        nargs="+",
        metavar="PATH",
        help="in place of MANIFEST: a folder of pictures, or pictures",
    )
    command.add_argument(
        "--style",
        type=file_name,
        nargs="+",
        metavar="STYLE",
        help="the style image, or several to be mixed; for the rows that name none",
    )
    _add_output(command)
    _add_workers(command)
    add_preset_flags(command)
    command.set_defaults(preset=None)
    add_knobs(command)


def _add_output(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "-o",
        "--output",
        type=file_name,
        required=True,
        metavar="DIR",
        help="folder of the results: on this machine, or a URL such as s3://… where the package "
        "for it (s3fs) is installed",
    )
    command.add_argument(
        "--format",
        choices=("png", "jpg", "webp"),
        default="png",
        help="of results whose row names no output; only png holds the recipe",
    )
    command.add_argument(
        "--bits", type=int, choices=(8, 16), default=8, help="of each channel; 16 in .png only"
    )
    command.add_argument(
        "--ledger",
        type=file_name,
        metavar="FILE",
        help=f"where the outcomes are recorded (default: DIR/{_LEDGER})",
    )
    command.add_argument(
        "--retry-failed", action="store_true", help="do rows again that have failed before"
    )
    command.add_argument(
        "--keep-going", action="store_true", help="do the good rows where others are wrong"
    )
    command.add_argument(
        "--dry-run",
        action="store_true",
        help="tell what would be done, in what time and memory; measures this machine",
    )
    command.add_argument("--json", action="store_true", help="tell what happens as JSON lines")


def _add_workers(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--address",
        metavar="ADDRESS",
        help="a Ray cluster: its host and port, auto, or local for one on this machine. Without "
        "it, the pictures are painted one by one in this process",
    )
    command.add_argument(
        "--workers",
        type=_count,
        default=0,
        help="workers on the cluster (default: one for each GPU, or for each 4 CPUs)",
    )
    command.add_argument(
        "--threads",
        type=_count,
        default=0,
        help="CPU threads of each worker (default: all, in equal shares)",
    )


def _count(given: str) -> int:
    if not given.isdecimal() or not 1 <= int(given) <= _MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"{given!r} is not a number from 1 to {_MOST_WORKERS}")
    return int(given)


_MOST_WORKERS = 10_000


def _run(options: argparse.Namespace) -> int:
    if options.workers and not options.address:
        raise SettingsError("batch.workers_without_cluster")
    progress = ForPrograms() if options.json else ForPeople()
    planned, problems = _planned(options)
    ledger_path = _ledger_path(options)
    if options.dry_run:
        plan, foreign = compare(planned, read_ledger(ledger_path), options.retry_failed)
        progress.problems([*problems, *foreign])
        progress.plan(plan, *estimate([one.job for one in plan.todo]))
        return USER_ERROR if (problems or foreign) and not options.keep_going else 0
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
        failed, code = _paint(plan, ledger, progress, options)
    sheet = join(options.output, _SHEET)
    painted = [job.output for job in plan.jobs if ledger.is_done(job.name)]
    if painted and absolute(sheet) not in {job.output for job in plan.jobs}:
        save_sheet(painted, sheet)
    return code or (SOME_FAILED if failed + plan.failed + len(problems) + len(foreign) else 0)


def _paint(
    plan: Plan, ledger: Ledger, progress: Progress, options: argparse.Namespace
) -> tuple[int, int]:
    """Does the jobs; returns how many failed, and the exit code of an interruption."""
    requests = {one.job.name: one.request for one in plan.todo}
    line = Line(
        [one.job for one in plan.todo],
        taken=lambda job: ledger.begin(job.name, requests[job.name]),
    )
    failed = code = 0
    progress.begin(plan)
    try:
        with _pool(options) as pool:
            for outcome in pool.run(line):
                ledger.end(requests[outcome.name], outcome)
                progress.tell(outcome)
                failed += outcome.error is not None
    except KeyboardInterrupt as interrupt:
        code = exit_code(interrupt)
    finally:
        progress.end(bool(code))
    return failed, code


def _planned(options: argparse.Namespace) -> tuple[list[Planned], list[Problem]]:
    """The jobs, and what is wrong with rows."""
    if bool(options.manifest) == bool(options.content):
        raise SettingsError("batch.one_source")
    if options.manifest:
        rows, base = read_manifest(options.manifest), parent_of(options.manifest)
    else:
        contents = [
            path
            for given in options.content
            for path in ([given] if _is_file(given) else list_pictures(given))
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


def _is_file(path: str) -> bool:
    return stamp(path) is not None


def _ledger_path(options: argparse.Namespace) -> Path:
    if options.ledger:
        return Path(options.ledger)
    if not is_local(options.output):
        raise SettingsError("batch.no_ledger", folder=options.output)
    return Path(options.output) / _LEDGER


@contextmanager
def _pool(options: argparse.Namespace) -> Iterator[Pool]:
    with ExitStack() as held:
        if options.address is None:
            yield LocalPool(Worker(options.threads))
        else:
            ray = held.enter_context(ray_cluster(options.address))
            yield RayPool(ray, options.workers, options.threads)
