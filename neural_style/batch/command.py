"""The shell's command `batch`: a table of pictures, a folder with one style, or a film."""

from __future__ import annotations

import argparse

from neural_style.batch.driver import LEDGER, run_batch
from neural_style.film.paint import Later
from neural_style.flags import add_knobs, add_preset_flags, file_name


def add_batch(commands: argparse._SubParsersAction) -> None:
    """Adds the command to the shell."""
    command = commands.add_parser(
        "batch",
        help="repaint many pictures, or a film",
        description="Repaint many pictures: the rows of a table, or all pictures of a folder; or "
        "the frames of a film, without flicker. Run the same command again to continue after an "
        "interruption: what is done is skipped.",
    )
    command.set_defaults(run=run_batch)
    command.add_argument(
        "source",
        nargs="?",
        type=file_name,
        metavar="SOURCE",
        help="a film, or a folder with its frames; or a table of pictures: .csv with the columns "
        "content, style, and if wanted output, "
        "manner, preset and any setting; or .jsonl with an object per line. Several styles of a "
        "row are separated by semicolons; paths are relative to the table",
    )
    command.add_argument(
        "--content",
        type=file_name,
        nargs="+",
        metavar="PATH",
        help="in place of SOURCE: a folder of pictures, or pictures",
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
    _add_film(command)
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
        "for it (s3fs) is installed; with a film, the .mp4 to be written, or a folder for its "
        "frames",
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
        help=f"where the outcomes are recorded (default: DIR/{LEDGER})",
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


def _add_film(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--later-iterations",
        type=_count,
        default=Later().steps,
        help="with a film: iterations of each frame that begins from the one before (default: "
        "%(default)s)",
    )
    command.add_argument(
        "--piece",
        type=_count,
        default=_PIECE,
        help="with a film on a cluster: most frames of a piece, which one worker paints (default: "
        "%(default)s)",
    )


_PIECE = 96
"""Four seconds of a film; where a scene is divided, six frames are painted twice."""


def _count(given: str) -> int:
    if not given.isdecimal() or not 1 <= int(given) <= _MOST:
        raise argparse.ArgumentTypeError(f"{given!r} is not a number from 1 to {_MOST}")
    return int(given)


_MOST = 10_000
