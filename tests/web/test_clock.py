"""A clock that is set forward or back by a day while runs go on."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

import pytest

from neural_style.web.run import addresses, cleanup, runs
from neural_style.web.run.handlers import run_stylize
from tests.web.stylize_calls import complete_run, knob_values

DAY = 86_400


@pytest.fixture
def clock(monkeypatch):
    """Sets the clock by so many seconds; files keep their times."""
    now = time.time
    return lambda seconds: monkeypatch.setattr(time, "time", lambda: now() + seconds)


@pytest.mark.parametrize("days", [-1.5, 1.5])
def test_run_that_goes_on_is_kept(sent, watch, clock, days):
    results = run_stylize(*sent, None, *knob_values(iterations=6))
    folder = Path([next(results) for _ in range(4)][-1].run)
    clock(days * DAY)
    yesterday = time.time() - DAY - 60
    for place in (folder, addresses.served_folder(folder)):
        os.utime(place, (yesterday, yesterday))
    runs.create_run()  # which deletes what has expired
    *_, last = results
    assert last.status.kind == "done"
    assert Path(last.picture).is_file()


def test_finished_run_is_deleted_after_a_day_of_the_new_clock(sent, watch, clock):
    folder = Path(complete_run(run_stylize(*sent, None, *knob_values())))
    clock(-1.5 * DAY)
    runs.create_run()
    assert folder.exists()
    clock(1.5 * DAY)
    runs.create_run()
    assert not folder.exists()


def test_space_is_made_after_the_clock_was_set_back(uploads, monkeypatch, clock):
    made = [runs.create_run() for _ in range(3)]
    for run in made:
        (run / "call.json").write_bytes(bytes(1000))
    clock(-1.5 * DAY)
    now = time.time()
    os.utime(made[2], (now, now))  # written after that
    monkeypatch.setattr(cleanup, "MAX_BYTES", 1500)
    runs.create_run()
    assert [run.exists() for run in made] == [False, False, True]


def test_duration_of_a_run_does_not_depend_on_the_clock(sent, watch, monkeypatch):
    now, steps = time.time(), itertools.cycle((0, -DAY, DAY))
    monkeypatch.setattr(time, "time", lambda: now + next(steps))
    began = time.monotonic()
    folder = complete_run(run_stylize(*sent, None, *knob_values()))
    seconds = runs.last_outcome(Path(folder)).last_picture.seconds
    assert 0 <= seconds <= time.monotonic() - began


def test_half_written_file_of_a_killed_server_is_deleted_after_a_day(uploads):
    old, new = uploads / ".0123.part", uploads / ".4567.part"
    for file, hours in ((old, 25), (new, 1)):
        file.touch()
        os.utime(file, (time.time() - 3600 * hours,) * 2)
    runs.create_run()
    assert (old.exists(), new.exists()) == (False, True)
