"""Resumed runs with statistic "nearest" equal the unbroken run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest
import torch

from neural_style import Masks, Settings, StateError, save_image, stylize
from neural_style.messages import Message
from neural_style.objective import Objective
from neural_style.plan import memory
from neural_style.record.checkpoint import load_state, save_state
from neural_style.record.recipe import read_recipe, settings_of
from neural_style.run.frame import Frame
from tests.conftest import picture
from tests.small_pictures import grainy, half

RUN = Settings(iterations=14, size=96, precision="fp32", statistic="nearest", seed=3)
"""Four steps at 48 pixels; at 96, three by cells, then five and two by layers.

Passes end at 4, 7, 12 and 14.
"""

CONTENT, STYLES = grainy(72, 96, 1), [grainy(80, 64, 2), grainy(64, 96, 3)]
MASKS = Masks(styles=[half("left", 72, 96), half("right", 72, 96)], keep=0.5 * half("left", 72, 96))

pytestmark = pytest.mark.usefixtures("tiny")


def start(run: Settings, several: bool = False, **options):
    style, masks = (STYLES, MASKS) if several else (STYLES[0], Masks())
    return stylize(CONTENT, style, run, masks=masks, every=1, **options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("states")


@lru_cache
def unbroken_frames(run: Settings, folder: Path, several: bool = False) -> dict[int, Frame]:
    """Iteration → frame of the unbroken run. The state at each iteration is saved to a file."""
    frames = {}
    for frame in start(run, several):
        save_state(frame.state(), state_path(run, folder, several, frame.iteration))
        frames[frame.iteration] = frame
    return frames


def state_path(run: Settings, folder: Path, several: bool, iteration: int) -> Path:
    return folder / f"{hash((run, several))} {iteration}.pt"


def state_at(stop: int, run: Settings, folder: Path, several: bool = False):
    """The state at that iteration, loaded from its file."""
    unbroken_frames(run, folder, several)
    return load_state(state_path(run, folder, several, stop))


def restarts(frames: Iterable[Frame]) -> list[int]:
    """Iterations at which the guard restarted."""
    events = [(frame.iteration, event.code) for frame in frames for event in frame.events]
    return [iteration for iteration, code in events if code == "guard.restart"]


def assert_same(frames: list[Frame], expected: dict[int, Frame]) -> None:
    for frame in frames:
        wanted = expected[frame.iteration]
        assert torch.equal(frame.image, wanted.image), frame.iteration
        assert frame.losses == wanted.losses
        assert (frame.scale, frame.scale_ends) == (wanted.scale, wanted.scale_ends)
        assert frame.events == wanted.events


@pytest.mark.parametrize("stop", range(14))
def test_run_resumed_at_any_iteration_is_byte_identical(stop, folder):
    continued = list(start(RUN, resume=state_at(stop, RUN, folder)))
    assert [frame.iteration for frame in continued] == list(range(stop + 1, 15))
    assert_same(continued, unbroken_frames(RUN, folder))


RUNS = {
    "adam": replace(RUN, optimizer="adam"),
    "plain": replace(RUN, engine="plain"),
    "plain adam": replace(RUN, engine="plain", optimizer="adam"),
    "bf16": replace(RUN, precision="bf16"),
    "average": replace(RUN, average=0.9),
    "colors": replace(RUN, color="luminance"),
    "spikes": replace(RUN, learning_rate=8.0),
    "noise": replace(RUN, init="noise"),
    "three sizes": replace(RUN, size=192, iterations=9),
}


@pytest.mark.slow
@pytest.mark.parametrize("stop", [7, *(pytest.param(k, marks=pytest.mark.slow) for k in (4, 9))])
@pytest.mark.parametrize("name", RUNS)
def test_resumed_run_is_byte_identical_for_each_variant(name, stop, folder):
    run = RUNS[name]
    stop = min(stop, run.iterations - 1)
    continued = list(start(run, resume=state_at(stop, run, folder)))
    assert [frame.iteration for frame in continued] == list(range(stop + 1, run.iterations + 1))
    assert_same(continued, unbroken_frames(run, folder))


@pytest.mark.parametrize("name", RUNS)
def test_guard_restarts_only_in_run_with_spikes(name, folder):
    """There it restarts after the steps from which the run is resumed above."""
    found = restarts(unbroken_frames(RUNS[name], folder).values())
    assert max(found) > 9 if name == "spikes" else not found


@pytest.mark.parametrize("stop", [0, 5, 7, 10])
def test_resumed_run_with_masks_and_styles_is_byte_identical(stop, folder):
    continued = list(start(RUN, True, resume=state_at(stop, RUN, folder, True)))
    assert continued
    assert_same(continued, unbroken_frames(RUN, folder, True))


@pytest.mark.parametrize("more", [1, 3, 4, 9])
def test_run_extended_after_its_end_equals_the_run_of_its_recipe(more, folder, tmp_path):
    """All added iterations are at the full size, and the recipe records that."""
    state = state_at(14, RUN, folder)
    longer = replace(RUN, iterations=14 + more)
    continued = list(start(longer, resume=state))
    assert [frame.iteration for frame in continued] == list(range(15, 15 + more))
    again = settings_of(recipe_of(continued[-1], tmp_path), precision="fp32")
    assert again.iterations == 14 + more
    assert again.scale_shares in ((4, 10 + more), ())  # if that is the default
    expected = {frame.iteration: frame for frame in start(again)}
    for frame in continued:
        assert torch.equal(frame.image, expected[frame.iteration].image)
        assert frame.losses == expected[frame.iteration].losses


@pytest.mark.parametrize("stop", [2, 7, 13])
def test_run_extended_before_its_end_equals_the_run_of_its_recipe(stop, folder, tmp_path):
    longer = replace(RUN, iterations=20)
    continued = list(start(longer, resume=state_at(stop, RUN, folder)))
    again = settings_of(recipe_of(continued[-1], tmp_path), precision="fp32")
    *_, expected = start(again)
    assert (continued[-1].iteration, expected.iteration) == (20, 20)
    assert torch.equal(continued[-1].image, expected.image)


def recipe_of(frame: Frame, folder: Path):
    return read_recipe(save_image(frame.image, folder / "made.png", frame.recipe))


@pytest.mark.parametrize("stop", [2, 9])
@pytest.mark.parametrize("missing", ["matches", "cells", "layers"])
def test_state_without_matches_raises_state_error(missing, stop, folder, tmp_path):
    state = state_at(stop, RUN, folder)
    if missing == "matches":
        state["matches"] = None
    else:
        state["matches"] = {key: kept for key, kept in state["matches"].items() if key != missing}
    with pytest.raises(StateError, match=r"not a run's state"):
        next(start(RUN, resume=state))
    torch.save(state, tmp_path / "odd.pt")
    with pytest.raises(StateError, match=r"odd\.pt is no run's state"):
        load_state(tmp_path / "odd.pt")


def test_layer_state_with_only_cell_matches_raises_state_error(folder):
    state = state_at(9, RUN, folder)
    state["matches"] = state_at(2, RUN, folder)["matches"]
    with pytest.raises(StateError, match=r"not a run's state"):
        next(start(RUN, resume=state))


@pytest.mark.parametrize(("before", "after"), [("nearest", "gram"), ("gram", "nearest")])
def test_state_of_another_statistic_raises_state_error(before, after, folder):
    state = state_at(5, replace(RUN, statistic=before), folder)
    with pytest.raises(StateError, match=r"differ: .*statistic\."):
        next(start(replace(RUN, statistic=after), resume=state))


def test_same_state_can_be_resumed_twice(folder):
    state = state_at(9, RUN, folder)
    one, other = (list(start(RUN, resume=state))[-1] for _ in range(2))
    assert torch.equal(one.image, other.image)


@pytest.mark.parametrize("fails_at", [1, 6, 8])
def test_run_continues_after_out_of_memory_error(fails_at, folder, monkeypatch):
    """The run continues from the point reached, with its matches."""
    expected = unbroken_frames(RUN, folder)
    monkeypatch.setattr(memory, "bytes_in_use", lambda device: 0)
    monkeypatch.setitem(memory.OVERHEADS, "cpu", memory.OVERHEADS["cpu"]._replace(fixed=0))
    calls, evaluate = [], Objective.__call__

    def failing_once(objective, image, **how):
        calls.append(1)
        if len(calls) == fails_at + 1:
            raise MemoryError
        return evaluate(objective, image, **how)

    monkeypatch.setattr(Objective, "__call__", failing_once)
    made = list(start(RUN))
    assert [frame.iteration for frame in made] == list(range(15))
    events = [event for frame in made for event in frame.events]
    assert events == [Message("memory.exhausted")]
    for frame in made:
        assert (frame.image - expected[frame.iteration].image).abs().mean() < 0.01


def test_resumed_run_with_init_image_is_byte_identical(folder):
    options = {"init_image": picture(72, 96, seed=9)}
    whole = list(start(RUN, **options))
    for frame in start(RUN, **options):
        if frame.iteration == 6:
            state = load_state(save_state(frame.state(), folder / "begun"))
            break
    continued = list(start(RUN, resume=state, **options))
    assert_same(continued, whole)
    with pytest.raises(StateError, match="start picture"):
        next(start(RUN, resume=state))
