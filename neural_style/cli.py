"""The shell: `python -m neural_style stylize CONTENT STYLE -o OUT.png`."""

from __future__ import annotations

import argparse
import io
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import Field, asdict, replace
from itertools import chain
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from neural_style.errors import ImageError, NeuralStyleError
from neural_style.images import LONGEST, check_destination, load_image, load_with_alpha, save_image
from neural_style.masks import Masks
from neural_style.presets import PRESETS
from neural_style.schedule import in_words
from neural_style.settings import Settings, knobs
from neural_style.transfer import Frame, stylize
from neural_style.version import __version__

INTERRUPTED = 130
USER_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code is 0, 2 for a user's error, 130 after Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without × gets \xd7
    options = _parser().parse_args(arguments)
    try:
        return _stylize(options)
    except NeuralStyleError as error:
        print(f"neural_style: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        print("Stopped before there was a picture.", file=sys.stderr)
        return INTERRUPTED


class _Parser(argparse.ArgumentParser):
    """An error is one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(USER_ERROR, f"neural_style: {message} (--help lists everything)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m neural_style", description="Neural style transfer.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser(
        "stylize",
        help="repaint CONTENT in the manner of STYLE",
        description="Repaint CONTENT in the manner of STYLE. Ctrl-C keeps the picture so far.",
    )
    command.add_argument("content", metavar="CONTENT", help="the picture whose scene is kept")
    command.add_argument(
        "style", metavar="STYLE", nargs="+", help="the picture whose manner is taken, or several"
    )
    for flag, what in _MASKS.items():
        action = "store" if flag == "--keep" else "append"
        command.add_argument(flag, metavar="MASK", action=action, help=what)
    command.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="where the result goes: .png, .jpg, .webp",
    )
    command.add_argument(
        "--bits", type=int, choices=(8, 16), default=8, help="of each channel; 16 in a .png only"
    )
    command.add_argument("--frames", metavar="DIR", help="keep the intermediate pictures here")
    command.add_argument(
        "--preset",
        choices=PRESETS,
        default="balanced",
        help="settings to start from; flags change single ones. " + _describe_presets(),
    )
    for name, about in knobs().items():
        _add_flag(command, name, about)
    return parser


_MASKS = {
    "--mask": "where on CONTENT a style is wanted: white here, black not; once for each STYLE",
    "--style-mask": "which part of STYLE is meant; once for each STYLE",
    "--keep": "where CONTENT stays as it is",
}


def _describe_presets() -> str:
    """Each preset by what it changes of the defaults."""
    usual = asdict(Settings())
    described = []
    for name, preset in PRESETS.items():
        changed = [f"{k} {v}" for k, v in asdict(preset).items() if v != usual[k]]
        described.append(f"{name}: {', '.join(changed) or 'the defaults'}")
    return "; ".join(described)


def _add_flag(command: argparse.ArgumentParser, name: str, about: Field) -> None:
    choices, or_path = about.metadata["choices"], about.metadata["or_path"]
    listed = "|".join(choices) + ("|PATH" if or_path else "")
    command.add_argument(
        f"--{name.replace('_', '-')}",
        dest=name,
        type=type(about.default),
        metavar=listed or type(about.default).__name__.upper(),
        help=f"{about.metadata['help']} (default: {about.default})".replace("%", "%%"),
    )


def _stylize(options: argparse.Namespace) -> int:
    given = {name: getattr(options, name) for name in knobs()}
    settings = replace(
        PRESETS[options.preset],
        **{name: value for name, value in given.items() if value is not None},
    )
    output = _check_output(options)
    frames = _frames_folder(options.frames)
    content, alpha = load_with_alpha(options.content, longest=LONGEST)
    styles = [load_image(path, longest=LONGEST) for path in options.style]
    masks = Masks(
        styles=[load_image(path) for path in options.mask or ()],
        parts=[load_image(path) for path in options.style_mask or ()],
        keep=load_image(options.keep) if options.keep else None,
    )
    upcoming = stylize(content, styles, settings, masks=masks, every=1)
    first = frame = next(upcoming)  # whatever is wrong shows before the bar does
    ended = False
    print(first.note, file=sys.stderr)
    try:
        with tqdm(
            total=settings.iterations,
            bar_format="{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}{postfix}",
            file=sys.stderr,
            dynamic_ncols=True,
        ) as bar:
            for frame in chain([first], upcoming):
                bar.set_postfix_str(_describe(frame), refresh=False)
                bar.update(frame.iteration - bar.n)
                for event in frame.events:
                    bar.write(event, file=sys.stderr)
                if frames and frame.milestone:
                    save_image(frame.image, frames / f"{frame.iteration:06d}.png")
            ended = True
    except KeyboardInterrupt:
        pass
    finally:  # whatever happened, what was reached is kept
        with _uninterrupted():
            save_image(frame.image, output, alpha=alpha, bits=options.bits)
            _report(frame, output, settings.iterations, ended)
    return 0 if ended else INTERRUPTED


def _check_output(options: argparse.Namespace) -> Path:
    output = check_destination(options.output, options.bits)
    pictures = [("content", options.content), *(("style", path) for path in options.style)]
    for name, path in pictures:
        given = Path(path)
        if output.exists() and given.exists() and output.samefile(given):
            raise ImageError(
                f"The result would replace the {name} image {given}. Name another file."
            )
    return output


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """A second Ctrl-C does not cost the picture that the first one is saving."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _report(frame: Frame, output: Path, iterations: int, ended: bool) -> None:
    height, width = frame.image.shape[-2:]
    reached = f"{width}×{height}, after {frame.iteration} of {iterations} iterations"
    reached += f", {in_words(frame.seconds)}"
    line = f"{output} ({reached})"
    with suppress(OSError):  # nobody listens any more; the picture is saved
        print(line if ended else f"Stopped. The best picture so far is in {line}.", flush=True)


def _frames_folder(folder: str | None) -> Path | None:
    if folder is None:
        return None
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NeuralStyleError(
            f"Cannot make the folder {path}: {error.strerror}. Choose another place."
        ) from error
    check_destination(path / "000000.png")
    return path


def _describe(frame: Frame) -> str:
    losses = ", ".join(f"{name} {value:.3g}" for name, value in frame.losses.items())
    return f"{losses}, {in_words(frame.seconds_left)} left"
