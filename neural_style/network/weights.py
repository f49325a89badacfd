"""Loads a network's weights from the Hub, a package or a file, and checks them."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import threading
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from safetensors import SafetensorError, safe_open
from torch import Tensor

from neural_style.errors import WeightsError, refused_weights
from neural_style.files import load_tensors
from neural_style.messages import Message
from neural_style.network import hub
from neural_style.network.backbones import BACKBONES, Backbone, PackagedFile, Units

ENVIRONMENT = "NEURAL_STYLE_WEIGHTS"
"""Environment variable that replaces the choice "auto": auto, hub, packaged, or a file's path."""

NAMED_SOURCES = ("auto", "hub", "packaged")


class Weights(NamedTuple):
    """One network's weights.

    Attributes:
        tensors: `{"conv1_1.weight": …, "conv1_1.bias": …, …}`, float32, on the CPU.
        units: Input units of the network with these weights.
        source: Message that names their source.
        digest: SHA-256 of their file.
    """

    tensors: dict[str, Tensor]
    units: Units
    source: Message
    digest: str


def load_weights(backbone: str, choice: str = "auto") -> Weights:
    """The weights of a network; the same object for the same arguments.

    Args:
        backbone: A key of `BACKBONES`.
        choice: "hub" (downloaded if it is not in the Hub client's cache), "packaged", the path of a
            .safetensors or .pth file with torchvision's names, or "auto". The environment variable
            `NEURAL_STYLE_WEIGHTS` replaces "auto". Otherwise "auto" is the Hub's file if it is
            cached, else the packaged one, so that the first picture waits for no download. For a
            network without packaged weights it is "hub".

    Raises:
        WeightsError: The weights are not available, or the file is not the expected one.
    """
    if choice == "auto":
        choice = os.environ.get(ENVIRONMENT) or "auto"
    with _decision:
        return cached_weights(backbone, choice)


_decision = threading.Lock()


@lru_cache(maxsize=4)
def cached_weights(backbone: str, choice: str) -> Weights:
    """`load_weights` without the environment variable and the lock."""
    entry = BACKBONES[backbone]
    if choice == "hub" or (choice == "auto" and entry.packaged is None):
        return _from_hub(backbone, entry)
    if choice == "auto":
        if entry.hub is None or hub.cached(entry.hub) is None:
            return _from_package(backbone, entry)
        try:
            return _from_hub(backbone, entry)
        except WeightsError as error:
            packaged = _from_package(backbone, entry)
            fact = error.message.values["fact"]  # without the advice
            source = Message("weights.in_place_of_hub", source=packaged.source, reason=fact)
            return packaged._replace(source=source)
    if choice == "packaged":
        return _from_package(backbone, entry)
    return _from_path(backbone, entry, Path(os.path.expanduser(choice)))


def _from_hub(backbone: str, entry: Backbone) -> Weights:
    if entry.hub is None:
        fact = Message("hub.no_file", backbone=backbone)
        raise refused_weights(fact, Message("advice.use_torchvision"))
    path, where = hub.cached(entry.hub), Message("hub.cached")
    if path is None:
        path, where = hub.download(entry.hub), Message("hub.downloaded")
    digest = _digest(path)
    if digest != entry.hub.sha256:
        named = {"file": entry.hub.filename, "repo": entry.hub.repo}
        digests = {"given": f"{digest[:12]}…", "expected": f"{entry.hub.sha256[:12]}…"}
        fact = Message("hub.cache_changed", **named, **digests)
        raise refused_weights(fact, Message("advice.delete", path=str(path)))
    tensors = _paper_names(entry, _read_safetensors(path, entry.prefix))
    return Weights(
        tensors=_check(entry, tensors, Message("weights.on_the_hub", repo=entry.hub.repo)),
        units=entry.hub.units,
        source=Message("weights.from_hub", backbone=backbone, repo=entry.hub.repo, where=where),
        digest=digest,
    )


def _from_package(backbone: str, entry: Backbone) -> Weights:
    if entry.packaged is None:
        having = tuple(name for name, other in BACKBONES.items() if other.packaged)
        raise WeightsError("weights.no_package", backbone=backbone, others=having)
    path = _package_path(entry.packaged)
    digest = _digest(path)
    if digest != entry.packaged.sha256:
        raise WeightsError(
            "weights.package_changed",
            path=str(path),
            given=digest[:12],
            expected=entry.packaged.sha256[:12],
            requirement=entry.packaged.requirement,
        )
    where = Message("weights.packaged", package=entry.packaged.package)
    return _from_tables(backbone, entry, path, where)


