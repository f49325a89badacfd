"""Text forms of settings that are tuples or dicts.

`Settings` holds the values. The shell, the page and its links read and write the text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple

from neural_style.errors import SettingsError, quoted
from neural_style.messages import Message

Box = tuple[float, float, float, float]
"""Left, top, width and height as shares of a picture."""

ALL: Box = (0.0, 0.0, 1.0, 1.0)


class Words(NamedTuple):
    """How a knob's value is checked, parsed from text and written as text.

    Attributes:
        form: Message that describes the text form, for errors.
        accept: Converts a value to its exact type; None if it is not valid.
        parse: Parses text to a value that is not checked yet; None for another form.
        write: Writes a value as text.
        usual: The word for the default, and the default.
    """

    form: Message
    accept: Callable[[Any], Any]
    parse: Callable[[str], Any]
    write: Callable[[Any], str]
    usual: tuple[str, Any]

    def check(self, value: Any) -> Any:
        """The value in its exact type.

        Raises:
            SettingsError: It is not valid.
        """
        usual = self.usual[1]
        is_none = usual == () and value == []
        return usual if value == usual or is_none else self._accepted(value, value)

    def read(self, words: str) -> Any:
        """The value of the text.

        Raises:
            SettingsError: The text has another form, or its value is not valid.
        """
        if words.strip() == self.usual[0]:
            return self.usual[1]
        return self._accepted(self.parse(words), words)

    def written(self, value: Any) -> str:
        """The value as text; the inverse of `read`."""
        return self.usual[0] if value == self.usual[1] else self.write(value)

    def _accepted(self, value: Any, given: Any) -> Any:
        accepted = None if value is None else self.accept(value)
        if accepted is None:
            raise SettingsError("form.not_valid", form=self.form, given=quoted(given))
        return accepted


def _numbers(value: Any) -> tuple[float, ...] | None:
    """The values of a nonempty sequence of finite numbers; None for anything else."""
    if isinstance(value, str) or not isinstance(value, Sequence) or not value:
        return None
    if not all(isinstance(one, Real) and not isinstance(one, bool) for one in value):
        return None
    numbers = tuple(map(float, value))
    return numbers if math.isfinite(sum(map(abs, numbers))) else None


def _parse_numbers(words: str) -> tuple[float, ...] | None:
    try:
        return tuple(float(word) for word in words.split(","))
    except ValueError:
        return None


def _write_number(number: float) -> str:
    return str(number).removesuffix(".0")


def _write_numbers(numbers: Sequence[float]) -> str:
    return ",".join(map(_write_number, numbers))


def _style_shares(value: Any) -> tuple[float, ...] | None:
    numbers = _numbers(value)
    return numbers if numbers and _are_shares(numbers) else None


def _are_shares(numbers: Sequence[float]) -> bool:
    """Whether they can be normalized in float32."""
    return min(numbers) >= 0 and _LEAST_SHARE <= max(numbers) <= 1 / _LEAST_SHARE


_LEAST_SHARE = 1e-6
"""Limit for the largest share; its reciprocal is the other limit. Farther out, what is normalized
loses all smaller shares or overflows."""


def _style_scales(value: Any) -> tuple[float, ...] | None:
    numbers = _numbers(value)
    low, high = 0.1, 10.0
    return numbers if numbers and min(numbers) >= low and max(numbers) <= high else None


def _scale_shares(value: Any) -> tuple[float, ...] | None:
    numbers = _numbers(value)
    return numbers if numbers and min(numbers) > 0 else None


def _box(value: Any) -> Box | None:
    numbers = _numbers(value)
    if numbers is None or len(numbers) != 4 or min(numbers) < 0:
        return None
    left, top, width, height = numbers
    inside = max(left + width, top + height) <= 1 + 1e-6
    return numbers if width * height > 0 and inside else None


def _crops(value: Any) -> tuple[Box, ...] | None:
    if isinstance(value, str) or not isinstance(value, Sequence) or not value:
        return None
    boxes = tuple(map(_box, value))
    return None if None in boxes else boxes


def _parse_crops(words: str) -> list[Any]:
    parts = [part.strip() for part in words.split(";")]
    return [ALL if part == "all" else _parse_numbers(part) for part in parts]


def _write_crops(boxes: Sequence[Box]) -> str:
    return "; ".join("all" if box == ALL else _write_numbers(box) for box in boxes)


def _layers(value: Any) -> dict[str, float] | None:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        return None
    shares = _numbers([*value.values()])
    if not shares or not _are_shares(shares) or not all(value):
        return None
    return dict(zip(value, shares, strict=True))


def _parse_layers(words: str) -> dict[str, float] | None:
    layers: dict[str, float] = {}
    for part in words.split(","):
        name, _, share = part.strip().partition(":")
        if name in layers:
            return None
        try:
            layers[name] = float(share) if share else 1.0
        except ValueError:
            return None
    return layers


def _write_layers(layers: Mapping[str, float]) -> str:
    return ",".join(f"{layer}:{_write_number(share)}" for layer, share in layers.items())


STYLE_SHARES = Words(
    Message("form.style_shares"), _style_shares, _parse_numbers, _write_numbers, ("equal", ())
)
"""Numbers, one for each style: "0.7,0.3"; "equal", or empty, for equal shares."""

STYLE_SCALES = Words(
    Message("form.style_scales"), _style_scales, _parse_numbers, _write_numbers, ("1", (1.0,))
)
"""Numbers from 0.1 to 10, one for each style or one for all: "1,0.5"."""

STYLE_CROPS = Words(Message("form.style_crops"), _crops, _parse_crops, _write_crops, ("all", ()))
"""Boxes, one for each style or one for all: "0,0,0.5,1; all"; "all", or empty, for no crop."""

SCALE_SHARES = Words(
    Message("form.scale_shares"), _scale_shares, _parse_numbers, _write_numbers, ("auto", ())
)
"""Numbers above 0, one for each size: "5,2"; "auto", or empty, for the default."""

LAYERS = Words(Message("form.layers"), _layers, _parse_layers, _write_layers, ("auto", None))
"""Layers with their shares: "relu1_1:0.5,relu2_1", where a missing share is 1; "auto", or None, for
the backbone's layers."""
