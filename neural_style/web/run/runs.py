"""A run's files on the server's disk: its pictures, what it was asked, how it ended.

Gradio serves every file of its upload folder to whoever has its address. Pictures are meant to be
had so; what is not, lies in a folder that `serve` keeps shut.
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
from neural_style.web.run import stored
from neural_style.web.run.call import Call
from neural_style.web.run.end import End
from neural_style.web.text.texts import PageError

KEPT_SECONDS = 86_400
"""How long pictures stay on the server's disk."""

STATES_KEPT_BYTES = 4_000_000_000
"""A run's state is large: sixty pairs of pictures. The newest few are kept, to go on from."""

_STATE, _CALL, _END = "state.pt", "call.json", "end.json"
_BEFORE = "before.json"
"""How the run had ended when it was continued."""

_ENDING = "ending"
"""Is there while `_END` is being made by a thread or a process that nobody waits for."""

_ENDING_SECONDS = 60
"""Longer than it takes to keep a state; a process that was killed leaves `_ENDING` behind."""


def new_run() -> Path:
    """A folder under a name that nobody guesses; yesterday's are swept, as Gradio sweeps only what
    it has sent.

    Raises:
        FileError: It cannot be made.
    """
    oldest = time.time() - KEPT_SECONDS
    for folder in (*_runs().glob("*"), *shut_folder().glob("*")):
        with suppress(FileNotFoundError):  # swept by another run
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)
    name = secrets.token_urlsafe(16)
    try:
        for folder in (shut_folder() / name, _runs() / name):
            folder.mkdir(parents=True)
    except OSError as error:
        raise FileError("file.folder_not_made", folder=name, reason=reason_of(error)) from error
    return folder


def find_run(path: str | None) -> Path | None:
    """The run's folder, if it is one and still there."""
    if not path:
        return None
    folder = Path(path).resolve()
    return folder if folder.parent == _runs().resolve() and folder.is_dir() else None


def find_result(path: str) -> Path | None:
    """The picture's file, if it is one of a run and still there."""
    file = Path(path).resolve()
    inside = file.suffix == ".png" and find_run(str(file.parent)) is not None
    return file if inside and file.is_file() else None


def result_named(name: str) -> Path | None:
    """The picture of which `name_of` gave that name, if it is still there."""
    try:
        return find_result(f"{_runs()}/{name}.png")
    except (ValueError, OSError):  # no name that a file can have
        return None


def name_of(picture: str) -> str:
    """What a result is called in a link: its run, and which of its pictures."""
    path = Path(picture)
    return f"{path.parent.name}/{path.stem}"


def write_call(folder: Path, call: Call) -> None:
    """What was asked for.

    Raises:
        FileError: It cannot be kept.
    """
    stored.write_call(_shut(folder) / _CALL, call)


def read_call(folder: Path) -> Call:
    """What `write_call` has kept.

    Raises:
        PageError: That is damaged, or is no longer there.
    """
    try:
        return stored.read_call(_shut(folder) / _CALL)
    except FileNotFoundError as error:
        raise PageError("kept_damaged") from error


def begin(folder: Path) -> None:
    """From now on until `write_end` the run has not ended; how it had ended is kept aside."""
    with suppress(FileNotFoundError):
        (_shut(folder) / _END).replace(_shut(folder) / _BEFORE)


def announce_end(folder: Path) -> None:
    """Until `write_end`, `last_end` waits: the run goes no further, but all is not yet kept."""
    with suppress(OSError):  # swept in the meantime, or a full disk: nobody waits, then
        (_shut(folder) / _ENDING).touch()


def write_end(folder: Path, end: End) -> None:
    """How the run ended, for whoever waits for that or asks later.

    Raises:
        FileError: It cannot be kept.
    """
    try:
        stored.write_end(_shut(folder) / _END, end)
    finally:
        (_shut(folder) / _ENDING).unlink(missing_ok=True)


def last_end(folder: Path) -> End | None:
    """How the run ended, or had ended before it was continued and that was cut off.

    Raises:
        PageError: What is kept of that is damaged.
    """
    ending = _shut(folder) / _ENDING
    deadline = time.monotonic() + _ENDING_SECONDS
    while ending.exists():
        if time.monotonic() >= deadline:
            ending.unlink(missing_ok=True)
        time.sleep(_POLL_SECONDS)
    for name in (_END, _BEFORE):
        with suppress(FileNotFoundError):
            return stored.read_end(_shut(folder) / name, folder)
    return None


def wait_for_end(folder: Path, timeout_seconds: float) -> End | None:
    """What `write_end` has kept, once it has; None if that does not happen in time.

    Raises:
        PageError: That is damaged.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        with suppress(FileNotFoundError):
            return stored.read_end(_shut(folder) / _END, folder)
        if time.monotonic() >= deadline:
            return None
        time.sleep(_POLL_SECONDS)


_POLL_SECONDS = 0.05


def state_file(folder: Path) -> Path:
    """Where its state is kept."""
    return _shut(folder) / _STATE


def sweep_states() -> None:
    """Removes the oldest states beyond what is kept."""
    kept = 0
    files = []
    for file in shut_folder().glob(f"*/{_STATE}"):
        with suppress(FileNotFoundError):
            files.append((file.stat().st_mtime, file.stat().st_size, file))
    for _, size, file in sorted(files, reverse=True):
        kept += size
        if kept > STATES_KEPT_BYTES:
            file.unlink(missing_ok=True)


def shut_folder() -> Path:
    """Holds what nobody is served."""
    return Path(get_upload_folder()) / "shut"


def _shut(folder: Path) -> Path:
    return shut_folder() / folder.name


def _runs() -> Path:
    return Path(get_upload_folder()) / "runs"
