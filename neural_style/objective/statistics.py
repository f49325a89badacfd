"""What a style is, in numbers: statistics of activations over all pixels, and distances of them.

To add one: write how far two `Moments` are apart and give it an entry in `STATISTICS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neural_style.objective.losses import mean_square, style_loss
from neural_style.tensors import FeatureVector, GramMatrix, Scalar


class Moments(NamedTuple):
    """The activations of one layer, summed up.

    Attributes:
        products: F Fᵀ / (C H W), the Gram matrix per element.
        mean: Of each channel; None where the statistic does without.
    """

    products: GramMatrix
    mean: FeatureVector | None


def average(products: GramMatrix, totals: FeatureVector | None, elements: float) -> Moments:
    """Moments from sums over all pixels.

    Args:
        products: `losses.channel_products`.
        totals: `losses.channel_totals`, or None.
        elements: Channels × pixels.
    """
    channels = len(products)
    mean = None if totals is None else totals * (channels / elements)
    return Moments(products / elements, mean)


def mix(moments: Sequence[Moments], shares: Sequence[float]) -> Moments:
    """Those of all the pixels together, of each picture by its share."""
    weighted = list(zip(moments, shares, strict=True))
    mean = None
    if moments[0].mean is not None:
        mean = sum(share * one.mean for one, share in weighted)
    return Moments(sum(share * one.products for one, share in weighted), mean)


class Statistic(NamedTuple):
    """A way to compare styles.

    Attributes:
        loss: Of the canvas's moments and the style's, no less than 0.
        unit: Of the style's: the loss is relative to it, "as far off as nothing at all".
        needs_mean: Whether it asks for `Moments.mean`.
        matrix: What `loss` compares entry by entry, where that is one matrix; it can be eased
            (`losses.eased_style_loss`).
    """

    loss: Callable[[Moments, Moments], Scalar]
    unit: Callable[[Moments], Scalar]
    needs_mean: bool
    matrix: Callable[[Moments], GramMatrix] | None


def covariance(moments: Moments) -> GramMatrix:
    """How channels vary together: ⟨F Fᵀ⟩ − μ μᵀ, averaged over pixels."""
    return len(moments.products) * moments.products - torch.outer(moments.mean, moments.mean)


def centered_products(moments: Moments) -> GramMatrix:
    """The Gram matrix of the activations less their mean, per element.

    Without the mean the matrix tells texture from brightness (Li et al., *Demystifying neural style
    transfer*, arXiv 1701.01036, compare it as a kernel).
    """
    return covariance(moments) / len(moments.products)


def mean_deviation_loss(canvas: Moments, target: Moments) -> Scalar:
    """mean (μ − μ*)² + mean (σ − σ*)², channel by channel (Li et al., arXiv 1701.01036, sec. 4.2).

    Channels are compared one by one, so which of them go together is left free: looser than Gram.
    """
    means = (canvas.mean - target.mean).square().mean()
    return means + (_deviation(canvas) - _deviation(target)).square().mean()


def wasserstein_loss(canvas: Moments, target: Moments) -> Scalar:
    """Squared 2-Wasserstein distance between two Gaussians, over the number of channels.

    ((μ − μ*)² + tr(Σ + Σ* − 2 (Σ*^½ Σ Σ*^½)^½)) / C, each Σ with 10⁻⁴ I added, or 10⁻⁴ of the
    style's mean variance where that is more: below it there is rounding. Quadratic in the
    activations as the content loss is, so its weight does not hang on their scale. crowsonkb's
    style-transfer-pytorch has it with Newton–Schulz iterations in float32, which get lost where
    eigenvalues span many decades; here it is done by eigenvalues in float64.
    """
    floor = _floor(target)
    ours, theirs = _floored(canvas, floor), _floored(target, floor)
    means = (canvas.mean - target.mean).square().sum()
    roots = _RootTrace.apply(ours, _root(theirs), floor)
    # By rounding, a distance of nothing may come out below it.
    traces = (ours.trace() + theirs.trace() - 2 * roots).clamp_min(0)
    return (means + traces.to(means)) / len(ours)


STATISTICS: dict[str, Statistic] = {
    "gram": Statistic(
        loss=lambda canvas, target: style_loss(canvas.products, target.products),
        unit=lambda target: mean_square(target.products),
        needs_mean=False,
        matrix=lambda moments: moments.products,
    ),
    "centered": Statistic(
        loss=lambda canvas, target: style_loss(
            centered_products(canvas), centered_products(target)
        ),
        unit=lambda target: mean_square(centered_products(target)),
        needs_mean=True,
        matrix=centered_products,
    ),
    "mean_deviation": Statistic(
        loss=mean_deviation_loss,
        unit=lambda target: mean_square(target.mean) + mean_square(_deviation(target)),
        needs_mean=True,
        matrix=None,
    ),
    "wasserstein": Statistic(
        loss=wasserstein_loss,
        unit=lambda target: target.products.trace().clamp_min(1e-12),
        needs_mean=True,
        matrix=None,
    ),
}


_FLOOR = 1e-4


def _deviation(moments: Moments) -> FeatureVector:
    return covariance(moments).diagonal().clamp_min(_FLOOR**2).sqrt()


def _exact(matrix: Tensor) -> Tensor:
    """In float64, and so not on MPS."""
    return matrix.cpu().double() if matrix.device.type == "mps" else matrix.double()


def _floor(target: Moments) -> Tensor:
    return _FLOOR * _exact(covariance(target)).diagonal().mean().clamp_min(1.0)


def _floored(moments: Moments, floor: Tensor) -> GramMatrix:
    matrix = covariance(Moments(_exact(moments.products), _exact(moments.mean)))
    return matrix + floor * torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)


def _root(matrix: GramMatrix) -> GramMatrix:
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp_min(0).sqrt()) @ vectors.T


class _RootTrace(torch.autograd.Function):
    """tr (R Σ R)^½ of symmetric Σ and R, with derivative ½ R (R Σ R)^-½ R.

    Both come from one decomposition; R Σ R has no eigenvalue below the square of the floor.
    """

    @staticmethod
    def forward(ctx: Any, matrix: Tensor, root: Tensor, floor: Tensor) -> Tensor:
        values, vectors = torch.linalg.eigh(root @ matrix @ root)
        values = torch.maximum(values, floor.square())
        ctx.save_for_backward(values, vectors, root)
        return values.sqrt().sum()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        values, vectors, root = ctx.saved_tensors
        half = root @ vectors
        return 0.5 * gradient * (half * values.rsqrt()) @ half.T, None, None
