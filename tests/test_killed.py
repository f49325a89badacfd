"""kill −9 of the shell and of the server in the middle: no half file, and both start again."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from gradio_client import handle_file

from neural_style import load_image
from neural_style.record.checkpoint import load_state
from neural_style.record.recipe import read_recipe
from tests.conftest import EXAMPLES
from tests.soak import ROOT, STYLE, client_of, make_content, paint, started

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

SHELL = (sys.executable, "-m", "neural_style", "stylize")
PAIR = (str(EXAMPLES / "content/dahlia.jpg"), str(EXAMPLES / "style/great-wave.jpg"))


def wait_until(condition: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def check_files(folder: Path) -> list[str]:
    """Reads every file that has its final name; returns the names of the others."""
    left = []
    for path in filter(Path.is_file, folder.rglob("*")):
        if path.suffix == ".part":
            left.append(path.name)
        elif path.suffix in (".png", ".jpg"):
            load_image(path)
        elif path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".pt":
            load_state(path)
    return left


@pytest.mark.parametrize("frames", [1, 3, 6])
def test_killed_shell_leaves_whole_pictures_and_paints_again(tmp_path, frames):
    folder, out = tmp_path / "frames", tmp_path / "out.png"
    options = ("-o", out, "--frames", folder, "--size", "96", "--iterations")
    process = subprocess.Popen((*SHELL, *PAIR, *options, "1000"), cwd=ROOT)
    try:
        wait_until(lambda: len([*folder.glob("*.png")]) >= frames)
    finally:
        process.kill()
        process.wait()
    assert all(name.startswith(".") for name in check_files(tmp_path))
    assert not out.exists()
    assert all(read_recipe(path).iteration == int(path.stem) for path in folder.glob("*.png"))
    subprocess.run((*SHELL, *PAIR, *options, "2"), cwd=ROOT, check=True)
    assert read_recipe(out).iteration == 2


POINTS = (
    "shut/*/call.json",
    "runs/*/stylized-*",
    "shut/*/film-*",
    "*/*/.*.part",
    "shut/*/end.json",
)
"""Files whose appearance is the moment to kill the server."""


def new_file(folder: Path, pattern: str) -> Callable[[], bool]:
    """Tells whether there are files of that pattern that are not there now."""
    before = {*folder.glob(pattern)}
    return lambda: bool({*folder.glob(pattern)} - before)


def test_killed_server_leaves_whole_files_and_serves_earlier_results(tmp_path):
    content, first = make_content(tmp_path, 0), ""
    for number, point in enumerate(POINTS):
        with (
            started(tmp_path) as server,
            closing(client_of(server, number, tmp_path / f"client-{number}")) as client,
        ):
            digest = paint(client, content)
            assert first in ("", digest)
            first = digest
            served = [*server.folder.glob("runs/*/stylized-*.png")]
            for path in served:
                answer = httpx.get(f"{server.url}gradio_api/file={path}")
                assert answer.content == path.read_bytes()
            has_come = new_file(server.folder, point)
            client.submit(
                handle_file(content),
                handle_file(STYLE),
                iterations=60,
                size=96,
                api_name="/stylize_image",
            )
            wait_until(has_come)
        # The server has been killed.
        assert all(name.startswith(".") for name in check_files(server.folder))
        assert len(served) > number
