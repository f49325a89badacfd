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


class _Place(NamedTuple):
    """Where a pass stands: the point reached, and the guard's record of the points before it.

    Attributes:
        numbers, image: The point itself, whether or not it has been evaluated.
        iteration: Steps that led to it.
        best: The best of the points before it.
        before: The point just before it, as long as the guard has not judged that one.
        waited: Steps since the best.
        event: What makes the guard take steps back here; mostly None.
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

    def judged(self) -> _Place:
        """The same place after the guard has judged the point before it."""
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
    """Where a pass has come to.

    Attributes:
        iteration: Steps taken in this pass.
        average: Of the pictures so far, where that is to be shown.
        event: What makes the guard take steps back now; mostly None.
        point: What `image` and `losses` are taken from.
        state: Makes the state from which the pass can be continued. Until the next iterate is asked
            for, that is the state of this one; where the next one failed, that of the point which
            the pass had reached.
    """

    iteration: int
    average: ImageTensor | None
    event: Message | None
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
    if resume is None:
        image = start.clamp(0, 1)
        place = _Place(canvas.encode(image), image)
    else:
        place = _restored(resume)
        optimizer.restore(resume["optimizer"])
    del start, resume  # canvases less to hold

    def state() -> State:
        return _state(place, optimizer)

    while True:
        last = place.iteration == iterations
        easing = place.iteration < eased
        terms, slope = evaluate(place.image, with_gradient=not last, eased=easing)
        here = _Point(place.numbers, place.image, canvas.pull(slope), easing, *_on_the_way(terms))
        place = place.judged()
        best, taken_back = place.best, bool(place.event)
        total, weight, shown = place.total, place.weight, None
        if average:
            image = place.image
            total = (1 - average) * image if total is None else torch.lerp(image, total, average)
            weight = 1 - average + average * weight
            shown = total / weight
        better = partial(_better, best, here, taken_back)
        yield Iterate(place.iteration, shown, place.event, better, state)
        if last:
            return
        if taken_back:
            if best.eased and not easing:
                slope = evaluate(best.image)[1]
                best = best._replace(gradient=canvas.pull(slope), eased=False)
            here = best
        with all_or_nothing(optimizer):
            if taken_back:
                optimizer.recover()
            if place.iteration == eased:
                optimizer.forget()
            numbers = optimizer.step(here.numbers, here.gradient)
            image = canvas.decode(numbers)
            if guarded:
                image = image.clamp(0, 1)
                numbers = canvas.encode(image)
            # All at once and last of all, so that a failure leaves the place before.
            place = _Place(
                numbers,
                image,
                place.iteration + 1,
                best,
                before=here if guarded and not taken_back else None,
                waited=0 if taken_back else place.waited,
                total=total,
                weight=weight,
            )


_SPIKE = 10.0
_PATIENCE = 50


def _on_the_way(terms: dict[str, Scalar]) -> tuple[Callable[[], list[float]], tuple[str, ...]]:
    return read_later(torch.stack([*terms.values()])), tuple(terms)


def _better(best: _Point | None, here: _Point, taken_back: bool) -> _Point:
    """What is to be shown; asking makes no difference to the run."""
    return best if taken_back or not here.beats(best) else here


def _state(place: _Place, optimizer: Optimizer) -> State:
    fields = place.judged()._asdict()
    del fields["before"]
    best, event = fields["best"], fields["event"]
    kept = best and best._asdict() | {"read": best.read()}
    said = event and {"code": event.code, "values": event.values}  # which torch.load allows
    return fields | {"best": kept, "event": said, "optimizer": optimizer.state()}


def _restored(state: State) -> _Place:
    fields = {name: value for name, value in state.items() if name != "optimizer"}
    best, said = fields["best"], fields["event"]
    best = best and _Point(**best | {"read": partial(list, best["read"])})
    event = Message(said["code"], **said["values"]) if said else None
    return _Place(**fields | {"best": best, "event": event})
