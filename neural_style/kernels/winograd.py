"""Convolutions of three by three with a quarter of the multiplications, on the CPU.

Winograd's minimal filtering as Lavin and Gray 2015 (arXiv 1509.09308) apply it to networks: six by
six inputs and the kernel are taken to the values of polynomials at six points an axis, multiplied
there, and taken back to four by four outputs. What is multiplied is one product of matrices for
each of the 36 points.

In float32 the result is as exact as that of the direct way. In bfloat16 it carries two to three
times its rounding: too much for activations, whose noise slows the optimizer (measured: a fifth
more steps), but not for gradients, which may be that rough without any loss. There, activations
come the direct way and only gradients this one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from neural_style.kernels.compiled import all_cores, bits, numbers
from neural_style.tensors import FeatureMap

TILE = 4
"""Rows and columns of a tile's outputs. Tiles are counted from the first row and column."""

_LEAST_CHANNELS = {torch.float32: 64 * 64, torch.bfloat16: 64 * 128}
"""Inputs × outputs below which taking tiles to and fro costs what the multiplications spare."""

_STRIP_BYTES = 3_000_000
"""Of transformed activations: what stays in the cache from one step to the next."""

_FORTH = torch.arange(6)
_BACK = torch.tensor([5, 3, 4, 1, 2, 0])
"""Where each point's reciprocal is: there a kernel has the values of its mirror image."""

_LAYOUT = torch.channels_last


def is_faster(module: nn.Module, dtype: torch.dtype) -> bool:
    """Whether a layer is a convolution for which, on the CPU, this way is the faster one."""
    return (
        isinstance(module, nn.Conv2d)
        and (module.kernel_size, module.stride) == ((3, 3), (1, 1))
        and (module.padding, module.dilation, module.groups) == ((1, 1), (1, 1), 1)
        and module.in_channels * module.out_channels >= _LEAST_CHANNELS[dtype]
    )


class Kernel(NamedTuple):
    """The weights of a convolution.

    Attributes:
        points: Its values at the points: 36 × inputs × outputs.
        weight: Outputs × inputs × 3 × 3, where activations come the direct way.
        bias: In the dtype that the way of the activations needs.
    """

    points: Tensor
    weight: Tensor | None
    bias: Tensor


def make_kernel(weight: Tensor, bias: Tensor, dtype: torch.dtype) -> Kernel:
    """From weights in float32, outputs × inputs × 3 × 3, for activations in `dtype`."""
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
    """Has the machine code ready, so that the first convolution takes no longer than the next."""
    kernel = make_kernel(torch.zeros(1, 1, 3, 3), torch.zeros(1), dtype)
    x = torch.zeros(1, 1, TILE, TILE, dtype=dtype, requires_grad=True)
    with torch.enable_grad():
        torch.autograd.grad(convolve(x, kernel, rectify=True).sum(), x)


def convolve(x: FeatureMap, kernel: Kernel, *, rectify: bool) -> FeatureMap:
    """The convolution of `x`, edged with zeros, plus the bias; then its positive part, if wished.

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
    order: Tensor,
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
    seen, made, order, bias = numbers(x), numbers(out), order.numpy(), bias.numpy()
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
