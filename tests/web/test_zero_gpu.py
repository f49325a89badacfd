"""The whole flow of a Space whose GPU is lent: schedule, allow, release, quota, abort."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import gradio as gr
import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from neural_style.web.run.gpu import explain_gpu_errors
from neural_style.web.run.view import Outputs
from tests.web.conftest import free_port

ROOT = Path(__file__).parents[2]


class Lender(ThreadingHTTPServer):
    """The service that lends the GPU, as the `spaces` package asks it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.nothing_left = False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def told(self, path: str) -> list[dict[str, str]]:
        """The questions asked of that kind."""
        return [question for asked, question in self.asked if asked == path]


class _Answers(BaseHTTPRequestHandler):
    server: Lender

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        question = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.server.asked.append((parts.path, question))
        status, answer, headers = 200, {}, {}
        if parts.path == "/schedule" and self.server.nothing_left:
            status, answer = 429, {"left": 10, "wait": 3600}
            headers = {"X-Approve-Result": "quota-exceeded"}
        elif parts.path == "/schedule":
            answer = {"idle": True, "nvidiaIndex": 0, "nvidiaUUID": "GPU-x", "allowToken": "tok"}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def lender() -> Iterator[Lender]:
    server = Lender()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def space(lender: Lender, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the page as on a Space, in a process group of its own."""
    folder = tmp_path_factory.mktemp("space")
    port = free_port()
    environment = os.environ | {
        "SPACES_ZERO_GPU": "true",
        "SPACES_ZERO_DEVICE_API_URL": lender.url,
        "GRADIO_TEMP_DIR": str(folder / "gradio"),
        "OMP_NUM_THREADS": "1",
    }
    said = folder / "said.txt"
    with said.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.web.zero_gpu_space", str(port)],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}/"
    try:
        end = time.monotonic() + 90
        while not _answers(url):
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < end, said.read_text()
            time.sleep(0.2)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # its workers too, which outlive it
        process.wait(timeout=20)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


@pytest.fixture
def call(space: str, pictures: tuple[str, str], tmp_path: Path) -> Iterator[Callable]:
    client = Client(space, download_files=tmp_path, verbose=False, analytics_enabled=False)

    def submit(**changes):
        content, style = (handle_file(path) for path in pictures)
        given = {"iterations": 4, "size": 64} | changes
        return client.submit(content, style, **given, api_name="/stylize")

    yield submit
    client.close()


def test_the_space_says_that_it_has_started(space, lender):
    assert len(lender.told("/startup-report")) == 1


def test_a_run_is_lent_a_gpu_for_as_long_as_it_takes_and_gives_it_back(call, lender):
    lender.asked.clear()
    result, gallery, status, _ = call().result(timeout=60)
    assert Path(result).suffix == ".png"
    assert len(gallery) == 4
    assert status.startswith("**Done:** 4 iterations")
    (asked,) = lender.told("/schedule")
    assert 1 <= int(asked["durationSeconds"]) <= 30
    assert len(lender.told("/release")) == 1
    assert lender.told("/release")[0].get("fail", "false") == "false"
    longer = call(iterations=500, size=1024)
    while len(lender.told("/schedule")) < 2:
        time.sleep(0.05)
    longer.cancel()
    assert int(lender.told("/schedule")[1]["durationSeconds"]) > int(asked["durationSeconds"])


def test_after_a_stop_the_gpu_is_given_back_and_the_next_run_works(call, lender):
    lender.asked.clear()
    job = call(iterations=2000)
    coming = iter(job)
    next(coming), next(coming)
    job.cancel()
    end = time.monotonic() + 30
    while not lender.told("/release"):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert call().result(timeout=60)[2].startswith("**Done:**")


def test_a_mistake_is_told_in_the_cores_own_words(call, lender, tmp_path):
    (tmp_path / "note.png").write_text("no picture")
    job = call(style_2=handle_file(str(tmp_path / "note.png")))
    with pytest.raises(AppError, match=r"note\.png is not a picture") as error:
        job.result(timeout=60)
    assert error.value.title == "That did not work"
    assert call().result(timeout=60)[2].startswith("**Done:**")


def test_a_run_longer_than_a_gpu_is_lent_is_refused_before_it_is_asked_for(call, lender):
    lender.asked.clear()
    with pytest.raises(ValueError, match="would reserve the GPU for about"):
        call(iterations=2000, size=1536).result(timeout=60)
    assert lender.told("/schedule") == []


def test_a_quota_used_up_is_told_with_what_to_do(call, lender):
    lender.nothing_left = True
    try:
        with pytest.raises(AppError, match=r"GPU time for today is used up\. Sign in"):
            call().result(timeout=60)
    finally:
        lender.nothing_left = False
    assert call().result(timeout=60)[2].startswith("**Done:**")


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("ZeroGPU quota exceeded", "come back tomorrow"),
        ("ZeroGPU illegal duration", "fewer iterations"),
        ("ZeroGPU queue timeout", "Press Stylize again in a little while"),
        ("ZeroGPU worker error", "The GPU was taken back before the run had ended"),
    ],
)
def test_each_thing_that_the_lender_says_is_explained(title, words):
    shown = Outputs("a.png", [("a.png", "5")], "**Iteration 5 of 9**", None, "run")

    def handler(content, language="en"):
        yield shown
        raise gr.Error("GPU task aborted", title=title)

    results = explain_gpu_errors(handler)("b.png")
    assert next(results) == shown
    last = next(results)
    assert words in last.status
    assert last == replace(shown, status=last.status)
    with pytest.raises(gr.Error, match=words):
        next(results)


def test_other_errors_are_left_as_they_are():
    def handler(*_):
        yield "a.png"
        raise gr.Error("Oh.", title="Mine")

    with pytest.raises(gr.Error, match=r"Oh\.") as error:
        list(explain_gpu_errors(handler)())
    assert error.value.title == "Mine"


def test_closing_closes_what_is_inside():
    closed = []

    def handler(*_):
        try:
            while True:
                yield 1
        finally:
            closed.append(True)

    results = explain_gpu_errors(handler)()
    next(results)
    results.close()
    assert closed == [True]
