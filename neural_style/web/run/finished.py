"""Results of a finished run: comparison, film, downloads, history, reuse and links."""

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
from neural_style.web.run.checks import check_upload, gradio_error
from neural_style.web.run.handlers import read_recipe_values
from neural_style.web.run.outcome import LastPicture, Outcome, picture_path
from neural_style.web.text.texts import (
    PageError,
    escape_markdown,
    failure_status,
    localize,
    translate,
)

_OUTCOME_TIMEOUT_SECONDS = 60
"""A stopped run ends after its current iteration, or after the network is loaded."""

_MAX_RESULTS = 12


@dataclass(frozen=True)
class FinishedOutputs:
    """Values of the output components after a run; None leaves a component unchanged.

    Attributes:
        status: The status line: how the run ended, or why its files cannot be made.
        is_error: Whether the status is an error.
        comparison: Paths of the content image and the result.
        film: Path of the time-lapse.
        files: Paths of the downloads.
        results: Paths of the visitor's results, newest first.
    """

    picture: str | None = None
    status: str | None = None
    is_error: bool = False
    comparison: tuple[str, str] | None = None
    film: str | None = None
    files: list[str] | None = None
    results: list[str] | None = None


def finish_run(run: str | None, history: Any, language: str) -> FinishedOutputs:
    """Waits for the outcome of the run, then makes the comparison, the film and the downloads.

    Args:
        run: The run's folder.
        history: Value of the browser state, unchecked.
    """
    folder = runs.find_run(run)
    if folder is None:
        return FinishedOutputs()
    try:
        outcome = runs.wait_for_outcome(folder, _OUTCOME_TIMEOUT_SECONDS)
        if outcome is None:
            raise PageError("no_end", seconds=_OUTCOME_TIMEOUT_SECONDS)
        if outcome.last_picture is None:
            return FinishedOutputs(status=outcome.status_line(language))
        return _finished(folder, outcome, outcome.last_picture, read_history(history), language)
    except NeuralStyleError as error:
        return FinishedOutputs(status=failure_status(error.message, language), is_error=True)


def _finished(
    folder: Path,
    outcome: Outcome,
    last_picture: LastPicture,
    earlier_results: list[str],
    language: str,
) -> FinishedOutputs:
    content = runs.read_call(folder).pictures["content"]
    picture = picture_path(folder, last_picture.iteration)
    image = load_image(picture)
    content_file = save_image(
        resize(
            load_image(check_upload("content", content), longest=LONGEST),
            *image.shape[-2:],
        ),
        # A link to the result must not reveal the address of the content image.
        folder / f"content-{secrets.token_urlsafe(16)}.jpg",
    )
    jpeg = save_image(image, picture.with_suffix(".jpg"))
    frame_files = sorted(folder.glob("film-*.jpg"))
    frame_files = frame_files[:: film_every(len(frame_files))]
    films = [
        save_film(
            chain(map(load_image, frame_files), [image]),
            folder / f"time-lapse-{last_picture.iteration:06d}{ending}",
            max(last_picture.height, last_picture.width),
        )
        for ending in (".webp", ".mp4")
    ]
    results = [str(picture), *(path for path in earlier_results if path != str(picture))]
    return FinishedOutputs(
        picture=str(picture),
        status=outcome.status_line(language),
        comparison=(str(content_file), str(picture)),
        film=str(films[0]),
        files=[str(file) for file in (picture, jpeg, *films)],
        results=results[:_MAX_RESULTS],
    )


def read_history(history: Any) -> list[str]:
    """Paths of the visitor's results that still exist, from the value of the browser state.

    The value is not trusted; paths that are no results of a run are dropped.
    """
    entries = history if isinstance(history, list) else []
    paths = [
        entry["path"]
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("path"), str)
    ]
    return [path for path in paths[:_MAX_RESULTS] if runs.find_result(path)]


def to_history(results: list[str]) -> list[dict[str, str]]:
    """The value of the browser state for these results; `read_history` reads it."""
    return [{"path": path} for path in results]


def find_picture(run: str | None) -> str | None:
    """The last picture of a run, or the picture itself of a shared result; None if there is none.

    Raises:
        PageError: The stored outcome is damaged.
    """
    folder = runs.find_run(run)
    if folder is None:
        shared = runs.find_result(run) if run else None
        return str(shared) if shared else None
    outcome = runs.last_outcome(folder)
    if outcome is None or outcome.last_picture is None:
        return None
    return str(picture_path(folder, outcome.last_picture.iteration))


def picture_for_reuse(run: str | None, language: str) -> str:
    """The last picture of a run, as an input for another run.

    Raises:
        gr.Error: There is none.
    """
    try:
        picture = find_picture(run)
        if picture is None:
            raise PageError("no_result")
    except PageError as error:
        raise gradio_error(error, language) from error
    return picture


def open_shared_result(
    name: str | None, language: str
) -> tuple[str | None, dict[str, Any], list[str]]:
    """Opens the result named in a link.

    Returns:
        The path of the picture, the values of the settings by name, and messages for the visitor.
    """
    if name is None:
        return None, {}, []
    picture = runs.find_result_by_name(name)
    if picture is None:
        return None, {}, [translate("result_gone", language)]
    try:
        values, _ = read_recipe_values(str(picture))
    except NeuralStyleError as error:
        return None, {}, [escape_markdown(localize(error.message, language))]
    return str(picture), values, [translate("result_shared", language)]
