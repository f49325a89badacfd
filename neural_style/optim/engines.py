"""The engines: combinations of optimizer, canvas and defaults."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch

from neural_style.optim.canvas import Canvas, level_canvas, pixel_canvas, spectral_canvas
from neural_style.optim.optimizers import Adam, Lbfgs, Optimizer


class Choice(NamedTuple):
    """An optimizer, its canvas, and its default arguments.

    Attributes:
        make: Makes the optimizer from rate, history and history_dtype.
        rate: The default rate.
        history: Pairs that L-BFGS remembers; 0 for Adam.
        history_dtype: Precision of the pairs; None for the canvas's own, float32.
        eased: Steps with the style loss eased (`losses.eased_style_loss`), at the first size and at
            each later one, which begins near its minimum. Only absolute losses need it, as in the
            race against pastiche: the loss after 300 steps is 10,559 with it and 11,780 without. No
            preset of this engine has absolute losses.
    """

    make: Callable[[float, int, torch.dtype | None], Optimizer]
    canvas: Callable[[int, int, torch.device], Canvas]
    rate: float
    history: int
    history_dtype: torch.dtype | None = None
    eased: tuple[int, int] = (0, 0)


class Engine(NamedTuple):
    """A way to optimize, with its defaults.

    Attributes:
        optimizers: Name → optimizer and canvas.
        guarded: See `optimize`.
        init: The default of the setting `init`.
        scales: The default number of sizes.
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
                history_dtype=torch.bfloat16,
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
    # The loop of the papers and their programs, in levels from 0 to 255.
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
