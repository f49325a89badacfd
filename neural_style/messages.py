"""Messages of the core: a code with values. The texts are in `english.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from neural_style.english import ENGLISH


@dataclass(frozen=True, init=False)
class Message:
    """A message for users; `str()` is its text in English.

    Attributes:
        code: A key of `ENGLISH`, topic and case: "picture.too_small".
        values: Values of the text's placeholders, by name: strings that need no translation,
            numbers, other messages, or a tuple of these, which becomes a list.
    """

    code: str
    values: dict[str, Any]

    def __init__(self, code: str, /, **values: str | int | float | Message | tuple):
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "values", values)

    def __str__(self) -> str:
        return render(self, ENGLISH)

    def __hash__(self) -> int:
        return hash((self.code, frozenset(self.values.items())))


def all_of(parts: Sequence[Message | str]) -> Message | str:
    """One message from several, at least one: "this and that"."""
    return reduce(lambda one, other: Message("list.and", one=one, other=other), parts)


def render(message: Message, table: Mapping[str, str]) -> str:
    """The message's text in the language of the table, including messages among its values."""
    values = {name: _in_words(value, table) for name, value in message.values.items()}
    return table[message.code].format(**values)


def _in_words(value: Any, table: Mapping[str, str]) -> Any:
    if isinstance(value, Message):
        return render(value, table)
    if isinstance(value, tuple):
        return table["list.separator"].join(str(_in_words(one, table)) for one in value)
    return value
