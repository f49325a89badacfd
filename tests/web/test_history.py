"""The visitor's earlier results: what a run adds, and what is read from the browser."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import gradio as gr
import pytest

from neural_style.web.page.history import added, changed_elsewhere, discarded, forgotten_all
from neural_style.web.run import runs
from neural_style.web.run.addresses import picture_path
from neural_style.web.run.finished import finish_run, read_history
from neural_style.web.run.handlers import run_continue, run_stylize
from tests.web.stylize_calls import complete_run, knob_values


@pytest.fixture
def results(uploads) -> list[str]:
    """Names of fourteen results, each of its own run; the files are empty."""
    made = [runs.create_run() for _ in range(14)]
    for run in made:
        picture_path(run, 4).touch()
    return [runs.result_name(run, 4) for run in made]


def test_newest_result_comes_first_and_each_once(sent, watch):
    history, names = "", []
    for seed in range(2):
        folder = complete_run(run_stylize(*sent, None, *knob_values(seed=seed)))
        for _ in range(2):
            outputs = finish_run(folder, history, "en")
            history = json.dumps(outputs.results)
        names.insert(0, runs.result_name(Path(folder), 4))
    assert outputs.results == names
    assert read_history(history) == names


def test_opened_result_keeps_its_place(sent, watch, results):
    folder = complete_run(run_stylize(*sent, None, *knob_values()))
    names = [results[0], runs.result_name(Path(folder), 4), results[1]]
    assert finish_run(folder, json.dumps(names), "en").results == names


def test_continued_run_has_one_result_its_last(sent, watch, results):
    folder = complete_run(run_stylize(*sent, None, *knob_values()))
    history = json.dumps([results[0], runs.result_name(Path(folder), 4), results[1]])
    assert complete_run(run_continue(folder, 2, "en")) == folder
    names = finish_run(folder, history, "en").results
    assert names == [runs.result_name(Path(folder), 6), *results[:2]]


def test_result_deleted_in_another_tab_meanwhile_is_left_out(sent, watch, results, monkeypatch):
    folder = complete_run(run_stylize(*sent, None, *knob_values()))
    monkeypatch.setattr("neural_style.web.run.finished.read_history", json.loads)
    gone = results[0]
    shutil.rmtree(runs.find_result(gone).run)
    names = finish_run(folder, json.dumps([gone, results[1]]), "en").results
    assert names == [runs.result_name(Path(folder), 4), results[1]]


def test_finished_run_keeps_the_newest_twelve_results(sent, watch, results):
    folder = complete_run(run_stylize(*sent, None, *knob_values()))
    outputs = finish_run(folder, json.dumps(results), "en")
    assert outputs.results == [runs.result_name(Path(folder), 4), *results[:11]]


def test_all_is_deleted_with_the_pictures_of_album_and_variations(columns, results):
    stored, others, kept = results[:2], results[2:5], results[5:]
    _, page = columns
    updates = forgotten_all(json.dumps(stored), others, "en", page)
    assert not any(map(runs.find_result, (*stored, *others)))
    assert all(map(runs.find_result, kept))
    assert updates[page.history] == "[]"
    assert updates[page.variations_box] == gr.update(visible=False)
    assert updates[page.variations] is None
    assert updates[page.kept_variations] == ()
    assert "Deleted" in updates[page.status]


@pytest.mark.parametrize("shown", [True, False], ids=["beside a result", "alone"])
def test_discarded_variations_are_deleted_and_the_result_before_is_shown_again(
    columns, results, shown
):
    _, page = columns
    variations = tuple((name, seed) for seed, name in enumerate(results[:4]))
    before = str(runs.find_result(results[4]).run) if shown else None
    updates = discarded(variations, before, "en", page)
    assert not any(map(runs.find_result, results[:4]))
    assert all(map(runs.find_result, results[4:]))
    assert updates[page.kept_variations] == ()
    assert updates[page.latest_variations] == "[]"
    assert updates[page.variations_box] == gr.update(visible=False)
    assert "The variations are deleted." in updates[page.status]
    visible = {
        part: updates[part]["visible"]
        for part in (page.picture, page.actions, page.tabs)
        if part in updates
    }
    assert visible == (
        dict.fromkeys((page.picture, page.actions, page.tabs), True) if shown else {}
    )
    assert (page.example in updates) is not shown


@pytest.mark.parametrize("kind", ["here", "deleted", "shared", "none"])
def test_result_deleted_in_another_tab_is_put_away(columns, results, kind):
    _, page = columns
    run = runs.find_result(results[0]).run
    shown = None if kind == "none" else str(run)
    if kind == "shared":
        shown = str(runs.find_shared_by_name(runs.share(run, 4)))
    if kind != "here":
        shutil.rmtree(run)
    updates = changed_elsewhere(shown, json.dumps(results[:3]), "en", page)
    assert [*json.loads(updates[page.history])] == results[kind != "here" : 3]
    assert (page.picture in updates) is (kind == "deleted")
    if kind == "deleted":
        assert updates[page.shown_run] is None
        assert "This result was deleted in another tab." in updates[page.status]


def test_new_results_come_before_the_stored_ones_each_once(columns, results):
    _, page = columns
    updates = added(results[:3], json.dumps(results[2:13]), "en", page)
    assert updates[page.history] == json.dumps([*results[:2], *results[2:12]])
    assert added(results[2:4], json.dumps(results[2:13]), "en", page) == {}
    assert added([f"{results[0]}0"], "", "en", page) == {}  # gone


def test_history_has_at_most_twelve_results(results):
    assert read_history(json.dumps(results)) == results[:12]


def test_repeated_results_are_read_once(results):
    assert read_history(json.dumps([results[1], results[0], results[1]])) == results[1::-1]


def test_results_that_are_gone_are_left_out(results):
    shutil.rmtree(Path(results[0]).parent)
    picture_path(Path(results[2]).parent, 4).unlink()
    assert read_history(json.dumps(results[:4])) == [results[1], results[3]]


def test_names_that_are_no_results_are_left_out(sent, uploads, results):
    run = Path(results[0]).parent
    (uploads / "shut" / "link").symlink_to(uploads.parent)
    for name in (
        *(f"{run}/5", f"{run}/-4", f"{run}/4.0", f"{run}/٤", f"{run}/", f"{run}/{'4' * 99}"),
        *(f"{uploads}/shut/link/4", f"{uploads}/shut/4", f"{uploads}/runs/../content.png"),
        *(str(picture_path(run, 4)), str(run), sent[0]),
        *("/etc/passwd", "", "a\0b", "\ud800", "x" * 100_000, 7, None, [results[0]], {}),
    ):
        assert read_history(json.dumps([name, results[1]])) == [results[1]]


@pytest.mark.parametrize(
    "text",
    [
        *("", "[", "nonsense", "\0", "null", "true", "7", '"text"', "{}", "[[]]", "[{}]"),
        *('[{"path": "a.png"}]', '{"results": []}', '["a.png"'),
        pytest.param("[" * 100_000, id="deep"),
        pytest.param("1" * 10_000, id="many digits"),
    ],
)
def test_malformed_history_is_empty(text, uploads):
    assert read_history(text) == []


def test_malformed_history_does_not_hide_a_finished_run(sent, watch):
    folder = complete_run(run_stylize(*sent, None, *knob_values()))
    outputs = finish_run(folder, "nonsense", "en")
    assert outputs.results == [runs.result_name(Path(folder), 4)]
