"""Atomic writes and temporary files."""

from __future__ import annotations

import pytest

from neural_style.files import temporary_file, write_atomically


def test_write_atomically_replaces_the_old_file_at_the_end(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    with write_atomically(path) as partial:
        partial.write_text("new")
        assert (partial.parent, path.read_text()) == (tmp_path, "old")
    assert [(file, file.read_text()) for file in tmp_path.iterdir()] == [(path, "new")]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt, GeneratorExit])
def test_failed_write_keeps_the_old_file_and_leaves_no_other(error, tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")

    def write() -> None:
        with write_atomically(path) as partial:
            partial.write_text("ne")
            raise error

    with pytest.raises(error):
        write()
    assert [(file, file.read_text()) for file in tmp_path.iterdir()] == [(path, "old")]


def test_simultaneous_writes_use_separate_temporary_files(tmp_path):
    path = tmp_path / "a.json"
    with write_atomically(path) as one:
        with write_atomically(path) as other:
            other.write_text("first")
        assert path.read_text() == "first"
        one.write_text("second")
    assert path.read_text() == "second"


def test_write_atomically_raises_if_nothing_was_written(tmp_path):
    with pytest.raises(FileNotFoundError), write_atomically(tmp_path / "a.json"):
        pass
    with temporary_file(tmp_path) as path:
        assert not path.exists()
