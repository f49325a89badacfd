"""The examples for programs in docs/api.md and the README, copied and run as they are."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
HTTP = (ROOT / "docs/api.md").read_text().split("## HTTP")[1].split("\n## ")[0]
README = (ROOT / "README.md").read_text().split("**API.**")[1].split("\n## ")[0]
PACKAGE = "@gradio/client@2"


def snippet(language: str, url: str, section: str = HTTP) -> str:
    """As it is written, but for this page, and for a small picture."""
    (code,) = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert "http://127.0.0.1:7860" in code
    assert "100" in code
    small = {"python": "2, size=64", "js": "2, size: 64", "sh": r"2, \"size\": 64"}
    code = code.replace("100", small[language], 1)
    return code.replace("http://127.0.0.1:7860", url.rstrip("/"))


@pytest.fixture
def desk(tmp_path, pictures) -> Path:
    """A folder with the two pictures that the snippets name."""
    folder = tmp_path / "desk"
    folder.mkdir()
    for name, picture in zip(("photo.jpg", "painting.jpg"), pictures, strict=True):
        with Image.open(picture) as image:
            image.save(folder / name)
    return folder


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        image.load()
        return image.size


@pytest.mark.parametrize("section", [HTTP, README], ids=["docs", "README"])
def test_python(section, url, desk):
    said = run([sys.executable, "-c", snippet("python", url, section)], desk)
    assert size_of(Path(said.split()[-1])) == (64, 43)


def test_curl(url, desk):
    if not shutil.which("curl"):
        pytest.skip("There is no curl here.")
    run(["bash", "-euo", "pipefail", "-c", snippet("sh", url)], desk)
    assert size_of(desk / "out.png") == (64, 43)


@pytest.mark.slow
def test_javascript(url, desk):
    if not shutil.which("npm"):
        pytest.skip("There is no Node here.")
    (desk / "package.json").write_text('{"type": "module"}')
    fetched = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--silent", PACKAGE],
        cwd=desk,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if fetched.returncode:
        pytest.skip(f"npm cannot fetch {PACKAGE}: {fetched.stderr[-200:]}")
    (desk / "snippet.js").write_text(snippet("js", url))
    run(["node", "snippet.js"], desk)
    assert size_of(desk / "out.png") == (64, 43)
