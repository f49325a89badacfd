"""The folders of runs on the server: expiry, limit of states, and outcomes that are missing."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

from neural_style import Settings
from neural_style.web.run import addresses, finished, handlers, runs, view
from neural_style.web.run.handlers import run_stylize
from tests.web.stylize_calls import call_on_event_loop, complete_run, knob_values


def test_losses_that_are_not_finite_are_stored_as_nan(sent, watch, monkeypatch):
    stylize = handlers.stylize

    def diverge(*arguments, **options):
        for frame in stylize(*arguments, **options):
            losses = {"content": math.nan, "style": math.inf, "tv": 1.0}
            yield frame._replace(losses=losses)

    monkeypatch.setattr(handlers, "stylize", diverge)
    folder = Path(complete_run(run_stylize(*sent, None, *knob_values())))
    outcome = runs.last_outcome(folder)
    assert str(outcome.last_picture.losses) == "{'content': nan, 'style': nan, 'tv': 1.0}"
    assert {*outcome.progress.chart("en")["term"]} == {"tv"}
    assert finished.finish_run(str(folder), "", "en").status.kind == "done"


def test_run_deleted_while_its_outcome_is_written_has_none(sent, watch):
    """An error in the thread would fail this test, too."""
    folder = Path(complete_run(run_stylize(*sent, None, *knob_values())))
    shutil.rmtree(folder)
    run_view = view.RunView(folder, Settings(), "en")
    call_on_event_loop(run_view.finish)
    run_view.finishing_thread.join()
    assert runs.last_outcome(folder) is None


def test_outcome_that_a_killed_process_was_writing_is_not_awaited(sent, watch, monkeypatch):
    folder = Path(complete_run(run_stylize(*sent, None, *knob_values())))
    runs.mark_finishing(folder)
    monkeypatch.setattr(runs, "_FINISHING_TIMEOUT_SECONDS", 0.1)
    assert runs.last_outcome(folder).last_picture.iteration == 4


def test_run_goes_on_until_its_outcome_is_written(sent, watch, monkeypatch):
    results = run_stylize(*sent, None, *knob_values())
    folder = Path(next(results).run)
    assert runs.goes_on(folder)
    results.close()
    assert not runs.goes_on(folder)
    runs.mark_finishing(folder)
    assert runs.goes_on(folder)
    monkeypatch.setattr(runs, "_FINISHING_TIMEOUT_SECONDS", 0)
    assert not runs.goes_on(folder)


def test_run_found_through_a_linked_folder_goes_on(uploads, tmp_path, monkeypatch, sent, watch):
    (tmp_path / "linked").symlink_to(uploads)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "linked"))
    pictures = [str(tmp_path / "linked" / Path(path).name) for path in sent]
    results = run_stylize(*pictures, None, *knob_values())
    folder = runs.find_run(next(results).run)
    assert runs.goes_on(folder)
    results.close()
    assert not runs.goes_on(folder)


@pytest.mark.parametrize(
    "path", [None, "", "/etc", "../runs", "a\0b", "\ud800", "x" * 5000], ids=range(7)
)
def test_path_outside_the_folder_of_runs_is_no_run(path, uploads):
    """The browser sends the path of its latest run, so it may be anything."""
    runs.create_run()
    assert runs.find_run(path) is None


@pytest.mark.parametrize("path", ["", "/etc/4", "a\0b/4", "\ud800/4", "x" * 5000 + "/4"])
def test_path_outside_the_folder_of_runs_is_no_result(path, uploads):
    runs.create_run()
    assert runs.find_result(path) is None


def test_addresses_of_pictures_tell_neither_each_other_nor_the_run(uploads):
    run = runs.create_run()
    paths = [str(addresses.picture_path(run, iteration)) for iteration in (0, 20)]
    secrets = [path.removesuffix(".png")[-32:] for path in paths]
    assert len({*secrets, addresses.served_folder(run).name}) == 3
    assert not any(run.name in path for path in paths)
    assert runs.find_run(str(addresses.served_folder(run))) is None
