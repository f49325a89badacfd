"""What single layers do to their input: the first convolution, the others, and pooling."""

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
    """Root of the mean square: between mean and maximum, and smooth."""
    return (_mean_pool(x.square(), kernel, stride, padding, ceil_mode) + _FLOOR).sqrt()


_FLOOR = 1e-6

POOLINGS = {"max": _max_pool, "avg": _mean_pool, "l2": _square_pool}
"""By kernel, stride, padding and whether what is left over at the end counts."""

BORDERS = {"replicate": "replicate", "zeros": "constant"}
"""What the first convolution sees outside the picture: its edge carried on, or the mean color."""


def pool(x: Tensor, module: nn.MaxPool2d, pooling: str) -> Tensor:
    """As the network does it, but by another way to pool, a key of `POOLINGS`."""
    shape = module.kernel_size, module.stride, module.padding
    return POOLINGS[pooling](x, *shape, ceil_mode=module.ceil_mode)


def convolve(x: FeatureMap, module: nn.Conv2d, *, rectify: bool) -> FeatureMap:
    """The convolution; then its positive part, if wished."""
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
    """A network's first convolution, of the picture itself; then its positive part, if wished.

    Args:
        module: Its weights are in float32.
        border: A key of `BORDERS`.
        dtype: Of the activations.
    """
    edged = pad(to_units(image, units), 4 * (module.padding[0],), mode=BORDERS[border])
    x = _first_convolution(edged, module, dtype)
    return relu(x, inplace=True) if rectify else x


def _first_convolution(x: Tensor, module: nn.Conv2d, dtype: torch.dtype) -> Tensor:
    """Of a float32 picture with its border, to activations in `dtype`.

    In bfloat16, picture and weights are each the sum of two parts, so that 16 bits of them count:
    h + l and w + v give h w + l w + h v, one convolution of nine channels. What l v would add is
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
    """The picture in the numbers the network was trained on."""
    # By numbers, not by tensors of them: those would have to be sent to the device at every look.
    channels = zip(units.channels, units.mean, units.std, strict=True)
    scaled = [(image[:, k : k + 1] - mean) / std for k, mean, std in channels]
    return torch.cat(scaled, dim=1).contiguous(memory_format=torch.channels_last)
