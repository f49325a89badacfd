"""Where compiled code is kept, and the threads that it starts."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from neural_style.kernels.compiled import private_temporary_folder

folders = pytest.mark.skipif(os.name != "posix", reason="other systems have no such folder")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@folders
def test_folder_is_the_users_own(temporary):
    folder = private_temporary_folder()
    assert folder is not None
    assert folder.parent == temporary
    assert folder.stat().st_mode & 0o777 == 0o700
    assert private_temporary_folder() == folder


@folders
def test_folder_that_others_can_write_is_not_used(temporary):
    folder = private_temporary_folder()
    folder.chmod(0o777)
    assert private_temporary_folder() is None


@folders
def test_link_in_place_of_the_folder_is_not_followed(temporary):
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (temporary / f"neural-style-space-{os.getuid()}").symlink_to(elsewhere)
    assert private_temporary_folder() is None


@folders
def test_place_that_is_no_folder_has_none(temporary, monkeypatch):
    (temporary / "file").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "file"))
    assert private_temporary_folder() is None


@pytest.mark.slow
@folders
def test_code_is_cached_where_neither_source_nor_home_can_be_written(tmp_path):
    """As in a container with a read-only file system; a process that is root may write anywhere, so
    the usual places are files here.
    """
    (tmp_path / "module.py").write_text(
        "from neural_style.kernels.compiled import compiled\n"
        "@compiled()\n"
        "def double(number):\n    return 2 * number\n"
        "print(double(21))\n"
    )
    (tmp_path / "__pycache__").touch()
    (tmp_path / "home").touch()
    (tmp_path / "tmp").mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment |= {
        "HOME": str(tmp_path / "home"),
        "XDG_CACHE_HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "tmp"),
    }
    command = [sys.executable, str(tmp_path / "module.py")]
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert run.stdout == "42\n", run.stderr
    assert [*(tmp_path / "tmp").rglob("*.nbi")]


def test_starting_numbas_threads_leaves_torchs_number_of_threads():
    """In a process of its own, whose numba has started no threads yet."""
    script = (
        "import torch\n"
        "from neural_style.kernels.compiled import all_cores\n"
        "torch.set_num_threads(1)\n"
        "with all_cores():\n    print(torch.get_num_threads())\n"
        "print(torch.get_num_threads())\n"
    )
    environment = os.environ | {"NUMBA_NUM_THREADS": "2"}
    command = [sys.executable, "-c", script]
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert run.stdout == "1\n1\n", run.stderr
