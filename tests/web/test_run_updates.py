"""Updates of the page's components: during a run, after its end, and when a result is opened."""

from __future__ import annotations

import json
import re
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

from neural_style.web.page import run_updates
from neural_style.web.page.album import album_handler
from neural_style.web.page.history import stored_history
from neural_style.web.page.manners import rounded
from neural_style.web.page.results import MORE_ITERATIONS
from neural_style.web.page.run_updates import page_handler, variations_handler
from neural_style.web.page.status_view import details_text, status_html
from neural_style.web.run import runs, status
from neural_style.web.run.gpu import explain_gpu_errors
from neural_style.web.run.handlers import run_continue, run_stylize, seconds_to_continue
from neural_style.web.run.status import Status
from neural_style.web.run.variations import run_variations
from neural_style.web.run.view import Outputs
from neural_style.web.text.texts import format_duration
from tests.web.stylize_calls import complete_run, knob_values

STOPPED_EARLY = Status("done", "Stopped before there was a picture.")


class TestPageHandler:
    def test_only_the_status_changes_before_the_first_picture(self, columns, sent, watch):
        inputs, results = columns
        preparing, looking, first, *_ = page_handler(run_stylize, *columns)(
            *sent, None, *knob_values()
        )
        assert preparing.pop(inputs.stop) == gr.update(interactive=True)
        for updates in (preparing, looking):
            assert updates.keys() == {results.status, results.latest_run}
        assert preparing[results.status] == status_html(status.preparing("preparing"))
        assert first[results.shown_run] == first[results.latest_run]
        assert first[results.latest_run] == preparing[results.latest_run]

    def test_first_picture_replaces_the_example(self, columns, sent, watch):
        _, results = columns
        outputs = [*run_stylize(*sent, None, *knob_values())]
        updates = [*page_handler(iter_outputs(outputs), *columns)("a.png", "b.png")]
        assert updates[2] == {
            results.status: status_html(outputs[2].status),
            results.latest_run: outputs[2].run,
            results.example: gr.update(visible=False),
            results.picture: picture_update(outputs[2].picture),
            results.gallery: outputs[2].gallery,
            results.tabs: gr.update(visible=True),
            results.details: details_text(outputs[2].status),
            results.shown_run: outputs[2].run,
            results.chart: outputs[2].chart,
        }

    def test_chart_that_is_empty_stays_as_it_is(self, columns):
        outputs = Outputs("a.png", [], Status("busy", "Painting"), None, "folder")
        (updates,) = page_handler(iter_outputs([outputs]), *columns)("a.png", "b.png")
        assert columns.results.chart not in updates
        assert updates[columns.results.picture] == picture_update("a.png")

    @pytest.mark.parametrize(
        ("more", "message"),
        [(0, "Steps to add must be a whole number"), (1997, "Steps to add must be a whole number")],
    )
    def test_refused_continuation_changes_only_the_status(
        self, columns, more, message, sent, watch
    ):
        folder = complete_run(run_stylize(*sent, None, *knob_values()))
        (updates,) = page_handler(run_continue, *columns)(folder, more, "en")
        inputs, results = columns
        assert updates.keys() == {results.status, results.latest_run, inputs.stop}
        assert 'class="status failed"' in updates[columns.results.status]
        assert message in updates[columns.results.status]
        assert updates[columns.results.latest_run] is None

    def test_error_of_a_run_stays_in_the_status_and_is_not_raised(
        self, columns, sent, uploads, watch
    ):
        Image.new("RGB", (1, 1)).save(uploads / "dot.png")
        handler = page_handler(run_stylize, *columns)
        *_, last = handler(str(uploads / "dot.png"), sent[1], None, *knob_values())
        assert last.keys() == {columns.results.status, columns.results.latest_run}
        assert 'class="status failed"' in last[columns.results.status]
        assert "content image is 1×1" in last[columns.results.status]

    @pytest.mark.parametrize("adapt", [page_handler, variations_handler, album_handler])
    def test_gpu_error_before_the_first_output_is_in_the_status(self, columns, adapt):
        """ZeroGPU refuses a visitor without quota before the run begins."""

        def handler(content, language="en"):
            raise gr.Error("You have exceeded your quota", title="ZeroGPU quota exceeded")
            yield

        updates = [*adapt(explain_gpu_errors(handler), *columns)("a.png")]
        assert len(updates) == 1
        assert "Your share of GPU time for today is used up" in updates[0][columns.results.status]

    def test_unexpected_error_is_raised(self, columns):
        def handler(content):
            yield Outputs(None, [], Status("busy", "Painting"), None, "folder")
            raise RuntimeError("a mistake")

        with pytest.raises(RuntimeError, match="a mistake"):
            list(page_handler(handler, *columns)("a.png"))

    def test_closing_stops_the_network(self, columns, sent, watch):
        results = page_handler(run_stylize, *columns)(*sent, None, *knob_values(iterations=2000))
        for _ in range(4):
            next(results)
        results.close()
        assert watch.ended == 1


