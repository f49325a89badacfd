"""The files of a run on the server: pictures, request, state and outcome.

Gradio serves every file of its upload folder to anyone with its address. Pictures are stored
there on purpose; other files are in a private folder that `serve` blocks.
"""

from __future__ import annotations

import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path

from gradio.utils import get_upload_folder

from neural_style.errors import FileError
from neural_style.files import reason_of
from neural_style.web.run import serialization
from neural_style.web.run.call import Call
from neural_style.web.run.outcome import Outcome
from neural_style.web.text.texts import PageError

RETENTION_SECONDS = 86_400
"""How long files are kept."""

MAX_STATES_BYTES = 4_000_000_000
"""Limit for all states together. A state is about as large as sixty pairs of pictures."""

_STATE, _CALL, _OUTCOME = "state.pt", "call.json", "end.json"
_PREVIOUS_OUTCOME = "before.json"
"""The outcome before the run was continued."""

_FINISHING = "ending"
"""A marker file, present while a thread or process writes `_OUTCOME` in the background."""

_FINISHING_TIMEOUT_SECONDS = 60
"""Longer than saving a state takes; a killed process leaves `_FINISHING` behind."""


def create_run() -> Path:
    """Creates the folders of a new run under an unguessable name, and deletes expired runs.

    Gradio deletes only the files that it has served itself.

    Returns:
        The folder for the pictures.

    Raises:
        FileError: A folder cannot be created.
    """
    oldest = time.time() - RETENTION_SECONDS
    for folder in (*_runs_folder().glob("*"), *private_folder().glob("*")):
        with suppress(FileNotFoundError):  # deleted by another run
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)
    name = secrets.token_urlsafe(16)
    try:
        for folder in (private_folder() / name, _runs_folder() / name):
            folder.mkdir(parents=True)
    except OSError as error:
        raise FileError("file.folder_not_made", folder=name, reason=reason_of(error)) from error
    return folder


def find_run(path: str | None) -> Path | None:
    """The path as that of a run's folder; None if it is not one or no longer exists."""
    if not path:
        return None
    try:
        folder = Path(path).resolve()
        return folder if folder.parent == _runs_folder().resolve() and folder.is_dir() else None
    except (ValueError, OSError):  # not a valid file name
        return None


def find_result(path: str) -> Path | None:
    """The path as that of a picture of a run; None if it is not one or no longer exists."""
    try:
        file = Path(path).resolve()
        inside = file.suffix == ".png" and find_run(str(file.parent)) is not None
        return file if inside and file.is_file() else None
    except (ValueError, OSError):  # not a valid file name
        return None


def find_result_by_name(name: str) -> Path | None:
    """The picture with that `result_name`; None if it does not exist."""
    return find_result(f"{_runs_folder()}/{name}.png")


def result_name(picture: str) -> str:
    """The name of a result in a link: the names of the run's folder and of the picture."""
    path = Path(picture)
    return f"{path.parent.name}/{path.stem}"


def write_call(folder: Path, call: Call) -> None:
    """Stores the request of the run.

    Raises:
        FileError: It cannot be written.
    """
    serialization.write_call(_private_folder_of(folder) / _CALL, call)


def read_call(folder: Path) -> Call:
    """Reads the request of the run.

    Raises:
        PageError: It is damaged or missing.
    """
    try:
        return serialization.read_call(_private_folder_of(folder) / _CALL)
    except FileNotFoundError as error:
        raise PageError("kept_damaged") from error


def mark_started(folder: Path) -> None:
    """Marks the run as running: its outcome, if it is continued, becomes the previous one."""
    with suppress(FileNotFoundError):
        (_private_folder_of(folder) / _OUTCOME).replace(
            _private_folder_of(folder) / _PREVIOUS_OUTCOME
        )


def mark_finishing(folder: Path) -> None:
    """Marks that the outcome is being written, so that `last_outcome` waits for it."""
    with suppress(OSError):  # run deleted or disk full: then nobody waits
        (_private_folder_of(folder) / _FINISHING).touch()


def write_outcome(folder: Path, outcome: Outcome) -> None:
    """Stores the outcome of the run.

    Raises:
        FileError: It cannot be written.
    """
    try:
        serialization.write_outcome(_private_folder_of(folder) / _OUTCOME, outcome)
    finally:
        (_private_folder_of(folder) / _FINISHING).unlink(missing_ok=True)


def last_outcome(folder: Path) -> Outcome | None:
    """The outcome of the run, or the previous one if its continuation was cut off.

    Raises:
        PageError: The stored outcome is damaged.
    """
    marker = _private_folder_of(folder) / _FINISHING
    deadline = time.monotonic() + _FINISHING_TIMEOUT_SECONDS
    while marker.exists():
        if time.monotonic() >= deadline:
            marker.unlink(missing_ok=True)
        time.sleep(_POLL_SECONDS)
    for name in (_OUTCOME, _PREVIOUS_OUTCOME):
        with suppress(FileNotFoundError):
            return serialization.read_outcome(_private_folder_of(folder) / name, folder)
    return None


def wait_for_outcome(folder: Path, timeout_seconds: float) -> Outcome | None:
    """Waits until the run has an outcome and returns it; None after the timeout.

    Raises:
        PageError: The stored outcome is damaged.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        with suppress(FileNotFoundError):
            return serialization.read_outcome(_private_folder_of(folder) / _OUTCOME, folder)
        if time.monotonic() >= deadline:
            return None
        time.sleep(_POLL_SECONDS)


_POLL_SECONDS = 0.05


def state_file(folder: Path) -> Path:
    """The path of the run's saved state."""
    return _private_folder_of(folder) / _STATE


def delete_old_states() -> None:
    """Deletes the oldest states until the rest is within `MAX_STATES_BYTES`."""
    total = 0
    files = []
    for file in private_folder().glob(f"*/{_STATE}"):
        with suppress(FileNotFoundError):
            files.append((file.stat().st_mtime, file.stat().st_size, file))
    for _, size, file in sorted(files, reverse=True):
        total += size
        if total > MAX_STATES_BYTES:
            file.unlink(missing_ok=True)


def private_folder() -> Path:
    """The folder of the files that must not be served."""
    return Path(get_upload_folder()) / "shut"


def _private_folder_of(folder: Path) -> Path:
    return private_folder() / folder.name


def _runs_folder() -> Path:
    return Path(get_upload_folder()) / "runs"
