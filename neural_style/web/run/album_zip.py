"""The ZIP file of an album: results are added one by one, and taken out where they are deleted."""

from __future__ import annotations

import secrets
import shutil
import threading
from contextlib import suppress
from itertools import count
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from neural_style.files import not_written, write_atomically
from neural_style.web.run.addresses import albums_folder

_NOTE = "album.txt"
"""File in the private folder of a run whose result is in a ZIP: folder, file and entry."""

_LOCK = threading.Lock()
"""A result may be deleted while the next one is added."""


def new_zip_file(name: str) -> Path:
    """The path of a ZIP file that does not exist yet, in an unguessable folder of its own."""
    return albums_folder() / secrets.token_urlsafe(16) / name


def add_to_zip(zip_file: Path, run: Path, picture: Path, stem: str) -> None:
    """Adds the run's picture to the file, uncompressed: PNG cannot be made smaller.

    Args:
        stem: Name of the entry without suffix; a number follows where it is taken.

    Raises:
        FileError: The file cannot be written; it stays as it was.
    """
    try:
        with _LOCK:
            zip_file.parent.mkdir(parents=True, exist_ok=True)
            with write_atomically(zip_file) as partial:
                if zip_file.exists():
                    shutil.copyfile(zip_file, partial)
                with ZipFile(partial, "a") as archive:
                    entry = _free_name(stem, picture.suffix, archive.namelist())
                    note = "/".join((zip_file.parent.name, zip_file.name, entry))
                    (run / _NOTE).write_text(note)
                    archive.write(picture, entry)
    except OSError as error:
        raise not_written(zip_file.name, error) from error


def take_out_of_zip(run: Path) -> None:
    """Takes the run's picture out of its ZIP file, if it is in one.

    A file without entries is deleted, and one that cannot be rewritten, too.
    """
    try:
        folder, name, entry = (run / _NOTE).read_text().split("/")
    except (OSError, ValueError):  # none, or damaged
        return
    zip_file = albums_folder() / folder / name
    with _LOCK:
        if not zip_file.is_file():
            return
        left = False
        with suppress(OSError, BadZipFile), write_atomically(zip_file) as partial:
            left = _copy_without(entry, zip_file, partial)
        if not left:
            shutil.rmtree(zip_file.parent, ignore_errors=True)


def _copy_without(left_out: str, zip_file: Path, copy: Path) -> bool:
    """Copies a ZIP file without one entry. Returns whether there are others."""
    with ZipFile(zip_file) as archive, ZipFile(copy, "w") as copied:
        entries = [entry for entry in archive.infolist() if entry.filename != left_out]
        for entry in entries:
            copied.writestr(entry, archive.read(entry))
    return bool(entries)


def _free_name(stem: str, suffix: str, taken: list[str]) -> str:
    """The name "stem.png", or "stem-2.png" and so on if it is taken."""
    names = (
        f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}" for number in count(1)
    )
    return next(name for name in names if name not in taken)