def picture_update(path: str) -> dict:
    """The update that shows the picture as the result."""
    return gr.update(value=path, visible=True, label="Result")


def iter_outputs(outputs: list[Outputs]):
    """A handler that yields these outputs."""

    def handler(content, style, language="en"):
        yield from outputs

    return handler


class TestVariationsHandler:
    def test_pictures_appear_with_their_seeds(self, columns, sent, watch):
        inputs, results = columns
        arguments = [*sent, None, *knob_values(iterations=2, seed=7)]
        updates = [*variations_handler(run_variations, *columns)(*arguments)]
        # A result that is shown stays whole until there is a variation.
        assert updates[0].keys() == {results.status, results.latest_run, inputs.stop}
        assert updates[0][results.latest_run] is None
        assert updates[-1][results.variations_box] == gr.update(visible=True)
        for replaced in (results.example, results.picture, results.actions, results.tabs):
            assert updates[-1][replaced] == gr.update(visible=False)
        gallery = updates[-1][results.variations]
        assert [caption for _, caption in gallery] == [f"seed {k}" for k in range(7, 11)]
        kept = updates[-1][results.kept_variations]
        assert [seed for _, seed in kept] == [7, 8, 9, 10]
        pictures = [str(runs.find_result(name).picture) for name, _ in kept]
        assert [path for path, _ in gallery] == pictures
        assert updates[-1][results.status] == status_html(status.varied(4))


class TestEnd:
    def test_finished_run_shows_picture_files_comparison_and_history(
        self, columns, sent, watch, monkeypatch
    ):
        _, results = columns
        *_, last = run_stylize(*sent, None, *knob_values(seed=7))
        monkeypatch.setattr(run_updates, "expected_continuation_seconds", lambda *given: 24.0)
        updates = run_updates.finished(last.run, "", "en", results)
        comparison, chart = updates.pop(results.compare), updates.pop(results.chart)
        assert comparison[1] == last.picture
        assert chart.equals(last.chart)
        files = updates.pop(results.files)
        assert [Path(file).name for file in files] == [
            f"content-style-7{ending}" for ending in (".png", ".jpg", ".webp")
        ]
        assert updates == {
            results.status: status_html(last.status),
            results.example: gr.update(visible=False),
            results.picture: picture_update(files[0]),
            results.actions: gr.update(visible=True),
            results.tabs: gr.update(visible=True),
            results.details: details_text(last.status),
            results.gallery: last.gallery,
            results.go_on: gr.update(visible=True),
            results.forget_shown: gr.update(visible=True),
            results.result_link_box: gr.update(value=None, visible=False),
            results.more_iterations: MORE_ITERATIONS,
            results.continue_run: "Continue (about 25 s)",
            results.history: json.dumps([runs.result_name(Path(last.run), 4)]),
            results.earlier: [(last.picture, "content · style · seed 7")],
            results.earlier_fold: gr.update(visible=True),
        }

    def test_refused_request_keeps_the_stored_history_at_its_end(self, columns, sent):
        results = columns.results
        assert run_updates.finished(None, "[1]", "en", results) == {results.history: "[1]"}

    @pytest.mark.parametrize("run", [None, ""])
    @pytest.mark.parametrize("varied", [0, 2])
    def test_run_stopped_in_line_says_so(self, columns, run, varied):
        results = columns.results
        stopped = run_updates.stopped(run, "[]", varied, "en", results)
        left = "2 of 4 variations are ready. Touch the one you like: it is painted with the "
        left = f"{left}chosen quality." if varied else ""
        only = status_html(Status("done", "Stopped.", left))
        assert stopped == {results.status: only, results.history: "[]"}

    def test_run_stopped_before_its_first_picture_says_so(self, columns, sent, watch):
        results = run_stylize(*sent, None, *knob_values())
        folder = next(results).run
        results.close()
        stopped = run_updates.stopped(folder, "", 0, "en", columns.results)
        words = status_html(STOPPED_EARLY)
        assert stopped == {columns.results.status: words, columns.results.history: ""}

    def test_stopped_run_offers_its_remaining_steps(self, columns, sent, watch):
        outputs = run_stylize(*sent, None, *knob_values(iterations=500))
        folder = [next(outputs) for _ in range(6)][-1].run
        outputs.close()
        reached = runs.last_outcome(Path(folder)).last_picture.iteration
        updates = run_updates.finished(folder, "", "en", columns.results)
        assert 0 < reached < 500
        assert updates[columns.results.more_iterations] == 500 - reached

    def test_continue_tells_the_time_of_its_steps(self, sent, watch):
        folder = complete_run(run_stylize(*sent, None, *knob_values()))
        few, many = (seconds_to_continue(folder, steps, "en") for steps in (20, 200))
        assert 0 < few < many
        label = run_updates.continue_label(folder, 200, "zh")
        assert label == f"继续（约 {format_duration(rounded(many), 'zh')}）"

    @pytest.mark.parametrize("steps", [0, -1, "ten", None, 1e9])
    def test_continue_tells_how_many_steps_can_be_made(self, sent, watch, steps):
        folder = complete_run(run_stylize(*sent, None, *knob_values()))
        label = run_updates.continue_label(folder, steps, "en")
        assert label == "Continue (by 1 to 1,996 steps)"
        assert run_updates.continue_label(None, 20, "en") == "Continue"

    def test_film_fills_its_two_components(self, columns, sent, watch):
        _, results = columns
        folder = complete_run(run_stylize(*sent, None, *knob_values(seed=7)))
        updates = run_updates.film(folder, results)
        assert {component: Path(path).name for component, path in updates.items()} == {
            results.film: "content-style-7-film.webp",
            results.film_file: "content-style-7-film.mp4",
        }
        assert run_updates.film(None, results) == {}

    def test_empty_updates_are_skipped(self, columns):
        updates = {columns.results.status: "Ready."}
        assert run_updates.or_skip(updates) is updates
        assert run_updates.or_skip({}) == gr.skip()


