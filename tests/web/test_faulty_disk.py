"""A disk that is full or can only be read: one sentence without a path, and pictures stay."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import gradio as gr
import pytest

from neural_style.errors import FileError
from neural_style.settings.settings import Settings
from neural_style.web.page import tool_handlers
from neural_style.web.run import cleanup, cost, finished, runs
from neural_style.web.run.handlers import run_continue, run_stylize
from neural_style.web.run.uploads import browser_copy
from neural_style.web.run.variations import run_variations
from tests.faulty_disk import FULL, READ_ONLY, faulty_disk
from tests.images.test_decode import gradient
from tests.images.test_heic import heic
from tests.web.stylize_calls import complete_run, knob_values


@pytest.fixture(params=[FULL, READ_ONLY])
def reason(request):
    return request.param


@pytest.fixture
def run(sent, watch) -> str:
    """A complete run."""
    return complete_run(run_stylize(*sent, None, *knob_values()))


def said(act) -> str:
    """What a visitor is told of the error.

    Waits for the thread that stores the outcome where an event loop runs, as after browser tests.
    """
    before = {*threading.enumerate()}
    with pytest.raises((gr.Error, FileError)) as error:
        act()
    for thread in {*threading.enumerate()} - before:
        thread.join()
    return str(getattr(error.value, "message", error.value))


def painted(sent) -> None:
    [*run_stylize(*sent, None, *knob_values())]


class TestOneSentence:
    """What cannot be done is told with the reason, without a path of the server."""

    def tell(self, act, uploads, reason) -> str:
        with faulty_disk(uploads, reason) as refused:
            message = said(act)
        assert refused
        assert reason in message
        assert "/" not in message, message
        assert message.count(". ") <= 1  # what went wrong, and what to do
        return message

    def test_run_that_cannot_begin(self, sent, uploads, watch, reason):
        self.tell(lambda: painted(sent), uploads, reason)
        assert watch.looks == 0

    def test_run_that_cannot_keep_its_pictures(self, sent, uploads, watch, reason):
        results = run_stylize(*sent, None, *knob_values())
        folder = next(results).run
        self.tell(lambda: [*results], uploads, reason)
        assert runs.last_outcome(Path(folder)) is None

    def test_continuation(self, run, uploads, reason):
        self.tell(lambda: [*run_continue(run, 4, "en")], uploads, reason)
        assert runs.last_outcome(Path(run)).last_picture.iteration == 4

    def test_shared_result(self, run, uploads, reason):
        self.tell(lambda: finished.share_result(run, "en"), uploads, reason)
        assert finished.find_picture(run)

    def test_note_of_uploads(self, uploads, reason):
        self.tell(lambda: cleanup.remember_uploads({"a"}), uploads, reason)


class TestStatus:
    """What the page shows in its status."""

    @pytest.mark.parametrize("made", ["comparison", "downloads"])
    def test_results(self, run, uploads, reason, made):
        if made == "downloads":
            first, *_ = finished.finish_run(run, "", "en").files
            shutil.rmtree(Path(first).parent)
        with faulty_disk(uploads, reason) as refused:
            status = finished.finish_run(run, "", "en").status
        assert refused
        assert (status.kind, reason in status.detail) == ("failed", True)
        assert str(uploads) not in status.detail
        assert finished.finish_run(run, "", "en").status.kind == "done"

    def test_variations(self, sent, uploads, watch, reason):
        with faulty_disk(uploads, reason):
            *_, last = run_variations(*sent, None, *knob_values())
        assert (last.status.kind, last.pictures) == ("failed", ())
        assert reason in last.status.detail


class TestLeftOut:
    """What is less than the picture is left out."""

    def test_film(self, run, uploads, reason):
        with faulty_disk(uploads, reason) as refused:
            assert finished.make_film(run) is None
        assert refused
        with faulty_disk(uploads, reason, lambda name: name.endswith(".part")) as refused:
            assert finished.make_film(run) is None
        assert refused

    @pytest.mark.parametrize("name", ["preview", "film", "state.pt"])
    def test_files_beside_the_picture(self, sent, uploads, watch, monkeypatch, reason, name):
        # Every step is shown, so that there are previews.
        monkeypatch.setattr("neural_style.web.run.view._PREVIEW_INTERVAL_SECONDS", 0)
        refused: list[str] = []
        write = Path.replace

        def replace(partial: Path, path: Path) -> Path:
            if path.name.startswith(name):
                refused.append(path.name)
                raise OSError(28, reason)
            return write(partial, path)

        monkeypatch.setattr(Path, "replace", replace)
        folder = complete_run(run_stylize(*sent, None, *knob_values(iterations=6)))
        assert refused
        assert runs.last_outcome(Path(folder)).status("en").kind == "done"
        assert Path(finished.find_picture(folder)).is_file()

    def test_speed_of_the_machine(self, uploads, reason):
        with faulty_disk(uploads, reason) as refused:
            cost.record_speed(Settings(), (384, 512), 600.0)
        assert refused
        assert cost.machine_speed(Settings()).pixels > 0

    def test_background_to_paint_on(self, sent, uploads, reason):
        with faulty_disk(uploads, reason) as refused:
            assert tool_handlers.blank_canvas(sent[0]) is None
        assert refused


def test_picture_of_a_phone_cannot_be_shown(uploads, reason):
    path = uploads / "phone.heic"
    path.write_bytes(heic(gradient(40, 60)))
    with faulty_disk(uploads, reason) as refused:
        assert reason in said(lambda: browser_copy(str(path)))
    assert refused
