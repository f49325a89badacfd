"""One pass over one canvas, as a generator: evaluate, keep the best, take a guarded step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from neural_style.canvas import Canvas, pixel_canvas, spectral_canvas
from neural_style.tensors import ImageTensor, Scalar

Terms = Callable[[ImageTensor], dict[str, Scalar]]
"""The weighted terms of the objective by name; their sum is what is minimized."""


class Iterate(NamedTuple):
    """The best picture found in this pass so far.

    Attributes:
        iteration: Steps taken in this pass.
        image: In [0, 1], never written to again.
        losses: The terms of this very picture.
    """

    iteration: int
    image: ImageTensor
    losses: dict[str, float]


@runtime_checkable  # for the tests' checks of types
class Optimizer(Protocol):
    """Chooses where to go next from where it is and which way is up."""

    def step(self, numbers: Tensor, gradient: Tensor) -> Tensor:
        """The next point."""

    def recover(self) -> None:
        """The last step led nowhere good: forget what led to it and take shorter ones."""


def optimize(
    terms: Terms, start: ImageTensor, canvas: Canvas, optimizer: Optimizer, iterations: int
) -> Iterator[Iterate]:
    """Minimizes the sum of the terms from `start`; yields before the first and after every step.

    After each step the picture is brought back into [0, 1]; the optimizer is told the point that
    it really reached. A step to a value that is not finite, or `_SPIKE` times the best one, is
    taken back, and the next one starts from the best picture.
    """
    numbers = canvas.encode(start.clamp(0, 1))
    best_total = math.inf
    for iteration in range(iterations + 1):
        last = iteration == iterations
        image, losses, gradient = _evaluate(terms, canvas, numbers, with_gradient=not last)
        total = sum(losses.values())
        if iteration == 0 or total < best_total:
            best_numbers, best_gradient, best_total = numbers, gradient, total
            best = Iterate(iteration, image, losses)
        yield best._replace(iteration=iteration)
        if last:
            return
        if not (math.isfinite(total) and total <= _SPIKE * best_total):
            optimizer.recover()
            numbers, gradient = best_numbers, best_gradient
        numbers = optimizer.step(numbers, gradient)
        numbers = canvas.encode(canvas.decode(numbers).clamp(0, 1))


_SPIKE = 10.0


def _evaluate(
    terms: Terms, canvas: Canvas, numbers: Tensor, with_gradient: bool
) -> tuple[ImageTensor, dict[str, float], Tensor]:
    with torch.set_grad_enabled(with_gradient):
        numbers = numbers.detach().requires_grad_(with_gradient)
        image = canvas.decode(numbers)
        losses = terms(image)
        if with_gradient:
            (gradient,) = torch.autograd.grad(sum(losses.values()), numbers)
        else:
            gradient = torch.zeros_like(numbers)
    values = torch.stack([loss.detach() for loss in losses.values()]).tolist()
    return image.detach().clamp(0, 1), dict(zip(losses, values, strict=True)), gradient


class Lbfgs:
    """Limited-memory BFGS, full steps (Nocedal and Wright, *Numerical Optimization*, alg. 7.4).

    Without a line search: one evaluation a step. Pairs that show no positive curvature are left
    out, which keeps the direction a descent.

    Args:
        rate: Length of a step, 1 for the full quasi-Newton step.
        history: Pairs of (displacement, change of gradient) remembered.
    """

    first_step = 0.003
    """Root mean square length of the first step, when nothing is known of the curvature."""

    def __init__(self, rate: float = 1.0, history: int = 20):
        self.rate = rate
        self.history = history
        self.pairs: list[tuple[Tensor, Tensor, Tensor]] = []
        self.previous: tuple[Tensor, Tensor] | None = None

    def step(self, numbers: Tensor, gradient: Tensor) -> Tensor:
        if self.previous is not None:
            displacement, change = numbers - self.previous[0], gradient - self.previous[1]
            curvature = (displacement * change).sum()
            if curvature > 1e-10 * change.square().sum():
                self.pairs = [*self.pairs, (displacement, change, curvature)][-self.history :]
        self.previous = numbers, gradient
        if not self.pairs:
            length = gradient.square().mean().sqrt().clamp_min(1e-30)
            return numbers - self.rate * self.first_step / length * gradient
        return numbers - self.rate * self._scaled(gradient)

    def recover(self) -> None:
        self.pairs = []
        self.previous = None
        self.rate *= 0.5

    def _scaled(self, gradient: Tensor) -> Tensor:
        """The gradient times the inverse Hessian that the pairs imply: the two-loop recursion."""
        direction = gradient.clone()
        shares = []
        for displacement, change, curvature in reversed(self.pairs):
            share = (displacement * direction).sum() / curvature
            direction -= share * change
            shares.append(share)
        _, change, curvature = self.pairs[-1]
        direction *= curvature / change.square().sum()
        for (displacement, change, curvature), share in zip(
            self.pairs, reversed(shares), strict=True
        ):
            direction += (share - (change * direction).sum() / curvature) * displacement
        return direction


class Adam:
    """Kingma and Ba's Adam (arXiv 1412.6980) with bias correction.

    Args:
        rate: Typical change of a number in one step; pixels lie in [0, 1].
        betas: Memory of the mean gradient and of its mean square. The second is shorter than the
            usual 0.999, so that a long run adapts when gradients grow or shrink.
    """

    def __init__(self, rate: float = 0.02, betas: tuple[float, float] = (0.9, 0.99)):
        self.rate = rate
        self.betas = betas
        self.steps = 0
        self.mean: Tensor | None = None
        self.square: Tensor | None = None

    def step(self, numbers: Tensor, gradient: Tensor) -> Tensor:
        if self.mean is None:
            self.mean, self.square = torch.zeros_like(gradient), torch.zeros_like(gradient)
        first, second = self.betas
        self.steps += 1
        self.mean = first * self.mean + (1 - first) * gradient
        self.square = second * self.square + (1 - second) * gradient.square()
        mean = self.mean / (1 - first**self.steps)
        root = (self.square / (1 - second**self.steps)).sqrt()
        return numbers - self.rate * mean / (root + 1e-8)

    def recover(self) -> None:
        self.rate *= 0.5
        self.steps, self.mean, self.square = 0, None, None


class Choice(NamedTuple):
    """An optimizer, the canvas it works on, and its usual rate."""

    make: Callable[[float], Optimizer]
    canvas: Callable[[int, int, torch.device], Canvas]
    rate: float


OPTIMIZERS: dict[str, Choice] = {
    "lbfgs": Choice(make=Lbfgs, canvas=spectral_canvas, rate=1.0),
    "adam": Choice(make=Adam, canvas=pixel_canvas, rate=0.02),
}
