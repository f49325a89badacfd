"""Measures the speed of this machine in a few seconds."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import torch

from neural_style.devices import choose_device
from neural_style.plan.clock import work
from neural_style.plan.schedule import Scale
from neural_style.settings.settings import Settings
from neural_style.transfer import stylize

_SIZES = {"cpu": 256, "mps": 512, "cuda": 512}
"""Device type → longest side of the picture; a small picture would leave a GPU idle."""

_WARM_STEPS = 3
"""Steps before the measurement, which compile kernels and fill caches."""

_SECONDS = 1.5
_MOST_STEPS = 100


def measure_speed(may_go_on: Callable[[], bool]) -> float | None:
    """Pixels per second with statistic gram, as `clock.work` counts them; None if stopped.

    Args:
        may_go_on: Called after each step; False stops the measurement.

    Raises:
        NeuralStyleError: The network cannot be loaded.
    """
    size = _SIZES[choose_device("auto").type]
    height, width = size * 3 // 4, size
    generator = torch.Generator().manual_seed(0)
    content, style = torch.rand(2, 1, 3, height, width, generator=generator)
    steps = _WARM_STEPS + _MOST_STEPS
    run = Settings(size=size, scales=1, statistic="gram", init="content", iterations=steps)
    begun = seconds = 0.0
    with closing(stylize(content, style, run, every=1)) as frames:
        for frame in frames:
            if not may_go_on():
                return None
            if frame.iteration <= _WARM_STEPS:
                begun = frame.seconds
            seconds = frame.seconds - begun
            if seconds >= _SECONDS:
                break
    steps = frame.iteration - _WARM_STEPS
    pixels = work([Scale(height, width, steps)]) - work([Scale(height, width, 0)])
    return pixels / seconds
