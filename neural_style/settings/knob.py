"""Knobs: declaration of the fields of `Settings`, and checks of their values."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import Field, field
from numbers import Real
from typing import Any

from neural_style.errors import SettingsError, quoted
from neural_style.settings.words import Words


def knob(
    default: Any,
    low: float | None = None,
    high: float | None = None,
    help: str = "",
    *,
    choices: Collection[str] = (),
    words: Words | None = None,
    or_path: bool = False,
    host: bool = False,
) -> Any:
    """A field of `Settings`: a number from `low` to `high`, or a string, e.g. one of `choices`.

    Args:
        words: Parser and checks of a value that is neither a number nor a string.
        or_path: Whether a file's path is allowed, too.
        host: Whether it belongs to the machine, not to the picture. The page, its API and recipes
            do not have such a setting.
    """
    about = {
        "low": low,
        "high": high,
        "help": help,
        "choices": tuple(choices),
        "words": words,
        "or_path": or_path,
        "host": host,
    }
    return field(default=default, metadata=about)


def check_knob(about: Field, value: Any) -> Any:
    """The value, converted to its knob's exact type.

    Raises:
        SettingsError: It has another type, is out of range, or is not one of the choices.
    """
    words, kind = about.metadata["words"], type(about.default)
    if words is not None:
        return _named(about, words.check, value)
    if kind is str:
        return _check_choice(about, value)
    return _check_number(about, kind, value)


def _check_number(about: Field, kind: type, value: Any) -> int | float:
    low, high = about.metadata["low"], about.metadata["high"]
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    in_range = is_number and low <= value <= high  # false for NaN
    if not in_range or (kind is int and value != int(value)):
        wrong = {"name": about.name, "low": low, "high": high, "given": quoted(value)}
        if kind is int:
            raise SettingsError("knob.whole_number", **wrong)
        raise SettingsError("knob.number", **wrong)
    return kind(value)


def _check_choice(about: Field, value: Any) -> str:
    choices, or_path = about.metadata["choices"], about.metadata["or_path"]
    if not isinstance(value, str) or not value.strip():
        raise SettingsError("knob.word", name=about.name, given=quoted(value))
    if choices and value not in choices and not or_path:
        given = quoted(value)
        raise SettingsError("knob.choice", name=about.name, choices=choices, given=given)
    return value


def read_knob(about: Field, given: Any) -> Any:
    """The value, from its form in the shell, on the page and in its links.

    Args:
        given: Text for a knob with `words`, otherwise the value itself.

    Raises:
        SettingsError: It has another type or form, is out of range, or is not one of the choices.
    """
    words = about.metadata["words"]
    if words is None:
        return check_knob(about, given)
    if not isinstance(given, str) or not given.strip():
        raise SettingsError("knob.word", name=about.name, given=quoted(given))
    return _named(about, words.read, given)


def write_knob(about: Field, value: Any) -> Any:
    """The value in the form that the shell, the page and its links use; inverse of `read_knob`."""
    words = about.metadata["words"]
    return value if words is None else words.written(value)


def _named(about: Field, function: Callable[[Any], Any], given: Any) -> Any:
    try:
        return function(given)
    except SettingsError as error:
        raise SettingsError("knob.form", name=about.name, reason=error.message) from None
