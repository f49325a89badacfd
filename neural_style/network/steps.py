"""Functions that single layers run: the first convolution, the other ones, and pooling."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, max_pool2d, pad, relu

from neural_style.network.backbones import Units
from neural_style.tensors import FeatureMap, ImageTensor


def _max_pool(x: Tensor, kernel: int, stride: int, padding: int, ceil_mode: bool) -> Tensor:
    return max_pool2d(x, kernel, stride, padding, ceil_mode=ceil_mode)


def _mean_pool(x: Tensor, kernel: int, stride: int, padding: int, ceil_mode: bool) -> Tensor:
    return avg_pool2d(x, kernel, stride, padding, ceil_mode, count_include_pad=False)


def _square_pool(x: Tensor, kernel: int, stride: int, padding: int, ceil_mode: bool) -> Tensor:
    """L2 pooling, the root of the mean square: between mean and maximum, and smooth."""
    return (_mean_pool(x.square(), kernel, stride, padding, ceil_mode) + _FLOOR).sqrt()


_FLOOR = 1e-6

POOLINGS = {"max": _max_pool, "avg": _mean_pool, "l2": _square_pool}
"""Pooling functions of x, kernel, stride, padding and ceil_mode."""


def repeat_edge(x: Tensor, width: int) -> Tensor:
    """The picture with its edge repeated.

    Not PyTorch's function: on CUDA, the last bits of its gradient in the corners are random.
    """
    for dim in (2, 3):
        first, last = x.narrow(dim, 0, 1), x.narrow(dim, x.shape[dim] - 1, 1)
        x = torch.cat([first] * width + [x] + [last] * width, dim)
    return x


def _add_zeros(x: Tensor, width: int) -> Tensor:
    return pad(x, 4 * (width,))


BORDERS = {"replicate": repeat_edge, "zeros": _add_zeros}
"""What surrounds the picture for the first convolution: its edge, or zeros (the mean color)."""


def pool(x: Tensor, module: nn.MaxPool2d, pooling: str) -> Tensor:
    """The module's pooling with another function, a key of `POOLINGS`."""
    shape = module.kernel_size, module.stride, module.padding
    return POOLINGS[pooling](x, *shape, ceil_mode=module.ceil_mode)


def convolve(x: FeatureMap, module: nn.Conv2d, *, rectify: bool) -> FeatureMap:
    """The convolution, followed by a ReLU if `rectify`."""
    x = module(x)
    return relu(x, inplace=True) if rectify else x


def convolve_picture(
    image: ImageTensor,
    module: nn.Conv2d,
    units: Units,
    border: str,
    dtype: torch.dtype,
    *,
    rectify: bool,
) -> FeatureMap:
    """A network's first convolution, applied to the picture, followed by a ReLU if `rectify`.

    Args:
        module: The convolution, with weights in float32.
        border: A key of `BORDERS`.
        dtype: Precision of the activations.
    """
    edged = BORDERS[border](to_units(image, units), module.padding[0])
    x = _first_convolution(edged, module, dtype)
    return relu(x, inplace=True) if rectify else x


def _first_convolution(x: Tensor, module: nn.Conv2d, dtype: torch.dtype) -> Tensor:
    """The convolution of a padded float32 picture, with activations in `dtype`.

    In bfloat16, picture and weights are each split into two parts, which together keep 16 bits:
    (h + l)(w + v) ≈ h w + l w + h v, one convolution with nine input channels. The term l v is
    below the last bit.
    """
    if dtype == torch.float32:
        return conv2d(x, module.weight, module.bias, module.stride)
    high, weight = x.to(dtype), module.weight.to(dtype)
    low = (x - high.float()).detach().to(dtype)  # its gradient would cancel itself
    rest = (module.weight - weight.float()).to(dtype)
    x = torch.cat([high, low, high], dim=1).contiguous(memory_format=torch.channels_last)
    bias = None if module.bias is None else module.bias.to(dtype)
    return conv2d(x, torch.cat([weight, weight, rest], dim=1), bias, module.stride)


def to_units(image: ImageTensor, units: Units) -> Tensor:
    """The picture in the network's input units."""
    # Python numbers, not tensors, which would be copied to the device in every pass.
    channels = zip(units.channels, units.mean, units.std, strict=True)
    scaled = [(image[:, k : k + 1] - mean) / std for k, mean, std in channels]
    return torch.cat(scaled, dim=1).contiguous(memory_format=torch.channels_last)
