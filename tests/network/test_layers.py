"""Layers: fusion of stages without a change of results, and geometry and cost by hand."""

from __future__ import annotations

import pytest
import torch

from neural_style.errors import SettingsError
from neural_style.network.backbones import TORCHVISION
from neural_style.network.extractor import layers_until, load_network
from tests.conftest import extract, picture, seeded_weights, tiny_vgg
from tests.kernels.test_choice import wide_vgg

CPU = torch.device("cpu")
WATCHED = [
    {"relu1_1", "relu2_1", "relu3_1"},
    {"relu1_2", "relu2_2", "relu3_1"},
    {"conv1_1", "conv1_2", "pool1", "relu3_1"},
    {"conv2_1", "relu2_1", "relu2_2", "pool2"},
]


def network(watched=(), build=tiny_vgg, **options):
    stages = build()
    weights = seeded_weights(stages)
    return load_network(stages, weights, TORCHVISION, device=CPU, layers=watched, **options)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("pooling", ["max", "avg", "l2"])
@pytest.mark.parametrize("build", [tiny_vgg, wide_vgg])
@pytest.mark.parametrize("watched", WATCHED, ids=lambda watched: ",".join(sorted(watched)))
def test_fused_stages_are_bitwise_equal_to_separate_stages(watched, build, pooling, dtype):
    """The reference is a network loaded for all stages, so that each is a separate layer."""
    seen = []
    for layers in (watched, ()):
        net = network(layers, build, pooling=pooling, dtype=dtype)
        image = picture(37, 46).requires_grad_()
        found = extract(net, image, watched)
        pull = sum((found[name].float() ** 2).mean() for name in sorted(watched))
        found["gradient"] = torch.autograd.grad(pull, image)[0]
        seen.append(found)
    assert len(network(watched, build).layers) < len(network((), build).layers)
    for name, activations in seen[0].items():
        assert torch.equal(activations, seen[1][name]), name


def test_stages_are_fused_unless_their_output_is_read():
    joined = [
        [*layer.stages] for layer in network(["relu1_1", "conv2_1", "relu2_2"]).layers.values()
    ]
    assert joined == [
        ["conv1_1", "relu1_1"],
        ["conv1_2"],
        ["relu1_2", "pool1"],
        ["conv2_1"],
        ["relu2_1"],
        ["conv2_2", "relu2_2"],
    ]
    joined = [[*layer.stages] for layer in network(["relu2_1"], pooling="avg").layers.values()]
    assert joined == [
        ["conv1_1", "relu1_1"],
        ["conv1_2", "relu1_2"],
        ["pool1"],
        ["conv2_1", "relu2_1"],
    ]


def test_layer_geometry_matches_hand_computation():
    # Channels, stride of the input and of the output, input rows needed on either side.
    expected = {
        "relu1_1": (4, 1, 1, 1),
        "conv1_2": (4, 1, 1, 1),
        "pool1": (4, 1, 2, 1),
        "relu2_1": (6, 2, 2, 1),
        "conv2_2": (6, 2, 2, 1),
        "pool2": (6, 2, 4, 1),
        "relu3_1": (8, 4, 4, 1),
    }
    found = network(["relu1_1", "relu2_1", "relu3_1"]).layers
    assert {name: layer[3:7] for name, layer in found.items()} == expected


def test_layer_cost_matches_hand_computation():
    found = network(["relu1_1", "relu2_1"]).layers
    # Four channels in float32. conv1_2 holds nothing, because its ReLU is fused with the pooling.
    # The pooling has a quarter of the positions, with 8 bytes each for the index of the maximum.
    bytes_ = {name: (layer.map_bytes, layer.held_bytes) for name, layer in found.items()}
    assert bytes_ == {
        "relu1_1": (16, 16),
        "conv1_2": (16, 0),
        "pool1": (4 * 12 / 4, 4 * 12 / 4),
        "relu2_1": (6, 6),
    }
    work = [layer.work for layer in found.values()]
    assert work == [9 * 3 * 4, 9 * 4 * 4, 0, 9 * 4 * 6 / 4]


def test_layers_until_refuses_layers_not_named_at_loading():
    net = network(["relu1_1", "relu2_1"])
    assert layers_until(net, ["relu1_1"]) == ["relu1_1"]
    for hidden in ("conv1_1", "conv1_2", "pool1", "relu3_1"):
        with pytest.raises(SettingsError, match=rf"no layer '{hidden}'.*: relu1_1, relu2_1\.$"):
            layers_until(net, [hidden])
