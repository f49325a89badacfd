"""The exceptions of this package, all subclasses of `NeuralStyleError`.

NeuralStyleError
├── FileError       a file or folder that cannot be written
├── ImageError      a picture that cannot be read, is too small, too large, or too narrow
├── SettingsError   a setting out of its range, an unknown choice, a missing device
├── StateError      a checkpoint that is damaged, of another format, or of another run
└── WeightsError    a network's weights that are missing, unreachable, or not the expected ones

Each message says what was wrong, what was given, and what to do.
"""

from __future__ import annotations

import reprlib
from functools import partial
from typing import Any

from neural_style.messages import Message


class NeuralStyleError(Exception):
    """An error that the user can correct.

    Attributes:
        message: What is wrong, as `Message(code, **values)`; `str()` of the error is its English
            text.
    """

    message: Message

    def __init__(self, code: str, /, **values: str | int | float | Message | tuple):
        self.message = Message(code, **values)
        super().__init__(self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        """Makes pickling work: by default `pickle` would call the class with `args`."""
        return partial(type(self), **self.message.values), (self.message.code,), self.__dict__


class FileError(NeuralStyleError):
    """A file cannot be written where it was asked for."""


class ImageError(NeuralStyleError):
    """A picture cannot be used as given."""


class SettingsError(NeuralStyleError):
    """A setting, or a combination of settings, is not valid."""


class StateError(NeuralStyleError):
    """A checkpoint cannot be read, or the run cannot be continued from it."""


class WeightsError(NeuralStyleError):
    """A network's weights are not available, or are not the expected ones."""


def refused_weights(fact: Message, advice: Message) -> WeightsError:
    """The error with what is wrong and what to do."""
    return WeightsError("weights.refused", fact=fact, advice=advice)


_LONGEST = 100


def quoted(value: object) -> str:
    """The `repr` of a value for a message, shortened in the middle if it is long."""
    return _QUOTE.repr(value)


def shortened(words: str) -> str:
    """A string for a message without quotation marks, shortened if it is long."""
    return words if len(words) <= _LONGEST else quoted(words)


_QUOTE = reprlib.Repr()
_QUOTE.maxstring = _QUOTE.maxlong = _QUOTE.maxother = _LONGEST
