"""The plan of a run: sizes, iterations on each, when to show a frame, when it ends."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import NamedTuple

from neural_style.decode import fit
from neural_style.errors import SettingsError, quoted


class Scale(NamedTuple):
    """One pass: the size of its canvas and the number of its steps.

    Attributes:
        stage: How the style is compared in this pass: "" by moments, `CELLS` or `LAYERS` by
            matches.
    """

    height: int
    width: int
    iterations: int
    stage: str = ""


CELLS = "cells"
"""Matches of all layers together, found once at the start of the pass."""

LAYERS = "layers"
"""Matches of each layer by itself, found at the start of the pass."""

_MATCHING_SHARES = (11, 11, 11, 9, 6, 14)
"""Of the iterations of a run by matches, the full size last: chosen by looking. Small sizes cost
next to nothing, and the full size has both kinds of matches."""

_CELLS_OF_BEFORE = 2 / 3
"""Steps by matches of all layers at the full size, in steps of the size before."""

_CELLS_ALONE = 12
"""The same where there is one size only."""

_LAYERS_EACH = 5
"""Steps by matches of single layers until they are found anew."""


def plan_scales(
    height: int,
    width: int,
    size: int,
    scales: int,
    iterations: int,
    smallest_side: int,
    *,
    factor: float = 2.0,
    shares: Sequence[float] = (),
) -> list[Scale]:
    """Sizes from small to full, sharing the iterations.

    Sizes whose shorter side would fall under twice `smallest_side` are left out, and so are more
    sizes than there are iterations; the full size always stays.

    Args:
        height, width: Of the content image; only their ratio counts.
        size: Longest side of the last scale.
        scales: How many sizes are wanted.
        iterations: Steps over all sizes.
        smallest_side: What the network needs.
        factor: How much larger each size is than the one before.
        shares: Of the iterations, the last for the full size; where there are none, each size has
            √factor times as many as the one before.
    """
    sizes = [fit(height, width, size)]
    while len(sizes) < min(scales, iterations):
        smaller = fit(height, width, round(size / factor ** len(sizes)))
        if min(smaller) < 2 * smallest_side:
            break
        sizes.insert(0, smaller)
    count = len(sizes)
    shares = shares[-count:] or [factor ** (k / 2) for k in range(count)]
    ends: list[int] = []
    for k in range(count):
        least = 1 + (ends[-1] if ends else 0)
        wanted = round(iterations * sum(shares[: k + 1]) / sum(shares))
        ends.append(min(iterations - (count - 1 - k), max(least, wanted)))
    steps = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    return [Scale(*side, step) for side, step in zip(sizes, steps, strict=True)]


def fit_longest(height: int, width: int, scale: Scale, smallest_side: int) -> tuple[int, int]:
    """As long as the canvas, so that strokes keep their share of the picture; never enlarged."""
    longest = max(height, width)
    needed = -(-smallest_side * longest // min(height, width))
    return fit(height, width, min(longest, max(scale.height, scale.width, needed)))


def fit_area(height: int, width: int, scale: Scale, smallest_side: int) -> tuple[int, int]:
    """With as many pixels as the canvas."""
    ratio = (scale.height * scale.width / (height * width)) ** 0.5
    ratio = max(ratio, smallest_side / min(height, width))
    return round(height * ratio), round(width * ratio)


STYLE_FITS = {"longest": fit_longest, "area": fit_area}
"""Height and width of a style image as it is looked at beside a canvas of that scale."""


def ladder(iterations: int) -> list[int]:
    """Iterations worth a frame: 0, 1, 2, 5, 10, 20, 50, 100, … and the last."""
    rungs, power = [0], 1
    while power <= iterations:
        rungs += [power, 2 * power, 5 * power]
        power *= 10
    return [rung for rung in rungs if rung < iterations] + [iterations]


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
        raise SettingsError(
            "Shares of the iterations are written 5,2 for two sizes, each above 0; "
            f"{quoted(words)} is not so."
        )
    return shares


def plan_passes(
    height: int,
    width: int,
    size: int,
    scales: int,
    iterations: int,
    smallest_side: int,
    *,
    factor: float = 2.0,
    shares: Sequence[float] = (),
    matching: bool = False,
) -> list[Scale]:
    """The passes of a run, in order.

    Args:
        height, width, size, scales, iterations, smallest_side, factor, shares: As of `plan_scales`.
        matching: Whether the style is compared by matches. Then sizes down to `smallest_side`
            count, and the full size has several passes.
    """
    if not matching:
        return plan_scales(
            height, width, size, scales, iterations, smallest_side, factor=factor, shares=shares
        )
    return split_by_matches(
        plan_scales(
            height,
            width,
            size,
            scales,
            iterations,
            # Half of what is needed: of a size there are twice the smallest side at least.
            -(-smallest_side // 2),
            factor=factor,
            shares=shares or _MATCHING_SHARES,
        )
    )


def split_by_matches(sizes: Sequence[Scale]) -> list[Scale]:
    """The passes of a run by matches, from its sizes with their iterations.

    Asked for more iterations at the full size, the passes begin just the same, so that a run can be
    continued.
    """
    *smaller, last = sizes
    first = round(_CELLS_OF_BEFORE * smaller[-1].iterations) if smaller else _CELLS_ALONE
    steps = [min(last.iterations, max(1, first))]
    while (left := last.iterations - sum(steps)) > 0:
        steps.append(min(_LAYERS_EACH, left))
    passes = [size._replace(stage=CELLS) for size in smaller]
    passes.append(last._replace(iterations=steps[0], stage=CELLS))
    passes += [last._replace(iterations=count, stage=LAYERS) for count in steps[1:]]
    return passes


def join_passes(passes: Sequence[Scale]) -> list[Scale]:
    """The sizes of a run, each with the iterations of all its passes."""
    sizes: list[Scale] = []
    for one in passes:
        if sizes and sizes[-1][:2] == one[:2]:
            sizes[-1] = sizes[-1]._replace(iterations=sizes[-1].iterations + one.iterations)
        else:
            sizes.append(one._replace(stage=""))
    return sizes


def scales_to(size: int, factor: float) -> int:
    """How many sizes a run by matches usually has: from about 64 pixels on."""
    return max(1, min(6, 1 + math.ceil(math.log(size / _COARSEST, factor) - 1e-9)))


_COARSEST = 64


class Clock:
    """Seconds since the start of a run, and an estimate of the seconds left.

    Loading, compiling and the first step are no part of the speed that is measured. Until there is
    a step after them, the estimate is from `speed`, or from all that the run has done so far where
    that was faster.
    """

    def __init__(
        self,
        started: float,
        scales: list[Scale],
        number: int = 0,
        iteration: int = 0,
        *,
        speed: float,
    ):
        """Begins to measure.

        Args:
            number, iteration: Where a continued run begins.
            speed: Of this run on this machine, as far as is known: pixels a second, as `work`
                counts them.
        """
        self.started = started
        self.scales = scales
        self.speed = speed
        self.begins_at = number, iteration
        before = self._done(number, iteration) if number or iteration else 0
        self.begun = time.monotonic(), before
        self.stepped: tuple[float, int] | None = None

    def read(self, number: int, iteration: int) -> tuple[float, float]:
        """Seconds since the start and seconds left, after looking at `iteration` of a scale.

        To be asked at every iteration, so that the first step is known from the others.
        """
        now = time.monotonic()
        done = self._done(number, iteration + 1)
        left = work(self.scales) - done
        since, before = self.stepped or self.begun
        pace = (now - since) / (done - before)
        if self.stepped is None:
            pace = min(pace, 1 / self.speed)
            if (number, iteration) > self.begins_at:
                self.stepped = now, done
        return now - self.started, left * pace

    def _done(self, number: int, looks: int) -> int:
        here = self.scales[number]
        return work(self.scales[:number]) + _each(here) * looks


GUESSED_SPEEDS = {"cpu": 200_000.0, "mps": 1_000_000.0, "cuda": 5_000_000.0}
"""Pixels a second, as `work` counts them with statistic gram, by the kind of device: for as long as
nothing has been measured. That of cpu was measured on two cores; the others are guesses."""

COST_OF_STATISTIC = {"nearest": 0.8}
"""What an iteration costs by the statistic that compares styles, that of gram being 1.0; those not
listed cost as much as gram."""


def cost_of(statistic: str) -> float:
    """What an iteration with that statistic costs, that of gram being 1.0."""
    return COST_OF_STATISTIC.get(statistic, 1.0)


def in_words(seconds: float) -> str:
    """A duration for people: "48 s", "3 min 5 s", "2 h 10 min"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_left} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def work(scales: Sequence[Scale]) -> int:
    """What the scales cost, in pixels: one look before the first step and one after each."""
    return sum(_each(scale) * (scale.iterations + 1) for scale in scales)


def _each(scale: Scale) -> int:
    return scale.height * scale.width + _FIXED_PIXELS


_FIXED_PIXELS = 7_000
"""What an iteration costs beside its pixels, in pixels: measured on two cores."""
