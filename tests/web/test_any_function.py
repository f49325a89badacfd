"""Every function of the page and every tool, called by strangers with whatever they like."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.web.test_mcp import data_url, request

pytestmark = pytest.mark.slow

OUTSIDE = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
HOSTILE = [None, "x", -1, 10**400, True, [], {}, [None], "../../etc/passwd", OUTSIDE, [OUTSIDE]]


def ends(raw: Any, session: str) -> Iterator[dict]:
    """The messages that end the session's calls."""
    with raw.http.stream("GET", "queue/data", params={"session_hash": session}) as lines:
        for line in lines.iter_lines():
            message = json.loads(line.removeprefix("data: ") or "{}")
            if message.get("msg") == "process_completed":
                yield message
            if message.get("msg") == "close_stream":
                return


def assert_nothing_leaks(answer: str, uploads: Path) -> None:
    for leak in ("Traceback", "site-packages", "root:", str(uploads), str(Path.cwd())):
        assert leak not in answer


class TestFunctions:
    @pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
    def test_any_values_are_refused_or_harmless(self, raw, uploads, watch, value):
        """All functions by index, the private ones too, in one session."""
        config = raw.http.get("../config").json()
        numbers = [one["id"] for one in config["dependencies"] if one["backend_fn"]]
        inputs = {one["id"]: len(one["inputs"]) for one in config["dependencies"]}
        assert len(numbers) > 20
        session, waiting = uuid4().hex, 0
        for number in numbers:
            for count in {0, 1, inputs[number], inputs[number] + 1}:
                body = {"fn_index": number, "data": [value] * count, "session_hash": session}
                text = json.dumps(body)
                answer = raw.http.post(
                    "queue/join", content=text, headers={"Content-Type": "application/json"}
                )
                assert answer.status_code < 500, (number, count, answer.text)
                assert_nothing_leaks(answer.text, uploads)
                waiting += answer.is_success
        ended = [*ends(raw, session)]
        assert len(ended) == waiting
        for message in ended:
            if message["success"]:  # its files are named by their paths, as Gradio does
                assert "root:" not in json.dumps(message)
            else:
                assert_nothing_leaks(json.dumps(message), uploads)
        assert watch.looks == 0
        assert raw.call() == ""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the MCP client's own
class TestTools:
    def test_wrong_arguments_are_errors_that_tell_nothing_of_the_server(
        self, url, uploads, pictures, watch
    ):
        content, style = map(data_url, pictures)
        good = {"content": content, "style": style}
        wrong = [{}, {"content": content}, good | {"nonsense": 1}]
        addresses = "file:///etc/passwd", "data:,x"
        wrong += [good | {"content": value} for value in (*HOSTILE, *addresses)]
        wrong += [good | {"iterations": value} for value in ("many", 1e30, [3], {"a": 1}, -1)]
        wrong += [good | {"masks": value} for value in ("x", [7], {"a": "/etc/passwd"})]
        for tool in ("run_stylize", "run_stylize_image", "no_such_tool"):
            for given in wrong:
                response = request(url, "call_tool", tool, given)
                assert response.isError, (tool, given)
                assert_nothing_leaks(response.model_dump_json(), uploads)
        assert watch.looks == 0
