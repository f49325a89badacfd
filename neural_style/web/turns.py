"""Requests that keep the server's event loop busy take turns, so that others come in between."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

_TURN_SECONDS = 0.05
"""A turn ends with the response, or after this time: then the request waits for something else."""

_SLOW = re.compile(r"/(queue/join|info|config|run/[^/]+|call/(v2/)?[^/]+)/?$")
"""Routes on which Gradio makes the state of a new session, or a description of the whole page; each
takes some hundredths of a second, in which the server does nothing else."""

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
        if scope["type"] != "http" or not _SLOW.search(scope["path"]):
            await self._app(scope, receive, send)
            return
        messages = await _whole_request(receive)  # before the turn: the sender may be slow
        await self._turn.acquire()
        turn = _Turn(self._turn)

        async def receive_again() -> dict:
            return messages.pop(0) if messages else await receive()

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


async def _whole_request(receive: Any) -> list[dict]:
    """The messages of a request up to the end of its body, or until the client has gone."""
    messages = [await receive()]
    while messages[-1]["type"] == "http.request" and messages[-1].get("more_body"):
        messages.append(await receive())
    return messages
