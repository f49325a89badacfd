"""Continuing a run from its saved state, and what happens where that is impossible."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gradio as gr
import pytest
import torch

from neural_style import load_image
from neural_style.web.run import checks, cost, finished, handlers, runs, view
from neural_style.web.run.addresses import picture_path, served_folder
from neural_style.web.run.handlers import run_continue, run_stylize
from neural_style.web.run.status import Status
from neural_style.web.run.view import Outputs
from tests.web.stylize_calls import call_on_event_loop, complete_run, knob_values, run_until


@pytest.fixture(autouse=True)
def every_step(monkeypatch) -> None:
    """Each step has outputs of its own."""
    monkeypatch.setattr(view, "_YIELD_INTERVAL_SECONDS", 0)


def refused_continuation(folder: str | None, more: object) -> str:
    """The message of a continuation that is refused before it begins."""
    shown: list[Outputs] = []
    with pytest.raises(gr.Error) as error:
        shown.extend(run_continue(folder, more, "en"))
    message = error.value.message
    field = "by" if message.startswith("Steps to add") else ""
    failed = Status("failed", "That did not work", message, field=field)
    assert shown == [Outputs(None, [], failed, None, None)]
    return message


class TestResult:
    def test_stopped_and_continued_run_equals_an_uninterrupted_one(self, sent, watch):
        values = knob_values(iterations=20, size=64, seed=3)
        *_, uninterrupted = run_stylize(*sent, None, *values)
        stopped = run_until(run_stylize(*sent, None, *values), 9)
        continued = list(run_continue(stopped.run, 1, "en"))
        assert continued[0].status == Status("busy", "Continuing…", fraction=0.0)
        assert continued[0].picture == continued[0].gallery[-1][0]
        assert "step 10 of 20" in continued[2].status.detail
        last = continued[-1]
        assert last.status.headline.startswith("Done in ")
        assert last.status.detail == "20 steps · 64×43"
        assert last.run == stopped.run
        assert torch.equal(load_image(last.picture), load_image(uninterrupted.picture))
        captions = [caption for _, caption in last.gallery]
        assert captions == ["start", *(f"step {number}" for number in (1, 2, 5, 9, 10, 20))]
        # Losses of content and style; total variation has no weight.
        assert [*last.chart["iteration"]] == sorted(2 * [*range(21)])

    def test_finished_run_continues_for_the_given_iterations(self, sent, watch):
        folder = complete_run(run_stylize(*sent, None, *knob_values(iterations=10)))
        *_, last = run_continue(folder, 15, "en")
        assert last.status.detail == "25 steps · 64×43"
        assert Path(last.picture).name.startswith("stylized-000025-")
        assert finished.finish_run(folder, "", "en").status == last.status
        assert handlers.restore(last.picture)[0] == 25

    def test_duration_of_a_continued_run_is_that_of_all_its_parts(self, sent, watch):
        watch.seconds_per_look = 0.02
        folder = complete_run(run_stylize(*sent, None, *knob_values(iterations=20)))
        before = runs.last_outcome(Path(folder)).last_picture.seconds
        complete_run(run_continue(folder, 1, "en"))
        assert before > 0.4
        assert before < runs.last_outcome(Path(folder)).last_picture.seconds < 2 * before

    @pytest.mark.slow
    def test_recipe_of_a_continued_run_makes_the_same_picture(self, sent, watch):
        values = knob_values(iterations=10, size=128, scales=2)
        folder = complete_run(run_stylize(*sent, None, *values))
        *_, last = run_continue(folder, 15, "en")
        *_, again = run_stylize(*sent, None, *handlers.restore(last.picture))
        assert torch.equal(load_image(again.picture), load_image(last.picture))

    def test_interrupted_continuation_leaves_the_previous_outcome(self, sent, watch):
        folder = complete_run(run_stylize(*sent, None, *knob_values(iterations=10)))
        runs.mark_started(Path(folder))
        assert runs.wait_for_outcome(Path(folder), 0) is None
        assert finished.picture_for_reuse(folder, "en") == str(picture_path(Path(folder), 10))
        *_, last = run_continue(folder, 5, "en")
        assert last.status.detail == "15 steps · 64×43"

    def test_stop_on_the_event_loop_saves_the_state_in_a_thread(self, sent, watch, monkeypatch):
        values = knob_values(iterations=20, size=64, seed=3)
        *_, uninterrupted = run_stylize(*sent, None, *values)
        results = run_stylize(*sent, None, *values)
        for shown in results:
            if "step 9 of 20" in shown.status.detail:
                break
        disk, save_state = threading.Event(), view.save_state

        def save_when_disk_is_free(*arguments):
            assert disk.wait(20)
            return save_state(*arguments)

        monkeypatch.setattr(view, "save_state", save_when_disk_is_free)
        call_on_event_loop(results.close)
        folder = Path(shown.run)
        assert not runs.state_file(folder).exists()
        assert runs.wait_for_outcome(folder, 0) is None
        threading.Timer(0.3, disk.set).start()
        *_, continued = run_continue(str(folder), 1, "en")
        assert continued.status.detail == "20 steps · 64×43"
        assert torch.equal(load_image(continued.picture), load_image(uninterrupted.picture))


class TestRefusals:
    @pytest.mark.parametrize(
        ("more", "message"),
        [
            (0, "Steps to add must be a whole number from 1 to 1,996."),
            (None, "Steps to add must be a whole number from 1 to 1,996."),
            (1997, "Steps to add must be a whole number from 1 to 1,996."),
        ],
    )
    def test_invalid_number_of_steps_is_refused_with_the_most(self, more, message, sent, watch):
        folder = complete_run(run_stylize(*sent, None, *knob_values()))
        assert refused_continuation(folder, more) == message

    def test_refused_number_of_steps_is_marked(self, sent, watch):
        folder = complete_run(run_stylize(*sent, None, *knob_values()))
        refused = run_continue(folder, 0, "zh")
        shown = next(refused).status
        assert (shown.kind, shown.field) == ("failed", "by")
        assert shown.detail == "追加步数必须是 1 到 1,996 的整数。"

    def test_run_at_the_limit_of_the_page_is_not_continued(self, sent, watch, monkeypatch):
        monkeypatch.setitem(checks.PAGE_LIMITS, "iterations", 4)
        folder = complete_run(run_stylize(*sent, None, *knob_values()))
        assert "iterations is at most 4 on this page" in refused_continuation(folder, 1)

    @pytest.mark.parametrize(
        ("run", "message"),
        [
            (None, "There is no run to continue. Press Paint first."),
            ("", "There is no run to continue. Press Paint first."),
            ("/etc", "This result is no longer here"),
            ("../runs", "This result is no longer here"),
        ],
    )
    def test_path_that_is_no_run_is_refused(self, run, message, sent):
        assert refused_continuation(run, 5).startswith(message)

    def test_run_stopped_before_its_first_picture_is_not_said_to_be_deleted(self, sent, watch):
        results = run_stylize(*sent, None, *knob_values())
        folder = next(results).run
        results.close()
        message = "There is no run to continue. Press Paint first."
        assert refused_continuation(folder, 5) == message
        with pytest.raises(gr.Error, match="There is no result yet"):
            finished.picture_for_reuse(folder, "en")

    def test_run_whose_state_was_deleted_is_refused(self, sent, watch):
        folder = complete_run(run_stylize(*sent, None, *knob_values()))
        runs.state_file(Path(folder)).unlink()
        assert "only the newest few are kept" in refused_continuation(folder, 5)
        assert handlers.gpu_seconds_to_continue(folder, 5, "en") > 0

    @pytest.mark.parametrize(
        "error", [OSError(28, "No space left on device"), RuntimeError("not enough memory")]
    )
    def test_run_whose_state_did_not_fit_is_refused(self, error, sent, watch, monkeypatch):
        def fail(state, path):
            raise error

        monkeypatch.setattr(torch, "save", fail)
        folder = complete_run(run_stylize(*sent, None, *knob_values()))
        picture = finished.finish_run(folder, "", "en").picture
        assert picture == str(picture_path(Path(folder), 4))
        assert "only the newest few are kept" in refused_continuation(folder, 5)

    def test_continuation_too_long_for_zero_gpu_is_refused(self, sent, watch, monkeypatch):
        values = knob_values(iterations=10, size=128, scale_shares="1,1")
        folder = complete_run(run_stylize(*sent, None, *values))
        assert handlers.gpu_seconds_to_continue(folder, 5, "en") >= 1
        monkeypatch.setenv("SPACES_ZERO_GPU", "1")
        monkeypatch.setattr(cost, "MAX_RESERVED_SECONDS", 1)
        message = refused_continuation(folder, 5)
        assert message.startswith("This run would reserve the GPU for about")


class TestFailures:
    def test_stop_that_cannot_save_its_picture_stores_the_reason(self, sent, uploads, watch):
        results = run_stylize(*sent, None, *knob_values(iterations=1000))
        folder = [next(results) for _ in range(6)][-1].run
        shutil.rmtree(served_folder(Path(folder)))
        results.close()
        assert watch.ended == 1
        status = runs.last_outcome(Path(folder)).status("en")
        assert (status.kind, status.headline) == ("failed", "That did not work")
        assert status.detail.startswith("Cannot write")

    def test_stop_whose_outcome_cannot_be_written_ends_quietly(self, sent, uploads, watch):
        results = run_stylize(*sent, None, *knob_values(iterations=1000))
        folder = [next(results) for _ in range(6)][-1].run
        shutil.rmtree(folder)
        results.close()
        assert watch.ended == 1

    def test_unexpected_error_while_saving_the_state_keeps_the_picture(
        self, sent, watch, monkeypatch
    ):
        def fail(state, path):
            raise RuntimeError("a mistake")

        monkeypatch.setattr(torch, "save", fail)
        results = run_stylize(*sent, None, *knob_values())
        folder = next(results).run
        # A handler runs in a thread; in this one, a browser may have left its event loop.
        with ThreadPoolExecutor() as pool, pytest.raises(RuntimeError, match="a mistake"):
            pool.submit(list, results).result()
        assert finished.picture_for_reuse(folder, "en") == str(picture_path(Path(folder), 4))
