"""Weights from the Hugging Face Hub: only the tensors needed, and proof that they are right.

Looks, in this order, at the part kept from an earlier run, at the Hub client's own cache (where a
Space puts preloaded files), and at the Hub itself, by ranged requests for the needed tensors alone.
A server that does not serve ranges is asked for the whole file.
"""

from __future__ import annotations

import hashlib
import json
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

from huggingface_hub import (
    constants,
    get_hf_file_metadata,
    get_session,
    hf_hub_url,
    try_to_load_from_cache,
)
from huggingface_hub.errors import (  # the last two are its transport's, whichever that is
    HfHubHTTPError,
    HTTPError,
    Response,
)
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status
from safetensors import SafetensorError, safe_open
from torch import Tensor

from neural_style.errors import WeightsError
from neural_style.files import temporary_file
from neural_style.messages import Message
from neural_style.network.backbones import HubFile

PROBE_SECONDS = 3.5
"""How long the Hub may take until the first of the tensors' bytes can come."""

STALL_SECONDS = 2.5
"""How long a transfer may stand still."""

LEAST_RATE = 400_000
"""Bytes a second that a transfer must average: 80 MB in some three minutes."""

_LARGEST_HEADER = 10_000_000

_TROUBLE = (HTTPError, OSError, RuntimeError, ValueError)
"""What the client, its transport and the file system raise."""

Answer = TypeVar("Answer")


class Delivery(NamedTuple):
    """An answer whose body is still to come.

    Attributes:
        response: Its body holds tensors, or the whole file.
        header: What a safetensors file of that body alone begins with; empty for the whole file.
        length: Bytes of the body; None for the whole file, which is known by its digest.
    """

    response: Response
    header: bytes
    length: int | None


def fetch(file: HubFile) -> tuple[dict[str, Tensor], Message]:
    """The file's tensors under its prefix, the prefix cut off, and where they were found.

    Raises:
        WeightsError: Not cached and out of reach, or not the file that was asked for.
    """
    try:
        for path in _kept(file):
            if sha256(path) == path.stem:
                return read_safetensors(path, file.prefix), Message("hub.kept")
            path.unlink()
        cached = try_to_load_from_cache(file.repo, file.filename, revision=file.revision)
        if isinstance(cached, str):
            return _read_cached(Path(cached), file), Message("hub.cached")
        if constants.HF_HUB_OFFLINE:
            fact = Message("hub.offline", repo=file.repo)
            raise refused(fact, Message("advice.unset_offline"))
        _folder(file).mkdir(parents=True, exist_ok=True)
        path = _download(_within(PROBE_SECONDS, lambda: _open(file)), file)
        return _read_new(path, file), Message("hub.downloaded")
    except _TROUBLE as error:
        fact = Message("hub.not_delivered", repo=file.repo, reason=_why(error))
        raise refused(fact, Message("advice.try_later")) from error


