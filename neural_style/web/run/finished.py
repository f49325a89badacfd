"""A finished run: comparison, film and downloads, and later uses of its picture."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from neural_style.errors import NeuralStyleError
from neural_style.images.files import LONGEST, load_image, resize, save_image
from neural_style.images.video import film_every, save_film
from neural_style.web.run import runs
from neural_style.web.run.checks import check_upload, refusal
from neural_style.web.run.end import End, Reached, picture_of
from neural_style.web.run.handlers import restored
from neural_style.web.text.texts import (
    PageError,
    escape_markdown,
    failure_status,
    localize,
    translate,
)

_END_SECONDS = 60
"""A run that was stopped ends within one iteration, or when its network is loaded."""

_RESULTS_KEPT = 12


@dataclass(frozen=True)
class Finished:
    """Outputs of the page for a finished run; None leaves an output as it is.

    Attributes:
        line: The status line: how the run ended, or why its files cannot be made.
        wrong: Whether the line is an error.
        compared: Files of the content and of the result.
        files: Downloads.
        results: Files of the visitor's results, newest first.
    """

    picture: str | None = None
    line: str | None = None
    wrong: bool = False
    compared: tuple[str, str] | None = None
    film: str | None = None
    files: list[str] | None = None
    results: list[str] | None = None


def finish(run: str | None, history: Any, language: str) -> Finished:
    """Waits for the run's end, then makes the comparison, the film and the downloads."""
    folder = runs.find_run(run)
    if folder is None:
        return Finished()
    try:
        end = runs.wait_for_end(folder, _END_SECONDS)
        if end is None:
            raise PageError("no_end", seconds=_END_SECONDS)
        if end.reached is None:
            return Finished(line=end.line(language))
        return _finished(folder, end, end.reached, recall(history), language)
    except NeuralStyleError as error:
        return Finished(line=failure_status(error.message, language), wrong=True)


def _finished(
    folder: Path, end: End, reached: Reached, earlier: list[str], language: str
) -> Finished:
    content = runs.read_call(folder).pictures["content"]
    picture = picture_of(folder, reached.iteration)
    image = load_image(picture)
    before = save_image(
        resize(
            load_image(check_upload("content", content), longest=LONGEST),
            *image.shape[-2:],
        ),
        folder / f"content-{secrets.token_urlsafe(16)}.jpg",  # not to be guessed from a result's
    )
    kept = save_image(image, picture.with_suffix(".jpg"))
    shots = sorted(folder.glob("film-*.jpg"))
    shots = shots[:: film_every(len(shots))]
    films = [
        save_film(
            chain(map(load_image, shots), [image]),
            folder / f"time-lapse-{reached.iteration:06d}{ending}",
            max(reached.height, reached.width),
        )
        for ending in (".webp", ".mp4")
    ]
    return Finished(
        picture=str(picture),
        line=end.line(language),
        compared=(str(before), str(picture)),
        film=str(films[0]),
        files=[str(file) for file in (picture, kept, *films)],
        results=[str(picture), *(one for one in earlier if one != str(picture))][:_RESULTS_KEPT],
    )


def recall(history: Any) -> list[str]:
    """The visitor's results that are still there, from what the browser has remembered.

    That may be anything; only pictures of runs are taken.
    """
    remembered = history if isinstance(history, list) else []
    paths = [
        one["path"]
        for one in remembered
        if isinstance(one, dict) and isinstance(one.get("path"), str)
    ]
    return [path for path in paths[:_RESULTS_KEPT] if runs.find_result(path)]


def remember(results: list[str]) -> list[dict[str, str]]:
    """What the browser is to remember, for `recall`."""
    return [{"path": path} for path in results]


def reached(run: str | None) -> str | None:
    """The run's picture, if there is one; a shared result is its own.

    Raises:
        PageError: What is kept of the run is damaged.
    """
    folder = runs.find_run(run)
    if folder is None:
        shared = runs.find_result(run) if run else None
        return str(shared) if shared else None
    end = runs.last_end(folder)
    if end is None or end.reached is None:
        return None
    return str(picture_of(folder, end.reached.iteration))


def reuse(run: str | None, language: str) -> str:
    """The run's picture, to be brought again."""
    try:
        picture = reached(run)
        if picture is None:
            raise PageError("no_result")
    except PageError as error:
        raise refusal(error, language) from error
    return picture


def open_result(name: str | None, language: str) -> tuple[str | None, dict[str, Any], list[str]]:
    """What a link to a result opens: its picture, the values of the knobs, and what is said."""
    if name is None:
        return None, {}, []
    picture = runs.result_named(name)
    if picture is None:
        return None, {}, [translate("result_gone", language)]
    try:
        values, _ = restored(str(picture))
    except NeuralStyleError as error:
        return None, {}, [escape_markdown(localize(error.message, language))]
    return str(picture), values, [translate("result_shared", language)]
