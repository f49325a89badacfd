"""The schedule of a run: sizes, iterations on each, milestones, passes by matches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from neural_style.images.sizes import fit


class Scale(NamedTuple):
    """One pass: the size of its canvas and its number of steps.

    Attributes:
        stage: How the style is compared: "" for moments, `CELLS` or `LAYERS` for matches.
    """

    height: int
    width: int
    iterations: int
    stage: str = ""


CELLS = "cells"
"""Matches by all layers together, found once at the start of the pass."""

LAYERS = "layers"
"""Matches by each layer alone, found at the start of the pass."""

_MATCHING_SHARES = (11, 11, 11, 9, 6, 14)
"""Shares of the iterations in a run by matches, the full size last: chosen by looking. Small sizes
cost next to nothing, and the full size has both kinds of matches."""

_CELLS_OF_BEFORE = 2 / 3
"""Steps of stage `CELLS` at the full size, relative to the steps of the size before."""

_CELLS_ALONE = 12
"""Steps of stage `CELLS` where there is one size only."""

_CELLS_LATER = 3
"""The same in a later frame of a film."""

_LAYERS_EACH = 5
"""Steps of each pass of stage `LAYERS`."""


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
    """Sizes from small to full, with their iterations.

    Sizes with a shorter side below twice `smallest_side` are dropped, and there are at most as many
    sizes as iterations. The full size always stays.

    Args:
        height, width: Size of the content image; only the ratio matters.
        size: Longest side of the last scale.
        scales: Number of sizes asked for.
        iterations: Steps over all sizes.
        smallest_side: Smallest side that the network accepts.
        factor: Ratio of each size to the one before.
        shares: Shares of the iterations, the full size last; by default each size has √factor times
            as many as the one before.
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


def plan_milestones(iterations: int) -> list[int]:
    """Iterations that always yield a frame: 0, 1, 2, 5, 10, 20, 50, 100, … and the last."""
    planned, power = [0], 1
    while power <= iterations:
        planned += [power, 2 * power, 5 * power]
        power *= 10
    return [iteration for iteration in planned if iteration < iterations] + [iterations]


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
    later: bool = False,
) -> list[Scale]:
    """The passes of a run, in order.

    Args:
        height, width, size, scales, iterations, smallest_side, factor, shares: As in `plan_scales`.
        matching: Whether the style is compared by matches. If so, sizes down to `smallest_side`
            are used, and the full size has several passes.
        later: Whether this is a later frame of a film, which begins from the last result and has
            the full size only.
    """
    scales = 1 if later else scales
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
            # plan_scales keeps sizes down to twice this.
            -(-smallest_side // 2),
            factor=factor,
            shares=shares or _MATCHING_SHARES,
        ),
        later,
    )


def split_by_matches(sizes: Sequence[Scale], later: bool = False) -> list[Scale]:
    """The passes of a run by matches, from its sizes with their iterations.

    With more iterations at the full size, the earlier passes stay the same, so that a run can be
    continued.

    Args:
        later: As in `plan_passes`.
    """
    *smaller, last = sizes
    alone = _CELLS_LATER if later else _CELLS_ALONE
    first = round(_CELLS_OF_BEFORE * smaller[-1].iterations) if smaller else alone
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
    for scale in passes:
        if sizes and sizes[-1][:2] == scale[:2]:
            sizes[-1] = sizes[-1]._replace(iterations=sizes[-1].iterations + scale.iterations)
        else:
            sizes.append(scale._replace(stage=""))
    return sizes
