"""Texts of the page and of the core's messages in a given language, by key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from neural_style.errors import SettingsError
from neural_style.messages import Message, render
from neural_style.plan.clock import in_words
from neural_style.web.text.languages import DEFAULT_LANGUAGE, LANGUAGES, Language


def localize(message: Message, language: str = DEFAULT_LANGUAGE) -> str:
    """The text of a message of the core or the page, in English if the language is unknown.

    It names files and folders without those that they are in: visitors are not told where the
    server has its files.
    """
    return render(_without_places(message), _language(language).texts)


_PATHS = ("path", "folder")
"""Values of messages that are paths."""


def _without_places(value: Any) -> Any:
    """The message, with the last names of paths only."""
    if isinstance(value, tuple):
        return tuple(map(_without_places, value))
    if not isinstance(value, Message):
        return value
    short = {
        name: Path(one).name if name in _PATHS and isinstance(one, str) else _without_places(one)
        for name, one in value.values.items()
    }
    return Message(value.code, **short)


def translate(
    key: str, language: str = DEFAULT_LANGUAGE, **values: str | int | float | Message
) -> str:
    """The page's text of that key in the language, with its placeholders filled in."""
    return localize(Message(key, **values), language)


def example_title(name: str, language: str = DEFAULT_LANGUAGE) -> str:
    """The title of an example picture; of another picture, its name."""
    key = f"example_{name}"
    return translate(key, language) if key in _language(language).page else name


class PageError(SettingsError):
    """A request that the page refuses and the core would accept; its code is a key of `ENGLISH`."""

    def __str__(self) -> str:
        return localize(self.message)


_MARKDOWN_SYNTAX = re.compile(
    r"[\\`*\[\]<>&#~|@]|(?<!\w)_|_(?!\w)|:(?=//)|(?<=www)\.", re.IGNORECASE
)
"""Characters with a meaning in Markdown or HTML; underscores inside words have none."""


def escape_markdown(text: object) -> str:
    """The text on one line, with the syntax of Markdown and HTML escaped; for untrusted input."""
    return _MARKDOWN_SYNTAX.sub(r"\\\g<0>", " ".join(str(text).split()))


def format_duration(seconds: float, language: str = DEFAULT_LANGUAGE) -> str:
    """A duration with translated units: "1 min 56 s"."""
    units = _language(language).duration_units
    return " ".join(units.get(word, word) for word in in_words(seconds).split())


def loss_name(term: str, language: str = DEFAULT_LANGUAGE) -> str:
    """The name of a term of the loss, such as "content", or "style 2" of several styles."""
    kind, _, number = term.partition(" ")
    name = translate(f"loss_{kind}", language)
    return f"{name} {number}" if number else name


def knob_label(name: str, language: str = DEFAULT_LANGUAGE) -> str:
    """The label of a setting's component."""
    return _language(language).knobs[name].label


def knob_help(name: str, language: str = DEFAULT_LANGUAGE) -> str:
    """The help text of a setting's component."""
    return _language(language).knobs[name].help


def choice_label(name: str, value: str, language: str = DEFAULT_LANGUAGE) -> str:
    """The label of a value of a setting: words, if there are some, then the value itself."""
    words = _language(language).knobs[name].choices.get(value)
    return value if words is None else f"{words} ({value})"


def _language(code: str) -> Language:
    return LANGUAGES.get(code, LANGUAGES[DEFAULT_LANGUAGE])


def caption(iteration: int, language: str = DEFAULT_LANGUAGE) -> str:
    """The caption of a picture in the gallery."""
    if iteration == 0:
        return translate("caption_start", language)
    return translate("caption", language, iteration=iteration)
