"""Runs with out-of-memory errors, which continue in strips."""

from __future__ import annotations

import re
from collections import Counter
from types import SimpleNamespace

import pytest
import torch

from neural_style import Settings, SettingsError, save_image, stylize
from neural_style.devices import memory_is_exhausted
from neural_style.messages import Message
from neural_style.objective import Objective
from neural_style.optim import optimizers
from neural_style.optim.engines import ENGINES
from neural_style.plan import memory
from neural_style.plan.memory import plan_memory
from neural_style.record.recipe import read_recipe
from neural_style.run import job
from tests.conftest import picture

EXHAUSTED = Message("memory.exhausted")


@pytest.fixture
def limited_memory(monkeypatch):
    """Without strips, raises an out-of-memory error at the fourth evaluation of each pass."""
    failed_widths = []

    evaluate, evaluations = Objective.__call__, Counter()

    def failing(objective, image, **options):
        evaluations[id(objective)] += 1
        if evaluations[id(objective)] > 3 and not any(rows for _, rows in objective.segments):
            failed_widths.append(image.shape[-1])
            raise limited_memory.error
        return evaluate(objective, image, **options)

    limited_memory = SimpleNamespace(error=MemoryError(), failed_widths=failed_widths)
    monkeypatch.setattr(Objective, "__call__", failing)
    monkeypatch.setattr(memory, "bytes_in_use", lambda device: 0)
    monkeypatch.setitem(memory.OVERHEADS, "cpu", memory.OVERHEADS["cpu"]._replace(fixed=0))
    # With a narrow network, canvases and L-BFGS pairs would dominate the estimate.
    monkeypatch.setattr(memory, "_FLOAT_CANVASES", 1)
    estimate = memory.estimate_bytes
    monkeypatch.setattr(memory, "estimate_bytes", lambda *a, **k: estimate(*a[:4], 0, *a[5:], **k))
    monkeypatch.setattr(memory, "STRIP_PIXELS", (8_192,))
    return limited_memory


RUN = {"iterations": 8, "size": 256, "precision": "fp32", "statistic": "gram"}


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("[enforce fail] can't allocate memory: you tried")]
)
@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_run_continues_in_strips_after_out_of_memory_error(limited_memory, error, optimizer):
    pictures, run = [picture(192, 256, seed=1), picture(80, 64, seed=2)], RUN | {"scales": 1}
    limited_memory.error = error
    frames = list(stylize(*pictures, Settings(**run, optimizer=optimizer), every=1))
    assert [frame.iteration for frame in frames] == list(range(9))
    reporting = [frame for frame in frames if frame.events]
    assert {frame.events for frame in reporting} == {(EXHAUSTED,)}
    assert reporting[0].iteration == 3
    assert "strips of" in str(reporting[-1].note)
    assert "strips of" not in str(frames[2].note)
    assert set(limited_memory.failed_widths) == {256}
    totals = [sum(frame.losses.values()) for frame in frames]
    assert totals == sorted(totals, reverse=True)
    seconds = [frame.seconds for frame in frames]
    assert seconds == sorted(seconds)


OUT_OF_MEMORY = RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def fails_once(function, call):
    """The function, of which one call raises an out-of-memory error after its work."""
    calls = 0

    def failing(*arguments, **options):
        nonlocal calls
        calls += 1
        result = function(*arguments, **options)
        if calls == call:
            raise OUT_OF_MEMORY
        return result

    return failing


def make_evaluation_fail(monkeypatch, optimizer, call):
    monkeypatch.setattr(Objective, "__call__", fails_once(Objective.__call__, call))


def make_step_fail(monkeypatch, optimizer, call):
    kind = {"lbfgs": optimizers.Lbfgs, "adam": optimizers.Adam}[optimizer]
    monkeypatch.setattr(kind, "step", fails_once(kind.step, call))


def make_decoding_fail(monkeypatch, optimizer, call):
    choices = ENGINES["fast"].optimizers
    canvas, made = choices[optimizer].canvas, 0

    def make(*arguments):
        nonlocal made
        made += 1
        first = canvas(*arguments)
        return first._replace(decode=fails_once(first.decode, call)) if made == 1 else first

    monkeypatch.setitem(choices, optimizer, choices[optimizer]._replace(canvas=make))


