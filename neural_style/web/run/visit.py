"""The last visit as the browser stores it: pictures, settings, run and variations, as JSON."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neural_style.errors import SettingsError
from neural_style.settings.knob import write_knob
from neural_style.web.run import runs
from neural_style.web.run.call import EXTRA_PICTURES, PICTURES, page_knobs
from neural_style.web.run.checks import check_upload, check_value
from neural_style.web.run.variations import COUNT
from neural_style.web.text.texts import PageError


@dataclass(frozen=True)
class Visit:
    """What a visitor had on the page.

    Attributes:
        pictures: Paths of pictures that still exist, by the names in `PICTURES` and
            `EXTRA_PICTURES`.
        lost: Names of pictures that no longer exist.
        values: Values of settings by name; values that are not allowed are left out.
        run: The folder of the run that was started last, if it still exists.
        variations: Names of the displayed variations that still exist.
    """

    pictures: dict[str, str] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    values: dict[str, Any] = field(default_factory=dict)
    run: Path | None = None
    variations: tuple[str, ...] = ()


def read_visit(text: str) -> Visit:
    """Reads the JSON that the browser stores; what is malformed in it is left out.

    It has the objects "pictures", name → path, and "values", name → value, the string "run", and
    the list of strings "variations".
    """
    try:
        stored = json.loads(text or "{}")
    except (ValueError, TypeError, RecursionError):
        return Visit()
    stored = stored if isinstance(stored, dict) else {}
    given = {
        name: path
        for name, path in _table(stored, "pictures").items()
        if name in (*PICTURES, *EXTRA_PICTURES) and isinstance(path, str)
    }
    pictures = {name: path for name, path in given.items() if _exists(name, path)}
    values = {}
    for name, knob in page_knobs().items():
        with suppress(SettingsError, KeyError, UnicodeEncodeError):
            value = write_knob(knob, check_value(knob, _table(stored, "values")[name]))
            str(value).encode()  # half characters cannot be sent to the page
            values[name] = value
    run, names = stored.get("run"), stored.get("variations")
    names = names[:COUNT] if isinstance(names, list) else []
    return Visit(
        pictures,
        tuple(name for name in given if name not in pictures),
        values,
        runs.find_run(run) if isinstance(run, str) else None,
        tuple(name for name in names if isinstance(name, str) and runs.find_result(name)),
    )


def visit_of(run: Path) -> Visit:
    """The pictures that still exist and the settings of a run's request; none if it is damaged."""
    try:
        call = runs.read_call(run)
    except PageError:
        return Visit()
    return read_visit(json.dumps({"pictures": call.pictures, "values": call.values}))


def _table(stored: dict[str, Any], name: str) -> dict[str, Any]:
    table = stored.get(name)
    return table if isinstance(table, dict) else {}


def _exists(name: str, path: str) -> bool:
    try:
        return Path(check_upload(name, path)).is_file()
    except (SettingsError, ValueError, OSError):
        return False