class TestOpened:
    def test_earlier_run_is_shown_with_its_folder(self, columns, sent, watch):
        _, results = columns
        *_, last = run_stylize(*sent, None, *knob_values())
        updates = run_updates.opened(Path(last.run), "", "en", results)
        named = updates[results.files][0]
        assert updates[results.picture] == picture_update(named)
        assert Path(named).read_bytes() == Path(last.picture).read_bytes()
        assert updates[results.shown_run] == updates[results.latest_run] == last.run
        assert updates[results.more_iterations] == MORE_ITERATIONS
        assert re.fullmatch(r"Continue \(about \d+ s\)", updates[results.continue_run])

    @pytest.mark.parametrize("has_left", [False, True])
    def test_stopped_run_says_after_a_reload_that_leaving_stops_it(
        self, columns, sent, watch, has_left
    ):
        results = run_stylize(*sent, None, *knob_values(iterations=12))
        stopped = next(shown.run for shown in results if shown.picture is not None)
        results.close()
        updates = run_updates.opened(Path(stopped), "", "en", columns.results, has_left=has_left)
        text = updates[columns.results.status]
        assert "Stopped after" in text
        assert ("Leaving or reloading the page stops its run." in text) is has_left
        assert "Continue goes on from here." in text

    def test_run_stopped_by_the_visitor_is_not_said_to_be_left(self, columns, sent, watch):
        outputs = run_stylize(*sent, None, *knob_values(iterations=12))
        run = next(shown.run for shown in outputs if shown.picture is not None)
        outputs.close()
        run_updates.stopped(run, "", 0, "en", columns.results)
        updates = run_updates.opened(Path(run), "", "en", columns.results, has_left=True)
        assert "Leaving" not in updates[columns.results.status]
        assert "Stopped after" in updates[columns.results.status]
        continued = run_continue(run, 10, "en")
        next(shown for shown in continued if shown.picture is not None)
        continued.close()
        updates = run_updates.opened(Path(run), "", "en", columns.results, has_left=True)
        assert "Leaving" in updates[columns.results.status]

    def test_finished_run_is_not_said_to_be_stopped(self, columns, sent, watch):
        *_, last = run_stylize(*sent, None, *knob_values())
        run, results = Path(last.run), columns.results
        again = run_updates.opened(run, "", "en", results, has_left=True)
        assert again[results.status] == run_updates.opened(run, "", "en", results)[results.status]

    def test_run_without_a_picture_shows_its_status_only(self, columns, sent, watch):
        results = run_stylize(*sent, None, *knob_values())
        folder = next(results).run
        results.close()
        opened = run_updates.opened(Path(folder), "", "en", columns.results)
        assert opened == {
            columns.results.status: status_html(STOPPED_EARLY),
            columns.results.waits_for_run: gr.update(active=False),
        }

    def test_shared_picture_is_shown_without_steps(self, columns):
        _, results = columns
        shown = status.shown(note="For a day.")
        assert run_updates.opened_shared("a.png", shown, "en", results) == {
            results.status: status_html(shown),
            results.example: gr.update(visible=False),
            results.picture: picture_update("a.png"),
            results.actions: gr.update(visible=True),
            results.tabs: gr.update(visible=False),
            results.files: ["a.png"],
            results.shown_run: "a.png",
            results.go_on: gr.update(visible=False),
            results.forget_shown: gr.update(visible=False),
        }

    def test_stored_history_leaves_out_results_that_are_gone(self, columns, sent, watch):
        _, results = columns
        *_, last = run_stylize(*sent, None, *knob_values(seed=7))
        name = runs.result_name(Path(last.run), 4)
        history = json.dumps([str(Path(last.run).with_name("gone") / "4"), name])
        assert stored_history(history, "en", results) == {
            results.history: json.dumps([runs.result_name(Path(last.run), 4)]),
            results.earlier: [(last.picture, "content · style · seed 7")],
            results.earlier_fold: gr.update(visible=True),
        }

    def test_empty_history_hides_its_gallery(self, columns, uploads):
        _, results = columns
        assert stored_history("", "en", results) == {
            results.history: "[]",
            results.earlier: [],
            results.earlier_fold: gr.update(visible=False),
        }
