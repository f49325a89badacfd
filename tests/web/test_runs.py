"""What becomes of a run: its end, its continuation, what a visitor finds of it later."""

from __future__ import annotations

import asyncio
import math
import re
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gradio as gr
import pytest
import torch
from PIL import Image

from neural_style import Settings, load_image, save_image
from neural_style.devices import choose_device
from neural_style.images.files import resize
from neural_style.plan import clock
from neural_style.web.run import adapters, cost, finished, handlers, runs, view
from neural_style.web.run.handlers import run_stylize
from tests.conftest import picture
from tests.web.test_handlers import values


def the_run(results) -> str:
    """The folder in which the last of the results says its run is, once all is written there: in a
    thread of its own, where a browser has an event loop in this one.
    """
    folder = [*results][-1].run
    assert runs.last_outcome(Path(folder))
    return folder


@pytest.fixture
def every_step(monkeypatch):
    """A yield for each step, however short."""
    monkeypatch.setattr(view, "_YIELD_INTERVAL_SECONDS", 0)


@pytest.mark.usefixtures("every_step")
class TestEnd:
    """What there is when a run has ended, or was stopped."""

    def test_a_finished_run_has_files_a_comparison_and_a_film(self, sent, watch):
        results = list(run_stylize(*sent, None, *values(iterations=12, size=128)))
        found = finished.finish_run(results[-1].run, None, "en")
        assert (found.picture, found.status) == (results[-1].picture, results[-1].status)
        assert not found.is_error
        shown, film, files = found.picture, found.film, found.files
        assert [Path(file).suffix for file in files] == [".png", ".jpg", ".webp", ".mp4"]
        assert all(Path(file).stat().st_size > 0 for file in files)
        assert (files[0], film) == (shown, files[2])
        before, after = (load_image(path) for path in found.comparison)
        assert before.shape == after.shape == (1, 3, 85, 128)
        expected = resize(load_image(sent[0]), 85, 128)
        assert (before - expected).abs().mean() < 0.02
        assert torch.equal(after, load_image(shown))
        taken = [file.read_bytes() for file in Path(shown).parent.glob("film-*.jpg")]
        assert len(taken) == 12
        with Image.open(film) as shots:  # where the best stays, a picture is shown on
            assert shots.n_frames == len({*taken}) + 1
        assert found.results == [shown]

    def test_a_stopped_run_keeps_the_best_picture_losslessly(self, sent, watch):
        results = run_stylize(*sent, None, *values(iterations=500))
        for result in results:
            if result.status.startswith("**Iteration 7 "):
                break
        results.close()
        found = finished.finish_run(result.run, None, "en")
        assert Path(found.picture).name == "stylized-000007.png"
        assert re.match(
            r"\*\*Stopped\.\*\* Iteration 7 of 500, at \d+×\d+ · content ", found.status
        )
        assert found.files[0] == found.picture
        assert handlers.restore(found.picture)[0] == 500

    def test_stopped_before_a_picture_it_says_so(self, sent, watch):
        results = run_stylize(*sent, None, *values())
        folder = next(results).run
        results.close()
        line = "**Stopped** before there was a picture."
        assert finished.finish_run(folder, None, "en") == finished.FinishedOutputs(status=line)
        assert finished.finish_run(folder, None, "zh").status == "**已停止**，尚未得到图像。"

    def test_what_went_wrong_is_what_is_said_of_the_end(self, sent, uploads, watch):
        Image.new("RGB", (1, 1)).save(uploads / "dot.png")
        results, said = run_stylize(str(uploads / "dot.png"), sent[1], None, *values()), []
        with pytest.raises(gr.Error):
            said.extend(results)
        assert "content image is 1×1" in said[-1].status
        assert finished.finish_run(said[0].run, None, "en") == finished.FinishedOutputs(
            status=said[-1].status
        )

    def test_a_run_without_an_end_is_told_of(self, sent, watch, monkeypatch):
        monkeypatch.setattr(finished, "_OUTCOME_TIMEOUT_SECONDS", 0)
        results = run_stylize(*sent, None, *values())
        found = finished.finish_run(next(results).run, None, "en")
        line = "**That did not work.** The run has not ended within 0 s. Press Stylize again."
        assert found == finished.FinishedOutputs(status=line, is_error=True)
        results.close()

    def test_losses_that_are_not_finite_are_no_obstacle(self, sent, watch, monkeypatch):
        make = handlers.stylize

        def diverge(*arguments, **options):
            for frame in make(*arguments, **options):
                losses = {"content": math.nan, "style": math.inf, "tv": 1.0}
                yield frame._replace(losses=losses)

        monkeypatch.setattr(handlers, "stylize", diverge)
        folder = Path(the_run(run_stylize(*sent, None, *values())))
        end = runs.last_outcome(folder)
        assert str(end.last_picture.losses) == "{'content': nan, 'style': nan, 'tv': 1.0}"
        assert {*end.progress.chart()["term"]} == {"tv"}
        assert finished.finish_run(str(folder), None, "en").status.startswith(
            "**Done:** 4 iterations"
        )

    @pytest.mark.parametrize("run", [None, "", "/etc", "../runs"])
    def test_what_is_no_run_changes_nothing(self, run, sent):
        assert finished.finish_run(run, None, "en") == finished.FinishedOutputs()
        with pytest.raises(gr.Error, match="There is no result yet"):
            finished.picture_for_reuse(run, "en")
        with pytest.raises(gr.Error, match="There is no run to go on from"):
            list(handlers.run_continue(run, 5, "en"))

    def test_a_result_may_be_brought_again(self, sent, watch):
        results = list(run_stylize(*sent, None, *values()))
        assert finished.picture_for_reuse(results[-1].run, "en") == results[-1].picture
        again = list(run_stylize(results[-1].picture, sent[1], None, *values()))
        assert again[-1].status.startswith("**Done:**")


