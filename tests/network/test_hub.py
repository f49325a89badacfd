"""Weights from the Hub: fetched once into the client's cache, and only if asked for."""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants, hf_hub_download

from neural_style.errors import WeightsError
from neural_style.network import hub, weights
from neural_style.network.backbones import BACKBONES, CAFFE, TORCHVISION
from neural_style.network.weights import load_weights
from tests import fake_hub
from tests.conftest import ask_at, seeded_weights, tiny_vgg

EXPECTED = seeded_weights(tiny_vgg())
DOWNLOADED = "vgg19 weights: owner/tiny-vgg, downloaded from the Hub"
CACHED = "vgg19 weights: owner/tiny-vgg, in the Hub cache"


def same(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> bool:
    return ours.keys() == theirs.keys() and all(
        torch.equal(ours[name], theirs[name]) for name in ours
    )


def preload() -> Path:
    """Puts the file into the Hub client's cache, as a Space does at build time."""
    return Path(hf_hub_download(fake_hub.REPO, fake_hub.FILENAME, revision=fake_hub.REVISION))


def in_blobs() -> list[str]:
    """Names of the files that the client keeps."""
    return [path.name for path in Path(constants.HF_HUB_CACHE).glob("*/blobs/*")]


# Where the Hub was asked for


def test_the_whole_file_is_fetched_once_and_kept_under_its_digest(the_hub):
    loaded = load_weights("vgg19", "hub")
    assert same(loaded.tensors, EXPECTED)
    assert (str(loaded.source), loaded.units) == (DOWNLOADED, TORCHVISION)
    assert loaded.digest == the_hub.sha256
    assert in_blobs() == [the_hub.sha256]
    gets = [request for request in the_hub.requests if request[0] == "GET"]
    assert gets == [("GET", fake_hub.FILE_PATH)]


@pytest.mark.parametrize("revision", [fake_hub.REVISION, "main"])
def test_the_second_time_no_request_is_made(the_hub, revision, monkeypatch):
    entry = BACKBONES["vgg19"]
    file = entry.hub._replace(revision=revision)
    monkeypatch.setitem(BACKBONES, "vgg19", entry._replace(hub=file))
    assert hub.cached(file) is None
    assert str(load_weights("vgg19", "hub").source) == DOWNLOADED
    the_hub.requests.clear()
    for choice in ("hub", "auto"):
        weights.cached_weights.cache_clear()
        assert str(load_weights("vgg19", choice).source) == CACHED
    assert the_hub.requests == []


def test_wrong_bytes_are_refused_and_named(the_hub):
    the_hub.served = the_hub.content[:-1] + b"\1"
    with pytest.raises(WeightsError, match=r"SHA-256 .*, expected .*Delete .* and run again"):
        load_weights("vgg19", "hub")
    hub.cached(BACKBONES["vgg19"].hub).unlink()
    Path(constants.HF_HUB_CACHE, "models--owner--tiny-vgg/blobs", the_hub.sha256).unlink()
    the_hub.served = None
    assert same(load_weights("vgg19", "hub").tensors, EXPECTED)


def nobody_listens(the_hub, monkeypatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        ask_at(f"http://127.0.0.1:{free.getsockname()[1]}", monkeypatch)


def is_silent(the_hub, monkeypatch) -> None:
    monkeypatch.setattr(hub, "CONNECT_SECONDS", 0.5)
    the_hub.silent = True


def is_offline(the_hub, monkeypatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def serves(**changes: object):
    def change(the_hub, monkeypatch) -> None:
        for name, value in changes.items():
            assert hasattr(the_hub, name)
            setattr(the_hub, name, value)

    return change


TROUBLE = {
    "no such file": (serves(failure=(404, "EntryNotFound")), "it answered 404 Not Found"),
    "an internal error": (serves(failure=(500, "")), "it answered 500 Internal Server Error"),
    "an internal error after a good start": (
        serves(failure=(500, ""), failing=("GET",)),
        "it answered 500 Internal Server Error",
    ),
    "another file": (serves(etag="f" * 64), f"offers another .*SHA-256 {'f' * 12}…"),
    "no digest": (serves(etag=""), "offers another .*SHA-256 unknown"),
    "silence": (is_silent, "timed out"),
    "nobody there": (nobody_listens, "there is no connection"),
    "no leave to ask": (is_offline, "offline mode is enabled"),
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_a_failure_of_the_hub_is_reported_soon_and_in_a_sentence(the_hub, monkeypatch, trouble):
    cause, words = TROUBLE[trouble]
    cause(the_hub, monkeypatch)
    began = time.monotonic()
    with pytest.raises(WeightsError, match=words) as caught:
        load_weights("vgg19", "hub")
    assert time.monotonic() - began < 4
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("The Hub ")
    assert "owner/tiny-vgg" in message
    assert message.endswith("se the packaged weights.")
    assert in_blobs() == []


# Where any source will do


def test_a_preloaded_file_is_used_without_a_request(the_hub, monkeypatch):
    preload()
    the_hub.requests.clear()
    is_offline(the_hub, monkeypatch)
    loaded = load_weights("vgg19")
    assert same(loaded.tensors, EXPECTED)
    assert str(loaded.source) == CACHED
    assert the_hub.requests == []


def test_without_a_cached_file_the_packaged_weights_are_used_without_a_request(the_hub):
    loaded = load_weights("vgg19")
    packaged = load_weights("vgg19", "packaged")
    assert same(loaded.tensors, packaged.tensors)
    assert loaded.units == packaged.units == CAFFE
    assert str(loaded.source) == str(packaged.source)
    assert the_hub.requests == []


def test_a_damaged_cache_is_skipped_and_the_source_says_so(the_hub):
    path = preload()
    path.resolve().write_bytes(b"\0" * len(the_hub.content))
    packaged = load_weights("vgg19", "packaged")
    loaded = load_weights("vgg19")
    assert same(loaded.tensors, packaged.tensors)
    assert re.fullmatch(
        rf"{packaged.source} \(The cached model.safetensors of owner/.* has SHA-256 .*\)",
        str(loaded.source),
    )
    with pytest.raises(WeightsError, match=rf"Delete {path} and run again"):
        load_weights("vgg19", "hub")


def test_a_network_without_packaged_weights_is_fetched(the_hub, monkeypatch):
    entry = BACKBONES["vgg19"]._replace(packaged=None)
    monkeypatch.setitem(BACKBONES, "vgg19", entry)
    assert str(load_weights("vgg19").source) == DOWNLOADED