def make_finishing_fail(monkeypatch, optimizer, call):
    monkeypatch.setattr(job, "finish_colors", fails_once(job.finish_colors, call))


@pytest.fixture
def same_plan(monkeypatch):
    """Keeps the plan after an out-of-memory error; L-BFGS keeps 3 pairs, so it soon drops some."""
    monkeypatch.setattr(
        job, "plan_memory", lambda *a, **options: plan_memory(*a[:6], 0, *a[7:], **options)
    )
    choices = ENGINES["fast"].optimizers
    monkeypatch.setitem(choices, "lbfgs", choices["lbfgs"]._replace(history=3))


@pytest.mark.usefixtures("tiny", "same_plan")
@pytest.mark.parametrize(
    ("make_fail", "call"),
    [
        *((make_evaluation_fail, call) for call in (2, 6, 9)),
        *((make_step_fail, call) for call in (1, 7)),
        *((make_decoding_fail, call) for call in (2, 8)),
        *((make_finishing_fail, call) for call in (1, 4, 9)),
    ],
)
@pytest.mark.parametrize("optimizer", ["lbfgs", pytest.param("adam", marks=pytest.mark.slow)])
def test_run_with_one_out_of_memory_error_is_byte_identical(
    optimizer, make_fail, call, monkeypatch
):
    pictures = picture(48, 64, seed=1), picture(64, 64, seed=2)
    run = Settings(iterations=8, size=64, scales=1, precision="fp32", optimizer=optimizer)
    expected = list(stylize(*pictures, run, every=1))
    make_fail(monkeypatch, optimizer, call)
    frames = list(stylize(*pictures, run, every=1))
    events = [event for frame in frames for event in frame.events]
    assert events == [EXHAUSTED]
    assert [frame.iteration for frame in frames] == list(range(9))
    for frame, undisturbed in zip(frames, expected):
        assert torch.equal(frame.image, undisturbed.image)
        assert frame.losses == undisturbed.losses


@pytest.mark.usefixtures("tiny")
def test_out_of_memory_error_at_a_smaller_scale_is_handled(limited_memory):
    pictures = picture(192, 256, seed=1), picture(80, 64, seed=2)
    frames = list(stylize(*pictures, Settings(**RUN | {"iterations": 16}, scales=2), every=1))
    assert [frame.iteration for frame in frames] == list(range(17))
    assert set(limited_memory.failed_widths) == {128}


@pytest.mark.usefixtures("tiny", "limited_memory")
def test_recipe_has_both_memory_plans_and_replay_reports_them_once(tmp_path):
    pictures = picture(192, 256, seed=1), picture(80, 64, seed=2)
    run = Settings(**RUN, scales=1, optimizer="adam")
    *_, frame = stylize(*pictures, run)
    recipe = read_recipe(save_image(frame.image, tmp_path / "made.png", frame.recipe))
    assert [bool(used.rows) for used in recipe.conditions] == [False, True]
    first, *others = stylize(*pictures, run, every=1, replay=recipe)
    (reported,) = first.events
    assert re.match(
        r"The picture was made with no strips, then strips of .*uses no strips\.", str(reported)
    )
    events = [event for frame in others for event in frame.events]
    assert events == [EXHAUSTED]


@pytest.mark.usefixtures("tiny")
def test_error_proposes_a_size_if_no_strips_fit(monkeypatch, limited_memory):
    monkeypatch.setattr(memory, "STRIP_PIXELS", (16_384_000,))
    run = Settings(**RUN, optimizer="adam")
    with pytest.raises(SettingsError, match=r"needs about .* GB of memory.*About size \d+ would"):
        list(stylize(picture(192, 256), picture(80, 64), run))


def test_memory_is_exhausted_recognizes_out_of_memory_errors():
    assert not memory_is_exhausted(RuntimeError("CUDA error: an illegal memory access was met"))
    for words in ("CUDA out of memory. Tried", "MPS backend out of memory", "not enough memory: "):
        assert memory_is_exhausted(RuntimeError(words))
