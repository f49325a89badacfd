"""app.py, started as a process and imported as a module."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import gradio as gr
import httpx
import pytest
import spaces
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from neural_style.messages import Message
from neural_style.network import weights
from neural_style.web.run.checks import check_inputs
from neural_style.web.run.gate import Gate
from neural_style.web.run.handlers import run_stylize
from neural_style.web.serve import serve
from tests.conftest import EXAMPLES
from tests.test_cli import restore_sigint
from tests.web.conftest import free_port
from tests.web.local_client import local_client

ROOT = Path(__file__).parents[2]


class Started(NamedTuple):
    """`python app.py` in a process of its own, with the real packaged weights."""

    url: str
    process: subprocess.Popen
    log: Path


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    tmp_path, port = tmp_path_factory.mktemp("app"), free_port()
    environment = os.environ | {
        "NEURAL_STYLE_WEIGHTS": "packaged",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(tmp_path / "gradio"),
    }
    (tmp_path / "gradio").mkdir()  # with a known speed, so that nothing is measured
    (tmp_path / "gradio/speed.json").write_text('{"format": 1, "nearest": 2e5, "gram": 2e5}')
    log = tmp_path / "log.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
            preexec_fn=restore_sigint,
        )
    try:
        url = f"http://127.0.0.1:{port}/"
        end = time.monotonic() + 90
        while not responds(url):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)
        yield Started(url, process, log)
    finally:
        process.kill()
        process.wait(timeout=20)
    assert "Traceback" not in log.read_text()


def responds(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def test_process_serves_the_page_and_runs_the_real_network(started, tmp_path):
    source = "vgg19 weights: original Caffe model in 8 bits"
    assert source in httpx.get(f"{started.url}config").text
    client = local_client(started.url, download_files=tmp_path)
    result, gallery, status, _ = client.predict(
        handle_file(EXAMPLES / "content/chelsea.jpg"),
        handle_file(EXAMPLES / "style/harvest-at-la-crau.jpg"),
        iterations=2,
        size=64,
        api_name="/stylize",
    )
    client.close()
    with Image.open(result) as image:
        assert (image.format, image.size) == ("PNG", (64, 43))
    assert len(gallery) == 3
    assert status.startswith("Done in ")
    assert " · 2 steps · 64×43 · content " in status
    assert source in status


@pytest.mark.slow
def test_process_that_is_interrupted_keeps_the_picture_and_tells_the_visitor(started, tmp_path):
    """By SIGINT, which a terminal sends at Ctrl-C; SIGTERM has the same handler."""
    client = local_client(started.url, download_files=tmp_path)
    run = client.submit(
        handle_file(EXAMPLES / "content/chelsea.jpg"),
        handle_file(EXAMPLES / "style/harvest-at-la-crau.jpg"),
        iterations=2000,
        size=64,
        api_name="/stylize",
    )
    seen = iter(run)
    while not next(seen)[0]:  # until there is a picture
        pass
    started.process.send_signal(signal.SIGINT)
    with pytest.raises(AppError, match="The server is being stopped"):
        run.result(timeout=30)
    assert started.process.wait(timeout=30) == 0, started.log.read_text()
    client.close()
    outcomes = [*started.log.parent.glob("gradio/shut/*/end.json")]
    outcome = max(outcomes, key=lambda path: path.stat().st_mtime)
    reached = json.loads(outcome.read_text())["reached"]
    assert [*started.log.parent.glob("gradio/*/chelsea.jpg")]  # a restarted server can go on
    assert 0 < reached["iteration"] < 2000
    pictures = started.log.parent.glob(f"gradio/runs/*/stylized-{reached['iteration']:06d}-*.png")
    with Image.open(next(pictures)) as image:
        assert image.size == (64, 43)


@pytest.mark.usefixtures("no_loops_left")
# Gradio leaves the socket open with which it has tried the port.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_taken_port_is_told(url, monkeypatch):
    port = url.rstrip("/").rpartition(":")[2]
    monkeypatch.setenv("GRADIO_SERVER_PORT", port)
    with gr.Blocks() as page:
        pass
    with pytest.raises(SystemExit, match=f"Port {port} cannot be used"):
        serve(page, Gate(), prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")


@pytest.mark.usefixtures("uploads", "no_loops_left")
def test_import_builds_the_page_with_its_public_endpoints(monkeypatch):
    loaded = []

    def load(backbone: str) -> weights.Weights:
        loaded.append(backbone)
        return weights.Weights(
            {}, None, Message("weights.from_file", backbone="none", name="for tests"), ""
        )

    monkeypatch.setattr(weights, "load_weights", load)
    monkeypatch.delitem(sys.modules, "app", raising=False)
    app = importlib.import_module("app")
    monkeypatch.delitem(sys.modules, "app")
    assert loaded == ["vgg19"]
    assert isinstance(app.demo, gr.Blocks)
    assert "none weights: for tests" in str(app.demo.get_config_file())
    events = {one.api_name: one for one in app.demo.fns.values() if one.api_visibility == "public"}
    event = events.pop("stylize")
    assert inspect.unwrap(event.fn) is inspect.unwrap(run_stylize)
    assert event.validator is check_inputs
    assert (event.concurrency_limit, event.concurrency_id) == (40, "runs")
    assert events.keys() == {"stylize_image", "info"}


def test_handler_is_not_wrapped_outside_zero_gpu():
    assert spaces.GPU(duration=lambda *_: 60)(run_stylize) is run_stylize
