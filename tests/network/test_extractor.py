"""Activations of the network: pooling, borders, units, precision and depth."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.functional import pad

from neural_style.errors import SettingsError
from neural_style.network.backbones import TORCHVISION, Units
from neural_style.network.extractor import load_network
from neural_style.network.steps import BORDERS, POOLINGS, to_units
from tests.conftest import extract, picture, seeded_weights, tiny_vgg


def test_l2_pooling_is_root_mean_square():
    pooled = POOLINGS["l2"](torch.tensor([[[[1.0, 5.0], [5.0, 7.0]]]]), 2, 2, 0, False)
    assert pooled.item() == pytest.approx(5)  # (1 + 25 + 25 + 49) / 4 is 25
    blank = torch.zeros(1, 1, 2, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(POOLINGS["l2"](blank, 2, 2, 0, False).sum(), blank)
    assert gradient.isfinite().all()


def network(**options):
    stages = tiny_vgg()
    options = {"device": torch.device("cpu")} | options
    return load_network(stages, seeded_weights(stages), TORCHVISION, **options)


def stages_of(net):
    return {name: one for layer in net.layers.values() for name, one in layer.stages.items()}


def test_activations_match_stages_run_one_by_one():
    net = network(border="zeros")
    image = picture(40, 56)
    x = to_units(image, TORCHVISION)
    for name, module in stages_of(net).items():
        x = module(x)
        if name == "relu3_2":
            break
    assert torch.allclose(extract(net, image, ["relu3_2"])["relu3_2"], x, atol=1e-5)


def test_network_runs_no_deeper_than_deepest_layer():
    net = network()
    stages_of(net)["conv3_2"].weight = nn.Parameter(torch.full((1, 1), torch.nan))
    assert extract(net, picture(40, 40), ["relu1_1", "relu3_1"]).keys() == {"relu1_1", "relu3_1"}


def test_unknown_layer_error_lists_layers():
    with pytest.raises(SettingsError, match=r"no layer 'relu9_9'.*conv1_1, relu1_1"):
        extract(network(), picture(40, 40), ["relu9_9"])


def test_to_units_permutes_channels_then_normalizes():
    units = Units(channels=(2, 1, 0), mean=(0.1, 0.2, 0.3), std=(0.5, 1.0, 2.0))
    pixel = torch.tensor([0.3, 0.6, 0.9]).view(1, 3, 1, 1)
    assert to_units(pixel, units).flatten().tolist() == pytest.approx([1.6, 0.4, 0.0], abs=1e-6)


def test_pooling_option_selects_maximum_or_mean():
    image = picture(40, 40)
    highest, mean = (
        extract(network(pooling=pooling), image, ["pool1"])["pool1"] for pooling in ("max", "avg")
    )
    features = extract(network(), image, ["relu1_2"])["relu1_2"]
    assert torch.allclose(mean[0, 0, 0, 0], features[0, 0, :2, :2].mean())
    assert torch.equal(highest[0, 0, 0, 0], features[0, 0, :2, :2].max())


def test_replicate_border_keeps_constant_image_constant_at_relu1_1():
    flat = torch.full((1, 3, 32, 32), 0.7)
    seen = extract(network(border="replicate"), flat, ["relu1_1"])["relu1_1"]
    assert torch.allclose(seen, seen[..., :1, :1].expand_as(seen), atol=1e-6)
    seen = extract(network(border="zeros"), flat, ["relu1_1"])["relu1_1"]
    assert not torch.allclose(seen, seen[..., 5:6, 5:6].expand_as(seen), atol=1e-3)


@pytest.mark.parametrize(("border", "mode"), [("replicate", "replicate"), ("zeros", "constant")])
@pytest.mark.parametrize("width", [0, 1, 3])
def test_border_and_its_gradient_are_those_of_pytorch(border, mode, width):
    image = picture(8, 10).requires_grad_()
    edged, expected = BORDERS[border](image, width), pad(image, 4 * (width,), mode=mode)
    assert torch.equal(edged, expected)
    given = torch.rand(edged.shape, generator=torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad(edged, image, given)
    (expected,) = torch.autograd.grad(expected, image, given)
    assert torch.allclose(gradient, expected, rtol=1e-5)


def test_conv_activations_are_read_before_relu():
    found = extract(network(), picture(40, 40), ["conv1_1", "relu1_1", "conv2_2", "relu2_2"])
    for layer in ("1_1", "2_2"):
        assert found[f"conv{layer}"].min() < 0
        assert torch.equal(found[f"conv{layer}"].clamp_min(0), found[f"relu{layer}"])


def test_bfloat16_activations_are_close_to_float32():
    image = picture(40, 40)
    full = extract(network(), image, ["relu4_2"])["relu4_2"]
    half = extract(network(dtype=torch.bfloat16), image, ["relu4_2"])["relu4_2"]
    assert half.dtype == torch.bfloat16
    assert (half.float() - full).norm() < 0.03 * full.norm()


def test_gradient_reaches_image_but_no_weight():
    net = network()
    image = picture(40, 40).requires_grad_()
    extract(net, image, ["relu2_1"])["relu2_1"].sum().backward()
    assert image.grad.abs().sum() > 0
    assert all(p.grad is None for module in stages_of(net).values() for p in module.parameters())
