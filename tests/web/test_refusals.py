"""Requests that are refused: by the validator before the queue, and again by the run itself."""

from __future__ import annotations

import re
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

from neural_style import save_image
from neural_style.web.run import cost, handlers
from neural_style.web.run.checks import check_inputs, first_fault
from neural_style.web.run.handlers import gpu_seconds, run_seconds, run_stylize
from tests.conftest import picture
from tests.web.stylize_calls import (
    FIRST_PICTURES,
    INVALID_VALUES,
    failed_run,
    half_mask,
    knob_values,
    refused_inputs,
    refused_run,
)


@pytest.mark.parametrize("name", INVALID_VALUES)
def test_invalid_value_is_refused_by_name_before_and_in_the_run(name, sent, watch):
    for value in INVALID_VALUES[name]:
        before = refused_inputs(*sent, None, **{name: value})
        assert before.keys() == {name}
        assert name in before[name]
        assert refused_run(*sent, None, **{name: value}) == before[name]
        arguments = [*sent, None, *knob_values(**{name: value})]
        assert first_fault(*arguments) == (name, before[name])
        assert type(gpu_seconds(*arguments)) is int
        assert run_seconds(*arguments) == 0.0
    assert watch.looks == 0


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("iterations", 5000, "iterations is at most 2000 on this page; the command line goes"),
        ("size", 5000, "size must be a whole number from 64 to 1,536; it is 5000."),
        ("iterations", 0, "iterations must be a whole number from 1 to 2,000; it is 0."),
        ("size", 4096, "size is at most 1536 on this page; the command line goes further"),
        ("init", "/etc/passwd", "init must be one of auto, matched, recolored"),
        ("optimizer", "sgd", "optimizer must be one of lbfgs, adam; it is 'sgd'"),
        ("seed", 0.5, "seed must be a whole number from 0 to 4,294,967,295; it is 0.5"),
    ],
)
def test_refusal_says_which_values_are_allowed(sent, name, value, message):
    assert message in refused_inputs(*sent, None, **{name: value})[name]


def test_values_at_the_limits_are_accepted(sent, monkeypatch):
    monkeypatch.setenv(cost.MOST_MINUTES, "1000")
    assert refused_inputs(*sent, None, iterations=2000, size=1536) == {}
    assert refused_inputs(*sent, sent[0], iterations=1, size=64) == {}
    assert first_fault(*sent, None, *knob_values()) is None


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("content", "Choose a photo: upload one or touch an example."),
        ("style", "Choose a painting: upload one or touch an example."),
    ],
)
def test_missing_picture_is_refused(sent, watch, missing, message):
    pair = [None if name == missing else path for name, path in zip(("content", "style"), sent)]
    assert refused_inputs(*pair, None) == {missing: message}
    assert failed_run(run_stylize(*pair, None, *knob_values()))[0] == message
    assert watch.looks == 0


def test_first_fault_follows_the_order_of_the_parameters(sent):
    assert refused_inputs(None, None, None).keys() == {"content", "style"}
    assert first_fault(None, None, None, *knob_values())[0] == "content"
    assert first_fault(sent[0], None, None, *knob_values(seed=-1))[0] == "style"


def test_files_that_were_not_uploaded_are_not_read(sent, uploads, watch):
    """Gradio passes on the path of any file of the host if it comes without its `meta`."""
    private = str(save_image(picture(64, 64), uploads.parent / "private.png"))
    (uploads / "link.png").symlink_to(private)
    relative, link = str(uploads / ".." / "private.png"), str(uploads / "link.png")
    for path in (private, "/etc/passwd", relative, link, "", "a\0b", "\ud800", "x" * 100_000):
        for place, name in enumerate(FIRST_PICTURES):
            pictures = [*sent, None]
            pictures[place] = path
            message = f"{name} must be an uploaded picture file"
            assert refused_inputs(*pictures).keys() == {name}
            assert message in refused_inputs(*pictures)[name]
            assert message in failed_run(run_stylize(*pictures, *knob_values()))[0]
            assert gpu_seconds(*pictures, *knob_values()) > 0
    assert watch.looks == 0


def test_unreadable_picture_fails_the_run_with_a_reason(sent, uploads, watch):
    Path(uploads, "note.png").write_text("no picture")
    Path(uploads, "empty.jpg").touch()
    Image.new("RGB", (9, 9)).save(uploads / "small.png")
    for file, message in (
        ("note.png", "note.png is not a picture that can be read here"),
        ("empty.jpg", r"empty.jpg is empty (0 bytes)"),
        ("small.png", "content image is 9×9; the network needs 32 pixels a side"),
    ):
        results = run_stylize(str(uploads / file), sent[1], None, *knob_values())
        assert message in failed_run(results)[0]
    start_image = str(uploads / "note.png")
    message, _ = failed_run(run_stylize(*sent, start_image, *knob_values()))
    assert "note.png is not a picture" in message
    assert watch.looks == 0


def test_masks_that_do_not_fit_are_refused(sent, uploads):
    mask = half_mask(uploads, "0.png", sent[0], upper=True)
    values = knob_values(iterations=3, size=128)
    message, _ = failed_run(run_stylize(*sent, None, *values, sent[0], mask, None, None))
    assert message.startswith("The number of masks (1) differs")
    verdicts = check_inputs(*sent, None, *values, "/etc/passwd", None, None, None)
    assert "style_2 must be an uploaded picture file" in verdicts[-5]["message"]


def test_contradicting_values_are_refused_before_the_queue(sent):
    assert refused_inputs(*sent, None, scales=3, scale_shares="5,2") == {
        "iterations": "scale_shares 5,2 is for 2 sizes; scales is 3. Give as many "
        "shares as scales, or leave one of them out."
    }


def test_run_too_long_for_zero_gpu_is_refused(sent, watch, monkeypatch):
    monkeypatch.setenv(cost.MOST_MINUTES, "1000")
    largest = {"iterations": 2000, "size": 1536}
    assert gpu_seconds(*sent, None, *knob_values(**largest)) > cost.MAX_RESERVED_SECONDS
    assert refused_inputs(*sent, None, **largest) == {}
    monkeypatch.setenv("SPACES_ZERO_GPU", "1")
    message = "This run would reserve the GPU for about"
    assert message in refused_inputs(*sent, None, **largest)["iterations"]
    assert message in refused_run(*sent, None, **largest)
    assert watch.looks == 0
    assert refused_inputs(*sent, None, iterations=200, size=512) == {}
    *_, last = run_stylize(*sent, None, *knob_values())
    assert last.picture.endswith(".png")


def test_run_is_refused_if_its_folder_cannot_be_made(sent, uploads):
    (uploads / "runs").touch()
    message = refused_run(*sent, None)
    assert re.fullmatch(
        r"Cannot make the folder .*: Not a directory\. Choose another place\.", message
    )


def test_error_message_escapes_html(sent, uploads):
    Image.new("RGB", (64, 64)).save(uploads / "<b>.png")
    with pytest.raises(gr.Error, match=r"&lt;b>\.png carries no recipe"):
        handlers.restore(str(uploads / "<b>.png"))


def test_refusal_is_in_the_requested_language(sent):
    values = [*knob_values(), None, None, None, None, "zh"]
    verdicts = check_inputs(None, sent[1], None, *values)
    assert verdicts[0]["message"] == "请选择照片：上传一张，或点按一个示例。"