@pytest.mark.usefixtures("every_step")
class TestContinue:
    def test_stopped_and_continued_it_is_the_picture_of_the_whole_run(self, sent, watch):
        given = values(iterations=20, size=64, seed=3)
        straight = list(run_stylize(*sent, None, *given))[-1]
        results = run_stylize(*sent, None, *given)
        for result in results:
            if result.status.startswith("**Iteration 9 "):
                break
        results.close()
        continued = list(handlers.run_continue(result.run, 1, "en"))
        assert continued[2].status.split()[1] == "10"
        last = continued[-1]
        assert last.status.startswith("**Done:** 20 iterations")
        assert last.run == result.run
        assert torch.equal(load_image(last.picture), load_image(straight.picture))
        captions = [caption.split(" · ")[0] for _, caption in last.gallery]
        assert captions == ["0", "1", "2", "5", "9", "10", "20"]
        assert [*last.chart["iteration"]] == sorted(
            2 * [*range(21)]
        )  # content and style; nothing is asked of tv

    def test_a_finished_run_goes_on_for_so_many_more(self, sent, watch):
        folder = the_run(run_stylize(*sent, None, *values(iterations=10)))
        last = [*handlers.run_continue(folder, 15, "en")][-1]
        assert last.status.startswith("**Done:** 25 iterations")
        assert Path(last.picture).name == "stylized-000025.png"
        assert finished.finish_run(folder, None, "en").status == last.status
        assert handlers.restore(last.picture)[0] == 25

    def test_its_recipe_makes_the_very_picture_again(self, sent, watch):
        given = values(iterations=10, size=128, scales=2)
        folder = the_run(run_stylize(*sent, None, *given))
        *_, last = handlers.run_continue(folder, 15, "en")
        again = [*run_stylize(*sent, None, *handlers.restore(last.picture))][-1]
        assert torch.equal(load_image(again.picture), load_image(last.picture))

    def test_a_continuation_cut_off_leaves_the_run_as_it_was(self, sent, watch):
        folder = the_run(run_stylize(*sent, None, *values(iterations=10)))
        runs.mark_started(Path(folder))
        assert runs.wait_for_outcome(Path(folder), 0) is None
        assert finished.picture_for_reuse(folder, "en").endswith("stylized-000010.png")
        assert [*handlers.run_continue(folder, 5, "en")][-1].status.startswith("**Done:** 15")

    def test_a_run_with_shares_for_its_sizes_reserves_what_is_left(self, sent, watch, monkeypatch):
        given = values(iterations=10, size=128, scale_shares="1,1")
        folder = the_run(run_stylize(*sent, None, *given))
        assert handlers.gpu_seconds_to_continue(folder, 5, "en") >= 1
        monkeypatch.setenv("SPACES_ZERO_GPU", "1")
        monkeypatch.setattr(cost, "MAX_RESERVED_SECONDS", 1)
        with pytest.raises(gr.Error, match="would reserve the GPU for about"):
            list(handlers.run_continue(folder, 5, "en"))

    @pytest.mark.parametrize(
        "error", [OSError(28, "No space left on device"), RuntimeError("not enough memory")]
    )
    def test_a_full_disk_costs_no_more_than_the_continuation(self, error, sent, watch, monkeypatch):
        def full(state, path):
            raise error

        monkeypatch.setattr(torch, "save", full)
        folder = the_run(run_stylize(*sent, None, *values()))
        assert finished.finish_run(folder, None, "en").picture.endswith("stylized-000004.png")
        with pytest.raises(gr.Error, match="only the newest few are kept"):
            list(handlers.run_continue(folder, 5, "en"))

    def test_a_stop_that_cannot_keep_its_picture_says_so(self, sent, uploads, watch):
        results = run_stylize(*sent, None, *values(iterations=1000))
        folder = [next(results) for _ in range(6)][-1].run
        shutil.rmtree(folder)
        results.close()
        assert watch.ended == 1
        line = runs.last_outcome(Path(folder)).status_line("en")
        assert line.startswith("**That did not work.** Cannot write")

    def test_a_state_that_fails_by_a_mistake_does_not_cost_the_end(self, sent, watch, monkeypatch):
        def fail(state, path):
            raise RuntimeError("a mistake")

        monkeypatch.setattr(torch, "save", fail)
        results = run_stylize(*sent, None, *values())
        folder = next(results).run
        with pytest.raises(RuntimeError, match="a mistake"):
            list(results)
        assert finished.picture_for_reuse(folder, "en").endswith("stylized-000004.png")

    def test_a_stop_on_the_event_loop_waits_for_no_disk_and_loses_nothing(
        self, sent, watch, monkeypatch
    ):
        given = values(iterations=20, size=64, seed=3)
        straight = list(run_stylize(*sent, None, *given))[-1]
        results = run_stylize(*sent, None, *given)
        for result in results:
            if result.status.startswith("**Iteration 9 "):
                break
        disk, save_state = threading.Event(), view.save_state

        def slowly(*arguments):
            assert disk.wait(20)
            return save_state(*arguments)

        async def stop():
            results.close()

        monkeypatch.setattr(view, "save_state", slowly)
        with ThreadPoolExecutor(1) as elsewhere:  # a browser may have a loop in this thread
            elsewhere.submit(asyncio.run, stop()).result()
        folder = Path(result.run)
        assert not runs.state_file(folder).exists()
        assert runs.wait_for_outcome(folder, 0) is None
        threading.Timer(0.3, disk.set).start()
        continued = [*handlers.run_continue(str(folder), 1, "en")][-1]
        assert continued.status.startswith("**Done:** 20 iterations")
        assert torch.equal(load_image(continued.picture), load_image(straight.picture))

    def test_a_run_swept_while_it_ends_elsewhere_says_nothing(self, sent, watch):
        """An error in a thread would be one of this test, too."""
        folder = Path(the_run(run_stylize(*sent, None, *values())))
        shutil.rmtree(runs.private_folder() / folder.name)
        seen = view.RunView(folder, Settings(), "en")

        async def stop():
            seen.finish()

        with ThreadPoolExecutor(1) as elsewhere:
            elsewhere.submit(asyncio.run, stop()).result()
        seen.finishing_thread.join()
        assert runs.last_outcome(folder) is None

    def test_what_a_killed_process_left_is_not_waited_for_forever(self, sent, watch, monkeypatch):
        folder = Path(the_run(run_stylize(*sent, None, *values())))
        runs.mark_finishing(folder)
        monkeypatch.setattr(runs, "_FINISHING_TIMEOUT_SECONDS", 0.1)
        assert runs.last_outcome(folder).last_picture.iteration == 4

    def test_what_cannot_go_on_is_told(self, sent, watch):
        folder = the_run(run_stylize(*sent, None, *values()))
        for more, words in (
            (0, "iterations must be a whole number from 1"),
            (None, "iterations must be a whole number from 1"),
            (1999, "iterations is at most 2000 on this page"),
        ):
            with pytest.raises(gr.Error, match=words):
                list(handlers.run_continue(folder, more, "en"))
        runs.state_file(Path(folder)).unlink()
        with pytest.raises(gr.Error, match="only the newest few are kept"):
            list(handlers.run_continue(folder, 5, "en"))
        assert handlers.gpu_seconds_to_continue(folder, 5, "en") > 0

    def test_more_iterations_reserve_more_seconds(self, sent, watch):
        folder = the_run(run_stylize(*sent, None, *values(size=1536, iterations=1)))
        few, many = (handlers.gpu_seconds_to_continue(folder, more, "en") for more in (10, 1000))
        assert type(few) is int
        assert few < many

    def test_only_the_newest_states_are_kept(self, sent, watch, monkeypatch):
        folders = [Path(the_run(run_stylize(*sent, None, *values()))) for _ in range(2)]
        size = runs.state_file(folders[1]).stat().st_size
        monkeypatch.setattr(runs, "MAX_STATES_BYTES", int(2.5 * size))
        folders.append(Path(the_run(run_stylize(*sent, None, *values()))))
        assert [runs.state_file(folder).exists() for folder in folders] == [False, True, True]


