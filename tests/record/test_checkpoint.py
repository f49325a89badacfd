"""A run that is stopped and continued is the run that was not."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch

from neural_style import (
    FileError,
    Masks,
    NeuralStyleError,
    Settings,
    StateError,
    files,
    stylize,
)
from neural_style.optim.engines import ENGINES
from neural_style.record.checkpoint import load_state, save_state
from neural_style.record.recipe import KEYWORD
from tests.conftest import picture

RUN = Settings(iterations=24, size=96, scales=1, precision="fp32", seed=3)


def frames(run, **options):
    return stylize(picture(72, 96, seed=1), picture(80, 64, seed=2), run, **options)


def state_at(iteration, run):
    """The state after writing it to a file and reading it back."""
    for frame in frames(run, every=1):
        if frame.iteration == iteration:
            return written_and_read(frame.state())
    raise AssertionError("never came there")


def written_and_read(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@cache
def unbroken(name):
    """A run of `RUNS`: iteration → picture, losses and events; and stop → the state there."""
    seen, states = {}, {}
    for frame in frames(RUNS[name], every=1):
        seen[frame.iteration] = frame.image, frame.losses, frame.events
        if frame.iteration in STOPS:
            states[frame.iteration] = written_and_read(frame.state())
    return seen, states


STOPS = (7, 12, 1, 10, 23)
RUNS = {
    "lbfgs": RUN,
    "short history": replace(RUN, iterations=90),
    "adam": replace(RUN, optimizer="adam"),
    "plain": replace(RUN, engine="plain"),
    "plain adam": replace(RUN, engine="plain", optimizer="adam"),
    "eased": replace(RUN, loss_units="absolute", style_weight=100.0),
    "eased, two scales": replace(
        RUN, loss_units="absolute", style_weight=100.0, size=256, scales=2, scale_shares=(3, 2)
    ),
    "two scales": replace(RUN, size=256, scales=2),
    "average": replace(RUN, average=0.9),
    "kept colors": replace(RUN, color="content"),
    "spikes": replace(RUN, learning_rate=8.0),
}


@pytest.fixture
def soon_steep(monkeypatch):
    """Eases ten steps only, so that short runs have both kinds of steps."""
    optimizers = ENGINES["fast"].optimizers
    monkeypatch.setitem(optimizers, "lbfgs", optimizers["lbfgs"]._replace(eased=(10, 4)))


@pytest.mark.usefixtures("tiny", "soon_steep")
@pytest.mark.parametrize(
    "stop", [*STOPS[:2], *(pytest.param(stop, marks=pytest.mark.slow) for stop in STOPS[2:])]
)
@pytest.mark.parametrize("name", RUNS)
def test_stopped_and_continued_it_is_the_same_to_the_last_byte(name, stop):
    run = RUNS[name]
    straight, states = unbroken(name)
    continued = list(frames(run, every=1, resume=states[stop]))
    assert [frame.iteration for frame in continued] == list(range(stop + 1, run.iterations + 1))
    for frame in continued:
        image, losses, events = straight[frame.iteration]
        assert torch.equal(frame.image, image)
        assert (frame.losses, frame.events) == (losses, events)


@pytest.mark.usefixtures("tiny")
def test_thirty_and_thirty_more_are_sixty():
    half, whole = replace(RUN, iterations=30), replace(RUN, iterations=60)
    *_, expected = frames(whole)
    *_, last = frames(whole, resume=state_at(30, half))
    assert last.iteration == 60
    assert torch.equal(last.image, expected.image)
    assert last.losses == expected.losses


@pytest.mark.usefixtures("tiny")
def test_a_run_that_goes_on_in_another_precision_says_so_in_its_first_frame():
    run = replace(RUN, iterations=6)
    state = state_at(3, run)
    same, other = (
        [*frames(replace(run, precision=precision), every=1, resume=state)]
        for precision in ("fp32", "bf16")
    )
    assert not any(frame.events for frame in same)
    assert [len(frame.events) for frame in other] == [1, 0, 0]
    assert str(other[0].events[0]) == (
        "Until here the run used fp32; from here on it uses bf16. The picture will be close to "
        "that of an unbroken run, not identical."
    )
    assert [one["precision"] for one in other[-1].state()["conditions"]] == ["fp32", "bf16"]
    recipe = json.loads(other[-1].recipe[KEYWORD])
    assert recipe["conditions"] == other[-1].state()["conditions"]


@pytest.mark.usefixtures("tiny")
def test_a_state_may_be_continued_more_than_once():
    state = state_at(5, RUN)
    first, second = (list(frames(RUN, resume=state))[-1] for _ in range(2))
    assert torch.equal(first.image, second.image)


@pytest.mark.usefixtures("tiny")
def test_more_iterations_go_to_the_full_size():
    run = replace(RUN, size=256, scales=2)
    *_, last = frames(replace(run, iterations=30), resume=state_at(24, run))
    assert (last.iteration, last.image.shape[-1]) == (30, 256)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"style_weight": 3.0}, "differ: style_weight"),
        ({"seed": 4, "size": 128}, "differ: size, seed"),
        ({"iterations": 24}, "of 24 iterations; 24 are asked for. Ask for at least 25"),
        ({"iterations": 20}, "of 24 iterations; 20 are asked for. Ask for at least 25"),
    ],
)
def test_a_state_of_another_run_is_refused_with_what_differs(changes, words):
    with pytest.raises(StateError, match=words):
        next(frames(replace(RUN, **changes), resume=state_at(24, RUN)))


@pytest.mark.usefixtures("tiny")
def test_a_state_of_another_format_is_refused(tmp_path):
    """Whatever its other fields are."""
    message = "of format 99; this program knows format 1. Continue it with the version"
    for other in (state_at(5, RUN) | {"format": 99}, {"format": 99}):
        with pytest.raises(StateError, match=message):
            next(frames(RUN, resume=other))
        torch.save(other, tmp_path / "later.pt")
        with pytest.raises(StateError, match=message):
            load_state(tmp_path / "later.pt")


@pytest.mark.usefixtures("tiny")
def test_a_state_of_other_pictures_is_refused():
    with pytest.raises(StateError, match="differ: content image, style image"):
        next(
            stylize(
                picture(72, 96, seed=5),
                picture(9, 9).new_zeros(1, 3, 64, 64),
                RUN,
                resume=state_at(5, RUN),
            )
        )


@pytest.mark.usefixtures("tiny")
def test_what_is_no_state_is_refused():
    with pytest.raises(StateError, match=r"not a run's state\. Give what a frame's state"):
        next(frames(RUN, resume={"iteration": 3}))


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    "broken",
    [
        *({"identity": None}, {"scale": 9}, {"scale": "1"}, {"pass": {}}, {"scales": None}),
        *(
            {"format": None},
            {"format": "1"},
            {"shown": None},
            {"conditions": None},
            {"conditions": []},
            {"conditions": [{"rows": 3}]},
            {"scales": [None]},
            {"scales": [[64, 96, "24", ""]]},
            {"scales": [[64, 96, 24, "other"]]},
        ),
    ],
)
def test_a_state_with_something_amiss_is_refused(broken, tmp_path):
    state = state_at(5, RUN) | broken
    with pytest.raises(StateError, match=r"not a run's state"):
        next(frames(RUN, resume=state))
    torch.save(state, tmp_path / "odd.pt")
    with pytest.raises(StateError, match=r"odd\.pt is no run's state"):
        load_state(tmp_path / "odd.pt")


@pytest.mark.usefixtures("tiny")
def test_a_mask_that_says_where_is_not_one_that_says_what_stays():
    mask, pictures = torch.ones(1, 1, 72, 96), (picture(72, 96, seed=1), picture(64, 64, seed=2))
    frame = next(stylize(*pictures, RUN, masks=Masks(styles=[mask])))
    with pytest.raises(StateError, match="differ: masks"):
        next(stylize(*pictures, RUN, masks=Masks(keep=mask), resume=frame.state()))


@pytest.mark.usefixtures("tiny")
def test_only_the_newest_frame_has_a_state():
    run = frames(RUN)
    first = next(run)
    first.state()
    next(run)
    with pytest.raises(NeuralStyleError, match=r"that of iteration 1; this frame is of 0"):
        first.state()


@pytest.mark.usefixtures("tiny")
def test_the_state_can_be_had_after_the_run_was_closed():
    run = frames(RUN)
    frame = next(run)
    run.close()
    assert len(list(frames(RUN, every=1, resume=frame.state()))) == RUN.iterations


@pytest.mark.usefixtures("tiny")
def test_a_state_kept_in_a_file_comes_back(tmp_path):
    for frame in frames(RUN, every=1):
        if frame.iteration == 12:
            assert save_state(frame.state(), tmp_path / "run.pt") == tmp_path / "run.pt"
    *_, continued = frames(RUN, resume=load_state(tmp_path / "run.pt"))
    assert torch.equal(continued.image, frame.image)
    assert [*tmp_path.iterdir()] == [tmp_path / "run.pt"]


@pytest.mark.usefixtures("tiny")
def test_the_state_may_still_be_had_after_the_last_frame(tmp_path):
    frame = [*frames(RUN, every=1)][-1]
    save_state(frame.state(), tmp_path / "run.pt")
    *_, more = frames(replace(RUN, iterations=30), resume=load_state(tmp_path / "run.pt"))
    *_, straight = frames(replace(RUN, iterations=30))
    assert torch.equal(more.image, straight.image)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
def test_a_state_that_the_disk_does_not_hold_is_refused_and_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / ".token.part").symlink_to("/dev/full")
    monkeypatch.setattr(files.secrets, "token_hex", lambda _: "token")
    with pytest.raises(FileError, match=r"Cannot write .*run\.pt: No space left on device"):
        save_state({"canvas": torch.zeros(1000)}, tmp_path / "run.pt")
    assert not [*tmp_path.iterdir()]


def test_a_file_that_holds_no_state_is_refused(tmp_path):
    with pytest.raises(StateError, match=r"Cannot read the state .*none\.pt"):
        load_state(tmp_path / "none.pt")
    for content in (b"", b"no state", bytes(1000)):
        (tmp_path / "odd.pt").write_bytes(content)
        with pytest.raises(StateError, match=r"odd\.pt is no run's state"):
            load_state(tmp_path / "odd.pt")
    with pytest.raises(FileError, match="Cannot write into"):
        save_state({}, tmp_path / "nowhere" / "run.pt")


@pytest.mark.usefixtures("tiny")
def test_a_state_with_one_wrong_byte_in_its_picture_is_refused(tmp_path):
    frame = next(frames(RUN))
    path = save_state(frame.state(), tmp_path / "run.pt")
    state, stored = load_state(path), path.read_bytes()
    picture_bytes = state["pass"]["image"].numpy().tobytes()
    place = stored.index(picture_bytes) + len(picture_bytes) // 2
    path.write_bytes(stored[:place] + bytes([stored[place] ^ 1]) + stored[place + 1 :])
    with pytest.raises(StateError, match=r"run\.pt is no run's state"):
        load_state(path)
