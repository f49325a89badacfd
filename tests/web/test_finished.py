"""Results of a finished run: picture, status, comparison, reuse and links."""

from __future__ import annotations

import shutil
from pathlib import Path

import gradio as gr
import pytest
import torch
from PIL import Image

from neural_style import load_image
from neural_style.images.files import resize
from neural_style.web.run import finished, handlers, runs, view
from neural_style.web.run.addresses import picture_path, served_folder, share_note
from neural_style.web.run.cleanup import delete_run
from neural_style.web.run.finished import (
    FinishedOutputs,
    finish_run,
    make_film,
    result_title,
)
from neural_style.web.run.handlers import run_stylize
from neural_style.web.run.status import Status
from tests.web.stylize_calls import complete_run, failed_run, knob_values, run_until


@pytest.fixture
def every_step(monkeypatch) -> None:
    """Each step has outputs of its own."""
    monkeypatch.setattr(view, "_YIELD_INTERVAL_SECONDS", 0)


NO_RUNS = [
    (None, "There is no result yet"),
    ("", "There is no result yet"),
    ("/etc", "This result is no longer here"),
    ("../runs", "This result is no longer here"),
]
"""Paths that are no runs, and what is said."""


class TestFinishRun:
    def test_finished_run_has_its_last_outputs(self, sent, watch):
        *_, last = run_stylize(*sent, None, *knob_values(iterations=12))
        outputs = finish_run(last.run, "", "en")
        assert (outputs.picture, outputs.status) == (last.picture, last.status)
        assert outputs.gallery == last.gallery
        assert outputs.chart.equals(last.chart)
        assert outputs.results == [runs.result_name(Path(last.run), 12)]

    def test_comparison_has_the_content_image_at_the_size_of_the_result(self, sent, watch):
        *_, last = run_stylize(*sent, None, *knob_values(size=128))
        before, after = (load_image(path) for path in finish_run(last.run, "", "en").comparison)
        assert before.shape == after.shape == (1, 3, 85, 128)
        assert (before - resize(load_image(sent[0]), 85, 128)).abs().mean() < 0.02
        assert torch.equal(after, load_image(last.picture))

    def test_address_of_the_compared_content_image_is_unguessable(self, sent, watch):
        folders = [complete_run(run_stylize(*sent, None, *knob_values())) for _ in range(2)]
        paths = [Path(finish_run(folder, "", "en").comparison[0]) for folder in folders]
        names = {name for path in paths for name in path.parts[-3:-1]}
        assert len(names) == 4
        assert all(len(name) >= 22 for name in names)

    def test_run_opened_again_has_the_same_files_and_no_more(self, sent, watch):
        folder = complete_run(run_stylize(*sent, None, *knob_values()))

        def opened() -> tuple:
            outputs, film = finish_run(folder, "", "en"), make_film(folder)
            served = served_folder(Path(folder)).rglob("*.*")
            files = {path: path.stat().st_mtime_ns for path in served}
            return outputs.comparison, outputs.files, film, files

        assert opened() == opened()

    @pytest.mark.usefixtures("every_step")
    def test_stopped_run_keeps_its_last_picture_losslessly(self, sent, watch):
        last = run_until(run_stylize(*sent, None, *knob_values(iterations=500)), 7)
        outputs = finish_run(last.run, "", "en")
        assert outputs.picture == str(picture_path(Path(last.run), 7))
        assert outputs.status.headline == "Stopped after 7 of 500 steps"
        assert outputs.status.losses == last.status.losses
        captions = [caption for _, caption in outputs.gallery]
        assert captions == ["start", "step 1", "step 2", "step 5", "step 7"]
        assert handlers.restore(outputs.picture)[0] == 500

    def test_run_stopped_before_its_first_picture_has_only_a_status(self, sent, watch):
        results = run_stylize(*sent, None, *knob_values())
        folder = next(results).run
        results.close()
        for language, headline in (
            ("en", "Stopped before there was a picture."),
            ("zh", "已停止，尚未得到图像。"),
        ):
            outputs = finish_run(folder, "", language)
            assert outputs == FinishedOutputs(status=Status("done", headline))

    def test_failed_run_has_the_status_of_its_error(self, sent, uploads, watch):
        Image.new("RGB", (1, 1)).save(uploads / "dot.png")
        results = run_stylize(str(uploads / "dot.png"), sent[1], None, *knob_values())
        message, folder = failed_run(results)
        assert message.startswith("The content image is 1×1")
        failed = Status("failed", "That did not work", message)
        assert finish_run(folder, "", "en") == FinishedOutputs(status=failed)

    def test_run_that_does_not_end_in_time_is_a_failure(self, sent, watch, monkeypatch):
        monkeypatch.setattr(finished, "_OUTCOME_TIMEOUT_SECONDS", 0)
        results = run_stylize(*sent, None, *knob_values())
        outputs = finish_run(next(results).run, "", "en")
        message = "The run has not ended within 0 s. Press Paint again."
        assert outputs == FinishedOutputs(status=Status("failed", "That did not work", message))
        results.close()

    def test_full_disk_while_making_downloads_is_a_failure(self, sent, watch, monkeypatch):
        def fail(source, target):
            raise OSError(28, "No space left on device")

        folder = complete_run(run_stylize(*sent, None, *knob_values()))
        monkeypatch.setattr(shutil, "copyfile", fail)
        status = finish_run(folder, "", "en").status
        assert (status.kind, status.headline) == ("failed", "That did not work")
        assert "No space left on device" in status.detail

    @pytest.mark.parametrize("run", [None, "", "/etc", "../runs"])
    def test_path_that_is_no_run_changes_nothing(self, run, sent):
        assert finish_run(run, "", "en") == FinishedOutputs()
        assert make_film(run) is None


