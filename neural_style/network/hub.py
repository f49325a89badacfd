"""Fetches weights files from the Hugging Face Hub, with the Hub's client and its cache."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import (
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)
from huggingface_hub.errors import HfHubHTTPError, HTTPError  # the second is the HTTP client's

from neural_style.errors import refused_weights
from neural_style.messages import Message
from neural_style.network.backbones import HubFile

CONNECT_SECONDS = 3.5
"""Timeout for asking the Hub which file it has."""


def cached(file: HubFile) -> Path | None:
    """The file in the client's cache, or None. It uses no network and checks no digest."""
    path = try_to_load_from_cache(file.repo, file.filename, revision=file.revision)
    return Path(path) if isinstance(path, str) else None


def download(file: HubFile) -> Path:
    """Fetches the file into the client's cache, without checking its digest.

    It asks the Hub for the file's digest first, so that a missing connection or another file is
    found before the download.

    Raises:
        WeightsError: The Hub cannot be reached or has another file.
    """
    try:
        url = hf_hub_url(file.repo, file.filename, revision=file.revision)
        offered = get_hf_file_metadata(url, timeout=CONNECT_SECONDS).etag
        if offered != file.sha256:
            given = f"{offered[:12]}…" if offered else Message("hub.unknown_digest")
            named = {"file": file.filename, "repo": file.repo}
            digests = {"given": given, "expected": f"{file.sha256[:12]}…"}
            fact = Message("hub.offers_another", **named, **digests)
            raise refused_weights(fact, Message("advice.use_packaged"))
        return Path(hf_hub_download(file.repo, file.filename, revision=file.revision))
    except (HTTPError, OSError, RuntimeError, ValueError) as error:
        fact = Message("hub.not_delivered", repo=file.repo, reason=_why(error))
        raise refused_weights(fact, Message("advice.try_later")) from error


def _why(error: BaseException) -> Message | str:
    """A short reason for the error message."""
    if isinstance(error, HfHubHTTPError):
        answer = error.response
        return Message("hub.status", status=answer.status_code, phrase=answer.reason_phrase)
    if type(error).__name__ == "ConnectError":  # of the HTTP client, whichever it is
        return Message("hub.no_connection")
    text = str(error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__
