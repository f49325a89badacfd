"""Deletion of the files of runs: by age, by the space they take, and when a visitor asks."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path

from gradio.utils import get_upload_folder, is_in_or_equal

from neural_style.files import delete_file, not_written, write_atomically
from neural_style.web.run.addresses import (
    STATE_NAME,
    albums_folder,
    parts_folder,
    private_folder,
    runs_folder,
    served_folder,
    share_notes,
    shared_folder,
)
from neural_style.web.run.album_zip import take_out_of_zip

RETENTION_SECONDS = 86_400
"""How long files are kept."""

MAX_BYTES = 10_000_000_000
"""Limit for the files of all runs, albums and shared results together."""

_ON_SHOW_SECONDS = 1800
"""Results newer than this are not deleted for want of space."""

MAX_STATES_BYTES = 4_000_000_000
"""Limit for all states together. A state is about as large as sixty pairs of pictures."""

_SHARED_FOLDER = re.compile(r"[\w-]{22}")
"""Names of the folders of shared results, as `runs.share` gives them."""

_UPLOADS_SUFFIX = ".uploads"
"""Of the notes by `remember_uploads`."""


_GOING_ON: set[Path] = set()
"""The folders of runs that go on in this process, private and served ones, and of albums."""


@contextmanager
def kept(run: Path) -> Iterator[None]:
    """A context in which the files of a run, or of an album, are kept, even if the clock jumps
    ahead by a day.
    """
    folders = {run, served_folder(run)}
    _GOING_ON.update(folders)
    try:
        yield
    finally:
        _GOING_ON.difference_update(folders)


def is_kept(run: Path) -> bool:
    """Whether the run goes on in this process; its folder may be named through a link."""
    return any(folder.resolve() == run.resolve() for folder in tuple(_GOING_ON))


def delete_expired() -> None:
    """Deletes the folders of runs, albums and shared results that are too old, and what a killed
    server has left half written beside them.
    """
    served = (runs_folder(), shared_folder(), parts_folder(), albums_folder())
    places = (private_folder(), *served)
    found = [path for place in places for path in place.glob("*") if path not in _GOING_ON]
    for path in filter(_is_expired, (*found, *Path(get_upload_folder()).glob(".*.part"))):
        if path.suffix == _UPLOADS_SUFFIX:
            _delete_listed(path)
        _delete(path)


def _is_expired(path: Path) -> bool:
    """Whether the file or folder is older than `RETENTION_SECONDS`."""
    try:
        return path.stat().st_mtime < time.time() - RETENTION_SECONDS
    except OSError:  # deleted by another run, or not a valid file name
        return False


def remember_uploads(paths: Collection[str]) -> None:
    """Notes the files that Gradio would delete after a day, which it forgets when the server ends.

    Raises:
        FileError: They cannot be noted.
    """
    if not paths:
        return
    note = private_folder() / f"{secrets.token_urlsafe(16)}{_UPLOADS_SUFFIX}"
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(note) as partial:
            partial.write_text(json.dumps(sorted(paths)))
    except OSError as error:
        raise not_written(note.name, error) from error


def _delete_listed(note: Path) -> None:
    """Deletes the files of a note that are still old: one may have been uploaded again."""
    with suppress(OSError, ValueError):  # damaged
        listed = json.loads(note.read_text())
        for name in listed if isinstance(listed, list) else ():
            ours = isinstance(name, str) and is_in_or_equal(name, get_upload_folder())
            if ours and _is_expired(Path(name)):
                Path(name).unlink(missing_ok=True)


def delete_excess() -> None:
    """Deletes the oldest runs, albums and shared results until the rest is within `MAX_BYTES`.

    The newest ones stay in any case: they go on, or are on show.
    """
    now, total, found = time.time(), 0, []
    places = (private_folder(), shared_folder(), albums_folder())
    for folder in chain.from_iterable(place.glob("*") for place in places):
        with suppress(FileNotFoundError):  # deleted by another run
            parts = (folder, served_folder(folder))
            files = [file.stat() for part in parts for file in part.rglob("*")]
            total += sum(file.st_size for file in files)
            found.append((folder.stat().st_mtime, sum(file.st_size for file in files), parts))
    for modified, size, parts in sorted(found):
        if total <= MAX_BYTES:
            return
        # After the clock was set back, older files are those of the future.
        if abs(now - modified) < _ON_SHOW_SECONDS or not _GOING_ON.isdisjoint(parts):
            continue
        for part in parts:
            _delete(part)
        total -= size


def _delete(path: Path) -> None:
    """Deletes a file or a folder, if it still exists and can be deleted."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        delete_file(path)


def delete_run(run: Path) -> None:
    """Deletes all files of the run, in the ZIP of an album too, and the copies that were shared."""
    take_out_of_zip(run)
    for note in share_notes(run):
        with suppress(OSError, UnicodeDecodeError):
            name = note.read_text()
            if _SHARED_FOLDER.fullmatch(name):
                _delete(shared_folder() / name)
    for folder in (served_folder(run), run):
        _delete(folder)


def delete_old_states() -> None:
    """Deletes the oldest states until the rest is within `MAX_STATES_BYTES`."""
    total = 0
    files = []
    for file in private_folder().glob(f"*/{STATE_NAME}"):
        with suppress(FileNotFoundError):
            files.append((file.stat().st_mtime, file.stat().st_size, file))
    for _, size, file in sorted(files, reverse=True):
        total += size
        if total > MAX_STATES_BYTES:
            delete_file(file)
