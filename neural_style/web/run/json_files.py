"""JSON files with a format version, and checks of the values read from them."""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

from neural_style.files import not_written, write_atomically
from neural_style.web.text.texts import PageError

FORMAT = 1
"""The version written into every file."""

_LARGEST = 1e300


def write_json(path: Path, fields: dict[str, Any]) -> None:
    """Writes the fields as a JSON file; values of other types than JSON's are written as strings.

    Raises:
        FileError: The file cannot be written.
    """
    text = json.dumps({"format": FORMAT} | fields, allow_nan=False, default=str)
    try:
        with write_atomically(path) as partial:
            partial.write_text(text)
    except OSError as error:
        raise not_written(path.name, error) from error


def read_json(path: Path, names: Collection[str]) -> dict[str, Any]:
    """Reads a file that must have exactly these fields; their values are not checked.

    Raises:
        FileNotFoundError: There is no such file.
        PageError: The file is damaged, or of another format version.
    """
    try:
        record = json.loads(path.read_text())
        if isinstance(record, dict) and record.get("format", FORMAT) != FORMAT:
            raise PageError("kept_unknown")
        fields = exact_fields(record, ("format", *names))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise PageError("kept_damaged") from error
    del fields["format"]
    return fields


def exact_fields(record: Any, names: Collection[str]) -> dict[str, Any]:
    """Returns the record after checking that it has exactly these fields.

    Raises:
        ValueError: It has others, or is no object.
    """
    require(isinstance(record, dict) and record.keys() == {*names})
    return record


def finite_number(value: Any, low: float = -math.inf) -> float:
    """Returns the value after checking that it is a finite number of at least `low`.

    Raises:
        ValueError: It is not.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    require(is_number and low <= value and abs(value) <= _LARGEST)
    return float(value)


def integer(value: Any, low: int, high: int) -> int:
    """Returns the value after checking that it is an integer from `low` to `high`.

    Raises:
        ValueError: It is not.
    """
    require(isinstance(value, int) and not isinstance(value, bool) and low <= value <= high)
    return value


def require(condition: bool) -> None:
    """Raises ValueError unless the condition holds."""
    if not condition:
        raise ValueError
