"""A run's files on the server's disk: its pictures, what it was asked, how it ended.

Gradio serves every file of its upload folder to whoever has its address. Pictures are meant to be
had so; what is not, lies in a folder that `serve` keeps shut.
"""

from __future__ import annotations

import json
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder

KEPT_SECONDS = 86_400
"""How long pictures stay on the server's disk."""

STATES_KEPT_BYTES = 4_000_000_000
"""A run's state is large: sixty pairs of pictures. The newest few are kept, to go on from."""

_STATE, _END, _BEFORE, _CALL = "state.pt", "end.json", "before.json", "call.json"


def new_run() -> Path:
    """A folder under a name that nobody guesses; yesterday's are swept, as Gradio sweeps only what
    it has sent."""
    oldest = time.time() - KEPT_SECONDS
    for folder in (*_runs().glob("*"), *shut_folder().glob("*")):
        with suppress(FileNotFoundError):  # swept by another run
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)
    name = secrets.token_urlsafe(16)
    for folder in (shut_folder() / name, _runs() / name):
        folder.mkdir(parents=True)
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


def begin(folder: Path) -> None:
    """From now on until `write_end` the run has not ended; how it had ended is kept aside."""
    with suppress(FileNotFoundError):
        (_shut(folder) / _END).replace(_shut(folder) / _BEFORE)


def finish_elsewhere(folder: Path, work: Callable[[], None]) -> None:
    """Does what is left to be done of the run in a thread, for which `last_end` waits."""

    def finish() -> None:
        with suppress(FileNotFoundError):  # swept in the meantime, so nobody waits for it
            work()

    threading.Thread(target=finish, name=_finisher(folder)).start()


def write_end(folder: Path, end: dict[str, Any]) -> None:
    """How far the run has come, for whoever waits for its end."""
    partial = _shut(folder) / f"{_END}.part"
    partial.write_text(json.dumps(end))
    partial.replace(_shut(folder) / _END)


def last_end(folder: Path) -> dict[str, Any] | None:
    """How the run ended, or had ended before it was continued and that was cut off."""
    for thread in threading.enumerate():
        if thread.name == _finisher(folder):
            thread.join()
    for name in (_END, _BEFORE):
        with suppress(FileNotFoundError):
            return json.loads((_shut(folder) / name).read_text())
    return None


def wait_for_end(folder: Path, timeout_seconds: float) -> dict[str, Any] | None:
    """What `write_end` has written, once it has; None if that does not happen in time."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        with suppress(FileNotFoundError):
            return json.loads((_shut(folder) / _END).read_text())
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.05)


def write_call(folder: Path, call: tuple[Any, ...]) -> None:
    """What was asked for."""
    (_shut(folder) / _CALL).write_text(json.dumps(call))


def read_call_of(folder: Path) -> list[Any]:
    """What `write_call` has written, tuples as lists."""
    return json.loads((_shut(folder) / _CALL).read_text())


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


def _finisher(folder: Path) -> str:
    """The name of the thread."""
    return f"finishes {folder.name}"


def _shut(folder: Path) -> Path:
    return shut_folder() / folder.name


def _runs() -> Path:
    return Path(get_upload_folder()) / "runs"
