"""The files of a run on the server: pictures, request, state and outcome.

A run is given as its private folder; see `addresses`.
"""

from __future__ import annotations

import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from neural_style.errors import FileError
from neural_style.files import delete_file, not_written, reason_of, write_atomically
from neural_style.web.run import serialization
from neural_style.web.run.addresses import (
    SHARED_NAME,
    STATE_NAME,
    picture_path,
    private_folder,
    served_folder,
    share_note,
    shared_folder,
)
from neural_style.web.run.call import Call
from neural_style.web.run.cleanup import delete_excess, delete_expired, is_kept
from neural_style.web.run.outcome import Outcome
from neural_style.web.text.texts import PageError

_CALL, _OUTCOME = "call.json", "end.json"
_PREVIOUS_OUTCOME = "before.json"
"""The outcome before the run was continued."""

_STOPPED = "stopped"
"""A marker file of a run that was stopped, until it is continued."""

_FINISHING = "ending"
"""A marker file, present while a thread or process writes `_OUTCOME` in the background."""

_FINISHING_TIMEOUT_SECONDS = 60
"""Longer than saving a state takes; a killed process leaves `_FINISHING` behind."""


class Result(NamedTuple):
    """A picture of a run."""

    run: Path
    picture: Path


def create_run() -> Path:
    """Creates the folders of a new run under unguessable names, and deletes what has expired.

    Gradio deletes only the files that it has served itself.

    Returns:
        The private folder, by which the run is known.

    Raises:
        FileError: A folder cannot be created.
    """
    delete_expired()
    delete_excess()
    run = private_folder() / secrets.token_urlsafe(16)
    try:
        for folder in (run, served_folder(run)):
            folder.mkdir(parents=True)
    except OSError as error:
        raise FileError("file.folder_not_made", folder=run.name, reason=reason_of(error)) from error
    return run


def find_run(path: str | None) -> Path | None:
    """The path as that of a run's private folder; None if it is not one or no longer exists."""
    return _folder_in(private_folder(), path)


def result_name(run: Path, iteration: int) -> str:
    """How the browser stores a result: the run's folder and the iteration of the picture."""
    return str(run / str(iteration))


def find_result(name: str) -> Result | None:
    """The result with that name; None if there is none or it no longer exists."""
    folder, _, iteration = name.rpartition("/")
    run = find_run(folder)
    if run is None or not (iteration.isascii() and iteration.isdigit() and len(iteration) < 10):
        return None
    picture = picture_path(run, int(iteration))
    return Result(run, picture) if picture.is_file() else None


def share(run: Path, iteration: int) -> str:
    """Copies the picture to a place of its own, from which the run cannot be found.

    Returns:
        The name of the shared result, the same each time.

    Raises:
        FileError: It cannot be copied.
    """
    note = share_note(run, iteration)
    with suppress(FileNotFoundError, UnicodeDecodeError):
        name = note.read_text()
        if find_shared_by_name(name):
            return name
    name = secrets.token_urlsafe(16)
    try:
        (shared_folder() / name).mkdir(parents=True)
        with write_atomically(shared_folder() / name / SHARED_NAME) as partial:
            shutil.copyfile(picture_path(run, iteration), partial)
        note.write_text(name)
    except OSError as error:
        raise not_written(SHARED_NAME, error) from error
    return name


def find_shared(path: str | None) -> Path | None:
    """The path as that of a shared result; None if it is not one or no longer exists."""
    folder = _folder_in(shared_folder(), path and str(Path(path).parent))
    if folder is None:
        return None
    file = folder / SHARED_NAME
    return file if str(file) == path and file.is_file() else None


def find_shared_by_name(name: str) -> Path | None:
    """The shared result with that name; None if there is none or it no longer exists."""
    folder = _folder_in(shared_folder(), f"{shared_folder()}/{name}")
    return None if folder is None else find_shared(str(folder / SHARED_NAME))


def _folder_in(place: Path, path: str | None) -> Path | None:
    """The path as that of a folder in the place; None if it is not one."""
    if not path:
        return None
    try:
        folder = Path(path).resolve()
        return folder if folder.parent == place.resolve() and folder.is_dir() else None
    except (ValueError, OSError):  # not a valid file name
        return None


def write_call(run: Path, call: Call) -> None:
    """Stores the request of the run.

    Raises:
        FileError: It cannot be written.
    """
    serialization.write_call(run / _CALL, call)


def read_call(run: Path) -> Call:
    """Reads the request of the run.

    Raises:
        PageError: It is damaged or missing.
    """
    try:
        return serialization.read_call(run / _CALL)
    except FileNotFoundError as error:
        raise PageError("kept_damaged") from error


def mark_started(run: Path) -> None:
    """Marks the run as running: its outcome, if it is continued, becomes the previous one.

    Raises:
        FileError: It cannot be renamed.
    """
    delete_file(run / _STOPPED)
    try:
        (run / _OUTCOME).replace(run / _PREVIOUS_OUTCOME)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise not_written(_PREVIOUS_OUTCOME, error) from error


def mark_stopped(run: Path) -> None:
    """Marks that the visitor has stopped the run, and not left it."""
    with suppress(OSError):  # run deleted or disk full
        (run / _STOPPED).touch()


def was_stopped(run: Path) -> bool:
    """Whether the visitor has stopped the run."""
    return (run / _STOPPED).exists()


def mark_finishing(run: Path) -> None:
    """Marks that the outcome is being written, so that `last_outcome` waits for it."""
    with suppress(OSError):  # run deleted or disk full: then nobody waits
        (run / _FINISHING).touch()


def write_outcome(run: Path, outcome: Outcome) -> None:
    """Stores the outcome of the run.

    Raises:
        FileError: It cannot be written.
    """
    try:
        serialization.write_outcome(run / _OUTCOME, outcome)
    finally:
        delete_file(run / _FINISHING)


def goes_on(run: Path) -> bool:
    """Whether the run goes on in this process, or its outcome is being written."""
    if is_kept(run):
        return True
    with suppress(OSError):
        return time.time() - (run / _FINISHING).stat().st_mtime < _FINISHING_TIMEOUT_SECONDS
    return False


def last_outcome(run: Path) -> Outcome | None:
    """The outcome of the run, or the previous one if its continuation was cut off.

    Raises:
        PageError: The stored outcome is damaged.
    """
    marker = run / _FINISHING
    deadline = time.monotonic() + _FINISHING_TIMEOUT_SECONDS
    while marker.exists():
        if time.monotonic() >= deadline:
            delete_file(marker)
            break
        time.sleep(_POLL_SECONDS)
    for name in (_OUTCOME, _PREVIOUS_OUTCOME):
        with suppress(FileNotFoundError):
            return serialization.read_outcome(run / name, run)
    return None


def wait_for_outcome(run: Path, timeout_seconds: float) -> Outcome | None:
    """Waits until the run has an outcome and returns it; None after the timeout.

    Raises:
        PageError: The stored outcome is damaged.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        with suppress(FileNotFoundError):
            return serialization.read_outcome(run / _OUTCOME, run)
        if time.monotonic() >= deadline:
            return None
        time.sleep(_POLL_SECONDS)


_POLL_SECONDS = 0.05


def state_file(run: Path) -> Path:
    """The path of the run's saved state."""
    return run / STATE_NAME


def film_frame_file(run: Path, iteration: int) -> Path:
    """The path of a frame of the run's film."""
    return run / f"film-{iteration:06d}.jpg"


def film_frame_files(run: Path) -> list[Path]:
    """The frames of the run's film, in order."""
    return sorted(run.glob("film-*.jpg"))
