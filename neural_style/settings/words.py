"""Values of knobs from words, as the shell, the page and recipes have them."""

from __future__ import annotations

import math

from neural_style.errors import SettingsError, quoted

Box = tuple[float, float, float, float]
"""Left, top, width and height as shares of a picture."""


ALL: Box = (0.0, 0.0, 1.0, 1.0)


def parse_weights(words: str) -> list[float]:
    """Numbers from words: "0.7,0.3"; "equal" is one for all.

    Raises:
        SettingsError: The words are not of that form.
    """
    numbers = [1.0] if words == "equal" else _numbers(words)
    if not numbers or min(numbers) < 0 or sum(numbers) <= 0:
        raise SettingsError("form.weights", given=quoted(words))
    return numbers


def parse_scales(words: str) -> list[float]:
    """Numbers from words: "1,0.5".

    Raises:
        SettingsError: The words are not of that form.
    """
    numbers = _numbers(words)
    if not numbers or min(numbers) < _SMALLEST_SCALE or max(numbers) > _LARGEST_SCALE:
        limits = {"low": _SMALLEST_SCALE, "high": _LARGEST_SCALE}
        raise SettingsError("form.scales", given=quoted(words), **limits)
    return numbers


_SMALLEST_SCALE, _LARGEST_SCALE = 0.1, 10.0


def parse_crops(words: str) -> list[Box]:
    """Boxes from words: "0,0,0.5,1; 0.25,0,0.5,1"; "all" is the whole picture.

    Raises:
        SettingsError: The words are not of that form, or reach outside the picture.
    """
    boxes = []
    for part in words.split(";"):
        numbers = [*ALL] if part.strip() == "all" else _numbers(part)
        if (
            len(numbers) != 4
            or min(numbers) < 0
            or not numbers[2] * numbers[3]
            or max(numbers[0] + numbers[2], numbers[1] + numbers[3]) > 1 + 1e-6
        ):
            raise SettingsError("form.crops", given=quoted(part.strip()))
        boxes.append(tuple(numbers))
    return boxes


def _numbers(words: str) -> list[float]:
    try:
        numbers = [float(word) for word in words.split(",")]
    except ValueError:
        return []
    return numbers if all(map(math.isfinite, numbers)) else []


def parse_shares(words: str) -> tuple[float, ...]:
    """Numbers from words: "5,2"; "auto" is none.

    Raises:
        SettingsError: The words are not of that form.
    """
    if words == "auto":
        return ()
    try:
        shares = tuple(float(word) for word in words.split(","))
    except ValueError:
        shares = ()
    if not shares or not all(share > 0 for share in shares) or not math.isfinite(sum(shares)):
        raise SettingsError("form.shares", given=quoted(words))
    return shares


def parse_layers(words: str, usual: dict[str, float] | None = None) -> dict[str, float]:
    """Layers and their shares from words: "relu1_1:0.5,relu2_1"; a share left out is 1.

    Args:
        usual: What "auto" stands for.

    Raises:
        SettingsError: The words are not of that form, or name a layer twice.
    """
    if words == "auto":
        return usual or {}
    layers: dict[str, float] = {}
    for part in words.split(","):
        name, _, share = part.strip().partition(":")
        try:
            number = float(share) if share else 1.0
        except ValueError:
            number = math.nan
        if not name or name in layers or not 0 <= number < math.inf:
            raise SettingsError("form.layers", part=quoted(part.strip()), given=quoted(words))
        layers[name] = number
    return layers
