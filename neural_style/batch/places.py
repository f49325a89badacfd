"""Files on this machine or elsewhere (s3://, hf://, …), through fsspec."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import fsspec
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from neural_style.errors import FileError, ImageError, quoted
from neural_style.files import reason_of
from neural_style.images.files import ENDINGS


def is_local(path: str) -> bool:
    """Whether the path is on this machine's file systems."""
    return isinstance(_system(path)[0], LocalFileSystem)


def join(folder: str, name: str) -> str:
    """The path of a file in a folder; the name itself if it is absolute or a URL."""
    if "://" in name or os.path.isabs(name):
        return name
    return f"{folder.rstrip('/')}/{name}" if folder else name


def absolute(path: str) -> str:
    """The path from the root of its file system, so that it means the same everywhere."""
    return os.path.abspath(path) if is_local(path) and "://" not in path else path


def parent_of(path: str) -> str:
    """The folder of a file."""
    return path.rpartition("/")[0]


def stem_of(path: str) -> str:
    """The file's name without its folder and ending."""
    return PurePosixPath(path).stem


def stamp(path: str) -> str | None:
    """Size and time or tag of a file, which change with its content; None if there is none.

    Raises:
        ImageError: It cannot be looked at.
    """
    system, inner = _system(path)
    try:
        about = system.info(inner)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        reason = reason_of(error)
        raise ImageError("file.unreadable", name=quoted(path), reason=reason) from error
    if about["type"] != "file":
        return None
    changed = next((about[name] for name in _CHANGES if about.get(name)), "")
    return f"{about['size']} {changed}"


def exists(path: str) -> bool:
    """Whether there is a file, a folder or a link of that name.

    Raises:
        ImageError: It cannot be looked at.
    """
    system, inner = _system(path)
    try:
        return system.lexists(inner)
    except (OSError, ValueError) as error:
        reason = reason_of(error)
        raise ImageError("file.unreadable", name=quoted(path), reason=reason) from error


_CHANGES = ("ETag", "etag", "mtime", "LastModified", "blob_id")
"""Names by which file systems tell of a change, in `info`."""


def list_pictures(folder: str) -> list[str]:
    """The picture files in a folder, sorted by name.

    Raises:
        ImageError: It is no folder, or has no pictures.
    """
    system, inner = _system(folder)
    try:
        names = [entry["name"] for entry in system.ls(inner, detail=True)]
    except OSError as error:
        reason = reason_of(error)
        raise ImageError("file.unreadable", name=folder, reason=reason) from error
    names = sorted(PurePosixPath(name).name for name in names)
    paths = [join(folder, name) for name in names if name.lower().endswith(ENDINGS)]
    found = [path for path in paths if stamp(path)]  # no folders, no links to nowhere
    if not found:
        raise ImageError("batch.no_pictures", folder=folder)
    return found


@contextmanager
def fetched(path: str) -> Iterator[Path]:
    """The file as one of this machine; a copy if it is elsewhere.

    Raises:
        ImageError: It cannot be read.
    """
    system, inner = _system(path)
    if isinstance(system, LocalFileSystem):
        yield Path(inner)
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / PurePosixPath(inner).name
        try:
            system.get_file(inner, str(copy))
        except OSError as error:
            reason = reason_of(error)
            raise ImageError("file.unreadable", name=path, reason=reason) from error
        yield copy


@contextmanager
def delivered(path: str) -> Iterator[Path]:
    """A name on this machine: the file written there takes its place at `path`, whole, at the end.

    Raises:
        FileError: The file cannot be written there.
    """
    system, inner = _system(path)
    if isinstance(system, LocalFileSystem):
        yield Path(inner)  # our writers replace a file in one step
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / PurePosixPath(inner).name
        yield copy
        partial = f"{inner}.{secrets.token_hex(8)}.part"
        try:
            system.put_file(str(copy), partial)
            system.mv(partial, inner)
        except OSError as error:
            raise FileError("file.not_written", path=path, reason=reason_of(error)) from error


def make_folder(path: str) -> None:
    """Makes the folder and its parents where there are none.

    Raises:
        FileError: It cannot be made.
    """
    system, inner = _system(path)
    try:
        system.makedirs(inner, exist_ok=True)
    except OSError as error:
        raise FileError("file.folder_not_made", folder=path, reason=reason_of(error)) from error


def read_text(path: str) -> str:
    """The text of a file in UTF-8, with or without a byte order mark.

    Raises:
        ImageError: It cannot be read, or is not UTF-8.
    """
    with fetched(path) as local:
        try:
            return local.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise ImageError("batch.not_utf8", path=path) from error
        except OSError as error:
            raise ImageError("file.unreadable", name=path, reason=reason_of(error)) from error


def sweep(folder: str) -> None:
    """Deletes what an interrupted program left of half-written files in a folder.

    Only call it while no other program writes there.
    """
    system, inner = _system(folder)
    for entry in system.ls(inner, detail=True):
        if entry["type"] == "file" and _HALF_WRITTEN.fullmatch(PurePosixPath(entry["name"]).name):
            system.rm_file(entry["name"])


_HALF_WRITTEN = re.compile(r".*\.[0-9a-f]{16}\.part")
"""Names that `delivered` and `files.temporary_file` give."""


def _system(path: str) -> tuple[AbstractFileSystem, str]:
    """The file system of a path, and the path there.

    Raises:
        FileError: The file system is unknown or its package is not installed.
    """
    if "://" not in path:  # also with "::" or "data:", which fsspec takes for chains and schemes
        return LocalFileSystem(), os.path.abspath(path)
    try:
        return fsspec.core.url_to_fs(path)
    except (ImportError, ValueError) as error:
        raise FileError("batch.no_file_system", path=path, reason=str(error)) from error
