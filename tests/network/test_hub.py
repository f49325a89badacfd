"""Weights from the Hub: downloads, the client's cache, and failures."""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path

import pytest
from huggingface_hub import constants, hf_hub_download

from neural_style.errors import WeightsError
from neural_style.network import hub, weights
from neural_style.network.backbones import BACKBONES, CAFFE, TORCHVISION
from neural_style.network.weights import load_weights
from tests import fake_hub
from tests.conftest import ask_at, seeded_weights, tiny_vgg
from tests.small_networks import same_weights

EXPECTED = seeded_weights(tiny_vgg())
DOWNLOADED = "vgg19 weights: owner/tiny-vgg, downloaded from the Hub"
CACHED = "vgg19 weights: owner/tiny-vgg, in the Hub cache"


def preload() -> Path:
    """Puts the file into the Hub client's cache, as a Space does at build time."""
    return Path(hf_hub_download(fake_hub.REPO, fake_hub.FILENAME, revision=fake_hub.REVISION))


def cached_blobs() -> list[str]:
    """Names of the files in the client's cache."""
    return [path.name for path in Path(constants.HF_HUB_CACHE).glob("*/blobs/*")]


# Choice "hub"


def test_hub_file_is_downloaded_once_and_cached_under_its_digest(the_hub):
    loaded = load_weights("vgg19", "hub")
    assert same_weights(loaded.tensors, EXPECTED)
    assert (str(loaded.source), loaded.units) == (DOWNLOADED, TORCHVISION)
    assert loaded.digest == the_hub.sha256
    assert cached_blobs() == [the_hub.sha256]
    gets = [request for request in the_hub.requests if request[0] == "GET"]
    assert gets == [("GET", fake_hub.FILE_PATH)]


@pytest.mark.parametrize("revision", [fake_hub.REVISION, "main"])
def test_cached_file_is_loaded_without_request(the_hub, revision, monkeypatch):
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


def test_wrong_digest_of_download_raises_weights_error(the_hub):
    the_hub.served = the_hub.content[:-1] + b"\1"
    with pytest.raises(WeightsError, match=r"SHA-256 .*, expected .*Delete .* and run again"):
        load_weights("vgg19", "hub")
    hub.cached(BACKBONES["vgg19"].hub).unlink()
    Path(constants.HF_HUB_CACHE, "models--owner--tiny-vgg/blobs", the_hub.sha256).unlink()
    the_hub.served = None
    assert same_weights(load_weights("vgg19", "hub").tensors, EXPECTED)


def use_unused_port(the_hub, monkeypatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        ask_at(f"http://127.0.0.1:{free.getsockname()[1]}", monkeypatch)


def stop_answering(the_hub, monkeypatch) -> None:
    monkeypatch.setattr(hub, "CONNECT_SECONDS", 0.5)
    the_hub.silent = True


def enable_offline_mode(the_hub, monkeypatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def configure_hub(**changes: object):
    def change(the_hub, monkeypatch) -> None:
        for name, value in changes.items():
            assert hasattr(the_hub, name)
            setattr(the_hub, name, value)

    return change


FAILURES = {
    "file not found": (configure_hub(failure=(404, "EntryNotFound")), "it answered 404 Not Found"),
    "server error": (configure_hub(failure=(500, "")), "it answered 500 Internal Server Error"),
    "server error on download": (
        configure_hub(failure=(500, ""), failing=("GET",)),
        "it answered 500 Internal Server Error",
    ),
    "other digest": (configure_hub(etag="f" * 64), f"offers another .*SHA-256 {'f' * 12}…"),
    "no digest": (configure_hub(etag=""), "offers another .*SHA-256 unknown"),
    "timeout": (stop_answering, "timed out"),
    "connection refused": (use_unused_port, "there is no connection"),
    "offline mode": (enable_offline_mode, "offline mode is enabled"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_hub_failure_raises_one_line_error_within_4_seconds(the_hub, monkeypatch, case):
    cause, words = FAILURES[case]
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
    assert cached_blobs() == []


# Choice "auto"


def test_auto_uses_preloaded_file_without_request(the_hub, monkeypatch):
    preload()
    the_hub.requests.clear()
    enable_offline_mode(the_hub, monkeypatch)
    loaded = load_weights("vgg19")
    assert same_weights(loaded.tensors, EXPECTED)
    assert str(loaded.source) == CACHED
    assert the_hub.requests == []


def test_auto_without_cached_file_uses_packaged_weights(the_hub):
    loaded = load_weights("vgg19")
    packaged = load_weights("vgg19", "packaged")
    assert same_weights(loaded.tensors, packaged.tensors)
    assert loaded.units == packaged.units == CAFFE
    assert str(loaded.source) == str(packaged.source)
    assert the_hub.requests == []


def test_auto_skips_damaged_cache_and_reports_it_in_source(the_hub):
    path = preload()
    path.resolve().write_bytes(b"\0" * len(the_hub.content))
    packaged = load_weights("vgg19", "packaged")
    loaded = load_weights("vgg19")
    assert same_weights(loaded.tensors, packaged.tensors)
    assert re.fullmatch(
        rf"{packaged.source} \(The cached model.safetensors of owner/.* has SHA-256 .*\)",
        str(loaded.source),
    )
    with pytest.raises(WeightsError, match=rf"Delete {path} and run again"):
        load_weights("vgg19", "hub")


def test_auto_downloads_weights_that_no_package_has(the_hub, monkeypatch):
    entry = BACKBONES["vgg19"]._replace(packaged=None)
    monkeypatch.setitem(BACKBONES, "vgg19", entry)
    assert str(load_weights("vgg19").source) == DOWNLOADED
