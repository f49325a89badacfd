"""The engines: which optimizer on which canvas, and what goes with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch

from neural_style.optim.canvas import Canvas, level_canvas, pixel_canvas, spectral_canvas
from neural_style.optim.optimizers import Adam, Lbfgs, Optimizer


class Choice(NamedTuple):
    """An optimizer, the canvas it works on, and what it is usually made with.

    Attributes:
        make: From a rate, a number of pairs to remember, and their precision.
        history: That number; 0 where nothing is remembered but a few vectors.
        kept: That precision; None for the canvas's own, float32.
        eased: Steps with the style's term eased (`losses.eased_style_loss`), at the first size and
            at each later one, which begins near its goal. Absolute losses alone need it, as in the
            race against pastiche: the loss after 300 steps is 10,559 with it and 11,780 without. No
            preset has them in this engine.
    """

    make: Callable[[float, int, torch.dtype | None], Optimizer]
    canvas: Callable[[int, int, torch.device], Canvas]
    rate: float
    history: int
    kept: torch.dtype | None = None
    eased: tuple[int, int] = (0, 0)


class Engine(NamedTuple):
    """A way to optimize, and where it usually starts.

    Attributes:
        optimizers: By name.
        guarded: See `optimize`.
        init: The usual start picture.
        scales: The usual number of sizes.
    """

    optimizers: dict[str, Choice]
    guarded: bool
    init: str
    scales: int


ENGINES: dict[str, Engine] = {
    "fast": Engine(
        optimizers={
            "lbfgs": Choice(
                make=Lbfgs,
                canvas=spectral_canvas,
                rate=1.0,
                history=60,
                kept=torch.bfloat16,
                eased=(110, 40),
            ),
            "adam": Choice(
                make=lambda rate, *_: Adam(rate), canvas=pixel_canvas, rate=0.02, history=0
            ),
        },
        guarded=True,
        init="recolored",
        scales=3,
    ),
    # The loop as the papers and their programs have it, in levels from 0 to 255 as theirs.
    "plain": Engine(
        optimizers={
            "lbfgs": Choice(
                make=partial(Lbfgs, first_step=0.0),
                canvas=level_canvas,
                rate=1.0,
                history=100,
            ),
            "adam": Choice(
                make=lambda rate, *_: Adam(rate, betas=(0.9, 0.999)),
                canvas=level_canvas,
                rate=10.0,
                history=0,
            ),
        },
        guarded=False,
        init="content",
        scales=1,
    ),
}