def _from_tables(backbone: str, entry: Backbone, path: Path, where: Message | str) -> Weights:
    tensors = _decode_tables(load_tensors(path))
    return Weights(
        tensors=_check(entry, tensors, path.name),
        units=entry.packaged.units,
        source=Message("weights.from_tables", backbone=backbone, where=where),
        digest=entry.packaged.sha256,
    )


def _from_path(backbone: str, entry: Backbone, path: Path) -> Weights:
    try:
        found = path.is_file()
    except OSError as error:
        raise WeightsError(
            "weights.unreachable", path=str(path), reason=str(error.strerror)
        ) from error
    if not found and path.exists():
        raise WeightsError("weights.not_a_file", path=str(path))
    if not found:
        raise WeightsError("weights.no_file", path=str(path), choices=NAMED_SOURCES)
    digest = _digest(path)
    if entry.packaged and digest == entry.packaged.sha256:
        return _from_tables(backbone, entry, path, path.name)
    if path.suffix == ".safetensors":
        tensors = _read_safetensors(path, "")
    else:
        try:
            tensors = load_tensors(path)
        except ValueError as error:
            raise WeightsError("weights.unknown_format", name=path.name) from error
    if not isinstance(tensors, dict):
        raise WeightsError("weights.no_table", name=path.name)
    tensors = {
        str(name).removeprefix(entry.prefix): tensor.detach()
        for name, tensor in tensors.items()
        if isinstance(tensor, Tensor)
    }
    return Weights(
        tensors=_check(entry, _paper_names(entry, tensors), path.name),
        units=entry.file_units.get(digest[:8], entry.units),
        source=Message("weights.from_file", backbone=backbone, name=path.name),
        digest=digest,
    )


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_safetensors(path: Path, prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with the prefix, without it."""
    try:
        with safe_open(path, framework="pt") as file:
            return {
                name.removeprefix(prefix): file.get_tensor(name)
                for name in file.keys()  # noqa: SIM118 (not a dict)
                if name.startswith(prefix)
            }
    except (SafetensorError, OSError) as error:
        fact = Message("weights.not_readable", name=path.name, reason=str(error).strip())
        raise refused_weights(fact, Message("advice.fetch_again")) from error


def _digest(path: Path) -> str:
    try:
        return sha256(path)
    except OSError as error:
        raise WeightsError(
            "weights.unreadable", path=str(path), reason=str(error.strerror)
        ) from error


def _package_path(file: PackagedFile) -> Path:
    spec = importlib.util.find_spec(file.package)
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(
            "weights.not_installed", package=file.package, requirement=file.requirement
        )
    path = Path(spec.submodule_search_locations[0]) / file.filename
    if not path.is_file():
        raise WeightsError(
            "weights.not_in_package",
            package=file.package,
            file=file.filename,
            requirement=file.requirement,
        )
    return path


def _decode_tables(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """Replaces indices by the values of each layer's table: block1_conv2_W_q → conv1_2.weight."""
    tensors = {}
    for name in sorted(key.removesuffix("_W_q") for key in stored if key.endswith("_W_q")):
        layer = name.replace("block", "conv").replace("_conv", "_")
        indices = stored[f"{name}_W_q"]
        table = stored[f"{name}_W_table"]
        tensors[f"{layer}.weight"] = table.index_select(0, indices.flatten().int()).view_as(indices)
        tensors[f"{layer}.bias"] = stored[f"{name}_b"]
    return tensors


def _paper_names(entry: Backbone, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Renames torchvision's "0.weight" to "conv1_1.weight"; drops tensors that no stage has."""
    renamed = {}
    for place, (stage, module) in enumerate(entry.build().items()):
        for kind in module.state_dict():
            name = f"{entry.in_file(stage, place)}.{kind}"
            if name in tensors:
                renamed[f"{stage}.{kind}"] = tensors[name].float()
    return renamed


def _check(entry: Backbone, tensors: dict[str, Tensor], name: Message | str) -> dict[str, Tensor]:
    """Returns the tensors if every parameter has a finite one of the right shape."""
    for stage, module in entry.build().items():
        for kind, parameter in module.state_dict().items():
            key = f"{stage}.{kind}"
            given = tensors.get(key)
            if given is None and kind.endswith("num_batches_tracked"):
                continue  # used in training only
            if given is None:
                fact = Message("weights.no_tensor", name=name, tensor=key)
                raise refused_weights(fact, Message("advice.use_file_of_network"))
            if given.shape != parameter.shape:
                shapes = {"given": str((*given.shape,)), "expected": str((*parameter.shape,))}
                fact = Message("weights.shape", name=name, tensor=key, **shapes)
                raise refused_weights(fact, Message("advice.use_file_of_network"))
            if not given.isfinite().all():
                fact = Message("weights.not_finite", name=name, tensor=key)
                raise refused_weights(fact, Message("advice.fetch_again"))
    return tensors