class TestOnThePage:
    """What was there stays until there is something new; only the line above it changes."""

    def test_a_refusal_leaves_all_but_the_line(self, sent, uploads, watch):
        Image.new("RGB", (1, 1)).save(uploads / "dot.png")
        folder = the_run(run_stylize(*sent, None, *values()))
        for handler, given, words in (
            (run_stylize, [str(uploads / "dot.png"), sent[1], None, *values()], "content image is"),
            (run_stylize, [*sent, None, *values(iterations=0)], "iterations must be"),
            (handlers.run_continue, [folder, 0, "en"], "iterations must be"),
            (handlers.run_continue, [None, 5, "en"], "There is no run to go on from"),
        ):
            shown = []
            with pytest.raises(gr.Error, match=words):
                shown.extend(adapters.page_handler(handler)(*given))
            assert words in shown[-1][2]
            for picture_, gallery, _, chart, run, _ in shown:
                assert [picture_, gallery, chart, run] == 4 * [gr.skip()]

    def test_the_run_that_is_shown_changes_with_its_first_picture(self, sent, watch):
        results = [*adapters.page_handler(run_stylize)(*sent, None, *values())]
        begun = results[0][5]
        assert [one[4] for one in results[:3]] == [gr.skip(), gr.skip(), begun]
        assert {one[5] for one in results} == {begun}
        assert results[2][0].endswith("stylized-000000.png")
        assert results[2][1:4] != 3 * [gr.skip()]

    def test_closing_it_stops_the_network(self, sent, watch):
        results = adapters.page_handler(run_stylize)(*sent, None, *values(iterations=2000))
        for _ in range(4):
            next(results)
        results.close()
        assert watch.ended == 1


