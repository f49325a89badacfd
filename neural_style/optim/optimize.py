"""One pass over one canvas, as a generator: evaluate, keep the best, take a guarded step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from neural_style.devices import read_later
from neural_style.messages import Message
from neural_style.optim.canvas import Canvas
from neural_style.optim.optimizers import Optimizer, State, all_or_nothing
from neural_style.tensors import ImageTensor, Scalar

Evaluate = Callable[..., tuple[dict[str, Scalar], ImageTensor]]
"""A function from a picture to the weighted losses by name and the gradient of their sum."""


class _Point(NamedTuple):
    """An evaluated point: numbers, picture, gradient and losses."""

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


class _Progress(NamedTuple):
    """The state of a pass: the current point, and the guard's record of the points before it.

    Attributes:
        numbers, image: The current point, evaluated or not.
        iteration: Steps so far.
        best: The best of the points before it.
        before: The previous point, until the guard has judged it.
        waited: Steps since the best.
        event: Why the guard restarts from the best here; None if it does not.
        total, weight: The running average of the points before it, as a sum and its weight.
    """

    numbers: Tensor
    image: ImageTensor
    iteration: int = 0
    best: _Point | None = None
    before: _Point | None = None
    waited: int = 0
    event: Message | None = None
    total: Tensor | None = None
    weight: float = 0.0

    def judged(self) -> _Progress:
        """This state after the guard has judged the previous point."""
        before = self.before
        if before is None:
            return self
        best, waited, event = self.best, self.waited + 1, None
        if before.beats(best):
            best, waited = before, 0
        if not (math.isfinite(before.total) and before.total <= _SPIKE * best.total):
            event = Message("guard.rose", best=best.total, risen=before.total)
        elif waited >= _PATIENCE:
            event = Message("guard.stalled", steps=_PATIENCE)
        return self._replace(best=best, before=None, waited=waited, event=event)


class Iterate(NamedTuple):
    """The result of a step.

    Attributes:
        iteration: Steps of this pass so far.
        average: Running average of the pictures, if one was asked for.
        event: Why the guard restarts from the best here; None if it does not.
        point: Returns the point whose `image` and `losses` these are.
        state: Returns the state from which the pass can be continued. Until the next iterate is
            asked for, it is the state of this one. If the next one failed, it is that of the point
            that the pass had reached.
    """

    iteration: int
    average: ImageTensor | None
    event: Message | None
    point: Callable[[], _Point]
    state: Callable[[], State]

    @property
    def image(self) -> ImageTensor:
        """A picture in [0, 1] that later steps do not write to; if guarded, the best so far."""
        image = self.point().image if self.average is None else self.average
        return image.nan_to_num(0.0).clamp(0, 1)

    @property
    def losses(self) -> dict[str, float]:
        """The terms of `image`; with an average, those of the newest or best picture."""
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

    If guarded, each step clips the picture to [0, 1], and the optimizer continues from the clipped
    point. The guard restarts from the best picture with shorter steps if the loss is not finite or
    above `_SPIKE` times the best, or if `_PATIENCE` steps have brought no better picture. If not
    guarded, the numbers are not clipped, only the yielded picture is (NaN becomes 0), and iterates
    are the newest picture, not the best.

    A point is judged after the next one has been queued, so that the program never waits for a
    GPU: the losses are copied back while it computes.

    Args:
        eased: Number of steps that follow the eased gradient (`Evaluate`). The losses, and which
            picture is the best, are always those of the objective itself.
        average: Decay rate of a running average of the pictures, which is then yielded as `image`;
            0 for none.
        resume: The state of an iterate, to continue with that iterate; `start` is then ignored.
    """
    if resume is None:
        image = start.clamp(0, 1)
        progress = _Progress(canvas.encode(image), image)
    else:
        progress = _restored(resume)
        optimizer.restore(resume["optimizer"])
    del start, resume  # frees their canvases

    def state() -> State:
        return _state(progress, optimizer)

    while True:
        last = progress.iteration == iterations
        easing = progress.iteration < eased
        terms, slope = evaluate(progress.image, with_gradient=not last, eased=easing)
        here = _Point(
            progress.numbers, progress.image, canvas.pull(slope), easing, *_read_losses(terms)
        )
        progress = progress.judged()
        best, restart = progress.best, bool(progress.event)
        total, weight, shown = progress.total, progress.weight, None
        if average:
            image = progress.image
            total = (1 - average) * image if total is None else torch.lerp(image, total, average)
            weight = 1 - average + average * weight
            shown = total / weight
        point = partial(_point_to_show, best, here, restart)
        yield Iterate(progress.iteration, shown, progress.event, point, state)
        if last:
            return
        if restart:
            if best.eased and not easing:
                slope = evaluate(best.image)[1]
                best = best._replace(gradient=canvas.pull(slope), eased=False)
            here = best
        with all_or_nothing(optimizer):
            if restart:
                optimizer.recover()
            if progress.iteration == eased:
                optimizer.forget()
            numbers = optimizer.step(here.numbers, here.gradient)
            image = canvas.decode(numbers)
            if guarded:
                image = image.clamp(0, 1)
                numbers = canvas.encode(image)
            # One assignment, at the end, so that a failure leaves the state before.
            progress = _Progress(
                numbers,
                image,
                progress.iteration + 1,
                best,
                before=here if guarded and not restart else None,
                waited=0 if restart else progress.waited,
                total=total,
                weight=weight,
            )


_SPIKE = 10.0
_PATIENCE = 50


def _read_losses(terms: dict[str, Scalar]) -> tuple[Callable[[], list[float]], tuple[str, ...]]:
    return read_later(torch.stack([*terms.values()])), tuple(terms)


def _point_to_show(best: _Point | None, here: _Point, restart: bool) -> _Point:
    """The point to show. Asking for it does not change the run."""
    return best if restart or not here.beats(best) else here


def _state(progress: _Progress, optimizer: Optimizer) -> State:
    fields = progress.judged()._asdict()
    del fields["before"]
    best, event = fields["best"], fields["event"]
    kept = best and best._asdict() | {"read": best.read()}
    message = event and {"code": event.code, "values": event.values}  # which torch.load allows
    return fields | {"best": kept, "event": message, "optimizer": optimizer.state()}


def _restored(state: State) -> _Progress:
    fields = {name: value for name, value in state.items() if name != "optimizer"}
    best, message = fields["best"], fields["event"]
    best = best and _Point(**best | {"read": partial(list, best["read"])})
    event = Message(message["code"], **message["values"]) if message else None
    return _Progress(**fields | {"best": best, "event": event})
