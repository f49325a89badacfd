"""The shell: `python -m neural_style stylize CONTENT STYLE -o OUT.png`."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from neural_style.batch.command import add_batch
from neural_style.devices import use_large_pages
from neural_style.errors import NeuralStyleError
from neural_style.flags import add_knobs, add_preset_flags, file_name, given_settings
from neural_style.images.files import (
    LONGEST,
    check_destination,
    load_image,
    load_with_alpha,
    save_image,
)
from neural_style.images.masks import Masks, load_styles
from neural_style.images.video import check_film, film_every, film_frame, save_film
from neural_style.interrupts import exit_code, ignore_interrupts, sigterm_interrupts
from neural_style.outputs import check_inputs_stay, make_frames_folder
from neural_style.plan.clock import in_words
from neural_style.record.recipe import Recipe, differences, read_recipe, settings_of
from neural_style.run.frame import Frame
from neural_style.settings.presets import (
    choose_preset,
)
from neural_style.settings.settings import Settings, knobs
from neural_style.transfer import stylize
from neural_style.version import __version__

USER_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        The exit code: 0; 2 for a user's error; 130 after Ctrl-C; 143 after SIGTERM.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without × gets \xd7
    options = make_parser().parse_args(arguments)
    use_large_pages()
    try:
        with sigterm_interrupts():
            return options.run(options)
    except NeuralStyleError as error:
        print(f"neural_style: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt as interrupt:
        print("Stopped before there was a picture.", file=sys.stderr)
        return exit_code(interrupt)


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(USER_ERROR, f"neural_style: {message} (--help lists everything)\n")


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    parser = _Parser(prog="python -m neural_style", description="Neural style transfer.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser(
        "stylize",
        help="repaint CONTENT in the manner of STYLE",
        description="Repaint CONTENT in the manner of STYLE. Ctrl-C keeps the picture so far.",
    )
    command.set_defaults(run=_stylize)
    command.add_argument(
        "content", type=file_name, metavar="CONTENT", help="the picture whose scene is kept"
    )
    command.add_argument(
        "style",
        type=file_name,
        metavar="STYLE",
        nargs="+",
        help="the picture whose manner is taken, or several",
    )
    _add_files(command)
    add_preset_flags(command)
    add_knobs(command)
    again = commands.add_parser(
        "replay",
        help="make a PNG's picture again",
        description="Make the picture of RESULT again, by the recipe that its PNG carries: with "
        "the same pictures and on the same machine, it is identical. A precision or memory plan "
        "that differs from the recipe's is reported.",
    )
    again.set_defaults(run=_replay)
    again.add_argument(
        "result", type=file_name, metavar="RESULT", help="a PNG that this program has made"
    )
    again.add_argument(
        "--content",
        type=file_name,
        required=True,
        metavar="CONTENT",
        help="its content image",
    )
    again.add_argument(
        "--style",
        type=file_name,
        required=True,
        metavar="STYLE",
        nargs="+",
        help="its style image, or several",
    )
    _add_files(again)
    add_knobs(again, [name for name, about in knobs().items() if about.metadata["host"]])
    add_batch(commands)
    return parser


def _add_files(command: argparse.ArgumentParser) -> None:
    """Adds the flags for masks, start picture and output files."""
    for flag, what in _MASKS.items():
        action = "store" if flag == "--keep" else "append"
        command.add_argument(flag, type=file_name, metavar="MASK", action=action, help=what)
    command.add_argument(
        "-o",
        "--output",
        type=file_name,
        required=True,
        metavar="OUT",
        help="where the result goes: .png, .jpg, .webp",
    )
    command.add_argument(
        "--bits", type=int, choices=(8, 16), default=8, help="of each channel; 16 in a .png only"
    )
    command.add_argument(
        "--init-image",
        type=file_name,
        metavar="FILE",
        help="a picture to start from, in place of --init",
    )
    command.add_argument(
        "--frames", type=file_name, metavar="DIR", help="keep the intermediate pictures here"
    )
    command.add_argument(
        "--time-lapse", type=file_name, metavar="FILM", help="the run as a film: .webp, .mp4"
    )


_MASKS = {
    "--mask": "where on CONTENT a style is wanted: white here, black not; once for each STYLE",
    "--style-mask": "which part of STYLE is meant; once for each STYLE",
    "--keep": "where CONTENT stays as it is",
}


def _stylize(options: argparse.Namespace) -> int:
    preset = choose_preset(options.preset, options.manner)
    return _paint(options, replace(preset, **given_settings(options)))


def _replay(options: argparse.Namespace) -> int:
    recipe = read_recipe(options.result)
    return _paint(options, settings_of(recipe, **given_settings(options)), recipe)


def _paint(options: argparse.Namespace, settings: Settings, recipe: Recipe | None = None) -> int:
    """Runs to the end or to the recipe's iteration, and writes the output files."""
    goal = settings.iterations if recipe is None else recipe.iteration
    output = check_destination(options.output, options.bits)
    frames = make_frames_folder(options.frames)
    film = check_film(options.time_lapse) if options.time_lapse else None
    check_inputs_stay(options, [output, *([film] if film else [])], frames)
    film_frames = []
    content, alpha = load_with_alpha(options.content, longest=LONGEST)
    drawn = [load_image(path) for path in options.style_mask or ()]
    styles, parts = load_styles(options.style, drawn, longest=LONGEST)
    masks = Masks(
        styles=[load_image(path) for path in options.mask or ()],
        parts=parts,
        keep=load_image(options.keep) if options.keep else None,
    )
    start = load_image(options.init_image, longest=LONGEST) if options.init_image else None
    upcoming = stylize(
        content, styles, settings, masks=masks, init_image=start, every=1, replay=recipe
    )
    first = frame = next(upcoming)  # raises errors before the progress bar appears
    finished, code = False, 0
    print(first.note, file=sys.stderr)
    for name in differences(recipe, first.recipe) if recipe else ():
        print(f"Not as in the recipe: the {name}.", file=sys.stderr)
    try:
        with tqdm(
            total=goal,
            bar_format="{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}{postfix}",
            file=sys.stderr,
            dynamic_ncols=True,
        ) as bar:
            for frame in chain([first], upcoming):
                bar.set_postfix_str(_describe(frame), refresh=False)
                bar.update(frame.iteration - bar.n)
                for event in frame.events:
                    bar.write(str(event), file=sys.stderr)
                if frames and frame.milestone:
                    save_image(frame.image, frames / f"{frame.iteration:06d}.png", frame.recipe)
                if film and frame.iteration < goal and frame.iteration % film_every(goal) == 0:
                    film_frames.append(film_frame(frame.image))
                if frame.iteration == goal:
                    break
            finished = True
    except KeyboardInterrupt as interrupt:
        code = exit_code(interrupt)
    finally:  # saves the newest picture after Ctrl-C and after errors, too
        with ignore_interrupts():
            save_image(frame.image, output, frame.recipe, alpha=alpha, bits=options.bits)
            if film:
                save_film(
                    [*film_frames, film_frame(frame.image)], film, max(frame.image.shape[-2:])
                )
            _report(frame, output, goal, finished)
    return code


def _report(frame: Frame, output: Path, iterations: int, finished: bool) -> None:
    height, width = frame.image.shape[-2:]
    reached = f"{width}×{height}, after {frame.iteration} of {iterations} iterations"
    reached += f", {in_words(frame.seconds)}"
    line = f"{output} ({reached})"
    with suppress(OSError):  # stdout may be closed; the picture is saved
        print(line if finished else f"Stopped. The best picture so far is in {line}.", flush=True)


def _describe(frame: Frame) -> str:
    losses = ", ".join(f"{name} {value:.3g}" for name, value in frame.losses.items())
    return f"{losses}, {in_words(frame.seconds_left)} left"
