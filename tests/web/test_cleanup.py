"""Deletion of the files of runs: by age, by the space they take, and after the server's end."""

from __future__ import annotations

import os
import time
from pathlib import Path

from neural_style.web.run import addresses, cleanup, runs
from neural_style.web.run.handlers import run_stylize
from tests.web.stylize_calls import complete_run, knob_values


def test_new_run_deletes_runs_of_more_than_a_day_ago(sent, uploads, watch):
    *old, recent = (
        uploads / name
        for name in ("runs/old", "shut/old", "shared/old", "parts/old", "albums/old", "runs/recent")
    )
    for folder, hours in (*((folder, 25) for folder in old), (recent, 23)):
        folder.mkdir(parents=True)
        (folder / "stylized-000000.png").write_bytes(b"picture")
        modified = time.time() - 3600 * hours
        os.utime(folder, (modified, modified))
    list(run_stylize(*sent, None, *knob_values()))
    assert not any(folder.exists() for folder in old)
    assert (recent / "stylized-000000.png").exists()


def test_uploads_of_an_ended_server_are_deleted_after_a_day(uploads, tmp_path):
    old, again, recent, others = (
        *(uploads / name for name in ("old.png", "again.png", "recent.png")),
        tmp_path / "others.png",
    )
    for file in (old, again, recent, others):
        file.touch()
    cleanup.remember_uploads({str(file) for file in (old, again, others)})
    (note,) = addresses.private_folder().glob("*.uploads")
    yesterday = time.time() - 25 * 3600
    for file in (old, others):
        os.utime(file, (yesterday, yesterday))
    runs.create_run()
    assert old.exists()  # the server has just ended
    os.utime(note, (yesterday, yesterday))
    runs.create_run()
    assert [file.exists() for file in (old, again, recent, others)] == [False, True, True, True]
    assert not note.exists()


def test_damaged_note_of_uploads_is_deleted(uploads):
    note = addresses.private_folder() / "a.uploads"
    note.parent.mkdir(exist_ok=True)
    for text in ("{", '[1, null, "a\\u0000b"]', "7"):
        note.write_text(text)
        os.utime(note, (0, 0))
        runs.create_run()
        assert not note.exists()


def test_oldest_runs_and_shared_results_beyond_the_limit_are_deleted(uploads, monkeypatch):
    made = [runs.create_run() for _ in range(4)]
    for run in made:
        (run / "call.json").write_bytes(bytes(100))
        addresses.picture_path(run, 4).write_bytes(bytes(900))
    shared = addresses.shared_folder() / runs.share(made[0], 4)
    places = [*made, shared]
    for place, minutes in zip(places, (50, 40, 31, 29, 60), strict=True):
        modified = time.time() - 60 * minutes
        os.utime(place, (modified, modified))
    monkeypatch.setattr(cleanup, "MAX_BYTES", 3100)
    runs.create_run()
    assert [place.exists() for place in places] == [False, True, True, True, False]
    assert not addresses.served_folder(made[0]).exists()
    monkeypatch.setattr(cleanup, "MAX_BYTES", 0)
    runs.create_run()
    assert [place.exists() for place in places] == [False, False, False, True, False]


def test_old_albums_beyond_the_limit_are_deleted(uploads, monkeypatch):
    old, new = (addresses.albums_folder() / name for name in ("old", "new"))
    for folder, minutes in ((old, 31), (new, 29)):
        folder.mkdir(parents=True)
        (folder / "album.zip").write_bytes(bytes(1000))
        modified = time.time() - 60 * minutes
        os.utime(folder, (modified, modified))
    monkeypatch.setattr(cleanup, "MAX_BYTES", 1500)
    runs.create_run()
    assert [*addresses.albums_folder().iterdir()] == [new]


def test_only_the_newest_states_are_kept(sent, watch, monkeypatch):
    folders = [Path(complete_run(run_stylize(*sent, None, *knob_values()))) for _ in range(2)]
    size = runs.state_file(folders[1]).stat().st_size
    monkeypatch.setattr(cleanup, "MAX_STATES_BYTES", int(2.5 * size))
    folders.append(Path(complete_run(run_stylize(*sent, None, *knob_values()))))
    assert [runs.state_file(folder).exists() for folder in folders] == [False, True, True]
