"""Requests that keep the event loop busy take turns."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from neural_style.web import turns
from neural_style.web.turns import Turns

SLOW = "/gradio_api/queue/join"
END = {"type": "http.request", "body": b"", "more_body": False}


class Server:
    """An app behind `Turns`, which notes what happens and answers when it is told to."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.answers: dict[str, asyncio.Event] = {}
        self.bodies: dict[str, bytes] = {}
        self.app = Turns(self._answer)

    async def _answer(self, scope: dict, receive: Any, send: Any) -> None:
        name = scope.get("name", "")
        self.events.append(f"{name} begins")
        if scope["type"] == "http":
            body, more = b"", True
            while more:
                message = await receive()
                body, more = body + message.get("body", b""), message.get("more_body", False)
            self.bodies[name] = body
        await self.answers.setdefault(name, asyncio.Event()).wait()
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        self.events.append(f"{name} ends")

    def request(
        self,
        name: str,
        path: str = SLOW,
        method: str = "POST",
        receive: Callable[[], Awaitable[dict]] | None = None,
        send: Callable[[dict], Awaitable[None]] | None = None,
    ) -> asyncio.Task:
        """Sends a request, whose answer is allowed by `answers`."""

        async def receive_end() -> dict:
            return END

        async def forget(message: dict) -> None:
            pass

        scope = {"type": "http", "method": method, "path": path, "name": name}
        self.answers.setdefault(name, asyncio.Event())
        return asyncio.create_task(self.app(scope, receive or receive_end, send or forget))

    def answer(self, name: str) -> None:
        self.answers[name].set()


async def settle() -> None:
    """Lets everything happen that does not wait for time."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def long_turns(monkeypatch):
    """Turns end with the response only, unless a test shortens them."""
    monkeypatch.setattr(turns, "_TURN_SECONDS", 600.0)


def run(test: Callable[[Server], Awaitable[None]]) -> list[str]:
    """Runs a test within an event loop, and returns what has happened."""

    async def with_server() -> list[str]:
        server = Server()
        await test(server)
        return server.events

    return asyncio.run(with_server())


def test_second_request_begins_when_the_first_is_answered():
    async def test(server: Server) -> None:
        tasks = [server.request("one"), server.request("two")]
        await settle()
        assert server.events == ["one begins"]
        server.answer("two")
        server.answer("one")
        await asyncio.gather(*tasks)

    assert run(test) == ["one begins", "one ends", "two begins", "two ends"]


def test_next_turn_begins_before_the_answer_is_received():
    async def test(server: Server) -> None:
        received = asyncio.Event()

        async def receive_slowly(message: dict) -> None:
            await received.wait()

        tasks = [server.request("one", send=receive_slowly), server.request("two")]
        server.answer("one"), server.answer("two")
        await settle()
        assert server.events == ["one begins", "two begins", "two ends"]
        received.set()
        await asyncio.gather(*tasks)

    assert run(test)[-1] == "one ends"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", "/"), ("GET", "/healthz"), ("GET", "/infos"), ("POST", "/config")),
        *(("GET", "/gradio_api/queue/data"), ("GET", "/gradio_api/call/stylize/abc")),
    ],
)
def test_other_requests_do_not_wait(method, path):
    async def test(server: Server) -> None:
        tasks = [server.request("slow"), server.request("other", path, method)]
        server.answer("other")
        await settle()
        assert server.events == ["slow begins", "other begins", "other ends"]
        server.answer("slow")
        await asyncio.gather(*tasks)

    run(test)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", "/gradio_api/info"), ("GET", "/config"), ("GET", "/config/")),
        *(("POST", "/gradio_api/run/predict"), ("POST", "/gradio_api/call/stylize")),
        *(("POST", "/gradio_api/call/v2/stylize"), ("POST", "/base/gradio_api/queue/join")),
    ],
)
def test_requests_for_sessions_and_descriptions_take_turns(method, path):
    async def test(server: Server) -> None:
        tasks = [server.request("one"), server.request("two", path, method)]
        await settle()
        assert server.events == ["one begins"]
        server.answer("one"), server.answer("two")
        await asyncio.gather(*tasks)

    run(test)


def test_turn_of_a_request_that_waits_ends_after_a_while(monkeypatch):
    monkeypatch.setattr(turns, "_TURN_SECONDS", 0.01)

    async def test(server: Server) -> None:
        tasks = [server.request("one"), server.request("two")]
        server.answer("two")
        await tasks[1]
        assert server.events == ["one begins", "two begins", "two ends"]
        server.answer("one")
        await tasks[0]
        await asyncio.sleep(0.02)

    run(test)


def test_request_that_arrives_slowly_has_no_turn_until_it_is_there():
    async def test(server: Server) -> None:
        arrived = asyncio.Event()
        parts = [{"type": "http.request", "body": b"ab", "more_body": True}]

        async def receive() -> dict:
            if parts:
                return parts.pop()
            await arrived.wait()
            return {"type": "http.request", "body": b"cd", "more_body": False}

        slow, quick = server.request("slow", receive=receive), server.request("quick")
        server.answer("quick")
        await quick
        assert server.events == ["quick begins", "quick ends"]
        arrived.set()
        server.answer("slow")
        await slow
        assert server.bodies["slow"] == b"abcd"

    run(test)


def test_request_that_is_too_large_is_refused_while_it_arrives(monkeypatch):
    monkeypatch.setattr(turns, "_MOST_MEGABYTES", 0)
    sent: list[dict] = []

    async def receive() -> dict:
        return {"type": "http.request", "body": b"a", "more_body": True}

    async def note(message: dict) -> None:
        sent.append(message)

    async def test(server: Server) -> None:
        await server.request("large", receive=receive, send=note)

    assert run(test) == []
    assert sent[0]["status"] == 413
    assert b"at most 0 MB" in sent[1]["body"]


def test_client_that_goes_before_its_request_is_complete_is_told_to_the_app():
    async def test(server: Server) -> None:
        async def receive() -> dict:
            return {"type": "http.disconnect"}

        server.answers["gone"] = asyncio.Event()
        server.answer("gone")
        await server.request("gone", receive=receive)
        assert server.bodies["gone"] == b""

    run(test)


def test_failed_and_cancelled_requests_end_their_turns():
    async def fail(message: dict) -> None:
        raise ConnectionResetError("gone")

    async def test(server: Server) -> None:
        first, second = server.request("one", send=fail), server.request("two")
        waiting = server.request("three")
        server.answer("one")
        with pytest.raises(ConnectionResetError):
            await first
        await settle()
        waiting.cancel()
        second.cancel()
        await settle()
        last = server.request("four")
        server.answer("four")
        await last

    assert run(test) == ["one begins", "two begins", "four begins", "four ends"]


def test_connections_other_than_http_pass():
    async def test(server: Server) -> None:
        server.answers[""] = asyncio.Event()
        server.answer("")

        async def forget(message: dict) -> None:
            pass

        await server.app({"type": "websocket", "path": SLOW}, None, forget)

    assert run(test) == [" begins", " ends"]
