"""A run by matches that is stopped anywhere and continued equals the unbroken run."""

from __future__ import annotations

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
from tests.matching.small import grainy, half

RUN = Settings(iterations=14, size=96, precision="fp32", statistic="nearest", seed=3)
"""Four steps at 48 pixels; then three by cells, and five and two by layers: seams at 4, 7, 12."""

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
def straight(run: Settings, folder: Path, several: bool = False) -> dict[int, Frame]:
    """The unbroken run. Its state at each iteration is kept in a file."""
    frames = {}
    for frame in start(run, several):
        save_state(frame.state(), place(run, folder, several, frame.iteration))
        frames[frame.iteration] = frame
    return frames


def place(run: Settings, folder: Path, several: bool, iteration: int) -> Path:
    return folder / f"{hash((run, several))} {iteration}.pt"


def state_at(stop: int, run: Settings, folder: Path, several: bool = False):
    """As it comes back from a file."""
    straight(run, folder, several)
    return load_state(place(run, folder, several, stop))


def assert_same(frames: list[Frame], expected: dict[int, Frame]) -> None:
    for frame in frames:
        wanted = expected[frame.iteration]
        assert torch.equal(frame.image, wanted.image), frame.iteration
        assert frame.losses == wanted.losses
        assert (frame.scale, frame.scale_ends) == (wanted.scale, wanted.scale_ends)
        assert frame.events == wanted.events


@pytest.mark.parametrize("stop", range(14))
def test_stopped_anywhere_it_continues_to_the_last_byte(stop, folder):
    continued = list(start(RUN, resume=state_at(stop, RUN, folder)))
    assert [frame.iteration for frame in continued] == list(range(stop + 1, 15))
    assert_same(continued, straight(RUN, folder))


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


@pytest.mark.parametrize("stop", [7, *(pytest.param(k, marks=pytest.mark.slow) for k in (4, 9))])
@pytest.mark.parametrize("name", RUNS)
def test_stopped_and_continued_every_kind_of_run_is_the_same_to_the_last_byte(name, stop, folder):
    run = RUNS[name]
    stop = min(stop, run.iterations - 1)
    continued = list(start(run, resume=state_at(stop, run, folder)))
    assert [frame.iteration for frame in continued] == list(range(stop + 1, run.iterations + 1))
    assert_same(continued, straight(run, folder))


@pytest.mark.parametrize("stop", [0, 5, 7, 10])
def test_a_run_with_masks_and_several_styles_continues_to_the_last_byte(stop, folder):
    continued = list(start(RUN, True, resume=state_at(stop, RUN, folder, True)))
    assert continued
    assert_same(continued, straight(RUN, folder, True))


@pytest.mark.parametrize("more", [1, 3, 4, 9])
def test_continued_beyond_its_end_it_is_the_longer_run_of_its_recipe(more, folder, tmp_path):
    """What was added is all at the full size, and the recipe says so."""
    state = state_at(14, RUN, folder)
    longer = replace(RUN, iterations=14 + more)
    continued = list(start(longer, resume=state))
    assert [frame.iteration for frame in continued] == list(range(15, 15 + more))
    again = settings_of(recipe_of(continued[-1], tmp_path), precision="fp32")
    assert again.iterations == 14 + more
    assert again.scale_shares in ((4, 10 + more), ())  # where that is so anyway
    expected = {frame.iteration: frame for frame in start(again)}
    for frame in continued:
        assert torch.equal(frame.image, expected[frame.iteration].image)
        assert frame.losses == expected[frame.iteration].losses


@pytest.mark.parametrize("stop", [2, 7, 13])
def test_asked_for_more_on_the_way_it_is_that_longer_run_too(stop, folder, tmp_path):
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
def test_a_state_without_its_matches_is_refused(missing, stop, folder, tmp_path):
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


def test_a_state_by_layers_that_has_matches_of_cells_alone_is_refused(folder):
    state = state_at(9, RUN, folder)
    state["matches"] = state_at(2, RUN, folder)["matches"]
    with pytest.raises(StateError, match=r"not a run's state"):
        next(start(RUN, resume=state))


@pytest.mark.parametrize(("before", "after"), [("nearest", "gram"), ("gram", "nearest")])
def test_a_state_of_another_statistic_is_refused(before, after, folder):
    state = state_at(5, replace(RUN, statistic=before), folder)
    with pytest.raises(StateError, match=r"differ: .*statistic\."):
        next(start(replace(RUN, statistic=after), resume=state))


def test_a_state_is_left_as_it_is_and_may_be_continued_twice(folder):
    state = state_at(9, RUN, folder)
    one, other = (list(start(RUN, resume=state))[-1] for _ in range(2))
    assert torch.equal(one.image, other.image)


@pytest.mark.parametrize("fails_at", [1, 6, 8])
def test_a_run_out_of_memory_continues_in_smaller_parts(fails_at, folder, monkeypatch):
    """From the point reached, with the matches that it had."""
    expected = straight(RUN, folder)
    monkeypatch.setattr(memory, "bytes_in_use", lambda device: 0)
    monkeypatch.setattr(memory, "FIXED_BYTES", 0)
    looks, evaluate = [], Objective.__call__

    def scarce(objective, image, **how):
        looks.append(1)
        if len(looks) == fails_at + 1:
            raise MemoryError
        return evaluate(objective, image, **how)

    monkeypatch.setattr(Objective, "__call__", scarce)
    made = list(start(RUN))
    assert [frame.iteration for frame in made] == list(range(15))
    told = [event for frame in made for event in frame.events]
    assert told == [Message("memory.exhausted")]
    for frame in made:
        assert (frame.image - expected[frame.iteration].image).abs().mean() < 0.01


def test_a_run_from_a_start_picture_has_its_matches_too(folder):
    begun = {"init_image": picture(72, 96, seed=9)}
    whole = list(start(RUN, **begun))
    for frame in start(RUN, **begun):
        if frame.iteration == 6:
            state = load_state(save_state(frame.state(), folder / "begun"))
            break
    continued = list(start(RUN, resume=state, **begun))
    assert_same(continued, whole)
    with pytest.raises(StateError, match="start picture"):
        next(start(RUN, resume=state))
