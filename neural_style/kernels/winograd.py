"""3 × 3 convolutions on the CPU with a quarter of the multiplications, by Winograd filtering.

Lavin and Gray 2015 (arXiv 1509.09308), F(4×4, 3×3): 6 × 6 inputs and the kernel are evaluated as
polynomials at six points per axis, multiplied there, and interpolated to 4 × 4 outputs. The
multiplication is one matrix product for each of the 36 points.

In float32 the result is as exact as a direct convolution. In bfloat16 the rounding error is two to
three times larger. That is too much for activations, whose noise slows the optimizer (measured: a
fifth more steps), but makes no difference for gradients. In bfloat16, activations are therefore
convolved directly and only gradients by Winograd filtering.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from neural_style.kernels.compiled import all_cores, bits, numbers
from neural_style.tensors import FeatureMap

TILE = 4
"""Rows and columns of a tile's outputs. The first tile is at the first row and column."""

_LEAST_CHANNELS = {torch.float32: 64 * 64, torch.bfloat16: 64 * 128}
"""Input × output channels below which the transforms cost more than the multiplications save."""

_STRIP_BYTES = 3_000_000
"""Bytes of transformed activations per strip: few enough to stay in the cache between steps."""

_FORTH, _BACK = (0, 1, 2, 3, 4, 5), (5, 3, 4, 1, 2, 0)
"""Index of each point's reciprocal, where a kernel has the values of its mirror image."""

_LAYOUT = torch.channels_last


def is_faster(module: nn.Module, dtype: torch.dtype) -> bool:
    """Whether a module is a convolution that runs faster on the CPU by Winograd filtering."""
    return (
        isinstance(module, nn.Conv2d)
        and (module.kernel_size, module.stride) == ((3, 3), (1, 1))
        and (module.padding, module.dilation, module.groups) == ((1, 1), (1, 1), 1)
        and module.in_channels * module.out_channels >= _LEAST_CHANNELS[dtype]
    )


class Kernel(NamedTuple):
    """The weights of a convolution.

    Attributes:
        points: Transformed kernel: 36 × inputs × outputs.
        weight: Outputs × inputs × 3 × 3, for direct convolution of activations; None in float32.
        bias: Bias of each output.
    """

    points: Tensor
    weight: Tensor | None
    bias: Tensor


def make_kernel(weight: Tensor, bias: Tensor, dtype: torch.dtype) -> Kernel:
    """The kernel of float32 weights, outputs × inputs × 3 × 3, for activations in `dtype`."""
    root = 2**0.5
    points = torch.tensor(
        [
            [1, 0, 0],
            [root, 1, 1 / root],
            [root, -1, 1 / root],
            [1 / root, 1, root],
            [1 / root, -1, root],
            [0, 0, 1],
        ],
    )
    values = torch.einsum("ai,bj,ocij->abco", points, points, weight)
    values = values.flatten(0, 1).to(dtype).contiguous()
    if dtype == torch.float32:
        return Kernel(values, None, bias)
    return Kernel(values, weight.to(dtype).contiguous(memory_format=_LAYOUT), bias.to(dtype))


def warm_up(dtype: torch.dtype) -> None:
    """Compiles the kernels, so that the first convolution takes no longer than the next."""
    kernel = make_kernel(torch.zeros(1, 1, 3, 3), torch.zeros(1), dtype)
    x = torch.zeros(1, 1, TILE, TILE, dtype=dtype, requires_grad=True)
    with torch.enable_grad():
        torch.autograd.grad(convolve(x, kernel, rectify=True).sum(), x)


def convolve(x: FeatureMap, kernel: Kernel, *, rectify: bool) -> FeatureMap:
    """The zero-padded convolution of `x` plus the bias, followed by a ReLU if `rectify`.

    Differentiable with respect to `x`.
    """
    return _Convolution.apply(x, kernel, rectify)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Kernel, rectify: bool) -> Tensor:
        if kernel.weight is None:
            out = _run(x, None, kernel.points, kernel.bias, rectify, _FORTH)
        else:
            out = conv2d(x, kernel.weight, kernel.bias, padding=1)
            out = out.relu_() if rectify else out
        ctx.points = kernel.points
        if rectify:
            ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (active,) = ctx.saved_tensors or (None,)
        mirrored = ctx.points.transpose(1, 2)
        nothing = torch.zeros(mirrored.shape[2])
        return _run(gradient, active, mirrored, nothing, False, _BACK), None, None


def _run(
    x: Tensor,
    active: Tensor | None,
    points: Tensor,
    bias: Tensor,
    rectify: bool,
    order: Sequence[int],
) -> Tensor:
    from neural_style.kernels import winograd_tiles as tiles

    height, width = x.shape[2:]
    inputs, outputs = points.shape[1:]
    x = x.contiguous(memory_format=_LAYOUT)
    out = torch.empty((1, outputs, height, width), dtype=x.dtype, memory_format=_LAYOUT)
    down, across = -(-height // TILE), -(-width // TILE)
    wanted = max(inputs // 2, _STRIP_BYTES // (36 * inputs * x.itemsize))
    step = min(down, max(1, wanted // across))
    values = x.new_empty(36 * step * across * inputs)
    products = x.new_empty(36 * step * across * outputs)
    seen, made, order, bias = numbers(x), numbers(out), np.array(order), bias.numpy()
    mask = seen if active is None else numbers(active)
    with all_cores():
        for first in range(0, down, step):
            rows = min(step, down - first)
            here = _points(values, rows * across, inputs)
            there = _points(products, rows * across, outputs)
            tiles.spread(seen, mask, active is not None, first, rows, order, bits(here))
            torch.bmm(here, points, out=there)
            tiles.gather(bits(there), bias, rectify, first, rows, order, made)
    return out


def _points(room: Tensor, tiles: int, channels: int) -> Tensor:
    return room[: 36 * tiles * channels].view(36, tiles, channels)
