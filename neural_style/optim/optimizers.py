"""The optimizers: L-BFGS and Adam, with checkpoints and undo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from neural_style.optim.long_vectors import combine, exact, inner_products

State = dict[str, Any]
"""Tensors, numbers and strings, and lists, tuples and dicts of them, for `torch.save`."""


@runtime_checkable  # for the tests' checks of types
class Optimizer(Protocol):
    """Computes the next point from the current one and its gradient."""

    def step(self, numbers: Tensor, gradient: Tensor) -> Tensor:
        """The next point."""

    def forget(self) -> None:
        """Resets the history, because the objective has changed."""

    def retarget(self) -> None:
        """Keeps the history: the objective's targets have changed, its curvature hardly."""

    def start_from(self, other: Optimizer, growth: float) -> None:
        """Starts with the curvature that another optimizer of its class has found at another size.

        Args:
            growth: Numbers of this canvas divided by numbers of the other's.
        """

    def recover(self) -> None:
        """Resets the history and shortens the steps, after a bad step."""

    def savepoint(self) -> Callable[[], None]:
        """Returns a function that undoes the next step and resets since the savepoint."""

    def state(self) -> State:
        """Its state for a checkpoint; later steps do not write to it."""

    def restore(self, state: State) -> None:
        """The inverse of `state`."""


@contextmanager
def all_or_nothing(optimizer: Optimizer) -> Iterator[None]:
    """A block with at most one step; an exception in it leaves the optimizer unchanged."""
    with ExitStack() as on_failure:
        on_failure.callback(optimizer.savepoint())
        yield
        on_failure.pop_all()


