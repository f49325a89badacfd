"""Statistics of activations over all pixels, and distances between them.

To add one, write the distance of two `Moments` and give it an entry in `STATISTICS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neural_style.objective.losses import mean_square, style_loss
from neural_style.tensors import FeatureVector, GramMatrix, Scalar


class Moments(NamedTuple):
    """First and second moments of one layer's activations.

    Attributes:
        products: F Fᵀ / (C H W), the Gram matrix.
        mean: Mean of each channel; None where the statistic does not need it.
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
    """The mean of several pictures' moments, weighted by their shares."""
    weighted = list(zip(moments, shares, strict=True))
    mean = None
    if moments[0].mean is not None:
        mean = sum(share * one.mean for one, share in weighted)
    return Moments(sum(share * one.products for one, share in weighted), mean)


class Statistic(NamedTuple):
    """A way to compare styles.

    Attributes:
        loss: Distance of the canvas's moments to the style's, at least 0.
        unit: Unit of the relative loss, from the style's moments: the loss of a canvas of zeros.
        needs_mean: Whether it reads `Moments.mean`.
        matrix: The matrix that `loss` compares entry by entry, which `losses.eased_style_loss` can
            ease; None for other losses.
    """

    loss: Callable[[Moments, Moments], Scalar]
    unit: Callable[[Moments], Scalar]
    needs_mean: bool
    matrix: Callable[[Moments], GramMatrix] | None


def covariance(moments: Moments) -> GramMatrix:
    """Covariance of the channels over pixels: ⟨F Fᵀ⟩ − μ μᵀ."""
    return len(moments.products) * moments.products - torch.outer(moments.mean, moments.mean)


def centered_products(moments: Moments) -> GramMatrix:
    """The Gram matrix of the activations minus their mean.

    Without the mean, the matrix describes texture and not brightness (Li et al., *Demystifying
    neural style transfer*, arXiv 1701.01036, compare it as a kernel).
    """
    return covariance(moments) / len(moments.products)


def mean_deviation_loss(canvas: Moments, target: Moments) -> Scalar:
    """mean (μ − μ*)² + mean (σ − σ*)², channel by channel (Li et al., arXiv 1701.01036, sec. 4.2).

    It ignores correlations between channels, so it is looser than the Gram matrix.
    """
    means = (canvas.mean - target.mean).square().mean()
    return means + (_deviation(canvas) - _deviation(target)).square().mean()


def wasserstein_loss(canvas: Moments, target: Moments) -> Scalar:
    """Squared 2-Wasserstein distance between two Gaussians, divided by the number of channels.

    ((μ − μ*)² + tr(Σ + Σ* − 2 (Σ*^½ Σ Σ*^½)^½)) / C. Added to each Σ is 10⁻⁴ I, times the style's
    mean variance where that exceeds 1: smaller values are rounding errors. The distance is
    quadratic in the activations, like the content loss, so its weight does not depend on their
    scale. crowsonkb's style-transfer-pytorch computes it by Newton–Schulz iterations in float32,
    which fail where eigenvalues span many decades; eigenvalues in float64 do not.
    """
    floor = _floor(target)
    ours, theirs = _floored(canvas, floor), _floored(target, floor)
    means = (canvas.mean - target.mean).square().sum()
    roots = _RootTrace.apply(ours, _root(theirs), floor)
    # Rounding may make a distance of zero negative.
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
    """The matrix in float64, on the CPU where it was on MPS, which has none."""
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

    Both come from one eigendecomposition, with eigenvalues of at least the floor squared.
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
