"""Network architectures as named stages, without weights."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

Stages = dict[str, nn.Module]
"""A network as named modules, in the order in which they run."""


def vgg19() -> Stages:
    """Simonyan and Zisserman's VGG-19 (arXiv 1409.1556) without its classifier."""
    return _vgg(2, 2, 4, 4, 4)


def vgg16() -> Stages:
    """VGG-16: VGG-19 with one layer fewer in each of the last three blocks."""
    return _vgg(2, 2, 3, 3, 3)


def _vgg(*blocks: int) -> Stages:
    """A VGG with the given convolutions per block; importing torchvision's would take 160 MB."""
    modules: list[nn.Module] = []
    inputs = 3
    for outputs, convolutions in zip((64, 128, 256, 512, 512), blocks, strict=True):
        for _ in range(convolutions):
            modules += [nn.Conv2d(inputs, outputs, 3, padding=1, device="meta"), nn.ReLU()]
            inputs = outputs
        modules.append(nn.MaxPool2d(2))
    return name_vgg_stages(modules)


def resnet50() -> Stages:
    """He et al.'s ResNet-50 (arXiv 1512.03385) from torchvision without its classifier.

    Each block is a stage with torchvision's name: layer1.0, layer1.1, …
    """
    model = _without_weights("resnet50")
    stages: Stages = {"conv1": model.conv1, "bn1": model.bn1, "relu1": nn.ReLU()}
    stages["maxpool"] = model.maxpool
    for number in range(1, 5):
        for place, block in enumerate(getattr(model, f"layer{number}")):
            stages[f"layer{number}.{place}"] = block
    return stages


def googlenet() -> Stages:
    """Szegedy et al.'s GoogLeNet (arXiv 1409.4842) from torchvision without its classifiers.

    It has torchvision's batch normalization and stage names.
    """
    model = _without_weights("googlenet", init_weights=False, aux_logits=False)
    return _module_stages(model, "conv1")


def inception_v3() -> Stages:
    """Szegedy et al.'s Inception v3 (arXiv 1512.00567) from torchvision without its classifiers.

    It has torchvision's stage names, except that the first block is conv1, bn1 and relu1.
    """
    model = _without_weights("inception_v3", init_weights=False, aux_logits=False)
    return _module_stages(model, "Conv2d_1a_3x3")


def _module_stages(model: nn.Module, first: str) -> Stages:
    """The modules up to the last pooling, with the first block split into conv, bn and ReLU."""
    block = getattr(model, first)
    stages: Stages = {"conv1": block.conv, "bn1": block.bn, "relu1": nn.ReLU()}
    for name, module in model.named_children():
        if name not in (first, "avgpool", "dropout", "fc"):
            stages[name] = module
    return stages


def _without_weights(name: str, **options: bool) -> nn.Module:
    from torchvision import models

    with torch.device("meta"):
        return getattr(models, name)(weights=None, **options).eval()


def name_vgg_stages(features: Iterable[nn.Module]) -> Stages:
    """A VGG's modules under the paper's names: conv1_1, relu1_1, … pool1, conv2_1, …"""
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