class Lbfgs:
    """Limited-memory BFGS, full steps (Nocedal and Wright, *Numerical Optimization*, alg. 7.4).

    There is no line search: a step takes one evaluation. Pairs without positive curvature are set
    to zero, so that the direction stays a descent direction. It is computed in closed form from
    the pairs' inner products (Byrd, Nocedal and Schnabel, *Representations of quasi-Newton
    matrices*, 1994, eq. 3.1), to which a step adds two rows. The long vectors are read twice a
    step whatever the history, and nothing is read back from the device.

    Args:
        rate: Length of a step, 1 for the full quasi-Newton step.
        history: Pairs of (displacement, change of gradient) remembered.
        history_dtype: Precision of the pairs, None for that of the numbers. All inner products use
            the rounded pairs, so that bfloat16 only perturbs the curvature slightly.
        first_step: Root mean square length of the first step, before any curvature is known; 0 for
            that of `torch.optim.LBFGS`, whose absolute components add up to 1 at most.
    """

    def __init__(
        self,
        rate: float = 1.0,
        history: int = 60,
        history_dtype: torch.dtype | None = None,
        first_step: float = 0.003,
    ):
        self.rate = self.usual_rate = rate
        self.history = history
        self.history_dtype = history_dtype
        self.first_step = first_step
        self.forget()

    def recover(self) -> None:
        """Resets the history and halves the rate, which each later step raises again, up to 1."""
        self.forget()
        self.rate *= 0.5

    def forget(self) -> None:
        self.previous: tuple[Tensor, Tensor] | None = None
        self.count = 0  # pairs seen; each replaces the one `history` before it
        self.vectors: Tensor | None = None  # row 2 i: displacement; 2 i + 1: change of gradient
        self.products: Tensor | None = None  # inner products of all rows
        self.scale: Tensor | None = None  # the initial inverse Hessian; 0: unknown

    def retarget(self) -> None:
        """Keeps the pairs, but forms none from gradients before and after the change."""
        self.previous = None

    def start_from(self, other: Lbfgs, growth: float) -> None:
        """Takes over the scale: the gradient of a mean over pixels is inverse to their number.

        This holds for cosine coefficients, which have the same meaning at all sizes.
        """
        self.scale = None if other.scale is None else other.scale * growth

    def step(self, numbers: Tensor, gradient: Tensor) -> Tensor:
        self.rate = max(self.rate, min(1.1 * self.rate, self.usual_rate, 1.0))
        before, self.previous = self.previous, (numbers, gradient)
        if before is None and not self.count:
            return numbers - self.rate * self._first_scale(gradient) * gradient
        if before is None:
            slope = inner_products(self.vectors[: self._used()], [gradient.flatten()])[:, 0]
            return numbers - self.rate * self._scaled(gradient, slope)
        pair = gradient.new_empty(2, gradient.numel(), dtype=self.history_dtype)
        for row, here, there in zip(pair, (numbers, gradient), before, strict=True):
            row.copy_((here - there).flatten())
        slope = self._remember(pair, gradient)
        return numbers - self.rate * self._scaled(gradient, slope)

    def savepoint(self) -> Callable[[], None]:
        fields = dict(vars(self))
        undo = ExitStack()
        undo.callback(vars(self).update, fields)
        if self.count >= self.history:  # the next pair overwrites the oldest
            rows = self._next_rows()
            fields["products"] = self.products.clone()
            undo.callback(self.vectors[rows].copy_, self.vectors[rows].clone())
        return undo.close

    def state(self) -> State:
        used = self._used()
        copies = {}
        if self.count:
            # On the CPU, because the GPU may have no room for a copy.
            copies["vectors"] = self.vectors[:used].to("cpu", copy=True)
            copies["products"] = self.products[:used, :used].clone()
        return vars(self) | copies

    def restore(self, state: State) -> None:
        """Restores the state's pairs: all of them, or the newest `history` of them."""
        history = self.history
        vars(self).update(state)
        self.history = history
        if not self.count:
            return
        vectors, products = self.vectors, self.products
        if state["history"] != history:
            slots = _oldest_first(self.count, state["history"], products.device)[-history:]
            rows = torch.stack([2 * slots, 2 * slots + 1], dim=1).flatten()
            vectors, products = vectors[rows.to(vectors.device)], products[rows][:, rows]
            self.count = len(slots)
        self._make_room(vectors)
        self.vectors[: len(vectors)] = vectors
        self.products[: len(products), : len(products)] = products

    def _used(self) -> int:
        return 2 * min(self.count, self.history)

    def _next_rows(self) -> slice:
        """Rows of the next pair."""
        slot = self.count % self.history
        return slice(2 * slot, 2 * slot + 2)

    def _first_scale(self, gradient: Tensor) -> Tensor:
        if self.first_step:
            scale = self.first_step / gradient.square().mean().sqrt().clamp_min(1e-30)
        else:
            scale = 1 / gradient.abs().sum().clamp_min(1.0)
        if self.scale is None:
            return scale
        known = self.scale.to(gradient)
        return torch.where(known > 0, known, scale)

    def _remember(self, pair: Tensor, gradient: Tensor) -> Tensor:
        """Stores the pair; returns the inner product of every row with the gradient."""
        if self.vectors is None:
            self._make_room(pair)
        within = inner_products(pair, [*pair])
        curved = within[0, 1] > 1e-10 * within[1, 1]
        self.scale = torch.where(curved, within[0, 1] / within[1, 1], self.scale)
        rows = self._next_rows()
        self.count += 1
        used = self._used()
        self.vectors[rows] = torch.where(curved.to(pair.device), pair, 0)
        found = inner_products(self.vectors[:used], [*self.vectors[rows], gradient.flatten()])
        self.products[:used, rows] = found[:, :2]
        self.products[rows, :used] = found[:, :2].T
        return found[:, 2]

    def _make_room(self, vector: Tensor) -> None:
        """Allocates the whole history; untouched memory costs nothing."""
        rows = 2 * self.history
        self.vectors = vector.new_empty(rows, vector.shape[-1])
        self.products = exact(vector.new_zeros(rows, rows))
        if self.scale is None:
            self.scale = self.products.new_zeros(())

    def _scaled(self, gradient: Tensor, slope: Tensor) -> Tensor:
        """The gradient times the inverse Hessian of the pairs.

        With S the displacements and Y the changes, the oldest first, R the upper triangle of SᵀY, D
        its diagonal and γ the scale: γ g + S R⁻ᵀ ((D + γ YᵀY) p − γ Yᵀg) − γ Y p, p = R⁻¹ Sᵀg. A
        pair set to zero gets a 1 on the diagonal, which leaves it without effect.

        Args:
            slope: Inner product of every row with the gradient.
        """
        used = self._used()
        products, slope = self.products[:used, :used], slope.view(used // 2, 2, 1)
        order = _oldest_first(self.count, self.history, products.device)
        moved, changed = 2 * order, 2 * order + 1
        along, across = slope[order, 0], slope[order, 1]
        triangle = products[moved][:, changed].triu()
        curvature = triangle.diagonal()
        diagonal = torch.where(curvature > 0, curvature, 1)
        triangle = triangle + (diagonal - curvature).diag()
        scale = torch.where(self.scale > 0, self.scale, exact(self._first_scale(gradient)))
        solved = torch.linalg.solve_triangular(triangle, along, upper=True)
        inner = diagonal[:, None] * solved
        inner += scale * (products[changed][:, changed] @ solved - across)
        weights = torch.empty_like(slope)
        weights[order, 0] = torch.linalg.solve_triangular(triangle.T, inner, upper=False)
        weights[order, 1] = -scale * solved
        direction = combine(weights.flatten().to(gradient), self.vectors[:used])
        return direction.view_as(gradient) + scale.to(gradient) * gradient


def _oldest_first(count: int, history: int, device: torch.device) -> Tensor:
    """Slots of the stored pairs, the oldest first, after `count` pairs."""
    pairs = min(count, history)
    oldest = count % history if count > history else 0
    return (torch.arange(pairs, device=device) + oldest) % pairs


class Adam:
    """Kingma and Ba's Adam (arXiv 1412.6980) with bias correction.

    Args:
        rate: Typical change of a number in one step; pixels lie in [0, 1].
        betas: Decay rates of the mean gradient and of its mean square. The second is below the
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
        """Resets the means and halves the rate permanently."""
        self.forget()
        self.rate *= 0.5

    def forget(self) -> None:
        self.steps, self.mean, self.square = 0, None, None

    def savepoint(self) -> Callable[[], None]:
        return partial(vars(self).update, dict(vars(self)))

    def retarget(self) -> None:
        """Keeps the means."""

    def start_from(self, other: Adam, growth: float) -> None:
        """Does nothing: Adam's steps have the same length in pixels at every size."""

    def state(self) -> State:
        return dict(vars(self))

    def restore(self, state: State) -> None:
        vars(self).update(state)
