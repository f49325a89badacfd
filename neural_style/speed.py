"""Measures the speed of this machine in a few seconds."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise

import torch

from neural_style.devices import choose_device
from neural_style.objective import NEAREST
from neural_style.plan.clock import FIXED_SECONDS, Speed
from neural_style.settings.settings import Settings
from neural_style.transfer import stylize

KINDS = (NEAREST, "gram")
"""Runs of one kind take about as long per pixel: those by matches, and all others. Which kind is
faster depends on the machine."""

_SIZES = {"cpu": 256, "mps": 512, "cuda": 512}
"""Device type → longest side of the picture; a small picture would leave a GPU idle."""

_WARM_STEPS = 3
"""Steps before the measurement, which compile kernels and fill caches."""

_SECONDS = 1.5
_MOST_STEPS = 100


def kind_of(settings: Settings) -> str:
    """The one of `KINDS` that the run belongs to."""
    return NEAREST if settings.statistic == NEAREST else "gram"


def measure_speed(kind: str, may_go_on: Callable[[], bool]) -> Speed | None:
    """The speed of runs of that kind; None if stopped.

    Args:
        kind: One of `KINDS`.
        may_go_on: Called after each step; False stops the measurement.

    Raises:
        NeuralStyleError: The network cannot be loaded.
    """
    device = choose_device("auto").type
    fixed = FIXED_SECONDS[device]
    height, width = _SIZES[device] * 3 // 4, _SIZES[device]
    generator = torch.Generator().manual_seed(0)
    content, style = torch.rand(2, 1, 3, height, width, generator=generator)
    steps = _WARM_STEPS + _MOST_STEPS
    run = Settings(size=width, scales=1, statistic=kind, init="content", iterations=steps)
    times: list[float] = []
    with closing(stylize(content, style, run, every=1)) as frames:
        for frame in frames:
            if not may_go_on():
                return None
            times.append(frame.seconds)
            if times[-1] - times[min(_WARM_STEPS, len(times) - 1)] >= _SECONDS:
                break
    # The median: some steps begin a new pass.
    each = statistics.median(after - before for before, after in pairwise(times[_WARM_STEPS:]))
    return Speed(height * width / max(each - fixed, each / 10), fixed)