class TestHistory:
    def test_the_newest_come_first_and_each_once(self, sent, watch):
        history, shown = [], []
        for seed in range(2):
            folder = the_run(run_stylize(*sent, None, *values(seed=seed)))
            for _ in range(2):
                found = finished.finish_run(folder, history, "en")
                history = finished.to_history(found.results)
            shown.insert(0, found.picture)
        assert found.results == shown
        assert finished.read_history(history) == shown

    def test_what_is_gone_is_forgotten(self, sent, watch):
        folder = the_run(run_stylize(*sent, None, *values()))
        history = finished.to_history(finished.finish_run(folder, None, "en").results)
        shutil.rmtree(folder)
        assert finished.read_history(history) == []

    def test_a_browser_may_have_remembered_anything(self, sent, uploads, watch):
        folder = the_run(run_stylize(*sent, None, *values()))
        private = str(save_image(picture(64, 64), Path(sent[0]).parents[1] / "private.png"))
        winding = f"{folder}/../../../private.png"
        inside = f"{uploads}/runs/../content.png"
        for path in (private, winding, inside, sent[0], "/etc/passwd", "", 7, None):
            assert finished.read_history([{"path": path}]) == []
        for odd in ("x", 5, {}, [7], [[]], [{}]):
            assert finished.read_history(odd) == []


