"""Requests that keep the server's event loop busy take turns, so that others come in between."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi.responses import JSONResponse

from neural_style.web.text.texts import translate

_TURN_SECONDS = 0.05
"""A turn ends with the response, or after this time: then the request waits for something else."""

_MOST_MEGABYTES = 100
"""Largest request: two of the largest pictures as data URLs."""

_SLOW = re.compile(
    r"POST /(.*/)?(queue/join|run/[^/]+|call/(v2/)?[^/]+)/?|GET /(.*/)?(info|config)/?"
)
"""Requests for which Gradio makes the state of a new session, or a description of the whole page;
each takes some hundredths of a second, in which the server does nothing else."""

_App = Callable[[dict, Any, Any], Awaitable[None]]


class Turns:
    """ASGI middleware. Without it, the requests of a crowd that comes at once would all be
    answered before that of a visitor who opens the page.
    """

    def __init__(self, app: _App) -> None:
        self._app = app
        self._turn = asyncio.Lock()

    async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
        """Handles one connection."""
        if scope["type"] != "http" or not _SLOW.fullmatch(f"{scope['method']} {scope['path']}"):
            await self._app(scope, receive, send)
            return
        request: dict | None = None
        if scope["method"] == "POST":
            request = await _whole_request(receive)  # before the turn: the sender may be slow
            if request is None:
                detail = translate("request_too_large", limit=_MOST_MEGABYTES)
                await JSONResponse({"detail": detail}, 413)(scope, receive, send)
                return
        await self._turn.acquire()
        turn = _Turn(self._turn)

        async def receive_again() -> dict:
            nonlocal request
            message, request = request, None
            return message or await receive()

        async def send_after_turn(message: dict) -> None:
            turn.end()
            await send(message)

        try:
            await self._app(scope, receive_again, send_after_turn)
        finally:
            turn.end()


class _Turn:
    """The turn of a request, which has begun; it ends once."""

    def __init__(self, lock: asyncio.Lock) -> None:
        self._lock = lock
        self._timer = asyncio.get_running_loop().call_later(_TURN_SECONDS, self.end)
        self._ended = False

    def end(self) -> None:
        if not self._ended:
            self._ended = True
            self._timer.cancel()
            self._lock.release()


async def _whole_request(receive: Any) -> dict | None:
    """The request with its whole body as one message, or that the client has gone; None if the
    body is too large.
    """
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return message
        body += message.get("body", b"")
        if len(body) > 1_000_000 * _MOST_MEGABYTES:
            return None
        if not message.get("more_body"):
            return {"type": "http.request", "body": bytes(body), "more_body": False}
