"""Links that open the page with settings, example pictures, or a result.

Gradio's `gr.DeepLinkButton` is not used. It stores the last value of every component of the
session, also of `gr.BrowserState`, and serves them to anyone with the link: uploaded pictures,
and all earlier results in that browser. Its links still open after the pictures are deleted,
without saying so.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import Field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from neural_style.errors import SettingsError
from neural_style.settings.knob import write_knob
from neural_style.web.run.call import page_knobs
from neural_style.web.run.checks import PAGE_LIMITS, check_value
from neural_style.web.text.languages import DEFAULT_LANGUAGE
from neural_style.web.text.texts import localize, translate

EXAMPLES = Path(__file__).parents[3] / "examples"

RESULT_PARAMETER = "result"
"""The URL parameter with the name of a shared result."""

_PICTURE_NAMES = ("content", "style")


def make_query(content: str | None, style: str | None, values: dict[str, Any]) -> str:
    """The query of a link to the settings, without defaults: "?content=dahlia&iterations=300"."""
    parts = _example_names(content, style)
    for name, field in page_knobs().items():
        value = values[name]
        if value != write_knob(field, field.default):
            parts[name] = f"{value:g}" if isinstance(value, float) else str(value)
    return "?" + urlencode(parts)


def make_result_query(content: str | None, style: str | None, name: str) -> str:
    """The query of a link to a shared result, which also restores its settings: "?result=…"."""
    return "?" + urlencode(_example_names(content, style) | {RESULT_PARAMETER: name})


def read_query(
    query: Mapping[str, str], language: str = DEFAULT_LANGUAGE
) -> tuple[dict[str, str], dict[str, Any], list[str]]:
    """Parses the query of a link. Numbers out of range are clamped.

    Returns:
        Paths of example pictures by name, values of settings by name, and messages in plain text
        about ignored parameters.
    """
    fields = page_knobs()
    pictures, values, ignored = {}, {}, []
    for name, text in query.items():
        if name.startswith("__"):
            continue  # parameters of Gradio and the host, such as the theme
        if name in _PICTURE_NAMES:
            file = EXAMPLES / name / f"{text}.jpg"
            if file in _examples(name):
                pictures[name] = str(file)
            else:
                ignored.append(translate("link_unknown", language, name=f"{name}={text!r:.40}"))
        elif name not in fields:
            ignored.append(translate("link_unknown", language, name=f"{name!r:.40}"))
        else:
            try:
                value = check_value(fields[name], _parse_clamped(fields[name], text))
                values[name] = write_knob(fields[name], value)
            except SettingsError as error:
                reason = localize(error.message, language)
                ignored.append(translate("link_ignored", language, name=name, reason=reason))
    return pictures, values, ignored


def _example_names(*paths: str | None) -> dict[str, str]:
    """Names of the example pictures that the two files are copies of."""
    return {
        name: Path(example).stem
        for name, path in zip(_PICTURE_NAMES, paths, strict=True)
        if path and (example := find_identical_example(name, Path(path)))
    }


def _parse_clamped(field: Field, text: str) -> Any:
    """The number in the text, clamped to its range; text that is no number is returned."""
    if field.metadata["low"] is None:
        return text
    low, high = field.metadata["low"], field.metadata["high"]
    try:
        number = type(field.default)(text)
    except ValueError:
        return text
    is_number = isinstance(number, int) or not math.isnan(number)
    return min(max(number, low), PAGE_LIMITS.get(field.name, high)) if is_number else number


def _examples(name: str) -> list[Path]:
    return sorted((EXAMPLES / name).glob("*.jpg"))


def find_identical_example(name: str, path: Path) -> str | None:
    """The path of the example picture with the same content; None if there is none."""
    try:
        size, digest = path.stat().st_size, None
        for file in _examples(name):
            if file.stat().st_size == size:
                digest = digest or _digest(path)
                if _digest(file) == digest:
                    return str(file)
    except OSError:
        return None
    return None


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