class TestSharedResults:
    def test_a_result_opens_with_its_settings_until_it_is_gone(self, sent, watch):
        given = values(iterations=3, size=96, seed=9)
        *_, last = run_stylize(*sent, None, *given)
        shown, folder = last.picture, last.run
        name = runs.result_name(finished.picture_for_reuse(folder, "en"))
        picture_, knobs, (line,) = finished.open_shared_result(name, "en")
        assert (picture_, [*knobs.values()]) == (shown, given)
        assert "It is kept for about a day" in line
        shutil.rmtree(folder)
        assert finished.open_shared_result(name, "en") == (
            None,
            {},
            ["The result of this link is no longer here: results are kept for about a day."],
        )
        assert finished.open_shared_result(None, "en") == (None, {}, [])

    def test_it_is_a_result_like_any_other_but_is_not_continued(self, sent, watch):
        *_, last = run_stylize(*sent, None, *values())
        shown = last.picture
        assert finished.find_picture(shown) == finished.picture_for_reuse(shown, "en") == shown
        more = handlers.run_continue(shown, 5, "en")
        with pytest.raises(gr.Error, match="only by whoever made it"):
            list(more)
        assert finished.find_picture(sent[0]) is None

    def test_nothing_but_a_result_opens(self, sent, uploads, watch):
        folder = the_run(run_stylize(*sent, None, *values()))
        token = Path(folder).name
        inside = f"{token}/../../{Path(sent[0]).stem}"
        for name in (
            "",
            "..",
            "/etc/passwd",
            inside,
            token,
            f"{token}/",
            f"{token}/a\0b",
            "x" * 9999,
        ):
            assert finished.open_shared_result(name, "en")[:2] == (None, {})


class TestEstimate:
    def test_the_last_run_tells_how_long_the_next_takes(self, sent, watch):
        before = handlers.estimate("en", *values(iterations=200, size=512))
        assert re.fullmatch(r"About .* on this machine, without what waits in line\.", before)
        shown = load_image([*run_stylize(*sent, None, *values(iterations=30))][-1].picture)
        settings = Settings(iterations=30, size=64)
        cost.record_speed(settings, tuple(shown.shape[-2:]), 60.0)
        said = handlers.estimate("en", *values(iterations=30, size=64))
        assert re.match(r"About (1 min|5\d s|6\d s)", said)
        assert "iterations must be" in handlers.estimate("en", *values(iterations=0))

    def test_the_machine_is_measured_once_and_goes_by_its_first_real_run(
        self, uploads, monkeypatch
    ):
        measured = []

        def measure(may_go_on):
            assert may_go_on()
            measured.append(True)
            return 1e5

        monkeypatch.setattr(cost, "measure_speed", measure)
        measurement = cost.SpeedMeasurement()
        settings = Settings(iterations=30, size=64)
        guess = cost.expected_seconds(settings)
        assert measurement.start()
        measurement.join()
        assert cost.machine_speed() == 1e5
        ratio = clock.GUESSED_SPEEDS[choose_device("auto").type] / 1e5
        assert cost.expected_seconds(settings) == pytest.approx(ratio * guess)
        assert not measurement.start()
        cost.record_speed(settings, (48, 64), 60.0)
        assert cost.expected_seconds(settings) == pytest.approx(60.0)
        assert measured == [True]

    def test_nothing_is_measured_where_the_gpu_is_lent(self, uploads, monkeypatch):
        monkeypatch.setenv("SPACES_ZERO_GPU", "true")
        assert not cost.SpeedMeasurement().start()
        assert cost.machine_speed() == 5e6

    def test_a_run_that_begins_ends_the_measurement(self, sent, watch, uploads, monkeypatch):
        measurement = cost.SpeedMeasurement()
        begun, asked = threading.Event(), []

        def measure(may_go_on):
            asked.append(may_go_on())
            begun.wait(60)
            asked.append(may_go_on())
            return 1e5 if asked[-1] else None

        monkeypatch.setattr(cost, "measure_speed", measure)
        assert measurement.start()
        [
            *adapters.stop_measurement_first(measurement, run_stylize)(
                *sent, None, *values(iterations=2)
            )
        ]
        begun.set()
        measurement.join()
        assert asked == [True, False]
        assert cost.machine_speed() != 1e5

    def test_where_nothing_can_be_measured_the_guess_stays(self, uploads, monkeypatch):
        def fail(may_go_on):
            raise RuntimeError("out of memory")

        monkeypatch.setattr(cost, "measure_speed", fail)
        guess, measurement = cost.machine_speed(), cost.SpeedMeasurement()
        assert measurement.start()
        measurement.join()
        assert cost.machine_speed() == guess

    def test_a_run_of_a_statistic_that_costs_less_is_expected_to_end_sooner(
        self, uploads, monkeypatch
    ):
        monkeypatch.setitem(clock.COST_OF_STATISTIC, Settings().statistic, 1.0)
        gram = cost.expected_seconds(Settings())
        monkeypatch.setitem(clock.COST_OF_STATISTIC, Settings().statistic, 0.8)
        assert cost.expected_seconds(Settings()) == pytest.approx(0.8 * gram)
