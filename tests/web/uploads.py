"""The folder of uploads and runs that all tests of one process share."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

_PATIENCE_SECONDS = 20


class Uploads:
    """The folder where Gradio keeps what visitors send, and where runs write their files.

    Attributes:
        kept: Names of entries that belong to the served page and outlive a test.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept: set[str] = set()

    def empty(self) -> None:
        """Deletes everything that tests have left.

        The server may still write the downloads or the film of a test that has ended, into a
        folder that is being deleted; then it is deleted again.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while left := self._left():
            for entry in left:
                if entry.is_dir():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    entry.unlink(missing_ok=True)
            assert time.monotonic() < deadline, f"{left} cannot be deleted"

    def _left(self) -> list[Path]:
        return [entry for entry in self.folder.iterdir() if entry.name not in self.kept]
