"""The open connections over which browsers and clients receive the outputs of runs."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from typing import Any
from urllib.parse import parse_qs

_OF_A_SESSION = re.compile(r"/queue/data$")
"""Path of the stream of a session, which the query names; for pages and Gradio's clients."""

_OF_AN_EVENT = re.compile(r"/call/(?:v2/)?[^/]+/([^/]+)$")
"""Path of the stream of one request, for plain HTTP."""

_App = Callable[[dict, Any, Any], Awaitable[None]]


class Streams:
    """The names of sessions and requests with an open stream; safe to use from many threads."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._lock = threading.Lock()

    def is_open(self, names: Collection[str]) -> bool:
        """Whether one of the sessions or requests has an open stream."""
        with self._lock:
            return any(self._open[name] > 0 for name in names)

    def change(self, name: str, by: int) -> None:
        """Counts an opened (1) or a closed (-1) stream."""
        with self._lock:
            self._open[name] += by
            self._open += Counter()  # forgets those without streams


class WatchStreams:
    """ASGI middleware that counts open streams."""

    def __init__(self, app: _App, streams: Streams) -> None:
        self._app = app
        self._streams = streams

    async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
        """Handles one connection."""
        name = _stream_name(scope)
        if name is None:
            await self._app(scope, receive, send)
            return
        self._streams.change(name, 1)
        try:
            await self._app(scope, receive, send)
        finally:
            self._streams.change(name, -1)


def _stream_name(scope: dict) -> str | None:
    """The session or request whose outputs the connection receives; None if it is no stream."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    if _OF_A_SESSION.search(scope["path"]):
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        return query.get("session_hash", [None])[0]
    found = _OF_AN_EVENT.search(scope["path"])
    return found and found[1]
