"""Files that appear whole or not at all."""

from __future__ import annotations

import pytest

from neural_style.files import temporary_file, write_atomically


def test_a_file_appears_at_the_end_and_takes_the_place_of_the_old_one(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    with write_atomically(path) as partial:
        partial.write_text("new")
        assert (partial.parent, path.read_text()) == (tmp_path, "old")
    assert [(file, file.read_text()) for file in tmp_path.iterdir()] == [(path, "new")]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt, GeneratorExit])
def test_what_is_broken_off_leaves_the_old_one_and_nothing_else(error, tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")

    def write() -> None:
        with write_atomically(path) as partial:
            partial.write_text("ne")
            raise error

    with pytest.raises(error):
        write()
    assert [(file, file.read_text()) for file in tmp_path.iterdir()] == [(path, "old")]


def test_two_at_once_do_not_meet(tmp_path):
    path = tmp_path / "a.json"
    with write_atomically(path) as one:
        with write_atomically(path) as other:
            other.write_text("first")
        assert path.read_text() == "first"
        one.write_text("second")
    assert path.read_text() == "second"


def test_what_was_not_written_is_told(tmp_path):
    with pytest.raises(FileNotFoundError), write_atomically(tmp_path / "a.json"):
        pass
    with temporary_file(tmp_path) as path:
        assert not path.exists()
