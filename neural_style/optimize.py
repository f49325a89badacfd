"""One pass over one canvas, as a generator: evaluate, keep the best, take a guarded step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from neural_style.canvas import Canvas
from neural_style.devices import read_later
from neural_style.optimizers import Optimizer, State
from neural_style.tensors import ImageTensor, Scalar

Evaluate = Callable[..., tuple[dict[str, Scalar], ImageTensor]]
"""A picture → the weighted losses by name and the gradient of their sum: an `Objective`."""


class _Point(NamedTuple):
    """Where a step has led, and what was found there."""

    numbers: Tensor
    image: ImageTensor
    gradient: Tensor
    eased: bool
    read: Callable[[], list[float]]
    names: tuple[str, ...]

    @property
    def losses(self) -> dict[str, float]:
        return dict(zip(self.names, self.read(), strict=True))

    @property
    def total(self) -> float:
        return sum(self.read())

    def beats(self, best: _Point | None) -> bool:
        return best is None or self.total <= best.total or math.isnan(best.total)


class Iterate(NamedTuple):
    """Where a pass has come to.

    Attributes:
        iteration: Steps taken in this pass.
        average: Of the pictures so far, where that is to be shown.
        event: What the guard does now, in words; mostly nothing.
        point: What `image` and `losses` are taken from.
        state: From which the pass can be continued; to be asked for before the next iterate.
    """

    iteration: int
    average: ImageTensor | None
    event: str
    point: Callable[[], _Point]
    state: Callable[[], State]

    @property
    def image(self) -> ImageTensor:
        """In [0, 1], never written to again. Guarded: the best picture found so far."""
        image = self.point().image if self.average is None else self.average
        return image.nan_to_num(0.0).clamp(0, 1)

    @property
    def losses(self) -> dict[str, float]:
        """The terms of this very picture; beside an average, those of the newest or best."""
        return self.point().losses


def optimize(
    evaluate: Evaluate,
    start: ImageTensor,
    canvas: Canvas,
    optimizer: Optimizer,
    iterations: int,
    *,
    guarded: bool = True,
    eased: int = 0,
    average: float = 0.0,
    resume: State | None = None,
) -> Iterator[Iterate]:
    """Minimizes the sum of the terms from `start`; yields before the first and after every step.

    Guarded, the picture is brought back into [0, 1] after each step, and the optimizer is told the
    point that it really reached; a step to a value that is not finite or `_SPIKE` times the best
    is taken back, and so are `_PATIENCE` steps of which none was the best: the next one starts
    from the best picture, and is shorter. Unguarded, the numbers go where the optimizer sends
    them, the picture is cut off at [0, 1] only to be shown (where it is no number, black), and an
    iterate is the last, not the best.

    A point is judged when the one after it has been looked at, so that a graphics card need not be
    waited for: the losses are on their way back while it works.

    Args:
        eased: Steps that follow the eased gradient (`Evaluate`). The losses, and which picture is
            the best, are those of the objective itself all along.
        average: Share that the past keeps in a running average of the pictures, which is then
            what is shown, and free of what a single step adds; 0 for none.
        resume: The state of an iterate: goes on from there, beginning with that iterate itself;
            `start` is not looked at.
    """
    image = start.clamp(0, 1)
    numbers = canvas.encode(image)
    del start  # a canvas less to hold
    best, before, iteration, waited, event = None, None, 0, 0, ""
    total, weight = None, 0.0
    if resume is not None:
        numbers, image, iteration, waited, event, total, weight = (resume[k] for k in _REACHED)
        best = _restored(resume["best"])
        optimizer.restore(resume["optimizer"])
    while True:
        last = iteration == iterations
        easing = iteration < eased
        terms, slope = evaluate(image, with_gradient=not last, eased=easing)
        here = _Point(numbers, image, canvas.pull(slope), easing, *_on_the_way(terms))
        if guarded and before is not None:
            best, waited = (before, 0) if before.beats(best) else (best, waited + 1)
            if not (math.isfinite(before.total) and before.total <= _SPIKE * best.total):
                event = f"the loss rose from {best.total:.3g} to {before.total:.3g}"
            elif waited >= _PATIENCE:
                event = f"no better picture in {_PATIENCE} steps"
        reached = numbers, image, iteration, waited, event, total, weight
        save = partial(_state, dict(zip(_REACHED, reached, strict=True)), best, optimizer)
        shown = None
        if average:
            total = (1 - average) * image if total is None else torch.lerp(image, total, average)
            weight = 1 - average + average * weight
            shown = total / weight
        yield Iterate(iteration, shown, event, partial(_better, best, here, bool(event)), save)
        if last:
            return
        before = here
        if event:
            optimizer.recover()
            before, event, waited = None, "", 0
            here = best
            if best.eased and not easing:
                slope = evaluate(best.image)[1]
                here = best = best._replace(gradient=canvas.pull(slope), eased=False)
        if iteration == eased:
            optimizer.forget()
        numbers = optimizer.step(here.numbers, here.gradient)
        image = canvas.decode(numbers)
        if guarded:
            image = image.clamp(0, 1)
            numbers = canvas.encode(image)
        iteration += 1


_SPIKE = 10.0
_PATIENCE = 50
_REACHED = ("numbers", "image", "iteration", "waited", "event", "total", "weight")


def _on_the_way(terms: dict[str, Scalar]) -> tuple[Callable[[], list[float]], tuple[str, ...]]:
    return read_later(torch.stack([*terms.values()])), tuple(terms)


def _better(best: _Point | None, here: _Point, taken_back: bool) -> _Point:
    """What is to be shown; asking makes no difference to the run."""
    return best if taken_back or not here.beats(best) else here


def _state(reached: State, best: _Point | None, optimizer: Optimizer) -> State:
    kept = best and best._asdict() | {"read": best.read()}
    return reached | {"best": kept, "optimizer": optimizer.state()}


def _restored(kept: State | None) -> _Point | None:
    return kept and _Point(**kept | {"read": partial(list, kept["read"])})
