"""The ledger: what it keeps, what it ignores, what it refuses."""

from __future__ import annotations

import json
import os

import pytest

from neural_style import FileError
from neural_style.batch.jobs import Outcome
from neural_style.batch.ledger import BEGUN, DONE, FAILED, Entry, open_ledger, read_ledger
from neural_style.messages import Message


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.jsonl"


def write(path) -> None:
    with open_ledger(path) as ledger:
        ledger.begin("a.png", "1")
        ledger.end("1", Outcome("a.png", None, 2.5, "ab", '{"format": 3}'))
        ledger.begin("b.png", "2")
        ledger.end("2", Outcome("b.png", Message("batch.no_style"), 0.1))
        ledger.begin("c.png", "3")


ENTRIES = {
    "a.png": Entry("1", DONE, ""),
    "b.png": Entry("2", FAILED, str(Message("batch.no_style"))),
    "c.png": Entry("3", BEGUN, ""),
}


def test_the_newest_line_of_each_output_counts(path):
    assert read_ledger(path) == {}
    write(path)
    assert read_ledger(path) == ENTRIES
    with open_ledger(path) as ledger:
        assert ledger.entries == ENTRIES
        ledger.begin("a.png", "4")
        assert ledger.entries["a.png"] == Entry("4", BEGUN, "")
    assert read_ledger(path) == ENTRIES | {"a.png": Entry("4", BEGUN, "")}


def test_an_end_has_seconds_digest_and_recipe(path):
    write(path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    ends = [line for line in lines if line["state"] != BEGUN]
    assert [line["seconds"] for line in ends] == [2.5, 0.1]
    assert ends[0]["sha256"] == "ab"
    assert ends[0]["recipe"] == {"format": 3}


def test_a_line_cut_off_anywhere_is_ignored_and_the_next_one_kept(path):
    write(path)
    whole = path.read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1
    for end in range(last, len(whole) - 1):
        path.write_bytes(whole[:end])
        with open_ledger(path) as ledger:
            assert ledger.entries == {name: ENTRIES[name] for name in ("a.png", "b.png")}
            ledger.begin("d.png", "5")
        assert read_ledger(path).keys() == {"a.png", "b.png", "d.png"}


@pytest.mark.parametrize("text", ["hello\n", "[]\n", '{"rows": 3}\n', '{"format": 9}\n', "\0\0"])
def test_other_files_are_refused_and_stay(path, text):
    path.write_text(text)
    with pytest.raises(FileError, match="is not a ledger"), open_ledger(path):
        pass
    assert path.read_text() == text


def test_only_one_program_writes(path):
    with (
        open_ledger(path),
        pytest.raises(FileError, match="Another program"),
        open_ledger(path),
    ):
        pass
    with open_ledger(path) as ledger:
        ledger.begin("a.png", "1")


def test_a_line_that_cannot_be_parsed_is_ignored_however_deep(path):
    path.write_text('{"format": ' + 100_000 * "[" + "\n")
    assert read_ledger(path) == {}


def test_a_lock_that_cannot_be_made_is_told(path):
    path.with_name("ledger.jsonl.lock").mkdir()
    with pytest.raises(FileError, match="Cannot write"), open_ledger(path):
        pass


def test_a_ledger_needs_a_folder(path):
    with pytest.raises(FileError, match="Make that folder first"), open_ledger(path / "gone"):
        pass


def test_lines_are_on_the_disk_before_the_program_goes_on(path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda number: synced.append(path.read_text()))
    with open_ledger(path) as ledger:
        ledger.begin("a.png", "1")
    assert [json.loads(text)["state"] for text in synced] == [BEGUN]


def test_a_full_disk_is_told(path, monkeypatch):
    def full(number):
        raise OSError(28, "No space left on device")

    with open_ledger(path) as ledger:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(FileError, match="No space left"):
            ledger.begin("a.png", "1")
