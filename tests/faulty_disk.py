"""A disk that is full, or can only be read, for the tests of what is told then."""

from __future__ import annotations

import builtins
import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FULL = "No space left on device"
READ_ONLY = "Read-only file system"
_NUMBERS = {FULL: errno.ENOSPC, READ_ONLY: errno.EROFS}


@contextmanager
def faulty_disk(
    folder: Path, reason: str, fails: Callable[[str], bool] = lambda name: True
) -> Iterator[list[str]]:
    """Makes writing into the folder fail; reading still works.

    Args:
        reason: `FULL`: no file is written and no folder made. `READ_ONLY`: none is deleted or
            renamed, either.
        fails: Whether that happens to a file of this name.

    Yields:
        The names of the files and folders that could not be written, as they come.
    """
    refused: list[str] = []

    def check(path: Any) -> None:
        place = Path(os.fsdecode(path)) if isinstance(path, str | bytes | os.PathLike) else Path()
        if folder in place.absolute().parents and fails(place.name):
            refused.append(place.name)
            raise OSError(_NUMBERS[reason], reason, str(place))

    def refusing(function: Callable) -> Callable:
        def call(path: Any, *rest: Any, **options: Any) -> Any:
            check(path)
            return function(path, *rest, **options)

        return call

    def deleting(function: Callable) -> Callable:
        refuse = refusing(function)
        return lambda path, *rest, **options: (refuse if os.path.lexists(path) else function)(
            path, *rest, **options
        )

    def opening(path: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
        if set(mode) & set("wax+"):
            check(path)
        return real_open(path, mode, *rest, **options)

    real_open = builtins.open
    with pytest.MonkeyPatch.context() as patch:
        for module in (builtins, io):
            patch.setattr(module, "open", opening)
        patch.setattr(os, "mkdir", refusing(os.mkdir))
        if reason == READ_ONLY:
            for name in ("unlink", "replace", "rename", "rmdir"):
                patch.setattr(os, name, deleting(getattr(os, name)))
        yield refused
