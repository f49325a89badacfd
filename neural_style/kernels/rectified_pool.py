"""Rectifying and pooling in one, on the CPU: the maximum of two by two activations, or zero.

Done one after the other they leave for the way back all activations before the pooling, and eight
bytes for the place of each maximum. Together they leave one byte for each output: which of the
four it was, or none. At 1024×683 in bfloat16 that took 0.33 GB off a peak of 2.28, and each map is
read but once.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from neural_style.kernels.compiled import all_cores, numbers
from neural_style.tensors import FeatureMap

_LARGEST = {torch.bfloat16: 0x7F80, torch.float32: 0x7F800000}
"""The bits of infinity: above them, but for the sign, is what is no number."""

_LAYOUT = torch.channels_last


def can_rectify(module: nn.Module, device: torch.device, dtype: torch.dtype) -> bool:
    """Whether a layer is a pooling that can be done so."""
    return (
        device.type == "cpu"
        and dtype in _LARGEST
        and isinstance(module, nn.MaxPool2d)
        and (module.kernel_size, module.stride, module.padding) == (2, 2, 0)
        and not module.ceil_mode
    )


def pool_rectified(x: FeatureMap) -> FeatureMap:
    """`max_pool2d(relu(x), 2)`, to the bit, and so is its gradient.

    What is no number stays none.
    """
    return _RectifiedPool.apply(x)


class _RectifiedPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        from neural_style.kernels import pool_loops as loops

        x = x.contiguous(memory_format=_LAYOUT)
        ctx.shape = x.shape
        halves = (*x.shape[:2], x.shape[2] // 2, x.shape[3] // 2)
        out = torch.empty(halves, dtype=x.dtype, memory_format=_LAYOUT)
        places = torch.empty(halves, dtype=torch.uint8, memory_format=_LAYOUT)
        with all_cores():
            loops.pool(numbers(x), _LARGEST[x.dtype], numbers(out), _bytes(places))
        ctx.save_for_backward(places)
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        from neural_style.kernels import pool_loops as loops

        (places,) = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=_LAYOUT)
        spread = torch.empty(ctx.shape, dtype=gradient.dtype, memory_format=_LAYOUT)
        with all_cores():
            loops.spread(numbers(gradient), _bytes(places), numbers(spread))
        return spread


def _bytes(places: Tensor) -> Any:
    return places[0].permute(1, 2, 0).numpy()