def forget(file: HubFile) -> None:
    """Deletes what was kept of the file, so that the next `fetch` asks the Hub again."""
    with suppress(OSError):
        for path in _kept(file):
            path.unlink()


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_safetensors(path: Path, prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with the prefix, which is cut off.

    Raises:
        WeightsError: Not a safetensors file.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return {
                name.removeprefix(prefix): file.get_tensor(name)
                for name in file.keys()  # noqa: SIM118 (not a dict)
                if name.startswith(prefix)
            }
    except (SafetensorError, OSError) as error:
        fact = Message("hub.not_readable", name=path.name, reason=_why(error))
        raise refused(fact, Message("advice.fetch_again")) from error


def _folder(file: HubFile) -> Path:
    """Where `huggingface_hub.cached_assets_path` would be, not made before there is a file."""
    assets = Path(constants.HF_ASSETS_CACHE) / "neural-style-space"
    return assets / file.repo.replace("/", "--") / file.sha256


def _kept(file: HubFile) -> list[Path]:
    return sorted(_folder(file).glob("*.safetensors"))


def _read_cached(path: Path, file: HubFile) -> dict[str, Tensor]:
    digest = sha256(path)
    if digest != file.sha256:
        fact = Message("hub.cache_changed", **_which(file, digest))
        raise refused(fact, Message("advice.delete", path=str(path)))
    return read_safetensors(path, file.prefix)


def _read_new(path: Path, file: HubFile) -> dict[str, Tensor]:
    try:
        return read_safetensors(path, file.prefix)
    except WeightsError:
        forget(file)
        raise


def _open(file: HubFile) -> Delivery:
    """Makes sure that the Hub has this very file, and asks for the needed tensors."""
    url = hf_hub_url(file.repo, file.filename, revision=file.revision)
    metadata = get_hf_file_metadata(url, timeout=PROBE_SECONDS)
    if metadata.etag != file.sha256:
        raise refused(Message("hub.offers_another", **_which(file, metadata.etag)))
    at = metadata.commit_hash or file.revision  # a branch may move between two requests
    url = hf_hub_url(file.repo, file.filename, revision=at)
    response = _request(url, 0, 8)
    if response.status_code != 206:
        return Delivery(response, b"", None)
    (header_length,) = struct.unpack("<Q", _body(response, 8))
    if not 2 <= header_length <= _LARGEST_HEADER:
        raise _not_safetensors(file)
    response = _request(url, 8, header_length)
    if response.status_code != 206:
        return Delivery(response, b"", None)
    header, first, last = _part(_body(response, header_length), file)
    start = 8 + header_length
    if metadata.size is not None and start + last > metadata.size:
        raise _not_safetensors(file)
    response = _request(url, start + first, last - first)
    if response.status_code != 206:
        return Delivery(response, b"", None)
    return Delivery(response, header, last - first)


def _part(content: bytes, file: HubFile) -> tuple[bytes, int, int]:
    """The header of a file of the needed tensors alone, and their first and last byte in the whole.

    Other tensors that lie between needed ones stay, because safetensors allows no holes.
    """
    try:
        entries = json.loads(content)
        entries.pop("__metadata__", None)
        spans = {name: tuple(entry["data_offsets"]) for name, entry in entries.items()}
        needed = [span for name, span in spans.items() if name.startswith(file.prefix)]
        if not needed:
            raise refused(
                Message("hub.no_tensors", file=file.filename, repo=file.repo, prefix=file.prefix)
            )
        first = min(start for start, _ in needed)
        last = max(end for _, end in needed)
        if not 0 <= first < last:
            raise _not_safetensors(file)
        part = {
            name: entries[name] | {"data_offsets": [start - first, end - first]}
            for name, (start, end) in spans.items()
            if first <= start and end <= last
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _not_safetensors(file) from error
    described = json.dumps(part).encode()
    described += b" " * (-len(described) % 8)
    return struct.pack("<Q", len(described)) + described, first, last


def _download(delivery: Delivery, file: HubFile) -> Path:
    """Writes what comes into a safetensors file named by its digest."""
    folder = _folder(file)
    digest = hashlib.sha256(delivery.header)
    with temporary_file(folder) as partial:
        with closing(delivery.response) as response, partial.open("wb") as stream:
            stream.write(delivery.header)
            for chunk in _moving(response.iter_bytes()):
                stream.write(chunk)
                digest.update(chunk)
            received = stream.tell() - len(delivery.header)
        if delivery.length is None and digest.hexdigest() != file.sha256:
            raise refused(Message("hub.delivered_another", **_which(file, digest.hexdigest())))
        if delivery.length not in (None, received):
            raise OSError(Message("hub.cut_short", received=received, length=delivery.length))
        return partial.replace(folder / f"{digest.hexdigest()}.safetensors")


def _request(url: str, start: int, length: int) -> Response:
    """The answer to a request for these bytes, its body not yet read."""
    session = get_session()
    asked = {"Range": f"bytes={start}-{start + length - 1}", "Accept-Encoding": "identity"}
    request = session.build_request(
        "GET", url, headers=build_hf_headers() | asked, timeout=STALL_SECONDS
    )
    response = session.send(request, stream=True, follow_redirects=True)
    try:
        hf_raise_for_status(response)
    except HTTPError:
        response.close()
        raise
    return response


def _body(response: Response, length: int) -> bytes:
    with closing(response):
        content = response.read()
    if len(content) != length:
        raise OSError(Message("hub.cut_short", received=len(content), length=length))
    return content


def _moving(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks, as long as they come at `LEAST_RATE` or faster, but for one pause."""
    began, received = time.monotonic(), 0
    for chunk in chunks:
        received += len(chunk)
        seconds = time.monotonic() - began
        if seconds > STALL_SECONDS + received / LEAST_RATE:
            raise TimeoutError(Message("hub.too_slow", received=received, seconds=seconds))
        yield chunk


def _within(seconds: float, ask: Callable[[], Answer]) -> Answer:
    """The answer, or the error, of a call that may hang where no timeout of its own reaches.

    A silent name server is such a place.
    """
    answer: Future = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except (WeightsError, *_TROUBLE) as error:
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True, name="hub-probe").start()
    try:
        return answer.result(timeout=seconds)
    except TimeoutError:
        if answer.done():
            raise
        raise TimeoutError(Message("hub.no_answer", seconds=seconds)) from None


def _which(file: HubFile, digest: str | None) -> dict[str, Message | str]:
    """The file, and its digest beside the expected one, for a message."""
    given = f"{digest[:12]}…" if digest else Message("hub.unknown_digest")
    expected = f"{file.sha256[:12]}…"
    return {"file": file.filename, "repo": file.repo, "given": given, "expected": expected}


def refused(fact: Message, advice: Message = Message("advice.use_packaged")) -> WeightsError:  # noqa: B008 (immutable)
    """The error for weights that will not do, and what to do instead."""
    return WeightsError("weights.refused", fact=fact, advice=advice)


def _not_safetensors(file: HubFile) -> WeightsError:
    return refused(Message("hub.not_safetensors", file=file.filename, repo=file.repo))


def _why(error: BaseException) -> Message | str:
    """An error in a few words for people."""
    if isinstance(error, HfHubHTTPError):
        response = error.response
        return Message("hub.status", status=response.status_code, phrase=response.reason_phrase)
    if type(error).__name__ == "ConnectError":  # the transport's, whichever that is
        return Message("hub.no_connection")
    if error.args and isinstance(error.args[0], Message):
        return error.args[0]
    text = str(error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__