class TestReuse:
    def test_result_can_be_the_content_image_of_another_run(self, sent, watch):
        *_, last = run_stylize(*sent, None, *knob_values())
        assert finished.picture_for_reuse(last.run, "en") == last.picture
        *_, again = run_stylize(last.picture, sent[1], None, *knob_values())
        assert again.status.kind == "done"

    @pytest.mark.parametrize(("run", "message"), NO_RUNS)
    def test_path_that_is_no_run_has_no_picture_to_reuse(self, run, message, sent):
        with pytest.raises(gr.Error, match=message):
            finished.picture_for_reuse(run, "en")


class TestSharedResults:
    def test_shared_result_opens_with_its_settings_until_it_is_gone(self, sent, watch):
        values = knob_values(iterations=3, size=96, seed=9)
        *_, last = run_stylize(*sent, None, *values)
        name = finished.share_result(last.run, "en")
        assert finished.share_result(last.run, "en") == name
        opened, settings, messages = finished.open_shared_result(name, "en")
        assert [*settings.values()] == values
        assert Path(opened).read_bytes() == Path(last.picture).read_bytes()
        assert messages == [
            "It comes with its settings and is kept for about a day from when it was made."
        ]
        shutil.rmtree(Path(opened).parent)
        assert finished.open_shared_result(name, "en") == (
            None,
            {},
            [
                "The result of this link is no longer here: it was deleted, or is more than about "
                "a day old."
            ],
        )
        assert finished.open_shared_result(None, "en") == (None, {}, [])

    def test_deleted_run_takes_its_shared_copies_along(self, sent, watch):
        *_, last = run_stylize(*sent, None, *knob_values())
        *_, other = run_stylize(*sent, None, *knob_values(seed=5))
        name, others = (finished.share_result(run, "en") for run in (last.run, other.run))
        delete_run(Path(last.run))
        assert finished.open_shared_result(name, "en")[0] is None
        assert finished.open_shared_result(others, "en")[0] is not None

    @pytest.mark.parametrize("name", ["", ".", "..", "../shut", "/etc", "x" * 22 + "/.."])
    def test_damaged_note_of_a_shared_copy_deletes_nothing_else(self, name, sent, uploads, watch):
        *_, last = run_stylize(*sent, None, *knob_values())
        *_, other = run_stylize(*sent, None, *knob_values(seed=5))
        others = finished.share_result(other.run, "en")
        share_note(Path(last.run), 1).write_text(name)
        delete_run(Path(last.run))
        assert finished.open_shared_result(others, "en")[0] is not None
        assert Path(other.run).is_dir()

    def test_shared_result_can_be_reused_but_not_continued(self, sent, watch):
        *_, last = run_stylize(*sent, None, *knob_values())
        name = finished.share_result(last.run, "en")
        picture, _, _ = finished.open_shared_result(name, "en")
        assert finished.find_picture(picture) == picture
        assert finished.picture_for_reuse(picture, "en") == picture
        assert finished.share_result(picture, "en") == name
        with pytest.raises(gr.Error, match="Only the person who made a shared result can continue"):
            list(handlers.run_continue(picture, 5, "en"))
        assert finished.find_picture(sent[0]) is None

    def test_names_that_are_no_results_do_not_open(self, sent, uploads, watch):
        folder = complete_run(run_stylize(*sent, None, *knob_values()))
        shared = finished.share_result(folder, "en")
        for name in (
            *("", ".", "..", "/etc/passwd", f"../{Path(sent[0]).name}", Path(folder).name),
            *(f"../shut/{Path(folder).name}", f"{shared}/neural-style-space.png"),
            *("a\0b", "\ud800", "x" * 9999),
        ):
            assert finished.open_shared_result(name, "en")[:2] == (None, {})

    @pytest.mark.parametrize(("run", "message"), NO_RUNS)
    def test_path_that_is_no_run_cannot_be_shared(self, run, message, sent):
        with pytest.raises(gr.Error, match=message):
            finished.share_result(run, "en")

    def test_shared_file_names_neither_run_nor_pictures(self, sent, uploads, watch):
        content = shutil.copy(sent[0], str(uploads / "my-face.png"))
        folder = complete_run(run_stylize(content, sent[1], None, *knob_values()))
        name = finished.share_result(folder, "en")
        picture, _, _ = finished.open_shared_result(name, "en")
        served = served_folder(Path(folder)).name
        for secret in (Path(folder).name, served, "my-face"):
            assert secret not in picture + name
            assert secret.encode() not in Path(picture).read_bytes()

    def test_title_names_pictures_and_seed(self, sent, watch):
        *_, last = run_stylize(*sent, None, *knob_values(seed=7))
        run = Path(last.run)
        assert result_title(run, "en") == "content · style · seed 7"
        assert result_title(run, "zh") == "content · style · 种子 7"
        assert result_title(run.with_name("gone"), "en") == ""
