"""One file of weights from the Hugging Face Hub, by the Hub's own client and in its cache."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import (
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)
from huggingface_hub.errors import HfHubHTTPError, HTTPError  # the second is its transport's

from neural_style.errors import WeightsError
from neural_style.messages import Message
from neural_style.network.backbones import HubFile

CONNECT_SECONDS = 3.5
"""How long the Hub may take to say which file it has."""


def cached(file: HubFile) -> Path | None:
    """The file where the client keeps it, or None. Asks nobody, and checks no digest."""
    path = try_to_load_from_cache(file.repo, file.filename, revision=file.revision)
    return Path(path) if isinstance(path, str) else None


def download(file: HubFile) -> Path:
    """Fetches the whole file into the client's cache; its digest is not checked yet.

    The Hub is asked first which file it has: one out of reach, or with another file, is known of
    before anything travels.

    Raises:
        WeightsError: Out of reach, or not the file that was asked for.
    """
    try:
        url = hf_hub_url(file.repo, file.filename, revision=file.revision)
        offered = get_hf_file_metadata(url, timeout=CONNECT_SECONDS).etag
        if offered != file.sha256:
            given = f"{offered[:12]}…" if offered else Message("hub.unknown_digest")
            named = {"file": file.filename, "repo": file.repo}
            digests = {"given": given, "expected": f"{file.sha256[:12]}…"}
            fact = Message("hub.offers_another", **named, **digests)
            raise refused(fact, Message("advice.use_packaged"))
        return Path(hf_hub_download(file.repo, file.filename, revision=file.revision))
    except (HTTPError, OSError, RuntimeError, ValueError) as error:
        fact = Message("hub.not_delivered", repo=file.repo, reason=_why(error))
        raise refused(fact, Message("advice.try_later")) from error


def refused(fact: Message, advice: Message) -> WeightsError:
    """An error that says what is wrong and what to do about it."""
    return WeightsError("weights.refused", fact=fact, advice=advice)


def _why(error: BaseException) -> Message | str:
    """An error in a few words for people."""
    if isinstance(error, HfHubHTTPError):
        answer = error.response
        return Message("hub.status", status=answer.status_code, phrase=answer.reason_phrase)
    if type(error).__name__ == "ConnectError":  # the transport's, whichever that is
        return Message("hub.no_connection")
    text = str(error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__
