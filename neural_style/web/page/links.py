"""Links that open the page as it is: settings, or a result, and names of example pictures.

Gradio's own link to a result, `gr.DeepLinkButton`, is not used. It keeps the last value of every
component of the session, `gr.BrowserState` too, and serves them to whoever opens it: the pictures
that were brought, and all earlier results in that browser. And it goes on opening, without its
pictures, when those have been swept; ours says so.
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
from neural_style.web.run.runs import result_name
from neural_style.web.text.languages import DEFAULT_LANGUAGE
from neural_style.web.text.texts import escape_markdown, localize, translate

EXAMPLES = Path(__file__).parents[3] / "examples"

RESULT = "result"
"""What a result is called in a query."""

_KINDS = ("content", "style")


def make_query(content: str | None, style: str | None, values: dict[str, Any]) -> str:
    """Of a link: "?content=dahlia&iterations=300"; only what differs from what is usual."""
    parts = _example_names(content, style)
    for name, about in page_knobs().items():
        value = values[name]
        if value != write_knob(about, about.default):
            parts[name] = f"{value:g}" if isinstance(value, float) else str(value)
    return "?" + urlencode(parts)


def make_result_query(content: str | None, style: str | None, picture: str) -> str:
    """Of a link to a result, which brings its settings along: "?result=…"."""
    return "?" + urlencode(_example_names(content, style) | {RESULT: result_name(picture)})


def read_query(
    query: Mapping[str, str], language: str = DEFAULT_LANGUAGE
) -> tuple[dict[str, str], dict[str, Any], list[str]]:
    """What a link asks for, of what the page allows.

    Returns:
        Files of example pictures by kind, values by knob, and in Markdown what was left out.
        Numbers beyond their range are brought back to its end.
    """
    about = page_knobs()
    pictures, values, left_out = {}, {}, []
    for name, word in query.items():
        if name.startswith("__"):
            continue  # the host's own: a theme, a signature
        if name in _KINDS:
            file = EXAMPLES / name / f"{word}.jpg"
            if file in _examples(name):
                pictures[name] = str(file)
            else:
                unknown = escape_markdown(f"{name}={word!r:.40}")
                left_out.append(translate("link_unknown", language, name=unknown))
        elif name not in about:
            left_out.append(
                translate("link_unknown", language, name=escape_markdown(f"{name!r:.40}"))
            )
        else:
            try:
                value = check_value(about[name], _parse(about[name], word))
                values[name] = write_knob(about[name], value)
            except SettingsError as error:
                reason = escape_markdown(localize(error.message, language))
                left_out.append(translate("link_ignored", language, name=name, reason=reason))
    return pictures, values, left_out


def _example_names(*paths: str | None) -> dict[str, str]:
    return {
        kind: Path(name).stem
        for kind, path in zip(_KINDS, paths, strict=True)
        if path and (name := _example_like(kind, Path(path)))
    }


def _parse(about: Field, word: str) -> Any:
    """The word, or the number nearest to it that is allowed; what is no number stays a word."""
    if about.metadata["low"] is None:
        return word
    low, high = about.metadata["low"], about.metadata["high"]
    try:
        number = type(about.default)(word)
    except ValueError:
        return word
    return (
        number if math.isnan(number) else min(max(number, low), PAGE_LIMITS.get(about.name, high))
    )


def _examples(kind: str) -> list[Path]:
    return sorted((EXAMPLES / kind).glob("*.jpg"))


def _example_like(kind: str, path: Path) -> str | None:
    """The name of the example picture that this file is a copy of."""
    try:
        size, digest = path.stat().st_size, None
        for file in _examples(kind):
            if file.stat().st_size == size:
                digest = digest or _digest(path)
                if _digest(file) == digest:
                    return file.name
    except OSError:
        return None
    return None


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
