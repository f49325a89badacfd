"""Autograd functions for Gram matrices, row slices and samples, with cheap gradients.

A measurement of a feature map adds its share to the map's gradient. Plain autograd allocates,
writes and adds a full map for each share; at the first layer that is the picture's size with 64
channels. These functions add the share in place to the gradient that comes from deeper layers.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from neural_style.tensors import FeatureMap, GramMatrix, widen

_LAYOUT = torch.channels_last


def gram_of_pixels(pixels: Tensor) -> GramMatrix:
    """Mᵀ M, for M as pixels × channels."""
    return widen(pixels.T @ pixels)


def gram_of_rows(features: FeatureMap, rows: slice) -> tuple[FeatureMap, GramMatrix]:
    """The features to pass on, and `losses.channel_products` of some of their rows.

    Pass on the returned features, not the argument, and differentiate only once: the backward pass
    adds to the incoming gradient in place.
    """
    return _GramOfRows.apply(features, rows)


def slice_rows(features: FeatureMap, rows: slice) -> FeatureMap:
    """Some rows of a map, with a gradient in channels_last memory.

    The gradient of a plain slice is not channels_last; at 2048×1366, converting it for every sum
    and convolution took a quarter of the time.
    """
    return features if rows == slice(0, features.shape[2]) else _SliceRows.apply(features, rows)


def sample_positions(
    features: FeatureMap, rows: slice, columns: slice
) -> tuple[FeatureMap, FeatureMap]:
    """The features to pass on, and a copy of some of their rows and columns.

    Pass on the returned features, not the argument, and differentiate only once.
    """
    return _SamplePositions.apply(features, rows, columns)


def is_2x2_max_pool(module: nn.Module) -> bool:
    """Whether a stage is the pooling that `relu_max_pool` implements."""
    return (
        isinstance(module, nn.MaxPool2d)
        and (module.kernel_size, module.stride, module.padding) == (2, 2, 0)
        and not module.ceil_mode
    )


def relu_max_pool(x: FeatureMap) -> FeatureMap:
    """`max_pool2d(relu(x), 2)`, bit for bit, and so is its gradient.

    It rectifies after pooling. For the backward pass it saves the output and the indices of the
    maxima, not the activations before the pooling.
    """
    return _ReluMaxPool.apply(x)


class _ReluMaxPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        x = x.contiguous(memory_format=_LAYOUT)
        out, places = max_pool2d(x, 2, return_indices=True)
        out = out.relu_()
        ctx.shape = x.shape
        ctx.save_for_backward(out, places)
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        out, places = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=_LAYOUT)
        gradient = torch.ops.aten.threshold_backward(gradient, out, 0)  # that of the ReLU
        x = torch.empty(
            ctx.shape, dtype=gradient.dtype, device=gradient.device, memory_format=_LAYOUT
        )  # only its shape and layout are read
        pooling = [2, 2], [2, 2], [0, 0], [1, 1], False
        return torch.ops.aten.max_pool2d_with_indices_backward(gradient, x, *pooling, places)


# `features[:]` keeps the strides of a map. `view_as` changes the stride of the dimension of size 1;
# torch then no longer recognizes channels_last, and copies the map.


class _SamplePositions(torch.autograd.Function):
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


class _GramOfRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, rows: slice) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        features = features.contiguous(memory_format=_LAYOUT)
        ctx.save_for_backward(features)
        ctx.rows = rows
        return features[:], gram_of_pixels(_pixels(features, rows))

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


class _SliceRows(torch.autograd.Function):
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
    """These rows as pixels × channels, a view of channels_last memory."""
    return features[0].permute(1, 2, 0)[rows].view(-1, features.shape[1])
