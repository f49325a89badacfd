"""Open streams of outputs, counted by the middleware."""

from __future__ import annotations

import asyncio

import pytest

from neural_style.web.run.streams import Streams, WatchStreams


def seen_during(scope: dict, *, fail: bool = False) -> tuple[list[str], list[str]]:
    """Which of the known names have an open stream while the connection lasts, and after it."""
    streams, during = Streams(), []

    def names() -> list[str]:
        return [name for name in ("s1", "e1") if streams.is_open([name])]

    async def app(scope, receive, send):
        during.extend(names())
        if fail:
            raise ConnectionResetError

    async def connect() -> None:
        await WatchStreams(app, streams)(scope, None, None)

    if fail:
        with pytest.raises(ConnectionResetError):
            asyncio.run(connect())
    else:
        asyncio.run(connect())
    return during, names()


def get(path: str, query: bytes = b"", method: str = "GET") -> dict:
    return {"type": "http", "method": method, "path": path, "query_string": query}


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        (get("/gradio_api/queue/data", b"session_hash=s1"), "s1"),
        (get("/art/queue/data", b"a=b&session_hash=s1"), "s1"),
        (get("/gradio_api/call/stylize/e1"), "e1"),
        (get("/gradio_api/call/v2/stylize/e1"), "e1"),
    ],
)
def test_stream_is_open_while_its_connection_lasts(scope, name):
    assert seen_during(scope) == ([name], [])
    assert seen_during(scope, fail=True) == ([name], [])


@pytest.mark.parametrize(
    "scope",
    [
        get("/gradio_api/call/stylize/e1", method="POST"),
        get("/gradio_api/call/e1"),
        get("/gradio_api/queue/data"),
        get("/gradio_api/queue/data", b"session=s1"),
        get("/gradio_api/file=s1", b"session_hash=s1"),
        {"type": "lifespan"},
    ],
)
def test_other_connections_are_no_streams(scope):
    assert seen_during(scope) == ([], [])


def test_session_with_two_streams_is_open_until_both_are_closed():
    streams = Streams()
    for by, is_open in ((1, True), (1, True), (-1, True), (-1, False)):
        streams.change("s1", by)
        assert streams.is_open(["s1", "unknown"]) is is_open
