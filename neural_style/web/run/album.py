"""Albums: several content images painted one after another with the same settings."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from neural_style.errors import ImageError, NeuralStyleError, SettingsError
from neural_style.images.files import read_shape
from neural_style.messages import Message
from neural_style.settings.settings import Settings
from neural_style.web.run import status
from neural_style.web.run.album_zip import add_to_zip, new_zip_file
from neural_style.web.run.call import (
    STYLIZE_SIGNATURE,
    Call,
    call_from_arguments,
    language_argument,
)
from neural_style.web.run.checks import check_upload, first_fault, parse_settings
from neural_style.web.run.cleanup import kept
from neural_style.web.run.cost import (
    MAX_RESERVED_SECONDS,
    check_cost,
    expected_seconds,
    most_minutes,
    on_zero_gpu,
    reserved_seconds,
)
from neural_style.web.run.finished import download_name
from neural_style.web.run.handlers import run_call
from neural_style.web.run.runs import result_name
from neural_style.web.run.several import SeveralRuns
from neural_style.web.run.status import Status
from neural_style.web.run.view import Outputs
from neural_style.web.text.texts import PageError, localize

MOST_PHOTOGRAPHS = 12
"""Three rows of the gallery. With the usual settings the time of a run allows about as many."""

_UNUSED = ("init_image", "mask", "mask_2", "keep_mask")
"""Pictures that belong to one photograph, and are left out of an album."""


@dataclass(frozen=True)
class Album:
    """The finished pictures of an album.

    Attributes:
        pictures: Name of the result as in `runs.result_name`, and of the photograph.
        zip_file: Path of the ZIP file with all of them; None while there are none.
    """

    pictures: tuple[tuple[str, str], ...] = ()
    zip_file: str | None = None


@dataclass(frozen=True)
class AlbumOutputs:
    """The values of the output components while an album is painted.

    Attributes:
        album: None leaves it unchanged.
    """

    album: Album | None
    status: Status


def _album_signature() -> inspect.Signature:
    """That of the stylize handlers, with the paths of the photographs in place of the content."""
    _, *others = STYLIZE_SIGNATURE.parameters.values()
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    album = inspect.Parameter("album", kind, annotation=list[str] | None)
    return STYLIZE_SIGNATURE.replace(parameters=[album, *others])


def _with_album_signature(handler: Callable) -> Callable:
    handler.__signature__ = _album_signature()
    return handler


@_with_album_signature
def run_album(album: Any, *others: Any) -> Iterator[AlbumOutputs]:
    """Repaints each photograph in turn; a ZIP file has the finished ones from the first on.

    A photograph that fails does not stop the others; the last status tells why.
    """
    language = language_argument(run_album, album, *others)
    painted = Album()
    try:
        calls = _checked_calls(album, *others)
        settings = parse_settings(calls[0].values)
        _check_total(settings, len(calls))
        zip_file = new_zip_file(f"album-{_common_name(calls[0])}.zip")
        progress = SeveralRuns([expected_seconds(settings, _shape(call)) for call in calls])
        status_of = partial(_status, progress, calls, _has_unused(*others))
        failures: list[tuple[str, Message]] = []
        yield AlbumOutputs(painted, status_of(status.preparing("preparing", language)))
        for call in calls:
            try:
                with kept(zip_file.parent), closing(run_call(call, settings)) as results:
                    for shown in results:
                        yield AlbumOutputs(None, status_of(shown.status))
            except (ImageError, SettingsError) as error:
                failures.append((_photograph(call), error.message))
                progress.skip()
            else:
                painted = _add(shown, call, settings, zip_file, painted)
                yield AlbumOutputs(painted, status_of(shown.status))
                progress.go_on()
        finished = status.album_painted(len(painted.pictures), len(calls), failures, language)
    except NeuralStyleError as error:
        finished = status.failed(error.message, language)
    yield AlbumOutputs(painted, finished)


def album_fault(album: Any, *others: Any) -> tuple[str, str] | None:
    """The first input of an album that is missing or wrong, and what is wrong with it."""
    try:
        first = _checked_calls(album, *others)[0]
    except SettingsError as error:
        return "album", localize(error.message, language_argument(run_album, album, *others))
    fault = first_fault(**first.pictures, **first.values, language=first.language)
    if fault is None:
        try:
            _check_total(parse_settings(first.values), len(album))
        except SettingsError as error:
            return "album", localize(error.message, first.language)
    return fault


def unreadable(album: list[str]) -> list[tuple[str, Message]]:
    """Name and error of each photograph whose file cannot be read, by its first bytes.

    Raises:
        PageError: There are too many photographs, or one is no uploaded file.
    """
    _check_photographs(album)
    failures = []
    for path in album:
        try:
            read_shape(path)
        except ImageError as error:
            failures.append((Path(path).stem, error.message))
    return failures


def expected_album_seconds(settings: Settings, photographs: int) -> float:
    """The estimated duration of so many photographs on this machine.

    Raises:
        PageError: They, or one of them, would take too long.
    """
    _check_total(settings, photographs)
    return photographs * expected_seconds(settings)


@_with_album_signature
def album_seconds(album: Any, *others: Any) -> float:
    """The estimated duration of an album on this machine."""
    return _times(expected_seconds, album, *others)


@_with_album_signature
def gpu_seconds_of_album(album: Any, *others: Any) -> int:
    """Seconds of ZeroGPU's full card to reserve for an album, generously."""
    return max(1, round(_times(reserved_seconds, album, *others)))


