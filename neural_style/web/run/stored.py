"""A call and the end of a run as files, and back; what is read is checked in every field."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from neural_style.errors import SettingsError
from neural_style.messages import Message
from neural_style.web.run.call import MORE_PICTURES, PICTURES, Call, page_knobs
from neural_style.web.run.checks import PAGE_LIMITS, check_upload, settings_of
from neural_style.web.run.end import End, Point, Progress, Reached, picture_of
from neural_style.web.run.json_files import (
    check,
    fields_of,
    number,
    read_json,
    whole,
    write_json,
)
from neural_style.web.text.languages import LANGUAGES
from neural_style.web.text.texts import PageError, localize


def write_call(path: Path, call: Call) -> None:
    """Keeps what was asked for.

    Raises:
        FileError: It cannot be written.
    """
    write_json(path, asdict(call))


def read_call(path: Path) -> Call:
    """What `write_call` has kept, as good as when it was accepted.

    Raises:
        FileNotFoundError: There is none.
        PageError: It is damaged, or of another format.
    """
    record = read_json(path, ("pictures", "values", "language"))
    try:
        pictures = fields_of(record["pictures"], (*PICTURES, *MORE_PICTURES))
        for name, file in pictures.items():
            check(file is None or isinstance(file, str))
            check_upload(name, file)
        values = fields_of(record["values"], page_knobs())
        settings_of(values)
        check(isinstance(record["language"], str) and record["language"] in LANGUAGES)
    except (ValueError, SettingsError) as error:
        raise PageError("kept_damaged") from error
    return Call(pictures, values, record["language"])


def write_end(path: Path, end: End) -> None:
    """Keeps how a run ended.

    Raises:
        FileError: It cannot be written.
    """
    fields = {
        "reached": end.reached and _of_reached(end.reached),
        "milestones": [_of_point(point) for point in end.progress.milestones],
        "losses": [_of_point(point) for point in end.progress.losses],
        "failure": end.failure and _of_message(end.failure),
    }
    write_json(path, fields)


def read_end(path: Path, folder: Path) -> End:
    """What `write_end` has kept of the run whose pictures are in the folder.

    Raises:
        FileNotFoundError: There is none.
        PageError: It is damaged, or of another format, or a picture is missing.
    """
    record = read_json(path, ("reached", "milestones", "losses", "failure"))
    try:
        reached = _optional(_reached, record["reached"])
        milestones = _points(record["milestones"], reached)
        last = milestones[-1].iteration if milestones else None
        check(last == (reached and reached.iteration))
        check(all(picture_of(folder, point.iteration).is_file() for point in milestones))
        progress = Progress(milestones, _points(record["losses"], reached))
        return End(reached, progress, _optional(_message, record["failure"]))
    except (ValueError, OSError, RecursionError) as error:
        raise PageError("kept_damaged") from error


def _of_reached(reached: Reached) -> dict[str, Any]:
    changed = {"losses": _of_losses(reached.losses), "note": _of_message(reached.note)}
    return vars(reached) | changed


def _reached(record: Any) -> Reached:
    names = ("iteration", "planned", "height", "width", "seconds", "losses", "note")
    record = fields_of(record, names)
    planned = whole(record["planned"], 1, PAGE_LIMITS["iterations"])
    return Reached(
        iteration=whole(record["iteration"], 0, planned),
        planned=planned,
        height=whole(record["height"], 1, PAGE_LIMITS["size"]),
        width=whole(record["width"], 1, PAGE_LIMITS["size"]),
        seconds=number(record["seconds"], 0),
        losses=_losses(record["losses"]),
        note=_message(record["note"]),
    )


def _points(records: Any, reached: Reached | None) -> tuple[Point, ...]:
    """Points of a run in ascending order, up to what it has reached."""
    check(isinstance(records, list))
    points, least, most = [], 0, reached.iteration if reached else -1
    for record in records:
        record = fields_of(record, ("iteration", "losses"))
        least = whole(record["iteration"], least, most)
        points.append(Point(least, _losses(record["losses"])))
    return tuple(points)


def _of_point(point: Point) -> dict[str, Any]:
    return {"iteration": point.iteration, "losses": _of_losses(point.losses)}


def _of_losses(losses: dict[str, float]) -> dict[str, float | None]:
    """JSON has no number that is not finite: null stands for it."""
    return {term: value if math.isfinite(value) else None for term, value in losses.items()}


def _losses(record: Any) -> dict[str, float]:
    check(isinstance(record, dict))
    return {term: math.nan if value is None else number(value) for term, value in record.items()}


def _of_message(message: Message) -> dict[str, Any]:
    values = {name: _of_value(value) for name, value in message.values.items()}
    return {"code": message.code, "values": values}


def _of_value(value: Any) -> Any:
    if isinstance(value, Message):
        return _of_message(value)
    if isinstance(value, tuple):
        return [_of_value(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value


def _message(record: Any) -> Message:
    """A message whose text can be told in every language."""
    record = fields_of(record, ("code", "values"))
    check(isinstance(record["code"], str) and isinstance(record["values"], dict))
    values = {name: _value(value) for name, value in record["values"].items()}
    message = Message(record["code"], **values)
    try:
        for language in LANGUAGES:
            localize(message, language)
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError from error
    return message


def _value(record: Any) -> Any:
    if isinstance(record, dict):
        if record.keys() == {"float"}:
            check(record["float"] in ("nan", "inf", "-inf"))
            return float(record["float"])
        return _message(record)
    if isinstance(record, list):
        return tuple(map(_value, record))
    if not isinstance(record, str):
        number(record)
    return record


def _optional(read: Callable[[Any], Any], record: Any) -> Any:
    return None if record is None else read(record)
