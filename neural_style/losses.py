"""The terms of the objective: pure functions, each with its equation and source."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from neural_style.tensors import FeatureMap, GramMatrix, ImageTensor, Scalar


def channel_products(features: FeatureMap) -> GramMatrix:
    """Which channels are active together: F Fᵀ, with F the activations as C × (H W)."""
    channels = features.shape[1]
    # Pixels by channels, as channels_last memory already lies: no copy.
    return _Products.apply(features.permute(0, 2, 3, 1).reshape(-1, channels))


class _Products(torch.autograd.Function):
    """Mᵀ M, whose derivative M (D + Dᵀ) is one product where the general rule makes two."""

    @staticmethod
    def forward(ctx: Any, matrix: Tensor) -> Tensor:
        ctx.save_for_backward(matrix)
        return _widen(matrix.T @ matrix)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (matrix,) = ctx.saved_tensors
        return matrix @ (gradient + gradient.T).to(matrix.dtype)


def gram(features: FeatureMap) -> GramMatrix:
    """Channels' products per element: F Fᵀ / (C H W).

    Gatys et al. 2015 (arXiv 1508.06576), eq. 3, divided by the number of elements, so that it
    depends neither on the picture's size nor, to first order, on the layer's width.
    """
    return channel_products(features) / features.numel()


def squared_distance(features: FeatureMap, target: FeatureMap) -> Scalar:
    """Σ (F − P)²: Gatys et al. 2015, eq. 1, without its ½.

    Divided by the number of elements it is the content loss of one layer.

    Args:
        features: Activations of the canvas at one layer.
        target: Those of the content image at the same layer and size.
    """
    return _widen(features - target).square().sum()


def style_loss(canvas: GramMatrix, target: GramMatrix) -> Scalar:
    """Mean squared difference between two Gram matrices: the style loss of one layer.

    Gatys et al. 2015, eq. 4, with a mean in place of the sum over 4 C² M²: unlike the paper's, it
    does not change with the size of either picture, so one weight serves every scale.
    """
    return (canvas - target).square().mean()


def tv_loss(image: ImageTensor) -> Scalar:
    """Total variation: mean squared step to the right plus mean squared step down.

    Mahendran and Vedaldi 2014 (arXiv 1412.0035), eq. 8 with β = 2, as means.
    """
    right = image[..., :, 1:] - image[..., :, :-1]
    down = image[..., 1:, :] - image[..., :-1, :]
    return right.square().mean() + down.square().mean()


def mean_square(target: FeatureMap | GramMatrix) -> Scalar:
    """The unit of a relative loss: divided by it, 1 means "as far off as nothing at all".

    A relative loss does not change when a layer's activations are scaled, so the same weights suit
    every network, layer and weight file. Our departure from the paper; never zero, so that a layer
    that sees nothing in the target divides safely.
    """
    return _widen(target).square().mean().clamp_min(1e-12)


def _widen(x: Tensor) -> Tensor:
    """In float32 at least, so that sums of many small numbers keep them."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
