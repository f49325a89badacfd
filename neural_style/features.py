"""A picture through a network: activations of named layers, and not one layer deeper."""

from __future__ import annotations

from collections.abc import Collection
from itertools import zip_longest
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, max_pool2d, pad, relu

from neural_style.backbones import Stages, Units
from neural_style.errors import SettingsError
from neural_style.tensors import FeatureMap, ImageTensor
from neural_style.winograd import Kernel, convolve, is_faster, make_kernel, warm_up


def _l2_pool2d(x: Tensor, kernel_size: int, stride: int) -> Tensor:
    """Root of the mean square: between mean and maximum, and smooth."""
    return (avg_pool2d(x.square(), kernel_size, stride) + _L2_FLOOR).sqrt()


_L2_FLOOR = 1e-6

POOLINGS = {"max": max_pool2d, "avg": avg_pool2d, "l2": _l2_pool2d}

BORDERS = {"replicate": "replicate", "zeros": "constant"}
"""What the first convolution sees outside the picture: its edge carried on, or the mean color."""


class Network(NamedTuple):
    """A network ready to look: frozen weights on one device, in one precision.

    Weights of the first convolution stay in float32, as does the picture: bfloat16 cannot tell
    neighboring gray levels apart. Activations and all other weights are in `dtype`.

    Attributes:
        kernels: Convolution → its weights for `winograd.convolve`, where that is faster; such a
            stage itself has none.
    """

    stages: Stages
    kernels: dict[str, Kernel]
    units: Units
    dtype: torch.dtype
    pooling: str
    border: str


def load_network(
    stages: Stages,
    weights: dict[str, Tensor],
    units: Units,
    *,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    pooling: str = "max",
    border: str = "replicate",
) -> Network:
    """Gives stages their weights, frozen.

    Args:
        stages: From a backbone's `build`.
        weights: `{"conv1_1.weight": …, "conv1_1.bias": …}`, float32.
        units: What the weights expect of a picture.
        device: Where the network runs.
        dtype: Precision of everything after the first convolution.
        pooling: A key of `POOLINGS`.
        border: A key of `BORDERS`.
    """
    kernels: dict[str, Kernel] = {}
    first = next(iter(stages))
    for name, module in stages.items():
        if not isinstance(module, nn.Conv2d):
            continue
        weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        module.requires_grad_(False)
        if is_faster(module, device, dtype):
            kernels[name] = make_kernel(weight, bias, dtype)
        else:
            kept = torch.float32 if name == first else dtype
            weight = weight.to(device, kept, memory_format=torch.channels_last)
            state = {"weight": weight, "bias": bias.to(device, kept)}
            module.load_state_dict(state, assign=True)
    if kernels:
        warm_up(next(iter(kernels.values())))
    return Network(stages, kernels, units, dtype, pooling, border)


def stages_until(network: Network, layers: Collection[str]) -> list[str]:
    """Names of the stages from the first to the deepest of `layers`.

    Raises:
        SettingsError: The network has no layer of that name.
    """
    names = list(network.stages)
    missing = [layer for layer in layers if layer not in names]
    if missing:
        raise SettingsError(
            f"The network has no layer {missing[0]!r}. Its layers: {', '.join(names)}."
        )
    return names[: 1 + max(map(names.index, layers))]


def run_stages(
    network: Network, x: Tensor, names: Collection[str], wanted: Collection[str]
) -> tuple[Tensor, dict[str, FeatureMap]]:
    """What comes out of consecutive stages, and the activations of the wanted layers among them.

    Args:
        x: The picture, where the network's first stage is among `names`; else the output of the
            stage before.
    """
    found: dict[str, FeatureMap] = {}
    first = next(iter(network.stages))
    names = list(names)
    rectified = False
    for name, following in zip_longest(names, names[1:]):
        module = network.stages[name]
        if name in network.kernels:
            rectified = name not in wanted and isinstance(network.stages.get(following), nn.ReLU)
            x = convolve(x, network.kernels[name], rectify=rectified)
        elif name == first:
            x = pad(to_units(x, network.units), (1, 1, 1, 1), mode=BORDERS[network.border])
            x = _first_convolution(x, module, network.dtype)
        elif isinstance(module, nn.Conv2d):
            x = conv2d(x, module.weight, module.bias, padding=module.padding)
        elif not isinstance(module, nn.ReLU):
            x = POOLINGS[network.pooling](x, kernel_size=2, stride=2)
        elif rectified:
            rectified = False
        else:
            x = relu(x, inplace=True)
        if name in wanted:
            found[name] = x
    return x, found


def _first_convolution(x: Tensor, module: nn.Conv2d, dtype: torch.dtype) -> Tensor:
    """Of a float32 picture with its border, to activations in `dtype`.

    In bfloat16, picture and weights are each the sum of two parts, so that 16 bits of them count:
    h + l and w + v give h w + l w + h v, one convolution of nine channels. What l v would add is
    below the last bit.
    """
    if dtype == torch.float32:
        return conv2d(x, module.weight, module.bias)
    high, weight = x.to(dtype), module.weight.to(dtype)
    low = (x - high.float()).detach().to(dtype)  # its gradient would cancel itself
    rest = (module.weight - weight.float()).to(dtype)
    x = torch.cat([high, low, high], dim=1).contiguous(memory_format=torch.channels_last)
    return conv2d(x, torch.cat([weight, weight, rest], dim=1), module.bias.to(dtype))


def to_units(image: ImageTensor, units: Units) -> Tensor:
    """The picture in the numbers the network was trained on."""
    mean = torch.tensor(units.mean, dtype=image.dtype, device=image.device).view(1, 3, 1, 1)
    std = torch.tensor(units.std, dtype=image.dtype, device=image.device).view(1, 3, 1, 1)
    scaled = (image[:, list(units.channels)] - mean) / std
    return scaled.contiguous(memory_format=torch.channels_last)
