"""The layers of a network: fused stages with their geometry and cost.

They are made once, when a network is loaded. A convolution and the ReLU after it are fused, unless
the convolution's output is read. A ReLU and the max pooling after it are fused, unless the ReLU's
output is read: the two commute, and rectifying after pooling is a quarter of the work
(`autograd.relu_max_pool`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from functools import partial
from itertools import zip_longest
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import relu

from neural_style.kernels.winograd import Kernel
from neural_style.kernels.winograd import convolve as convolve_by_tiles
from neural_style.network.architectures import Stages
from neural_style.network.autograd import is_2x2_max_pool, relu_max_pool
from neural_style.network.backbones import Units
from neural_style.network.steps import convolve, convolve_picture, pool

_PLACE_BYTES = 8
"""Bytes of the index that max pooling saves for the backward pass, per output."""

_PROBE = 128
"""Side of the meta tensor that probes the output shape of a block."""


class Layer(NamedTuple):
    """A layer: one stage, or two fused ones, with geometry and cost.

    Attributes:
        stages: Its stages. The layer has the name of the last one.
        run: Computes its output from its input.
        watched: Whether its output may be read; if not, the next layer may overwrite it.
        channels: Channels of its output.
        input_stride, stride: Picture rows per row of its input and of its output.
        reach: Half-width of its receptive field, in rows of its input; None where strips of its
            output cannot be computed from strips of its input.
        map_bytes: Bytes of its output and of pooling indices, per pixel of the picture.
        held_bytes: Bytes that it saves for the backward pass, per pixel of the picture.
        work: Multiplications per pixel of the picture.
    """

    stages: Stages
    run: Callable[[Tensor], Tensor]
    watched: bool
    channels: int
    input_stride: int
    stride: int
    reach: int | None
    map_bytes: float
    held_bytes: float
    work: float


def make_layers(
    stages: Stages,
    watched: Collection[str],
    kernels: dict[str, Kernel],
    units: Units,
    *,
    dtype: torch.dtype,
    pooling: str,
    border: str,
) -> dict[str, Layer]:
    """Makes layers from stages with weights; layers by name, in the order of the stages.

    Args:
        watched: Stages whose outputs may be read.
        kernels: Convolution → its weights for `winograd.convolve`; the stage itself has none.
        dtype, pooling, border: As in `load_network`.
    """
    layers: dict[str, Layer] = {}
    before: Layer | None = None
    groups = _group(stages, watched, pooling)
    for names, following in zip_longest(groups, groups[1:], fillvalue=()):
        parts = {name: stages[name] for name in names}
        in_place = before is not None and not before.watched
        if before is None:
            options = {"units": units, "border": border, "dtype": dtype}
            run = partial(
                convolve_picture, module=stages[names[0]], rectify=len(names) > 1, **options
            )
        else:
            run = _run(parts, kernels.get(names[0]), pooling, in_place)
        before = layers[names[-1]] = _make_layer(
            parts,
            run,
            before,
            dtype.itemsize,
            watched=names[-1] in watched,
            in_place=in_place,
            pooled=len(following) > 1 and isinstance(stages[following[0]], nn.ReLU),
        )
    return layers


def _group(stages: Stages, watched: Collection[str], pooling: str) -> list[list[str]]:
    """Names of the stages of each layer, one or two."""
    names, groups = [*stages], []
    halving = {name for name in names if pooling == "max" and is_2x2_max_pool(stages[name])}
    while names:
        one, two, three = (*names[:3], "", "")[:3]
        count = 1
        if one not in watched and isinstance(stages[one], nn.ReLU) and two in halving:
            count = 2
        if one not in watched and isinstance(stages[one], nn.Conv2d):
            is_rectified = isinstance(stages.get(two), nn.ReLU)
            count = 2 if is_rectified and (two in watched or three not in halving) else 1
        groups.append(names[:count])
        names = names[count:]
    return groups


def _run(
    parts: Stages, kernel: Kernel | None, pooling: str, in_place: bool
) -> Callable[[Tensor], Tensor]:
    """`Layer.run` of any layer except the first.

    Args:
        in_place: Whether the input may be overwritten.
    """
    first, joined = next(iter(parts.values())), len(parts) > 1
    if kernel is not None:
        return partial(convolve_by_tiles, kernel=kernel, rectify=joined)
    if isinstance(first, nn.Conv2d):
        return partial(convolve, module=first, rectify=joined)
    if isinstance(first, nn.ReLU):
        return relu_max_pool if joined else partial(relu, inplace=in_place)
    if isinstance(first, nn.MaxPool2d):
        return partial(pool, module=first, pooling=pooling)
    return first


def _make_layer(
    parts: Stages,
    run: Callable[[Tensor], Tensor],
    before: Layer | None,
    itemsize: int,
    *,
    watched: bool,
    in_place: bool,
    pooled: bool,
) -> Layer:
    """A layer with its geometry and cost.

    Args:
        before: The previous layer; None for the first one.
        itemsize: Bytes of an activation.
        in_place: Whether a ReLU overwrites its input.
        pooled: Whether the next layer is a fused ReLU and pooling, which does not save its input.
    """
    channels, input_stride = (before.channels, before.stride) if before else (3, 1)
    stride, reach = input_stride, 0
    for part in parts.values():
        channels, step, sees = _shape(part, channels)
        stride *= step
        reach = None if sees is None else reach + sees
    modules = [*parts.values()]
    inside = [one for part in modules for one in part.modules() if isinstance(one, nn.Conv2d)]
    place = _PLACE_BYTES if isinstance(modules[-1], nn.MaxPool2d) else 0
    map_bytes = held = channels * (itemsize + place)
    if not isinstance(modules[0], _SIMPLE):
        # A block saves the outputs of its convolutions and of their batch normalizations.
        held = 2 * itemsize * sum(one.out_channels for one in inside)
    elif (pooled and not watched) or (in_place and [*map(type, modules)] == [nn.ReLU]):
        held = 0
    each = [one.weight.shape for one in inside]
    return Layer(
        stages=parts,
        run=run,
        watched=watched,
        channels=channels,
        input_stride=input_stride,
        stride=stride,
        reach=reach,
        map_bytes=map_bytes / stride**2,
        held_bytes=held / stride**2,
        work=sum(map(math.prod, each)) / stride**2,
    )


_SIMPLE = nn.Conv2d | nn.ReLU | nn.MaxPool2d


def _shape(stage: nn.Module, channels: int) -> tuple[int, int, int | None]:
    """A stage's output channels, stride and reach.

    Args:
        channels: Channels of its input.
    """
    if isinstance(stage, nn.ReLU):
        return channels, 1, 0
    if isinstance(stage, nn.MaxPool2d):
        return channels, stage.stride, 1 if stage.kernel_size == 2 else None
    if isinstance(stage, nn.Conv2d):
        side, step = stage.kernel_size[0], stage.stride[0]
        return stage.out_channels, step, side // 2 if step == 1 else None
    empty = {"device": "meta", "dtype": torch.float32}
    state = {name: torch.empty_like(one, **empty) for name, one in stage.state_dict().items()}
    shown = functional_call(stage, state, torch.empty(1, channels, _PROBE, _PROBE, **empty))
    return shown.shape[1], round(_PROBE / shown.shape[2]), None
