"""One pass over one canvas, as a generator: evaluate, keep the best, take a guarded step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from neural_style.canvas import Canvas
from neural_style.objective import Evaluate
from neural_style.optimizers import Optimizer, State
from neural_style.tensors import ImageTensor


class Iterate(NamedTuple):
    """Where a pass has come to.

    Attributes:
        iteration: Steps taken in this pass.
        image: In [0, 1], never written to again. Guarded: the best picture found so far.
        losses: The terms of this very picture.
        event: What the guard does now, in words; mostly nothing.
        state: From which the pass can be continued; to be asked for before the next iterate.
    """

    iteration: int
    image: ImageTensor
    losses: dict[str, float]
    event: str
    state: Callable[[], State]


class _Point(NamedTuple):
    numbers: Tensor
    image: ImageTensor
    gradient: Tensor
    total: float
    losses: dict[str, float]
    eased: bool


def optimize(
    evaluate: Evaluate,
    start: ImageTensor,
    canvas: Canvas,
    optimizer: Optimizer,
    iterations: int,
    *,
    guarded: bool = True,
    eased: int = 0,
    resume: State | None = None,
) -> Iterator[Iterate]:
    """Minimizes the sum of the terms from `start`; yields before the first and after every step.

    Guarded, the picture is brought back into [0, 1] after each step, and the optimizer is told the
    point that it really reached; a step to a value that is not finite or `_SPIKE` times the best
    is taken back, and so are `_PATIENCE` steps of which none was the best: the next one starts
    from the best picture, and is shorter. Unguarded, the numbers go where the optimizer sends
    them, the picture is cut off at [0, 1] only to be shown (where it is no number, black), and an
    iterate is the last, not the best.

    Args:
        eased: Steps that follow the eased gradient (`Evaluate`). The losses, and which picture is
            the best, are those of the objective itself all along.
        resume: The state of an iterate: goes on from there, beginning with that iterate itself;
            `start` is not looked at.
    """
    image = start.clamp(0, 1)
    numbers = canvas.encode(image)
    best, iteration, waited = None, 0, 0
    if resume is not None:
        numbers, image, iteration, waited = (resume[key] for key in _REACHED)
        best = _Point(*resume["best"])
        optimizer.restore(resume["optimizer"])
    while True:
        last = iteration == iterations
        easing = iteration < eased
        terms, slope = evaluate(image, with_gradient=not last, eased=easing)
        losses = dict(zip(terms, torch.stack([*terms.values()]).tolist(), strict=True))
        gradient, total = canvas.pull(slope), sum(losses.values())
        # Equal: the best itself once more, after `resume`, now with its gradient.
        if best is None or total <= best.total or not guarded:
            best, waited = _Point(numbers, image, gradient, total, losses, easing), 0
        event = ""
        if not guarded or last:
            pass
        elif not (math.isfinite(total) and total <= _SPIKE * best.total):
            event = f"the loss rose from {best.total:.3g} to {total:.3g}"
        elif waited >= _PATIENCE:
            event = f"no better picture in {_PATIENCE} steps"
        reached = dict(zip(_REACHED, (numbers, image, iteration, waited), strict=True))
        save = partial(_state, reached | {"best": tuple(best)}, optimizer)
        shown = best.image.nan_to_num(0.0).clamp(0, 1)
        yield Iterate(iteration, shown, best.losses, event, save)
        if last:
            return
        if event:
            optimizer.recover()
            if best.eased and not easing:
                slope = evaluate(best.image)[1]
                best = best._replace(gradient=canvas.pull(slope), eased=False)
            numbers, gradient, waited = best.numbers, best.gradient, 0
        if iteration == eased:
            optimizer.forget()
        numbers = optimizer.step(numbers, gradient)
        image = canvas.decode(numbers)
        if guarded:
            image = image.clamp(0, 1)
            numbers = canvas.encode(image)
        iteration, waited = iteration + 1, waited + 1


_SPIKE = 10.0
_PATIENCE = 50
_REACHED = ("numbers", "image", "iteration", "waited")


def _state(reached: State, optimizer: Optimizer) -> State:
    return reached | {"optimizer": optimizer.state()}
