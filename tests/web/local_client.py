"""The API's client for a server on this machine."""

from __future__ import annotations

from typing import Any

from gradio_client import Client


def local_client(url: str, **options: Any) -> Client:
    """A client that neither reports its use nor loads certificates.

    Over HTTP there is nothing to verify, and it would load them anew for each file: for a small run
    that takes longer than the run.
    """
    return Client(url, verbose=False, analytics_enabled=False, ssl_verify=False, **options)
