"""The folder of uploads and runs that all tests of one process share."""

from __future__ import annotations

import shutil
from pathlib import Path


class Uploads:
    """The folder where Gradio keeps what visitors send, and where runs write their files.

    Attributes:
        kept: Names of entries that belong to the served page and outlive a test.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept: set[str] = set()

    def empty(self) -> None:
        """Deletes everything that tests have left."""
        for entry in self.folder.iterdir():
            if entry.name not in self.kept:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