def _times(cost: Callable[[Settings], float], album: Any, *others: Any) -> float:
    """The cost of all photographs."""
    try:
        return sum(cost(parse_settings(call.values)) for call in _calls(album, *others))
    except SettingsError:
        return 0.0  # the run reports the error


def _calls(album: Any, *others: Any) -> list[Call]:
    """A request for each photograph, without the pictures that belong to one photograph."""
    calls = [call_from_arguments(path, *others) for path in (album or ())[:MOST_PHOTOGRAPHS]]
    return [replace(call, pictures=call.pictures | dict.fromkeys(_UNUSED)) for call in calls]


def _checked_calls(album: Any, *others: Any) -> list[Call]:
    """A request for each photograph.

    Raises:
        PageError: There are none or too many, or one is no uploaded file.
    """
    _check_photographs(album)
    return _calls(album, *others)


def _check_photographs(album: Any) -> None:
    if not album:
        raise PageError("no_album")
    if len(album) > MOST_PHOTOGRAPHS:
        raise PageError("album_too_many", given=len(album), limit=MOST_PHOTOGRAPHS)
    for path in album:
        check_upload("album", path)


def _check_total(settings: Settings, count: int) -> None:
    """Checks that all photographs together take no longer than one run may.

    Raises:
        PageError: They would; it says how many would fit.
    """
    check_cost(settings)
    if on_zero_gpu():
        one, limit = float(reserved_seconds(settings)), float(MAX_RESERVED_SECONDS)
    else:
        one, limit = expected_seconds(settings), 60 * most_minutes()
    if count * one <= limit:
        return
    values = {"given": count, "fitting": max(1, int(limit / one))}
    if on_zero_gpu():
        raise PageError("album_too_long", seconds=round(count * one), limit=round(limit), **values)
    minutes = math.ceil(count * one / 60)
    raise PageError("album_too_long_here", minutes=minutes, limit=f"{limit / 60:g}", **values)


def _add(shown: Outputs, call: Call, settings: Settings, zip_file: Path, album: Album) -> Album:
    """The album with the picture of a finished run, which is added to the ZIP file."""
    run, picture = Path(str(shown.run)), Path(str(shown.picture))
    add_to_zip(zip_file, run, picture, download_name(call))
    one = (result_name(run, settings.iterations), _photograph(call))
    return Album((*album.pictures, one), str(zip_file))


def _photograph(call: Call) -> str:
    """The name of the photograph, as the visitor knows it."""
    return Path(str(call.pictures["content"])).stem


def _common_name(call: Call) -> str:
    """Painting and seed, as in the names of downloads."""
    return download_name(replace(call, pictures=call.pictures | {"content": None}))


def _has_unused(*others: Any) -> bool:
    """Whether there is a picture that is left out of an album."""
    given = call_from_arguments(None, *others).pictures
    return any(given[name] is not None for name in _UNUSED)


def _status(progress: SeveralRuns, calls: list[Call], less: bool, current: Status) -> Status:
    """The status of the album.

    Args:
        less: Whether pictures are left out.
        current: Status of the current photograph's run.
    """
    overall = progress.overall(current)
    call = calls[overall.number - 1]
    return status.painting_album(overall, _photograph(call), less, call.language)


def _shape(call: Call) -> tuple[int, int] | None:
    """Height and width of the photograph; None if it cannot be read, which its run reports."""
    try:
        return read_shape(str(call.pictures["content"]))
    except ImageError:
        return None
