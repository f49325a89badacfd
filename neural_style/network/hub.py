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
        offered = get_hf_file_metadata(url, timeout=CONNECT_SECONDS).etag or "not told"
        if offered != file.sha256:
            raise WeightsError(
                f"The Hub offers another {file.filename} of {file.repo} than the one known here "
                f"(SHA-256 {offered[:12]}…, expected {file.sha256[:12]}…). Use the packaged "
                "weights."
            )
        return Path(hf_hub_download(file.repo, file.filename, revision=file.revision))
    except (HTTPError, OSError, RuntimeError, ValueError) as error:
        raise WeightsError(
            f"The Hub did not deliver {file.repo}: {_why(error)}. "
            "Try again later, or use the packaged weights."
        ) from error


def _why(error: BaseException) -> str:
    """An error in a few words for people."""
    if isinstance(error, HfHubHTTPError):
        return f"it answered {error.response.status_code} {error.response.reason_phrase}"
    if type(error).__name__ == "ConnectError":  # the transport's, whichever that is
        return "there is no connection"
    text = str(error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__
