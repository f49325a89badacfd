"""Variations: four small pictures with four seeds, one of which is then painted at full size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from neural_style.errors import NeuralStyleError, SettingsError
from neural_style.settings.knob import write_knob
from neural_style.settings.presets import MANNERS, PRESETS
from neural_style.settings.settings import Settings
from neural_style.web.run import status
from neural_style.web.run.call import Call, call_from_arguments, page_knobs, with_stylize_signature
from neural_style.web.run.checks import parse_settings
from neural_style.web.run.cost import check_cost, expected_seconds, reserved_seconds
from neural_style.web.run.handlers import run_call
from neural_style.web.run.runs import find_result, read_call, result_name
from neural_style.web.run.several import SeveralRuns
from neural_style.web.run.status import Status
from neural_style.web.text.texts import PageError

COUNT = 4

Variations = tuple[tuple[str, int], ...]
"""Name of the result as in `runs.result_name`, and seed, of each of some variations."""

_SIZE = 256
"""Longest side of a variation in pixels."""

_NOISE_RATIO = 0.25
"""Smallest `noise_ratio` of variations in Strokes, whose seeds look alike with the default. Chosen
by looking."""


@dataclass(frozen=True)
class VariationOutputs:
    """The values of the output components while variations are made.

    Attributes:
        pictures: Those that are finished.
    """

    pictures: Variations
    status: Status


@with_stylize_signature
def run_variations(*arguments: Any, **named: Any) -> Iterator[VariationOutputs]:
    """Repaints the content image four times, small and quickly, with four seeds.

    The picture of the same seed and `noise_ratio` at full size has the same composition.
    """
    call = call_from_arguments(*arguments, **named)
    pictures: list[tuple[str, int]] = []
    try:
        settings = parse_settings(call.values)
        check_cost(_sketch(settings, 0))
        progress = SeveralRuns([expected_seconds(_sketch(settings, 0))] * COUNT)
        for number in range(COUNT):
            sketch = _sketch(settings, number)
            with closing(run_call(_with_settings(call, sketch), sketch)) as results:
                for shown in results:
                    overall = progress.overall(shown.status)
                    yield VariationOutputs(tuple(pictures), status.varying(overall, call.language))
            name = result_name(Path(str(shown.run)), sketch.iterations)
            pictures.append((name, sketch.seed))
            progress.go_on()
        finished = status.varied(COUNT, call.language)
    except NeuralStyleError as error:
        finished = status.failed(error.message, call.language)
    yield VariationOutputs(tuple(pictures), finished)


def expected_variation_seconds(settings: Settings, shape: tuple[int, int] | None = None) -> float:
    """The estimated duration of all variations on this machine.

    Args:
        shape: As in `cost.expected_seconds`.
    """
    return COUNT * expected_seconds(_sketch(settings, 0), shape)


@with_stylize_signature
def variation_seconds(*arguments: Any, **named: Any) -> float:
    """The estimated duration of all variations of a typical photograph on this machine."""
    call = call_from_arguments(*arguments, **named)
    try:
        return expected_variation_seconds(parse_settings(call.values))
    except SettingsError:
        return 0.0  # the run reports the error


@with_stylize_signature
def gpu_seconds_to_vary(*arguments: Any, **named: Any) -> int:
    """Seconds of ZeroGPU's full card to reserve for all variations, generously."""
    call = call_from_arguments(*arguments, **named)
    try:
        return COUNT * reserved_seconds(_sketch(parse_settings(call.values), 0))
    except SettingsError:
        return 1


def variations_of(names: Iterable[str]) -> Variations:
    """Those of the named variations that still exist."""
    seeds = [(name, _seed(name)) for name in names]
    return tuple((name, seed) for name, seed in seeds if seed is not None)


def _seed(variation: str) -> int | None:
    """The seed of a variation, by its result's name; None if it is gone or damaged."""
    result = find_result(variation)
    with suppress(PageError):
        return read_call(result.run).values["seed"] if result else None
    return None


def _sketch(settings: Settings, number: int) -> Settings:
    """The settings of a variation: a quick run at a small size, with the seed moved on."""
    manner = next((n for n in MANNERS if _statistic(n) == settings.statistic), "classic")
    quick = PRESETS[MANNERS[manner]["quick"]]
    least = _NOISE_RATIO if manner == "strokes" else 0.0
    return replace(
        settings,
        noise_ratio=max(least, settings.noise_ratio),
        seed=(settings.seed + number) % 2**32,
        size=min(_SIZE, settings.size),
        iterations=min(quick.iterations, settings.iterations),
        scales=0,
        scale_shares=(),
    )


def _statistic(manner: str) -> str:
    return PRESETS[MANNERS[manner]["quick"]].statistic


def _with_settings(call: Call, settings: Settings) -> Call:
    values = {n: write_knob(knob, getattr(settings, n)) for n, knob in page_knobs().items()}
    return replace(call, values=values)
