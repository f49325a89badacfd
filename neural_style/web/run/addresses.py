"""Where the files of runs are, and what their addresses tell.

Gradio serves every file of its upload folder to anyone who has its address. A run is known by its
private folder, which `serve` blocks and whose name is its secret: who knows it can open and
continue the run. Its pictures are in a folder of another name. Each has a name of its own, so the
address of one tells neither the address of another nor the run.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from gradio.utils import get_upload_folder

SHARED_NAME = "neural-style-space.png"
"""File name of every shared result, in a folder of its own."""

STATE_NAME = "state.pt"
"""File name of a run's saved state, in its private folder."""


_SHARED = "shared-"
"""Beginning of the names of `share_note`."""


def private_folder() -> Path:
    """The folder of the runs' private folders, which must not be served."""
    return Path(get_upload_folder()) / "shut"


def runs_folder() -> Path:
    """The folder of the runs' served folders."""
    return Path(get_upload_folder()) / "runs"


def shared_folder() -> Path:
    """The folder of the results that visitors have shared."""
    return Path(get_upload_folder()) / "shared"


def parts_folder() -> Path:
    """The folder of previews, masks and copies that the tools of the page make."""
    return Path(get_upload_folder()) / "parts"


def albums_folder() -> Path:
    """The folder of the ZIP files of albums, each in a folder of its own."""
    return Path(get_upload_folder()) / "albums"


def share_note(run: Path, iteration: int) -> Path:
    """The file in which the name of the shared copy of a picture is noted."""
    return run / f"{_SHARED}{iteration}.txt"


def share_notes(run: Path) -> list[Path]:
    """The notes of all shared copies of the run's pictures."""
    return [*run.glob(f"{_SHARED}*.txt")]


def served_folder(run: Path) -> Path:
    """The folder of the run's pictures and downloads.

    Args:
        run: The run's private folder, here and below.
    """
    return runs_folder() / _secret(run, "served")


def served_file(run: Path, stem: str, suffix: str) -> Path:
    """A file of the run that is served, under a name that cannot be guessed."""
    return served_folder(run) / f"{stem}-{_secret(run, stem)}{suffix}"


def served_files_folder(run: Path, name: str) -> Path:
    """A folder within the run's served folder, under a name that cannot be guessed."""
    return served_folder(run) / _secret(run, name)


def picture_path(run: Path, iteration: int) -> Path:
    """The path of a milestone's PNG file."""
    return served_file(run, f"stylized-{iteration:06d}", ".png")


def _secret(run: Path, name: str) -> str:
    """128 bits that depend on the run and the name and tell neither."""
    return hashlib.sha256(f"{run.name}/{name}".encode()).hexdigest()[:32]
