"""Files that appear whole or not at all, files of tensors, and why a file cannot be written."""

from __future__ import annotations

import os
import pickle
import secrets
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from neural_style.errors import FileError


@contextmanager
def temporary_file(folder: Path) -> Iterator[Path]:
    """A new name in the folder; if there is a file of that name at the end, it is deleted."""
    path = folder / f".{secrets.token_hex(8)}.part"
    try:
        yield path
    finally:
        delete_file(path)


def delete_file(path: Path) -> None:
    """Deletes a file, if it exists and can be deleted."""
    with suppress(OSError):
        path.unlink()


@contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`: what is written there takes the place of `path` at the end.

    If the block raises, `path` stays as it was and nothing else is left.

    Raises:
        OSError: The temporary file cannot take that place.
    """
    with temporary_file(path.parent) as partial:
        yield partial
        partial.replace(path)


def load_tensors(path: Path) -> Any:
    """Reads what `torch.save` wrote, onto the CPU; no code of the file is run.

    Raises:
        OSError: The file cannot be opened.
        ValueError: It is damaged or of another format.
    """
    with path.open("rb"):
        pass
    try:
        if zipfile.is_zipfile(path):  # as written since PyTorch 1.6, which checks no sums itself
            with zipfile.ZipFile(path) as archive:
                damaged = archive.testzip()
            if damaged:
                raise ValueError(f"wrong checksum of {damaged}")
        return torch.load(path, map_location="cpu", weights_only=True)
    except _UNREADABLE as error:
        raise ValueError(f"no readable tensors: {error}") from error


_UNREADABLE = (
    *(pickle.UnpicklingError, struct.error, zipfile.BadZipFile, zlib.error),
    *(RuntimeError, OSError, EOFError, ValueError),
    *(LookupError, AttributeError, TypeError, AssertionError),
)
"""Exceptions of `torch.load` and `zipfile` for a damaged file or one of another format; fuzzing
found each."""


def check_place(path: Path) -> None:
    """Refuses what no file can be written to.

    Raises:
        FileError: Why.
    """
    folder = path.absolute().parent
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        raise FileError("file.no_folder", folder=str(folder))
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except FileNotFoundError:
        is_folder = False
    except (OSError, ValueError) as error:
        raise FileError("file.bad_name", path=str(path), reason=reason_of(error)) from error
    if is_folder:
        raise FileError("file.is_a_folder", path=str(path))


def make_folder(folder: Path) -> None:
    """Makes a folder, and those above it, unless it exists.

    Raises:
        FileError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            "file.folder_not_made", folder=str(folder), reason=reason_of(error)
        ) from error


def not_written(path: str | os.PathLike[str], error: OSError) -> FileError:
    """The error for a file that could not be written, such as for want of space."""
    return FileError("file.not_written", path=str(path), reason=reason_of(error))


def reason_of(error: OSError | ValueError) -> str:
    """What the operating system says, without the path."""
    return getattr(error, "strerror", None) or str(error)
