"""A Space on ZeroGPU: schedule, release, quota and abort, with a stand-in for its service."""

from __future__ import annotations

import json
import os
import re
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
from gradio_client import handle_file
from gradio_client.exceptions import AppError

from neural_style.web.run.gpu import explain_gpu_errors
from neural_style.web.run.status import Status
from neural_style.web.run.view import Outputs
from tests.web.conftest import free_port
from tests.web.local_client import local_client

ROOT = Path(__file__).parents[2]
DONE = re.compile(r"Done in \d+ s · 4 steps · 64×43 · content ")
"""The status of the small run that `call` submits."""


class GpuService(ThreadingHTTPServer):
    """Stands in for the service of ZeroGPU, which the `spaces` package calls.

    Attributes:
        requests: Path and parameters of each request.
        quota_is_used: Whether requests for a GPU are refused.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.quota_is_used = False
        self.changed = threading.Condition()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def record(self, path: str, parameters: dict[str, str]) -> None:
        """Adds a request."""
        with self.changed:
            self.requests.append((path, parameters))
            self.changed.notify_all()

    def requests_to(self, path: str) -> list[dict[str, str]]:
        """The parameters of the requests to that path."""
        return [parameters for requested, parameters in self.requests if requested == path]

    def wait_for(self, path: str, count: int) -> list[dict[str, str]]:
        """Waits for that many requests to the path, and returns their parameters."""
        with self.changed:
            arrived = self.changed.wait_for(lambda: len(self.requests_to(path)) >= count, 30)
        assert arrived, f"{len(self.requests_to(path))} requests to {path}, not {count}"
        return self.requests_to(path)


class _Handler(BaseHTTPRequestHandler):
    server: GpuService

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        parameters = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.server.record(parts.path, parameters)
        status, answer, headers = 200, {}, {}
        if parts.path == "/schedule" and self.server.quota_is_used:
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
        """Logs nothing."""


@pytest.fixture(scope="module")
def service() -> Iterator[GpuService]:
    server = GpuService()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def space(service: GpuService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the page as on a Space, in a process group of its own."""
    folder = tmp_path_factory.mktemp("space")
    port = free_port()
    environment = os.environ | {
        "SPACES_ZERO_GPU": "true",
        "SPACES_ZERO_DEVICE_API_URL": service.url,
        "GRADIO_TEMP_DIR": str(folder / "gradio"),
        "OMP_NUM_THREADS": "1",
    }
    log = folder / "log.txt"
    with log.open("w") as output:
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
        while not _responds(url):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # and its workers, which outlive it
        process.wait(timeout=20)


def _responds(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


@pytest.fixture
def call(space: str, pictures: tuple[str, str], tmp_path: Path) -> Iterator[Callable]:
    """Submits a small run with changed settings, and returns its job."""
    client = local_client(space, download_files=tmp_path)

    def submit(**changes):
        content, style = (handle_file(path) for path in pictures)
        given = {"iterations": 4, "size": 64} | changes
        return client.submit(content, style, **given, api_name="/stylize")

    yield submit
    client.close()


def test_space_reports_its_start(space, service):
    assert len(service.requests_to("/startup-report")) == 1


def test_run_schedules_a_gpu_for_its_duration_and_releases_it(call, service):
    service.requests.clear()
    result, gallery, status, _ = call().result(timeout=60)
    assert Path(result).suffix == ".png"
    assert len(gallery) == 4
    assert DONE.match(status)
    (short,) = service.requests_to("/schedule")
    assert 1 <= int(short["durationSeconds"]) <= 30
    (released,) = service.wait_for("/release", 1)
    assert released.get("fail", "false") == "false"
    job = call(iterations=500, size=1024)
    _, long = service.wait_for("/schedule", 2)
    next(iter(job))  # a client that cancels earlier may leave the run going on
    job.cancel()
    assert int(long["durationSeconds"]) > int(short["durationSeconds"])


def test_cancelled_run_releases_its_gpu_and_the_next_run_works(call, service):
    service.wait_for("/release", len(service.requests_to("/schedule")))
    service.requests.clear()
    job = call(iterations=2000)
    results = iter(job)
    next(results), next(results)
    job.cancel()
    service.wait_for("/release", 1)
    assert DONE.match(call().result(timeout=60)[2])


def test_error_in_the_worker_reaches_the_caller(call, tmp_path):
    (tmp_path / "note.png").write_text("no picture")
    job = call(style_2=handle_file(str(tmp_path / "note.png")))
    with pytest.raises(AppError, match=r"note\.png is not a picture") as error:
        job.result(timeout=60)
    assert error.value.title == "That did not work"
    assert DONE.match(call().result(timeout=60)[2])


def test_run_that_is_too_long_is_refused_before_a_gpu_is_requested(call, service):
    service.requests.clear()
    with pytest.raises(ValueError, match="would reserve the GPU for about"):
        call(iterations=2000, size=1536).result(timeout=60)
    assert service.requests_to("/schedule") == []


def test_used_quota_is_reported_with_advice(call, service):
    service.quota_is_used = True
    try:
        with pytest.raises(AppError, match=r"GPU time for today is used up\. Sign in"):
            call().result(timeout=60)
    finally:
        service.quota_is_used = False
    assert DONE.match(call().result(timeout=60)[2])


@pytest.mark.parametrize(
    ("title", "message"),
    [
        ("ZeroGPU quota exceeded", "come back tomorrow"),
        ("ZeroGPU pending credits exceeded", "come back tomorrow"),
        ("ZeroGPU illegal duration", "fewer iterations"),
        ("ZeroGPU queue timeout", "Press Paint again in a little while"),
        ("ZeroGPU worker error", "The GPU was taken back before the run had ended"),
    ],
)
def test_zero_gpu_errors_are_explained_in_the_status_and_raised(title, message):
    shown = Outputs("a.png", [("a.png", "5")], Status("busy", "About 4 s left"), None, "run")

    def handler(content, language="en"):
        yield shown
        raise gr.Error("GPU task aborted", title=title)

    results = explain_gpu_errors(handler)("b.png")
    assert next(results) == shown
    last = next(results)
    failed = Status("failed", "That did not work", last.status.detail)
    assert message in failed.detail
    assert last == replace(shown, status=failed)
    with pytest.raises(gr.Error, match=message) as error:
        next(results)
    assert error.value.title == "That did not work"


def test_other_errors_are_raised_unchanged():
    def handler(*_):
        yield "a.png"
        raise gr.Error("Oh.", title="Mine")

    with pytest.raises(gr.Error, match=r"Oh\.") as error:
        list(explain_gpu_errors(handler)())
    assert error.value.title == "Mine"


def test_closing_closes_the_handler():
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
