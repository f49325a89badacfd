"""Everything this package raises on purpose, so that one `except` at the door suffices.

NeuralStyleError
├── FileError       a file or folder that cannot be written
├── ImageError      a picture that cannot be read, is too small, too large, or too narrow
├── SettingsError   a knob out of its range, an unknown choice, a device that is not there
└── WeightsError    a network's weights that are missing, unreachable, or not the right ones

Each message says what was wrong, what was given, and what to do.
"""

from __future__ import annotations

import reprlib
from functools import partial
from typing import Any

from neural_style.messages import Message


class NeuralStyleError(Exception):
    """Something the person who asked can mend.

    Attributes:
        message: What is wrong, as `Message(code, **values)`; `str()` of the error is its English.
    """

    message: Message

    def __init__(self, code: str, /, **values: str | int | float | Message | tuple):
        self.message = Message(code, **values)
        super().__init__(self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        """For `pickle`, which would else call the class with `args`."""
        return partial(type(self), **self.message.values), (self.message.code,), self.__dict__


class FileError(NeuralStyleError):
    """A file cannot be written where it was asked for."""


class ImageError(NeuralStyleError):
    """A picture cannot be used as given."""


class SettingsError(NeuralStyleError):
    """A knob's value, or a combination of values, makes no sense."""


class WeightsError(NeuralStyleError):
    """No trustworthy weights could be had for a network."""


_LONGEST = 100


def quoted(value: object) -> str:
    """What was given, as a message quotes it: its middle is left out where it is long."""
    return _QUOTE.repr(value)


def shortened(words: str) -> str:
    """The same for words that need no quotation marks."""
    return words if len(words) <= _LONGEST else quoted(words)


_QUOTE = reprlib.Repr()
_QUOTE.maxstring = _QUOTE.maxlong = _QUOTE.maxother = _LONGEST
