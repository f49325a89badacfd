"""The statuses of runs as data, and as one line of text."""

from __future__ import annotations

import pytest

from neural_style.messages import Message
from neural_style.web.run import status
from neural_style.web.run.status import Overall, Status

LOSSES = {"content": 0.123456, "style": 12.0}
NOTE = Message("weights.from_file", backbone="vgg19", name="tiny")


def running(elapsed: float, left: float, language: str = "en") -> Status:
    """The status at step 30 of 1000, in the second of three sizes."""
    return status.running(30, 1000, (85, 128), (2, 3), LOSSES, (elapsed, left), NOTE, language)


def test_text_joins_the_parts_that_are_not_empty():
    assert str(Status("idle", "Ready.")) == "Ready."
    assert str(Status("busy", "Painting", note="vgg19")) == "Painting · vgg19"
    full = Status("done", "Done in 2 s", "4 steps", "content 1", "vgg19", 1.0, 0.0, "seed")
    assert str(full) == "Done in 2 s · 4 steps · content 1 · vgg19"


def test_running_status_has_time_left_size_step_losses_and_note():
    assert running(30, 70) == Status(
        "busy",
        "About 1 min 10 s left",
        "Size 2 of 3, 128×85 · step 30 of 1,000",
        "content 0.123, style 12",
        "vgg19 weights: tiny",
        0.3,
        70.0,
    )


@pytest.mark.parametrize(
    ("elapsed", "left", "headline"),
    [
        (0, 0, "0 s to 0 s left"),
        (0, 100, "1 min 10 s to 2 min 30 s left"),
        (9, 90, "1 min 3 s to 2 min 15 s left"),
        (10, 90, "About 1 min 30 s left"),
        (99, 1, "About 1 s left"),
    ],
)
def test_time_left_is_a_range_before_a_tenth_of_the_run(elapsed, left, headline):
    assert running(elapsed, left).headline == headline


def test_fraction_is_the_share_of_the_time():
    assert [running(*seconds).fraction for seconds in ((0, 0), (0, 9), (1, 3), (5, 0))] == [
        *(0.0, 0.0, 0.25, 1.0)
    ]


def test_ready_status_has_the_source_of_the_weights():
    assert status.ready(NOTE) == Status(
        "idle", "Choose a photo and a painting, then press Paint.", note="vgg19 weights: tiny"
    )


def test_stopping_status_has_no_fraction():
    assert status.stopping() == Status("busy", "Stopping after the current step…")


def test_waiting_status_has_place_and_time_but_no_fraction():
    assert status.waiting(2, 100) == Status(
        "busy",
        "In line: 2 ahead of you · about 1 min 40 s",
        "Runs that were started earlier come first. Stop leaves the line.",
    )


def test_done_status_has_duration_steps_and_size():
    assert status.done(1000, (85, 128), LOSSES, 125.4, NOTE) == Status(
        "done",
        "Done in 2 min 5 s",
        "1,000 steps · 128×85",
        "content 0.123, style 12",
        "vgg19 weights: tiny",
        1.0,
    )


def test_stopped_status_has_the_step_that_was_reached():
    assert status.stopped(7, 1000, (85, 128), LOSSES) == Status(
        "done",
        "Stopped after 7 of 1,000 steps",
        "The picture so far is kept, 128×85. Continue goes on from here.",
        "content 0.123, style 12",
    )


def test_failed_status_has_the_reason():
    reason = Message("over_page_limit", name="size", limit=1536)
    assert status.failed(reason, field="size") == Status(
        "failed",
        "That did not work",
        "size is at most 1536 on this page; the command line goes further.",
        field="size",
    )


@pytest.mark.parametrize(
    ("name", "english", "chinese"),
    [
        ("content", "Your photo", "您的照片"),
        ("mask_2", "Where the second one's goes", "第二幅画作风格的区域"),
        ("style_weight", "Weight of the painting", "风格权重"),
    ],
)
def test_refused_status_names_the_input_as_the_page_labels_it(name, english, chinese):
    assert status.refused(name, "It is wrong.") == Status(
        "failed", f"Please check “{english}”", "It is wrong.", field=name
    )
    assert status.refused(name, "It is wrong.", "zh").headline == f"请检查“{chinese}”"


def test_status_of_variations_has_time_and_fraction_of_all_of_them():
    assert status.varying(Overall(3, 4, 14.0, 0.625)) == Status(
        "busy", "About 14 s left", "Variation 3 of 4", fraction=0.625, seconds_left=14.0
    )
    begun = status.varying(Overall(1, 4, 40.0, 0.0))
    assert (begun.headline, begun.fraction) == ("28 s to 1 min left", 0.0)


def test_losses_have_names_in_each_language():
    losses = {"content": 1.0, "style 1": 2.0, "style 2": 3.0, "tv": 0.5}
    english, chinese = (status.stopped(7, 9, (1, 1), losses, code).losses for code in ("en", "zh"))
    assert english == "content 1, style 1 2, style 2 3, tv 0.5"
    assert chinese == "内容 1, 风格 1 2, 风格 2 3, 平滑 0.5"


def test_losses_that_are_not_finite_are_shown_as_such():
    losses = {"content": float("nan"), "style": float("inf")}
    assert status.stopped(7, 9, (1, 1), losses).losses == "content nan, style inf"


def test_statuses_are_in_the_requested_language():
    assert running(30, 70, "zh").headline == "大约还需 1 分 10 秒"
    assert running(1, 100, "zh").headline == "还需 1 分 10 秒 到 2 分 30 秒"
    assert status.waiting(2, 100, "zh").headline == "排队中：前面还有 2 个 · 大约 1 分 40 秒"
    assert status.done(4, (85, 128), {}, 5, NOTE, "zh").headline == "完成，用时 5 秒"
    assert status.stopped_early("zh") == Status("done", "已停止，尚未得到图像。")
    assert status.failed(Message("no_result"), "zh").headline == "未能完成"
