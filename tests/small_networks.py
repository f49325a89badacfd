"""A tiny network in place of VGG-19, and the comparison of weights."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor

from neural_style.network.backbones import TORCHVISION, Units
from neural_style.network.extractor import Network, load_network
from tests.conftest import seeded_weights, tiny_vgg


def tiny_network(
    dtype: torch.dtype = torch.float32,
    *,
    layers: Collection[str] = (),
    border: str = "replicate",
    units: Units = TORCHVISION,
    weights: dict[str, Tensor] | None = None,
) -> Network:
    """VGG-19's layers with four to eight channels, on the CPU. Arguments as in `load_network`."""
    stages = tiny_vgg()
    return load_network(
        stages,
        weights or seeded_weights(stages),
        units,
        device=torch.device("cpu"),
        dtype=dtype,
        border=border,
        layers=layers,
    )


def same_weights(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> bool:
    """Whether both have the same names and, bit for bit, the same values."""
    return ours.keys() == theirs.keys() and all(
        torch.equal(ours[name], theirs[name]) for name in ours
    )
