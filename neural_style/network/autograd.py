"""What is taken of activations on their way through the network, at little cost on the way back.

Whatever is measured of a map adds its share to the map's gradient. Left to autograd each share is
a map of its own, that is made, read and added; at the first layer each has the picture's size and
64 channels. Here it is added where it arises, to the gradient that comes from deeper layers.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, max_unpool2d

from neural_style.tensors import FeatureMap, GramMatrix, widen

_LAYOUT = torch.channels_last


def products_of(pixels: Tensor) -> GramMatrix:
    """Mᵀ M, of pixels by channels."""
    return widen(pixels.T @ pixels)


def tap_products(features: FeatureMap, rows: slice) -> tuple[FeatureMap, GramMatrix]:
    """`losses.channel_products` of some rows, and the features to go on with.

    Only what goes on from those returned may be differentiated beside the products, and but once.
    """
    return _Products.apply(features, rows)


def take_rows(features: FeatureMap, rows: slice) -> FeatureMap:
    """Some rows of a map.

    Their gradient lies in memory as the map does, where that of a slice does not: at 2048×1366,
    putting it right again for every sum and convolution took a quarter of the time.
    """
    return features if rows == slice(0, features.shape[2]) else _Rows.apply(features, rows)


def tap_places(features: FeatureMap, rows: slice, columns: slice) -> tuple[FeatureMap, FeatureMap]:
    """The features to go on with, and a copy of some of their rows and columns.

    Only what goes on from those returned may be differentiated, and but once.
    """
    return _Places.apply(features, rows, columns)


def can_rectify(module: nn.Module) -> bool:
    """Whether a stage is a pooling that `pool_rectified` does."""
    return (
        isinstance(module, nn.MaxPool2d)
        and (module.kernel_size, module.stride, module.padding) == (2, 2, 0)
        and not module.ceil_mode
    )


def pool_rectified(x: FeatureMap) -> FeatureMap:
    """`max_pool2d(relu(x), 2)`, to the bit, and so is its gradient.

    Rectified after pooling, and kept for the way back are only the places of the maxima: of the
    activations before the pooling, nothing.
    """
    return _RectifiedPool.apply(x)


class _RectifiedPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        x = x.contiguous(memory_format=_LAYOUT)
        out, places = max_pool2d(x, 2, return_indices=True)
        out = out.relu_()
        ctx.size = x.shape[2:]
        ctx.save_for_backward(out, places)
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        out, places = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=_LAYOUT)
        gradient = torch.ops.aten.threshold_backward(gradient, out, 0)  # that of the ReLU
        return max_unpool2d(gradient, places, 2, output_size=ctx.size)


# A map is handed on as `features[:]`, which keeps its strides. `view_as` gives the one dimension of
# size 1 another stride, from which torch no longer knows the layout, and copies the map.


class _Places(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, rows: slice, columns: slice) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        ctx.shape, ctx.places = features.shape, (..., rows, columns)
        return features[:], features[ctx.places].clone()

    @staticmethod
    def backward(
        ctx: Any, onward: Tensor | None, sampled: Tensor | None
    ) -> tuple[Tensor, None, None]:
        if onward is None:
            onward = sampled.new_zeros(ctx.shape)
        onward = onward.contiguous(memory_format=_LAYOUT)
        if sampled is not None:
            onward[ctx.places] += sampled
        return onward, None, None


class _Products(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, rows: slice) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        features = features.contiguous(memory_format=_LAYOUT)
        ctx.save_for_backward(features)
        ctx.rows = rows
        return features[:], products_of(_pixels(features, rows))

    @staticmethod
    def backward(ctx: Any, onward: Tensor | None, products: Tensor | None) -> tuple[Tensor, None]:
        """Mᵀ M has the derivative M (D + Dᵀ)."""
        (features,) = ctx.saved_tensors
        if onward is None:
            onward = torch.zeros_like(features)
        onward = onward.contiguous(memory_format=_LAYOUT)
        if products is not None:
            both = (products + products.T).to(features.dtype)
            _pixels(onward, ctx.rows).addmm_(_pixels(features, ctx.rows), both)
        return onward, None


class _Rows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, rows: slice) -> Tensor:
        ctx.shape, ctx.rows = features.shape, rows
        return features[:, :, rows]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        kind, device = gradient.dtype, gradient.device
        whole = torch.empty(ctx.shape, dtype=kind, device=device, memory_format=_LAYOUT)
        whole[:, :, : ctx.rows.start] = 0
        whole[:, :, ctx.rows] = gradient
        whole[:, :, ctx.rows.stop :] = 0
        return whole, None


def _pixels(features: Tensor, rows: slice) -> Tensor:
    """Pixels of these rows by channels, as they lie in memory."""
    return features[0].permute(1, 2, 0)[rows].view(-1, features.shape[1])
