"""What is refused before Gradio sees it, and headers of responses."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from neural_style.web import shield
from neural_style.web.run import metrics
from neural_style.web.run.gate import PROXIES
from neural_style.web.shield import Shield


def seen(headers: dict[str, str], path: str = "/", method: str = "GET") -> tuple[dict, list[dict]]:
    """The headers that reach the app, and the messages that are sent."""
    reached: dict[str, str] = {}
    sent: list[dict] = []

    async def app(scope: dict, receive: Any, send: Any) -> None:
        reached.update({name.decode(): value.decode() for name, value in scope["headers"]})
        reached["reached"] = "yes"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
        await send({"type": "http.response.body", "body": b"words"})

    async def send(message: dict) -> None:
        sent.append(message)

    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": encoded}
    asyncio.run(Shield(app)(scope, None, send))
    return reached, sent


@pytest.fixture(autouse=True)
def no_host_settings(monkeypatch):
    monkeypatch.delenv(PROXIES, raising=False)
    monkeypatch.delenv("SPACE_ID", raising=False)


def test_browsers_may_not_guess_types():
    _, (start, body) = seen({})
    assert start["headers"] == [(b"a", b"b"), (b"x-content-type-options", b"nosniff")]
    assert body["body"] == b"words"


@pytest.mark.parametrize("value", ["bytes=0-", "bytes=0-99", "bytes=-5", " bytes=7-8 "])
def test_ranges_of_players_pass(value):
    assert seen({"range": value})[0]["range"] == value


@pytest.mark.parametrize(
    "value",
    [
        *("bytes=0-1-2", "bytes=-", "bytes=a-b", "bytes=0-1,5-6", "lines=0-1", "", "bytes"),
        "bytes=0-" + 4301 * "9",
    ],
)
def test_other_ranges_are_ignored(value):
    reached, _ = seen({"range": value, "accept": "*/*"})
    assert reached == {"accept": "*/*", "reached": "yes"}


@pytest.mark.parametrize(
    ("variable", "value", "believed"),
    [
        (PROXIES, "", False),
        (PROXIES, "0", False),
        (PROXIES, "1", True),
        ("SPACE_ID", "a/b", True),
    ],
)
def test_host_of_a_proxy_is_believed_where_the_host_has_one(monkeypatch, variable, value, believed):
    monkeypatch.setenv(variable, value)
    headers = {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https"}
    assert ("x-forwarded-host" in seen(headers)[0]) is believed
    assert ("x-forwarded-proto" in seen(headers)[0]) is believed


def test_uploads_are_refused_without_space_for_them(monkeypatch, uploads):
    path = "/gradio_api/upload"
    usage = SimpleNamespace(free=shield.LEAST_FREE_BYTES)
    monkeypatch.setattr(shield.shutil, "disk_usage", lambda folder: usage)
    assert seen({}, path, "POST")[0] == {"reached": "yes"}
    usage.free -= 1
    reached, (start, body) = seen({}, path, "POST")
    assert reached == {}
    assert start["status"] == 507
    assert b"has no space for more pictures" in body["body"]
    assert seen({}, "/gradio_api/call/stylize", "POST")[0] == {"reached": "yes"}


def test_host_can_ask_whether_the_server_is_alive():
    reached, (start, body) = seen({}, "/healthz")
    assert reached == {}
    assert (start["status"], body["body"]) == (200, b'{"status":"ok"}')
    assert seen({}, "/healthz", "POST")[0] == {"reached": "yes"}


def test_other_connections_pass():
    passed = []

    async def app(scope, receive, send):
        passed.append(scope)

    asyncio.run(Shield(app)({"type": "lifespan"}, None, None))
    assert passed == [{"type": "lifespan"}]


def test_numbers_for_the_host_are_served_only_if_it_wants_them(monkeypatch):
    monkeypatch.delenv(metrics.METRICS, raising=False)
    assert seen({}, "/metrics")[0]["reached"] == "yes"  # as any other address
    monkeypatch.setenv(metrics.METRICS, "1")
    reached, (start, body) = seen({}, "/metrics")
    assert not reached
    assert start["status"] == 200
    assert b"neural_style_runs 0.0" in body["body"]
    assert seen({}, "/metrics", "POST")[0]["reached"] == "yes"
