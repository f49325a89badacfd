"""Loads a network and runs it up to the deepest layer that is needed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

import torch
from torch import Tensor, nn

from neural_style.kernels.choice import choose_kernels
from neural_style.kernels.winograd import Kernel, is_faster, make_kernel
from neural_style.network.architectures import Stages
from neural_style.network.backbones import Units, check_layers
from neural_style.network.evaluations import Evaluations
from neural_style.network.layers import Layer, make_layers
from neural_style.tensors import FeatureMap

Watch = Callable[[str, FeatureMap], FeatureMap]
"""A function from a layer's name and its activations to the activations for the next layer."""


class Network(NamedTuple):
    """A loaded network: frozen weights on one device, in one precision.

    The weights of the first convolution and the picture stay in float32, because bfloat16 cannot
    distinguish neighboring gray levels. Activations and all other weights are in `dtype`.

    Attributes:
        layers: Layers by name, in the order in which they run.
        evaluations: Results on style images that later runs use again; by default none are kept.
    """

    layers: dict[str, Layer]
    units: Units
    dtype: torch.dtype
    evaluations: Evaluations = Evaluations(0)


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
    """Loads frozen weights into the stages and makes layers of them.

    Args:
        stages: From a backbone's `build`.
        weights: `{"conv1_1.weight": …, "conv1_1.bias": …}`, float32.
        units: Input units of the weights.
        device: Where the network runs.
        dtype: Precision of everything after the first convolution.
        pooling: A key of `POOLINGS`.
        border: A key of `BORDERS`.
        layers: Layers whose activations will be read; deeper stages are dropped. If empty, every
            stage is kept as a layer of its own.
        kernels: One of `KERNELS`.

    Raises:
        SettingsError: A layer does not exist, or numba was asked for and is not installed.
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
    """Loads the weights of any module other than a convolution, and sets it to `eval`."""
    state = {key: weights.get(f"{name}.{key}", torch.zeros(())) for key in module.state_dict()}
    module.load_state_dict(state, assign=True)
    module.eval().to(device, dtype, memory_format=_LAYOUT)


_LAYOUT = torch.channels_last


def layers_until(network: Network, wanted: Collection[str]) -> list[str]:
    """Names of the layers from the first to the deepest of those wanted.

    Raises:
        SettingsError: A wanted layer does not exist or was not among `load_network`'s layers.
    """
    check_layers([name for name, layer in network.layers.items() if layer.watched], wanted)
    return _until(network.layers, wanted)


def _until(names: Collection[str], wanted: Collection[str]) -> list[str]:
    names = list(names)
    return names[: 1 + max(map(names.index, wanted))]


def run_layers(
    network: Network, x: Tensor, names: Collection[str], wanted: Collection[str], watch: Watch
) -> Tensor:
    """The output of consecutive layers.

    Args:
        x: Input of the first of them: the picture, or the output of the layer before.
        wanted: Layers whose activations are passed to `watch`.
    """
    for name in names:
        x = network.layers[name].run(x)
        if name in wanted:
            x = watch(name, x)
    return x
