"""A picture through a network: activations of named layers, and not one layer deeper."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

import torch
from torch import Tensor, nn

from neural_style.kernels.choice import choose_kernels
from neural_style.kernels.winograd import Kernel, is_faster, make_kernel
from neural_style.network.architectures import Stages
from neural_style.network.backbones import Units, check_layers
from neural_style.network.layers import Layer, make_layers
from neural_style.tensors import FeatureMap

Watch = Callable[[str, FeatureMap], FeatureMap]
"""A layer's name and its activations → what the next layer is given: the same activations."""


class Network(NamedTuple):
    """A network ready to look: frozen weights on one device, in one precision.

    Weights of the first convolution stay in float32, as does the picture: bfloat16 cannot tell
    neighboring gray levels apart. Activations and all other weights are in `dtype`.

    Attributes:
        layers: By name, in the order in which a picture passes through them.
    """

    layers: dict[str, Layer]
    units: Units
    dtype: torch.dtype


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
    kernels: str = "auto",
) -> Network:
    """Gives stages their weights, frozen, and makes layers of them.

    Args:
        stages: From a backbone's `build`.
        weights: `{"conv1_1.weight": …, "conv1_1.bias": …}`, float32.
        units: What the weights expect of a picture.
        device: Where the network runs.
        dtype: Precision of everything after the first convolution.
        pooling: A key of `POOLINGS`.
        border: A key of `BORDERS`.
        layers: Those that will be looked at; stages deeper than these are left out. None for all,
            each then a layer of its own.
        kernels: One of `KERNELS`.

    Raises:
        SettingsError: There is no layer of that name; or numba was asked for and is not there.
    """
    watched = {*(layers or stages)}
    check_layers(stages, watched)
    stages = {name: stages[name] for name in _until(stages, watched)}
    tiled = {name for name, module in stages.items() if is_faster(module, dtype)}
    if not (tiled or kernels == "numba") or not choose_kernels(kernels, device, dtype):
        tiled = set()
    made: dict[str, Kernel] = {}
    for name, module in stages.items():
        module.requires_grad_(False)
        if name in tiled:
            made[name] = make_kernel(weights[f"{name}.weight"], weights[f"{name}.bias"], dtype)
        elif isinstance(module, nn.Conv2d):
            is_first = name == next(iter(stages))
            _load(module, name, weights, device, torch.float32 if is_first else dtype)
        else:
            _load_block(module, name, weights, device, dtype)
    options = {"dtype": dtype, "pooling": pooling, "border": border}
    return Network(make_layers(stages, watched, made, units, **options), units, dtype)


def _load(
    module: nn.Conv2d,
    name: str,
    weights: dict[str, Tensor],
    device: torch.device,
    dtype: torch.dtype,
) -> None:
    state = {"weight": weights[f"{name}.weight"].to(device, dtype, memory_format=_LAYOUT)}
    if f"{name}.bias" in weights:
        state["bias"] = weights[f"{name}.bias"].to(device, dtype)
    module.load_state_dict(state, assign=True)


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
    module.eval().to(device, dtype, memory_format=_LAYOUT)


_LAYOUT = torch.channels_last


def layers_until(network: Network, wanted: Collection[str]) -> list[str]:
    """Names of the layers from the first to the deepest of those wanted.

    Raises:
        SettingsError: The network has no layer of that name, or it was not to be looked at.
    """
    check_layers([name for name, layer in network.layers.items() if layer.watched], wanted)
    return _until(network.layers, wanted)


def _until(names: Collection[str], wanted: Collection[str]) -> list[str]:
    names = list(names)
    return names[: 1 + max(map(names.index, wanted))]


def run_layers(
    network: Network, x: Tensor, names: Collection[str], wanted: Collection[str], watch: Watch
) -> Tensor:
    """What comes out of consecutive layers.

    Args:
        x: The picture, where the network's first layer is among `names`; else the output of the
            layer before.
        watch: Is shown the activations of the wanted layers among them.
    """
    for name in names:
        x = network.layers[name].run(x)
        if name in wanted:
            x = watch(name, x)
    return x
