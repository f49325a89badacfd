"""Requests and outcomes of runs as JSON files; every field is checked when read."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from neural_style.errors import SettingsError
from neural_style.messages import Message
from neural_style.web.run.addresses import picture_path
from neural_style.web.run.call import EXTRA_PICTURES, PICTURES, Call, page_knobs
from neural_style.web.run.checks import PAGE_LIMITS, check_upload, parse_settings
from neural_style.web.run.json_files import (
    exact_fields,
    finite_number,
    integer,
    read_json,
    require,
    write_json,
)
from neural_style.web.run.outcome import LastPicture, LossPoint, Outcome, Progress
from neural_style.web.text.languages import LANGUAGES
from neural_style.web.text.texts import PageError, localize


def write_call(path: Path, call: Call) -> None:
    """Writes the request of a run.

    Raises:
        FileError: It cannot be written.
    """
    write_json(path, asdict(call))


def read_call(path: Path) -> Call:
    """Reads a request, with the checks of a new one.

    Raises:
        FileNotFoundError: There is no such file.
        PageError: It is damaged, or of another format version.
    """
    record = read_json(path, ("pictures", "values", "language"))
    try:
        pictures = exact_fields(record["pictures"], (*PICTURES, *EXTRA_PICTURES))
        for name, file in pictures.items():
            require(file is None or isinstance(file, str))
            check_upload(name, file)
        values = exact_fields(record["values"], page_knobs())
        parse_settings(values)
        require(isinstance(record["language"], str) and record["language"] in LANGUAGES)
    except (ValueError, SettingsError) as error:
        raise PageError("kept_damaged") from error
    return Call(pictures, values, record["language"])


def write_outcome(path: Path, outcome: Outcome) -> None:
    """Writes the outcome of a run.

    Raises:
        FileError: It cannot be written.
    """
    fields = {
        "reached": outcome.last_picture and _encode_last_picture(outcome.last_picture),
        "milestones": [_encode_point(point) for point in outcome.progress.milestones],
        "losses": [_encode_point(point) for point in outcome.progress.losses],
        "failure": outcome.failure and _encode_message(outcome.failure),
    }
    write_json(path, fields)


def read_outcome(path: Path, run: Path) -> Outcome:
    """Reads the outcome of the run with that private folder.

    Raises:
        FileNotFoundError: There is no such file.
        PageError: It is damaged, of another format version, or a picture is missing.
    """
    record = read_json(path, ("reached", "milestones", "losses", "failure"))
    try:
        last_picture = _decode_optional(_decode_last_picture, record["reached"])
        milestones = _decode_points(record["milestones"], last_picture)
        last = milestones[-1].iteration if milestones else None
        require(last == (last_picture and last_picture.iteration))
        require(all(picture_path(run, point.iteration).is_file() for point in milestones))
        progress = Progress(milestones, _decode_points(record["losses"], last_picture))
        return Outcome(last_picture, progress, _decode_optional(_decode_message, record["failure"]))
    except (ValueError, OSError, RecursionError) as error:
        raise PageError("kept_damaged") from error


def _encode_last_picture(last_picture: LastPicture) -> dict[str, Any]:
    changed = {
        "losses": _encode_losses(last_picture.losses),
        "note": _encode_message(last_picture.note),
    }
    return vars(last_picture) | changed


def _decode_last_picture(record: Any) -> LastPicture:
    names = ("iteration", "planned", "height", "width", "seconds", "losses", "note")
    record = exact_fields(record, names)
    planned = integer(record["planned"], 1, PAGE_LIMITS["iterations"])
    return LastPicture(
        iteration=integer(record["iteration"], 0, planned),
        planned=planned,
        height=integer(record["height"], 1, PAGE_LIMITS["size"]),
        width=integer(record["width"], 1, PAGE_LIMITS["size"]),
        seconds=finite_number(record["seconds"], 0),
        losses=_decode_losses(record["losses"]),
        note=_decode_message(record["note"]),
    )


def _decode_points(records: Any, last_picture: LastPicture | None) -> tuple[LossPoint, ...]:
    """Points in ascending order, up to the iteration of the last picture."""
    require(isinstance(records, list))
    points, lowest, highest = [], 0, last_picture.iteration if last_picture else -1
    for record in records:
        record = exact_fields(record, ("iteration", "losses"))
        lowest = integer(record["iteration"], lowest, highest)
        points.append(LossPoint(lowest, _decode_losses(record["losses"])))
    return tuple(points)


def _encode_point(point: LossPoint) -> dict[str, Any]:
    return {"iteration": point.iteration, "losses": _encode_losses(point.losses)}


def _encode_losses(losses: dict[str, float]) -> dict[str, float | None]:
    """The losses, with None for values that are not finite, which JSON lacks."""
    return {term: value if math.isfinite(value) else None for term, value in losses.items()}


def _decode_losses(record: Any) -> dict[str, float]:
    require(isinstance(record, dict))
    return {
        term: math.nan if value is None else finite_number(value) for term, value in record.items()
    }


def _encode_message(message: Message) -> dict[str, Any]:
    values = {name: _encode_value(value) for name, value in message.values.items()}
    return {"code": message.code, "values": values}


def _encode_value(value: Any) -> Any:
    if isinstance(value, Message):
        return _encode_message(value)
    if isinstance(value, tuple):
        return [_encode_value(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value


def _decode_message(record: Any) -> Message:
    """A message whose text can be rendered in every language."""
    record = exact_fields(record, ("code", "values"))
    require(isinstance(record["code"], str) and isinstance(record["values"], dict))
    values = {name: _decode_value(value) for name, value in record["values"].items()}
    message = Message(record["code"], **values)
    try:
        for language in LANGUAGES:
            localize(message, language)
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError from error
    return message


def _decode_value(record: Any) -> Any:
    if isinstance(record, dict):
        if record.keys() == {"float"}:
            require(record["float"] in ("nan", "inf", "-inf"))
            return float(record["float"])
        return _decode_message(record)
    if isinstance(record, list):
        return tuple(map(_decode_value, record))
    if not isinstance(record, str):
        finite_number(record)
    return record


def _decode_optional(read: Callable[[Any], Any], record: Any) -> Any:
    return None if record is None else read(record)
