"""Optical flow by torchvision's RAFT, where a file of its weights is at hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from neural_style.errors import SettingsError
from neural_style.files import load_tensors
from neural_style.tensors import FlowField, ImageTensor


@dataclass(frozen=True)
class Raft:
    """RAFT (Teed and Deng, arXiv 2003.12039), torchvision's `raft_large`, as a `FlowOf`.

    Attributes:
        weights: torchvision's file, such as raft_large_C_T_SKHT_V2-ff5fadd5.pth.
    """

    weights: Path

    def __call__(self, frame: ImageTensor, other: ImageTensor) -> FlowField:
        """The flow between two frames.

        Raises:
            SettingsError: The file cannot be read, or holds other weights.
        """
        return flow_of_network(_network(self.weights), frame, other)


@lru_cache(maxsize=1)
def _network(weights: Path) -> nn.Module:
    network = import_module("torchvision.models.optical_flow").raft_large(weights=None)
    try:
        network.load_state_dict(load_tensors(weights))
    except (OSError, ValueError, RuntimeError, AttributeError, TypeError) as error:
        raise SettingsError("film.raft_weights", path=str(weights)) from error
    return network.eval()


def flow_of_network(network: nn.Module, frame: ImageTensor, other: ImageTensor) -> FlowField:
    """The flow that a network of RAFT's form finds; its last refinement counts."""
    height, width = frame.shape[-2:]
    with torch.inference_mode():
        found = network(_ready(frame), _ready(other))[-1]
    return found[..., :height, :width].clone()


def _ready(picture: ImageTensor) -> Tensor:
    """The picture in [−1, 1], its sides multiples of 8 and at least 128, as RAFT needs."""
    height, width = picture.shape[-2:]
    below, right = (max(_LEAST, -(-side // _STEP) * _STEP) - side for side in (height, width))
    return pad(2 * picture - 1, (0, right, 0, below), mode="replicate")


_STEP, _LEAST = 8, 128
