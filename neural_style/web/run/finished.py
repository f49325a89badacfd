"""Results of a finished run: comparison, downloads, film, history, reuse and links."""

from __future__ import annotations

import json
import shutil
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from neural_style.errors import NeuralStyleError
from neural_style.files import not_written, write_atomically
from neural_style.images.files import LONGEST, load_image, resize, save_image
from neural_style.images.video import film_every, save_film
from neural_style.web.run import runs, status
from neural_style.web.run.addresses import picture_path, served_files_folder
from neural_style.web.run.call import Call
from neural_style.web.run.checks import check_upload, gradio_error
from neural_style.web.run.handlers import read_recipe_values
from neural_style.web.run.outcome import LastPicture, Outcome
from neural_style.web.run.status import Status
from neural_style.web.text.texts import PageError, example_title, localize, translate

_OUTCOME_TIMEOUT_SECONDS = 60
"""A stopped run ends after its current iteration, or after the network is loaded."""

_MAX_RESULTS = 12

_MAX_NAME_LENGTH = 40
"""Characters of a picture's name within the names of downloads."""

_MAX_NAME_BYTES = 100
"""The same in UTF-8; a file name has at most 255 bytes."""


@dataclass(frozen=True)
class FinishedOutputs:
    """Values of the output components after a run; None leaves a component unchanged.

    Attributes:
        status: How the run ended, or why its files cannot be made.
        comparison: Paths of the content image and the result.
        gallery: Path and caption of each milestone.
        chart: The losses by iteration.
        files: Paths of the downloads.
        results: Names of the visitor's results as in `runs.result_name`, newest first.
        steps_left: Planned steps that a stopped run has not made.
    """

    picture: str | None = None
    status: Status | None = None
    comparison: tuple[str, str] | None = None
    gallery: list[tuple[str, str]] | None = None
    chart: pd.DataFrame | None = None
    files: list[str] | None = None
    results: list[str] | None = None
    steps_left: int = 0


def finish_run(run: str | None, history: str, language: str) -> FinishedOutputs:
    """Waits for the outcome of the run, then makes the comparison and the downloads.

    Args:
        run: The run's private folder.
        history: The visitor's results as the browser stores them, unchecked.
    """
    found = runs.find_run(run)
    if found is None:
        return FinishedOutputs()
    try:
        outcome = runs.wait_for_outcome(found, _OUTCOME_TIMEOUT_SECONDS)
        if outcome is None:
            raise PageError("no_end", seconds=_OUTCOME_TIMEOUT_SECONDS)
        if outcome.last_picture is None:
            return FinishedOutputs(status=outcome.status(language))
        return _finished(found, outcome, outcome.last_picture, read_history(history), language)
    except NeuralStyleError as error:
        return FinishedOutputs(status=status.failed(error.message, language))


def has_ended(run: Path, timeout_seconds: float) -> bool:
    """Whether the run ends within that time."""
    try:
        return runs.wait_for_outcome(run, timeout_seconds) is not None
    except PageError:  # its outcome is damaged
        return True


def _finished(
    run: Path,
    outcome: Outcome,
    last_picture: LastPicture,
    earlier_results: list[str],
    language: str,
) -> FinishedOutputs:
    call = runs.read_call(run)
    picture = picture_path(run, last_picture.iteration)
    name = runs.result_name(run, last_picture.iteration)
    # A continued run has one result, its last; the others would open the same.
    found = [(other, runs.find_result(other)) for other in earlier_results]
    others = [other for other, result in found if result and result.run != run]
    names = earlier_results if name in earlier_results else [name, *others]
    return FinishedOutputs(
        picture=str(picture),
        status=outcome.status(language),
        comparison=_compare(run, call, picture),
        gallery=outcome.progress.gallery(run, language),
        chart=outcome.progress.chart(language),
        files=_make_downloads(run, call, picture),
        results=names[:_MAX_RESULTS],
        steps_left=last_picture.planned - last_picture.iteration,
    )


def _compare(run: Path, call: Call, picture: Path) -> tuple[str, str]:
    """Paths of the content image at the size of the result, and of the result."""
    content_file = _make_folder(run, f"before {picture.stem}") / "content.jpg"
    if not content_file.exists():
        shape = load_image(picture).shape[-2:]
        content = load_image(check_upload("content", call.pictures["content"]), longest=LONGEST)
        save_image(resize(content, *shape), content_file)
    return str(content_file), str(picture)


def _make_downloads(run: Path, call: Call, picture: Path) -> list[str]:
    """Paths of the result as PNG, JPEG and WebP, named after its photograph and painting."""
    place, name = _make_folder(run, f"downloads {picture.stem}"), download_name(call)
    png, *others = (place / f"{name}{suffix}" for suffix in (".png", ".jpg", ".webp"))
    if not all(file.exists() for file in (png, *others)):
        try:
            with write_atomically(png) as partial:
                shutil.copyfile(picture, partial)
        except OSError as error:
            raise not_written(png.name, error) from error
        image = load_image(picture)
        for file in others:
            save_image(image, file)
    return [str(file) for file in (png, *others)]


