"""What is refused before Gradio sees it, and headers of every response."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from fastapi.responses import JSONResponse, PlainTextResponse
from gradio.utils import get_upload_folder

from neural_style.web.run import metrics
from neural_style.web.run.gate import PROXIES
from neural_style.web.text.texts import translate

LEAST_FREE_BYTES = 500_000_000
"""With less free space, no pictures are taken: those that go on need it for their results."""

_App = Callable[[dict, Any, Any], Awaitable[None]]

_RANGE = re.compile(rb"bytes=(\d{1,15}-\d{0,15}|-\d{1,15})")
"""The ranges that players ask for. Others may be ignored (RFC 9110), and Gradio fails on some."""

_CLOSED = re.compile(r"/(deep_link|process_recording|component_server)/?$|/deep_links/")
"""Routes of Gradio that this page does not use. A deep link would store the values of a session,
with the names of its runs, in a file that is served."""

_MALFORMED = re.compile(r"/(run|api)/[^/]+/?$|/mcp(/|$)")
"""Routes on which Gradio answers requests that it cannot read as if the server were at fault."""

_ADDED = [(b"x-content-type-options", b"nosniff")]


class Shield:
    """ASGI middleware: drops what strangers may not say, refuses uploads without space for them,
    forbids browsers to guess types, and answers malformed requests with a 4xx status. It answers
    /healthz, for a host's checks, and /metrics if the host wants it.
    """

    def __init__(self, app: _App) -> None:
        self._app = app

    async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
        """Handles one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "GET" and scope["path"] == "/healthz":
            await JSONResponse({"status": "ok"})(scope, receive, send)
            return
        if scope["method"] == "GET" and scope["path"] == "/metrics" and metrics.are_served():
            numbers = PlainTextResponse(metrics.as_text())
            await numbers(scope, receive, send)
            return
        if _CLOSED.search(scope["path"]):
            await JSONResponse({"detail": translate("bad_request")}, 404)(scope, receive, send)
            return
        if scope["method"] == "POST" and scope["path"].endswith("/upload") and _disk_is_full():
            refusal = JSONResponse({"detail": translate("disk_full")}, 507)
            await refusal(scope, receive, send)
            return

        async def send_safely(message: dict) -> None:
            if message["type"] == "http.response.start":
                message = message | {"headers": [*message.get("headers", ()), *_ADDED]}
                if message["status"] == 500 and _MALFORMED.search(scope["path"]):
                    message["status"] = 400
            await send(message)

        headers = [(name, value) for name, value in scope["headers"] if _is_believed(name, value)]
        await self._app(scope | {"headers": headers}, receive, send_safely)


def _is_believed(name: bytes, value: bytes) -> bool:
    if name == b"range":
        return _RANGE.fullmatch(value.strip()) is not None
    if name in (b"x-forwarded-host", b"x-forwarded-proto"):  # from which Gradio makes addresses
        return has_proxies()
    return True


def _disk_is_full() -> bool:
    folder = Path(get_upload_folder())
    return folder.is_dir() and shutil.disk_usage(folder).free < LEAST_FREE_BYTES


def has_proxies() -> bool:
    """Whether the host says that there are proxies in front of the server."""
    return bool(os.environ.get("SPACE_ID")) or os.environ.get(PROXIES, "") not in ("", "0")
