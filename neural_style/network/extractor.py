"""A picture through a network: activations of named layers, and not one layer deeper."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import pairwise, zip_longest
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, max_pool2d, pad, relu

from neural_style.kernels.rectified_pool import can_rectify, pool_rectified
from neural_style.kernels.winograd import Kernel, convolve, is_faster, make_kernel, warm_up
from neural_style.network.architectures import Stages
from neural_style.network.backbones import Units, check_layers
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


Watch = Callable[[str, FeatureMap], FeatureMap]
"""A layer's name and its activations → what the next stage is given: the same activations."""


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
    layers: Collection[str] = (),
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
        layers: Those that will be looked at; stages deeper than these are left out. None for all.
    """
    kernels: dict[str, Kernel] = {}
    stages = {name: stages[name] for name in stages_until(stages, layers or stages)}
    first = next(iter(stages))
    for name, module in stages.items():
        module.requires_grad_(False)
        if not isinstance(module, nn.Conv2d):
            _load_block(module, name, weights, device, dtype)
            continue
        weight, bias = weights[f"{name}.weight"], weights.get(f"{name}.bias")
        if is_faster(module, device, dtype):
            kernels[name] = make_kernel(weight, bias, dtype)
        else:
            kept = torch.float32 if name == first else dtype
            weight = weight.to(device, kept, memory_format=torch.channels_last)
            state = {"weight": weight} | ({} if bias is None else {"bias": bias.to(device, kept)})
            module.load_state_dict(state, assign=True)
    if kernels:
        warm_up(next(iter(kernels.values())))
    return Network(stages, kernels, units, dtype, pooling, border)


def _load_block(
    module: nn.Module,
    name: str,
    weights: dict[str, Tensor],
    device: torch.device,
    dtype: torch.dtype,
) -> None:
    """Weights for what is more than a convolution, or none; used as it was trained (`eval`)."""
    state = {key: weights.get(f"{name}.{key}", torch.zeros(())) for key in module.state_dict()}
    module.load_state_dict(state, assign=True)
    module.eval().to(device, dtype, memory_format=torch.channels_last)


def stages_until(stages: Stages, layers: Collection[str]) -> list[str]:
    """Names of the stages from the first to the deepest of `layers`.

    Raises:
        SettingsError: The network has no layer of that name.
    """
    check_layers(stages, layers)
    names = list(stages)
    return names[: 1 + max(map(names.index, layers))]


def run_stages(
    network: Network, x: Tensor, names: Collection[str], wanted: Collection[str], watch: Watch
) -> Tensor:
    """What comes out of consecutive stages.

    Args:
        x: The picture, where the network's first stage is among `names`; else the output of the
            stage before.
        watch: Is shown the activations of the wanted layers among them.
    """
    first = next(iter(network.stages))
    names = list(names)
    pools = pools_that_rectify(network, names, x.device)
    before = ""
    for name, *later in zip_longest(names, names[1:], names[2:]):
        module = network.stages[name]
        rectify = name not in wanted and isinstance(network.stages.get(later[0]), nn.ReLU)
        if name in network.kernels:
            rectify = rectify and (later[0] in wanted or later[1] not in pools)
            x = convolve(x, network.kernels[name], rectify=rectify)
        elif name == first:
            border = 4 * (module.padding[0],)
            x = pad(to_units(x, network.units), border, mode=BORDERS[network.border])
            x = _first_convolution(x, module, network.dtype)
        elif isinstance(module, nn.Conv2d):
            x = conv2d(x, module.weight, module.bias, padding=module.padding)
        elif name in pools:
            x = pool_rectified(x)
        elif isinstance(module, nn.MaxPool2d):
            kernel, ceil = (module.kernel_size, module.stride, module.padding), module.ceil_mode
            x = POOLINGS[network.pooling](x, *kernel, ceil_mode=ceil)
        elif not isinstance(module, nn.ReLU):
            x = module(x)
        elif name not in wanted and later[0] in pools:
            pass  # the pooling does it
        elif before not in network.kernels or before in wanted:
            x = relu(x, inplace=before not in wanted)
        if name in wanted:
            x = watch(name, x)
        before = name
    return x


def pools_that_rectify(network: Network, names: Sequence[str], device: torch.device) -> set[str]:
    """Those of consecutive stages that rectify, too: the ReLU before them runs only if watched."""
    if network.pooling != "max":
        return set()
    return {
        pool
        for name, pool in pairwise(names)
        if isinstance(network.stages[name], nn.ReLU)
        and can_rectify(network.stages[pool], device, network.dtype)
    }


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
