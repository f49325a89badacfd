"""Files of named JSON with a format version, and checks of what is read from them."""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

from neural_style.files import not_written, write_atomically
from neural_style.web.text.texts import PageError

FORMAT = 1
"""Of every file that is written here."""

_LARGEST = 1e300


def write_json(path: Path, fields: dict[str, Any]) -> None:
    """Writes a file of these fields; what JSON does not know is written as its words.

    Raises:
        FileError: It cannot be written.
    """
    text = json.dumps({"format": FORMAT} | fields, allow_nan=False, default=str)
    try:
        with write_atomically(path) as partial:
            partial.write_text(text)
    except OSError as error:
        raise not_written(path.name, error) from error


def read_json(path: Path, names: Collection[str]) -> dict[str, Any]:
    """The fields of a file, which must be these; what is in them is not yet checked.

    Raises:
        FileNotFoundError: There is none.
        PageError: It is damaged, or of another format.
    """
    try:
        record = json.loads(path.read_text())
        if isinstance(record, dict) and record.get("format", FORMAT) != FORMAT:
            raise PageError("kept_unknown")
        fields = fields_of(record, ("format", *names))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise PageError("kept_damaged") from error
    del fields["format"]
    return fields


def fields_of(record: Any, names: Collection[str]) -> dict[str, Any]:
    """The record, if it has these names and no others.

    Raises:
        ValueError: It has not.
    """
    check(isinstance(record, dict) and record.keys() == {*names})
    return record


def number(value: Any, low: float = -math.inf) -> float:
    """A finite number from `low` on.

    Raises:
        ValueError: It is none.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    check(is_number and low <= value and abs(value) <= _LARGEST)
    return float(value)


def whole(value: Any, low: int, high: int) -> int:
    """A whole number from `low` to `high`.

    Raises:
        ValueError: It is none.
    """
    check(isinstance(value, int) and not isinstance(value, bool) and low <= value <= high)
    return value


def check(sound: bool) -> None:
    """Refuses what is not sound.

    Raises:
        ValueError: It is not.
    """
    if not sound:
        raise ValueError
