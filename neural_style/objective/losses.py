"""Loss functions: pure functions, each with its equation and source."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from neural_style.network.autograd import gram_of_pixels
from neural_style.network.steps import repeat_edge
from neural_style.tensors import (
    FeatureMap,
    FeatureVector,
    GramMatrix,
    ImageTensor,
    Mask,
    Scalar,
    wide,
    widen,
)


def channel_products(features: FeatureMap) -> GramMatrix:
    """The Gram matrix as a sum: F Fᵀ, with F the activations as C × (H W)."""
    # channels_last memory is already pixels × channels: no copy.
    return gram_of_pixels(features.permute(0, 2, 3, 1).reshape(-1, features.shape[1]))


def channel_totals(features: FeatureMap) -> FeatureVector:
    """Each channel's sum over the pixels."""
    return features.sum((0, 2, 3), dtype=wide(features.dtype))


def gram(features: FeatureMap) -> GramMatrix:
    """The Gram matrix: F Fᵀ / (C H W).

    Gatys et al. 2015 (arXiv 1508.06576), eq. 3, divided by the number of elements, so that it
    depends neither on the picture's size nor, to first order, on the layer's width.
    """
    return channel_products(features) / features.numel()


def squared_distance(features: FeatureMap, target: FeatureMap) -> Scalar:
    """Σ (F − P)²: Gatys et al. 2015, eq. 1, without its ½.

    Divided by the number of elements, it is the content loss of one layer.

    Args:
        features: Activations of the canvas at one layer.
        target: Those of the content image at the same layer and size.
    """
    return widen(features - target).square().sum()


def masked_mean_square(difference: ImageTensor, mask: Mask) -> Scalar:
    """Σ c (x − w)² / D over D pixels and channels: the temporal loss of a film.

    Ruder et al. 2016 (arXiv 1604.08610), eq. 7. It is divided by the number of all pixels, so that
    each trusted pixel is held equally strongly, however many there are.

    Args:
        difference: x − w, the canvas minus the moved result of the last frame.
        mask: c, the weight of each pixel.
    """
    return (mask * difference.square()).mean()


def style_loss(canvas: GramMatrix, target: GramMatrix) -> Scalar:
    """Mean squared difference between two Gram matrices: the style loss of one layer.

    Gatys et al. 2015, eq. 4, with a mean in place of the sum over 4 C² M²: unlike the paper's, it
    does not change with the size of either picture, so one weight serves every scale.
    """
    return (canvas - target).square().mean()


class Axes(NamedTuple):
    """Principal directions of a Gram matrix, with the weights that `eased_style_loss` gives them.

    Attributes:
        directions: Orthonormal columns: C × C.
        shares: Factor of the error along each pair of directions: C × C.
    """

    directions: Tensor
    shares: Tensor


def principal_axes(target: GramMatrix) -> Axes:
    """The axes of a style's Gram matrix, from its eigenvectors and eigenvalues."""
    values, directions = torch.linalg.eigh(target.double().cpu())
    values = values.clamp_min(0)
    usual = torch.maximum(values[-2], _FLATTEST * values[-1]).clamp_min(1e-30)
    curvature = values[:, None] + values[None, :]
    shares = _STRENGTH / (1 + curvature / (_EVENNESS * usual))
    return Axes(directions.to(target), shares.sqrt().to(target))


_EVENNESS = 0.1
_STRENGTH = 3.0
_FLATTEST = 1e-3


def eased_style_loss(canvas: GramMatrix, target: GramMatrix, axes: Axes) -> Scalar:
    """A preconditioned `style_loss`: each pair of principal directions is divided by its curvature.

    The loss along directions with eigenvalues a and b has a curvature proportional to a + b. The
    first direction, roughly the mean activation, holds half of the energy, so the plain loss is
    hundreds of times steeper along its pairs than along the rest, and an optimizer crawls. Divided
    by 1 + (a + b) / τ, all pairs are about equally steep. The eased loss is zero where the plain
    one is, but balances differently with the content loss, so it serves for the first steps only.
    Our own; τ and the factor that makes up for the division were chosen by measurement.

    Args:
        axes: `principal_axes(target)`.
    """
    error = axes.directions.T @ (canvas - target) @ axes.directions
    return (error * axes.shares).square().mean()


def tv_loss(image: ImageTensor) -> Scalar:
    """Total variation: mean squared step to the right plus mean squared step down.

    Mahendran and Vedaldi 2014 (arXiv 1412.0035), eq. 8 with β = 2, with means in place of sums: the
    same grain costs the same at every size, as in the other terms. An enlarged picture costs less,
    because its steps are smaller.
    """
    right = image[..., :, 1:] - image[..., :, :-1]
    down = image[..., 1:, :] - image[..., :-1, :]
    return right.square().mean() + down.square().mean()


def tv_in_levels(image: ImageTensor) -> Scalar:
    """`tv_loss` in levels from 0 to 255, for presets of programs that use them."""
    return 255**2 * tv_loss(image)


def tv_sum(image: ImageTensor) -> Scalar:
    """½ Σ of the squared steps right and down in levels, without the last row and column.

    Its gradient is the one that jcjohnson's neural-style adds. It is a sum, so its effect depends
    on the picture's size.
    """
    corner = image[..., :-1, :-1]
    right, down = image[..., :-1, 1:] - corner, image[..., 1:, :-1] - corner
    return 255**2 / 2 * (right.square().sum() + down.square().sum())


def tv_nine_points(image: ImageTensor) -> Scalar:
    """Mean squared steps to the eight neighbors: ⅔ of the straight and ⅙ of the diagonal ones.

    From crowsonkb's style-transfer-pytorch; the picture is padded by one replicated pixel.
    """
    padded = repeat_edge(image, 1)
    right = padded[..., 1:-1, 2:] - image
    down = padded[..., 2:, 1:-1] - image
    falling = padded[..., 1:, 1:] - padded[..., :-1, :-1]
    rising = padded[..., 1:, :-1] - padded[..., :-1, 1:]
    straight = right.square().mean() + down.square().mean()
    slanted = falling.square().mean() + rising.square().mean()
    return 2 / 3 * straight + slanted / 6


TV_FORMS = {
    "mean": tv_loss,
    "levels": tv_in_levels,
    "sum": tv_sum,
    "nine_points": tv_nine_points,
}
"""Forms of total variation."""


def mean_square(target: FeatureMap | GramMatrix | FeatureVector) -> Scalar:
    """The unit of a relative loss: mean square of the target, the loss of a canvas of zeros.

    A relative loss does not change when a layer's activations are scaled, so the same weights suit
    every network, layer and weight file. The paper has no such unit. At least 1e-12, so that a
    layer without activations in the target divides safely.
    """
    return widen(target).square().mean().clamp_min(1e-12)