def _make_folder(run: Path, name: str) -> Path:
    """Makes the served folder of that name unless it exists.

    Each picture has folders of its own, so that the files of a continued run have new addresses.

    Raises:
        FileError: It cannot be made.
    """
    folder = served_files_folder(run, name)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise not_written(folder.name, error) from error
    return folder


def download_name(call: Call) -> str:
    """A file name without suffix: "dahlia-great-wave-7" for photograph, painting and seed."""
    pictures = (call.pictures["content"], call.pictures["style"])
    names = [_plain_name(path) for path in pictures if path]
    return "-".join([*filter(None, names), str(call.values["seed"])])


def _plain_name(path: str) -> str:
    """The stem of a file name, with letters, their marks, digits and hyphens only."""
    stem = unicodedata.normalize("NFC", Path(path).stem)
    plain = "".join(x if unicodedata.category(x)[0] in "LMN" else " " for x in stem)
    short = "-".join(plain.split())[:_MAX_NAME_LENGTH].encode()[:_MAX_NAME_BYTES]
    return short.decode(errors="ignore").strip("-")


def make_film(run: str | None) -> tuple[str, str] | None:
    """Paths of the run's time-lapse as animated WebP and as MP4; None without a picture.

    A film that cannot be written is left out: the picture is what counts.
    """
    found = runs.find_run(run)
    with suppress(NeuralStyleError):
        outcome = runs.last_outcome(found) if found else None
        if found is None or outcome is None or outcome.last_picture is None:
            return None
        last_picture = outcome.last_picture
        picture = picture_path(found, last_picture.iteration)
        name = download_name(runs.read_call(found))
        place = _make_folder(found, f"film {picture.stem}")
        webp, mp4 = (place / f"{name}-film{suffix}" for suffix in (".webp", ".mp4"))
        if not (webp.exists() and mp4.exists()):
            image = load_image(picture)
            frame_files = runs.film_frame_files(found)
            frame_files = frame_files[:: film_every(len(frame_files))]
            longest = max(last_picture.height, last_picture.width)
            for file in (webp, mp4):
                save_film(chain(map(load_image, frame_files), [image]), file, longest)
        return str(webp), str(mp4)
    return None


def read_history(history: str) -> list[str]:
    """Names of the visitor's results that still exist, from the JSON that the browser stores.

    The value is not trusted; names that are no results are dropped.
    """
    try:
        entries = json.loads(history or "[]")
    except (ValueError, TypeError, RecursionError):
        return []
    names = [name for name in entries if isinstance(name, str)] if isinstance(entries, list) else []
    return [name for name in dict.fromkeys(names[:_MAX_RESULTS]) if runs.find_result(name)]


def result_title(run: Path, language: str) -> str:
    """What a result was made of: "holiday · The Great Wave · seed 7"; empty if not known."""
    with suppress(PageError):
        call = runs.read_call(run)
        names = [
            example_title(_plain_name(call.pictures[name] or ""), language)
            for name in ("content", "style")
        ]
        seed = translate("seed", language, seed=call.values["seed"])
        return " · ".join([*filter(None, names), seed])
    return ""


def find_picture(run: str | None) -> str | None:
    """The last picture of a run, or the picture itself of a shared result; None if there is none.

    Raises:
        PageError: The stored outcome is damaged.
    """
    found = runs.find_run(run)
    if found is None:
        shared = runs.find_shared(run)
        return str(shared) if shared else None
    outcome = runs.last_outcome(found)
    if outcome is None or outcome.last_picture is None:
        return None
    return str(picture_path(found, outcome.last_picture.iteration))


def picture_for_reuse(run: str | None, language: str) -> str:
    """The last picture of a run, as an input for another run.

    Raises:
        gr.Error: There is none.
    """
    try:
        picture = find_picture(run)
        if picture is None:
            raise _missing(run)
    except PageError as error:
        raise gradio_error(error, language) from error
    return picture


def _missing(run: str | None) -> PageError:
    """The error where the displayed run has no picture, or has been deleted, as in another tab."""
    return PageError("result_deleted" if run and not runs.find_run(run) else "no_result")


def share_result(run: str | None, language: str) -> str:
    """Copies the last picture of a run to a place of its own, and returns its name in a link.

    Raises:
        gr.Error: There is none, or it cannot be copied.
    """
    shared = runs.find_shared(run)
    if shared is not None:
        return shared.parent.name
    try:
        found = runs.find_run(run)
        outcome = runs.last_outcome(found) if found else None
        if found is None or outcome is None or outcome.last_picture is None:
            raise _missing(run)
        return runs.share(found, outcome.last_picture.iteration)
    except NeuralStyleError as error:
        raise gradio_error(error, language) from error


def open_shared_result(
    name: str | None, language: str
) -> tuple[str | None, dict[str, Any], list[str]]:
    """Opens the result named in a link.

    Returns:
        The path of the picture, the values of the settings by name, and messages for the visitor,
        as plain text.
    """
    if name is None:
        return None, {}, []
    picture = runs.find_shared_by_name(name)
    if picture is None:
        return None, {}, [translate("result_gone", language)]
    try:
        values, _ = read_recipe_values(str(picture))
    except NeuralStyleError as error:
        return None, {}, [localize(error.message, language)]
    return str(picture), values, [translate("result_shared", language)]
