"""The shell's command `batch`: many pictures by a manifest, or a folder with one style."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from neural_style.batch.estimate import estimate
from neural_style.batch.jobs import Worker
from neural_style.batch.ledger import DONE, FAILED, Entry, Ledger, open_ledger, read_ledger
from neural_style.batch.manifest import (
    Defaults,
    Planned,
    Problem,
    list_rows,
    plan_jobs,
    read_manifest,
)
from neural_style.batch.places import (
    is_local,
    join,
    list_pictures,
    make_folder,
    parent_of,
    stamp,
    sweep,
)
from neural_style.batch.pool import Line, LocalPool, Pool
from neural_style.batch.progress import Bar, JsonLines, summary, write_json
from neural_style.batch.ray_pool import RayPool, ray_cluster
from neural_style.batch.sheet import save_sheet
from neural_style.errors import SettingsError
from neural_style.flags import add_knobs, add_preset_flags, file_name, given_settings
from neural_style.interrupts import exit_code
from neural_style.messages import Message
from neural_style.plan.clock import in_words

SOME_FAILED = 1
USER_ERROR = 2

_LEDGER = "ledger.jsonl"
_SHEET = "contact-sheet.jpg"
_TOLD = 20
"""Problems that are told before "and … more"."""


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


class _Plan(NamedTuple):
    """What a batch does.

    Attributes:
        todo: Jobs to do.
        outputs: Outputs of all rows, in their order.
        skipped: Rows that are done.
        failed: Rows that failed before and are not done again.
    """

    todo: list[Planned]
    outputs: list[str]
    skipped: int
    failed: int


def _run(options: argparse.Namespace) -> int:
    planned, problems = _planned(options)
    folder = options.output
    problems = _tell_problems(problems, options)
    if problems and not options.keep_going:
        return USER_ERROR
    ledger_path = _ledger_path(options)
    if options.dry_run:
        return _dry_run(planned, read_ledger(ledger_path), options)
    make_folder(folder)
    ledger_path.parent.mkdir(parents=True, exist_ok=True)
    with open_ledger(ledger_path) as ledger:
        plan, foreign = _compare(planned, ledger.entries, options.retry_failed)
        if foreign and not options.keep_going:
            _tell_problems(foreign, options)
            return USER_ERROR
        sweep(folder)
        problems += foreign
        failed, code = _do(plan, ledger, options)
        failed += plan.failed + len(problems)
    sheet = join(folder, _SHEET)
    painted = [path for path in plan.outputs if _is_done(ledger, path)]
    if painted and sheet not in plan.outputs:
        save_sheet(painted, sheet)
    return code or (SOME_FAILED if failed else 0)


def _is_done(ledger: Ledger, output: str) -> bool:
    entry = ledger.entries.get(output)
    return entry is not None and entry.state == DONE


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
        styles=tuple(options.style or ()),
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


def _tell_problems(problems: Sequence[Problem], options: argparse.Namespace) -> list[Problem]:
    for number, message in problems if options.json else problems[:_TOLD]:
        if options.json:
            write_json("problem", row=number, error=str(message))
        else:
            print(f"neural_style: row {number}: {message}", file=sys.stderr)
    more = len(problems) - _TOLD
    if more > 0 and not options.json:
        print(f"neural_style: … and {more} more rows are wrong.", file=sys.stderr)
    return [*problems]


def _compare(
    planned: Sequence[Planned], entries: dict[str, Entry], retry_failed: bool
) -> tuple[_Plan, list[Problem]]:
    """What is left to do, and rows whose output is a file that no batch has made."""
    todo, foreign, skipped, failed = [], [], 0, 0
    for one in planned:
        entry = entries.get(one.job.output)
        same = entry is not None and entry.request == one.request
        if same and entry.state == FAILED and not retry_failed:
            failed += 1
            continue
        exists = stamp(one.job.output) is not None
        if same and entry.state == DONE and exists:
            skipped += 1
        elif exists and entry is None:
            wrong = Message("batch.foreign_output", output=one.job.output)
            foreign.append(Problem(one.job.number, wrong))
        else:
            todo.append(one)
    outputs = [one.job.output for one in planned]
    return _Plan(todo, outputs, skipped, failed), foreign


def _do(plan: _Plan, ledger: Ledger, options: argparse.Namespace) -> tuple[int, int]:
    """Does the jobs; returns how many failed, and the exit code of an interruption."""
    progress = JsonLines() if options.json else Bar()
    requests = {one.job.output: one.request for one in plan.todo}
    started, done, failed, code = time.monotonic(), 0, 0, 0

    line = Line(
        [one.job for one in plan.todo],
        taken=lambda job: ledger.begin(job.output, requests[job.output]),
    )
    progress.begin(len(plan.todo), plan.skipped)
    try:
        with _pool(options) as pool:
            for outcome in pool.run(line):
                ledger.end(requests[outcome.output], outcome)
                progress.tell(outcome)
                done, failed = done + (outcome.error is None), failed + (outcome.error is not None)
    except KeyboardInterrupt as interrupt:
        code = exit_code(interrupt)
    finally:
        progress.close()
    seconds = time.monotonic() - started
    if options.json:
        write_json("end", done=done, failed=failed, skipped=plan.skipped, stopped=bool(code))
        return failed, code
    print(summary(done, failed + plan.failed, plan.skipped, seconds), file=sys.stderr)
    if code:
        print("Stopped. Run the same command again to continue.", file=sys.stderr)
    return failed, code


@contextmanager
def _pool(options: argparse.Namespace) -> Iterator[Pool]:
    with ExitStack() as held:
        if options.address is None:
            yield LocalPool(Worker(options.threads))
        else:
            ray = held.enter_context(ray_cluster(options.address))
            yield RayPool(ray, options.workers, options.threads)


def _dry_run(
    planned: Sequence[Planned], entries: dict[str, Entry], options: argparse.Namespace
) -> int:
    """Tells what would be done; returns the exit code."""
    plan, foreign = _compare(planned, entries, options.retry_failed)
    problems = _tell_problems(foreign, options)
    seconds, memory = estimate([one.job for one in plan.todo])
    told = {"todo": len(plan.todo), "skipped": plan.skipped, "failed": plan.failed}
    if options.json:
        write_json("plan", **told, seconds=round(seconds), memory_gb=round(memory / 1e9, 2))
    else:
        print(
            f"{len(plan.todo)} to paint, {plan.skipped} done before, {plan.failed} failed before. "
            f"One worker like this machine takes about {in_words(seconds)} and "
            f"{memory / 1e9:.1f} GB of memory."
        )
        for one in plan.todo[:_TOLD]:
            print(f"  row {one.job.number}: {one.job.output}")
        if len(plan.todo) > _TOLD:
            print(f"  … and {len(plan.todo) - _TOLD} more")
    return USER_ERROR if problems and not options.keep_going else 0
