"""The ledger: what became of each row, in a file that survives the program."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout

from neural_style.batch.jobs import Outcome
from neural_style.errors import FileError
from neural_style.files import check_place, not_written, reason_of

BEGUN, DONE, FAILED = "begun", "done", "failed"

_FORMAT = 1

_BEGINNING = b'{"format": '
"""How each line begins; one that does and cannot be parsed was cut off."""


class Entry(NamedTuple):
    """The newest line about a job.

    Attributes:
        request: Digest of what was asked for.
        state: `BEGUN`, `DONE` or `FAILED`.
        error: English text of what was wrong; "" if nothing was.
    """

    request: str
    state: str
    error: str


class Ledger:
    """A file of JSON Lines, one for the beginning and one for the end of each job.

    Each line is on the disk before the program goes on. A line that was cut off when the program
    was killed is ignored. Open it with `open_ledger`.
    """

    def __init__(self, path: Path, stream: FileIO, entries: dict[str, Entry]):
        """A ledger that is open for appending.

        Args:
            entries: Name of a job → its newest line.
        """
        self.path = path
        self.entries = entries
        self._stream = stream

    def begin(self, name: str, request: str) -> None:
        """Records that a job begins: its output may exist from now on.

        Raises:
            FileError: The line cannot be written.
        """
        self._add(name, Entry(request, BEGUN, ""), {})

    def end(self, request: str, outcome: Outcome) -> None:
        """Records how a job ended.

        Raises:
            FileError: The line cannot be written.
        """
        error = "" if outcome.error is None else str(outcome.error)
        entry = Entry(request, FAILED if outcome.error else DONE, error)
        more: dict[str, Any] = {"seconds": round(outcome.seconds, 3)}
        if outcome.error is None:
            recipe = outcome.recipe and json.loads(outcome.recipe)
            more |= {"sha256": outcome.digest, "recipe": recipe}
        self._add(outcome.name, entry, more)

    def is_done(self, name: str) -> bool:
        """Whether the newest line about that job says that it is done."""
        return name in self.entries and self.entries[name].state == DONE

    def _add(self, name: str, entry: Entry, more: dict[str, Any]) -> None:
        line = {"format": _FORMAT, "output": name} | entry._asdict() | more
        try:
            self._stream.write(json.dumps(line).encode() + b"\n")
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise not_written(self.path, error) from error
        self.entries[name] = entry


@contextmanager
def open_ledger(path: Path) -> Iterator[Ledger]:
    """The ledger in that file, for this program alone; new if there is none.

    Raises:
        FileError: It cannot be written, is in use by another program, or is not a ledger.
    """
    check_place(path)
    lock = FileLock(f"{path}.lock", timeout=0)
    with ExitStack() as held:
        try:
            held.enter_context(lock)
            entries = read_ledger(path)
            stream = held.enter_context(path.open("ab", buffering=0))
            if stream.tell() and not _ends_in_a_line(path):
                stream.write(b"\n")
        except Timeout as error:
            raise FileError("batch.ledger_in_use", path=str(path)) from error
        except OSError as error:
            raise not_written(path, error) from error
        yield Ledger(path, stream, entries)


def read_ledger(path: Path) -> dict[str, Entry]:
    """The newest entry of each job; empty if there is no such file.

    Raises:
        FileError: It cannot be read, or is not a ledger of this version.
    """
    entries: dict[str, Entry] = {}
    try:
        with path.open("rb") as stream:
            for line in stream:
                try:
                    read = json.loads(line)
                    if read["format"] != _FORMAT:
                        raise FileError("batch.unknown_ledger", path=str(path))
                    entry = Entry(*(str(read[name]) for name in Entry._fields))
                    entries[str(read["output"])] = entry
                except (ValueError, LookupError, TypeError, RecursionError) as error:
                    if not line.startswith(_BEGINNING[: len(line.strip())]):
                        raise FileError("batch.unknown_ledger", path=str(path)) from error
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise FileError(
            "batch.ledger_unreadable", path=str(path), reason=reason_of(error)
        ) from error
    return entries


def _ends_in_a_line(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read(1) == b"\n"
