"""Checkpoints: a resumed run equals the unbroken run, and invalid states are rejected.

The runs here have statistic "gram"; `tests/test_matched_resume.py` has those with "nearest".
"""

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
from neural_style.objective import Objective
from neural_style.optim.engines import ENGINES
from neural_style.record.checkpoint import load_state, save_state
from neural_style.record.recipe import KEYWORD
from tests.conftest import picture

RUN = Settings(iterations=24, size=96, scales=1, precision="fp32", statistic="gram", seed=3)


def frames(run, **options):
    return stylize(picture(72, 96, seed=1), picture(80, 64, seed=2), run, **options)


def state_at(iteration, run):
    """The state after writing it to a file and reading it back."""
    for frame in frames(run, every=1):
        if frame.iteration == iteration:
            return round_trip(frame.state())
    raise AssertionError("the run has no such iteration")


def round_trip(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@cache
def unbroken_run(name):
    """A run of `RUNS`: iteration → picture, losses and events; iteration → state at `POINTS`."""
    seen, states = {}, {}
    for frame in frames(RUNS[name], every=1):
        seen[frame.iteration] = frame.image, frame.losses, frame.events
        if (name, frame.iteration) in POINTS:
            states[frame.iteration] = round_trip(frame.state())
    return seen, states


RUNS = {
    "lbfgs": RUN,
    "longer than history": replace(RUN, iterations=90),
    "adam": replace(RUN, optimizer="adam"),
    "plain": replace(RUN, engine="plain"),
    "plain adam": replace(RUN, engine="plain", optimizer="adam"),
    "eased": replace(RUN, loss_units="absolute", style_weight=100.0),
    "eased, two scales": replace(
        RUN, loss_units="absolute", style_weight=100.0, size=256, scales=2, scale_shares=(3, 2)
    ),
    "two scales": replace(RUN, size=256, scales=2),
    "average": replace(RUN, average=0.9),
    "content colors": replace(RUN, color="content"),
    "spikes": replace(RUN, learning_rate=8.0),
}
FAST_POINTS = [
    *((name, stop) for name in RUNS for stop in (7, 12)),
    ("longer than history", 80),
    ("eased, two scales", 16),
    *(("spikes", stop) for stop in (1, 2)),
]
SLOW_POINTS = [(name, stop) for name in RUNS for stop in (1, 10, 23)]
SLOW_POINTS.remove(("spikes", 1))
POINTS = {*FAST_POINTS, *SLOW_POINTS}
"""Runs and the iterations after which they are resumed."""


@pytest.fixture
def few_eased_steps(monkeypatch):
    """Eases only ten steps, so that short runs have both eased and normal steps."""
    optimizers = ENGINES["fast"].optimizers
    monkeypatch.setitem(optimizers, "lbfgs", optimizers["lbfgs"]._replace(eased=(10, 4)))


@pytest.mark.usefixtures("tiny", "few_eased_steps")
@pytest.mark.parametrize(
    ("name", "stop"),
    [*FAST_POINTS, *(pytest.param(*point, marks=pytest.mark.slow) for point in SLOW_POINTS)],
)
def test_resumed_run_is_byte_identical_to_unbroken_run(name, stop):
    run = RUNS[name]
    expected, states = unbroken_run(name)
    continued = list(frames(run, every=1, resume=states[stop]))
    assert [frame.iteration for frame in continued] == list(range(stop + 1, run.iterations + 1))
    for frame in continued:
        image, losses, events = expected[frame.iteration]
        assert torch.equal(frame.image, image)
        assert (frame.losses, frame.events) == (losses, events)


@pytest.mark.usefixtures("tiny", "few_eased_steps")
def test_guard_restarts_run_with_spikes_after_first_point():
    seen, _ = unbroken_run("spikes")
    restarts = [k for k, (*_, events) in seen.items() for e in events if e.code == "guard.restart"]
    assert any(restart > 1 for restart in restarts)
    assert not any(events for *_, events in unbroken_run("lbfgs")[0].values())


@pytest.mark.usefixtures("tiny", "few_eased_steps")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lbfgs", 25 * [False]),
        ("eased", 10 * [True] + 15 * [False]),
        # 14 steps at the first size and 10 at the second; each size ends with an evaluation.
        ("eased, two scales", 10 * [True] + 5 * [False] + 4 * [True] + 7 * [False]),
    ],
)
def test_first_steps_of_each_size_are_eased_with_absolute_losses(name, expected, monkeypatch):
    evaluate, eased = Objective.__call__, []

    def recording(objective, image, **how):
        if "eased" in how:  # not where the guard evaluates the best picture again
            eased.append(how["eased"])
        return evaluate(objective, image, **how)

    monkeypatch.setattr(Objective, "__call__", recording)
    list(frames(RUNS[name]))
    assert eased == expected


@pytest.mark.usefixtures("tiny")
def test_run_of_30_extended_by_30_equals_run_of_60():
    half, whole = replace(RUN, iterations=30), replace(RUN, iterations=60)
    *_, expected = frames(whole)
    *_, last = frames(whole, resume=state_at(30, half))
    assert last.iteration == 60
    assert torch.equal(last.image, expected.image)
    assert last.losses == expected.losses


@pytest.mark.usefixtures("tiny")
def test_resuming_in_another_precision_is_reported_in_first_frame():
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
def test_added_iterations_are_at_the_full_size():
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
def test_state_of_another_run_raises_error_naming_differences(changes, words):
    with pytest.raises(StateError, match=words):
        next(frames(replace(RUN, **changes), resume=state_at(24, RUN)))


@pytest.mark.usefixtures("tiny")
def test_state_of_another_format_raises_state_error(tmp_path):
    """The other fields make no difference."""
    message = "of format 99; this program knows format 1. Continue it with the version"
    for other in (state_at(5, RUN) | {"format": 99}, {"format": 99}):
        with pytest.raises(StateError, match=message):
            next(frames(RUN, resume=other))
        torch.save(other, tmp_path / "later.pt")
        with pytest.raises(StateError, match=message):
            load_state(tmp_path / "later.pt")


@pytest.mark.usefixtures("tiny")
def test_state_of_other_pictures_raises_state_error():
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
def test_dict_that_is_not_a_state_raises_state_error():
    with pytest.raises(StateError, match=r"not a run's state\. Give what a frame's state"):
        next(frames(RUN, resume={"iteration": 3}))


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    "broken",
    [
        *({"identity": {"size": torch.zeros(0)}}, {"identity": {"a": [torch.zeros(2)]}}),
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
def test_state_with_invalid_field_raises_state_error(broken, tmp_path):
    state = state_at(5, RUN) | broken
    with pytest.raises(StateError, match=r"not a run's state"):
        next(frames(RUN, resume=state))
    torch.save(state, tmp_path / "odd.pt")
    with pytest.raises(StateError, match=r"odd\.pt is no run's state"):
        load_state(tmp_path / "odd.pt")


@pytest.mark.usefixtures("tiny")
def test_style_mask_and_keep_mask_are_distinguished():
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
def test_state_is_available_after_the_run_is_closed():
    run = frames(RUN)
    frame = next(run)
    run.close()
    assert len(list(frames(RUN, every=1, resume=frame.state()))) == RUN.iterations


@pytest.mark.usefixtures("tiny")
def test_saved_state_can_be_loaded_and_resumed(tmp_path):
    for frame in frames(RUN, every=1):
        if frame.iteration == 12:
            assert save_state(frame.state(), tmp_path / "run.pt") == tmp_path / "run.pt"
    *_, continued = frames(RUN, resume=load_state(tmp_path / "run.pt"))
    assert torch.equal(continued.image, frame.image)
    assert [*tmp_path.iterdir()] == [tmp_path / "run.pt"]


@pytest.mark.usefixtures("tiny")
def test_state_is_available_after_the_last_frame(tmp_path):
    frame = [*frames(RUN, every=1)][-1]
    save_state(frame.state(), tmp_path / "run.pt")
    *_, more = frames(replace(RUN, iterations=30), resume=load_state(tmp_path / "run.pt"))
    *_, expected = frames(replace(RUN, iterations=30))
    assert torch.equal(more.image, expected.image)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full does not exist")
def test_full_disk_raises_file_error_and_leaves_no_file(tmp_path, monkeypatch):
    (tmp_path / ".token.part").symlink_to("/dev/full")
    monkeypatch.setattr(files.secrets, "token_hex", lambda _: "token")
    with pytest.raises(FileError, match=r"Cannot write .*run\.pt: No space left on device"):
        save_state({"canvas": torch.zeros(1000)}, tmp_path / "run.pt")
    assert not [*tmp_path.iterdir()]


def test_load_state_rejects_missing_and_invalid_files(tmp_path):
    with pytest.raises(StateError, match=r"Cannot read the state .*none\.pt"):
        load_state(tmp_path / "none.pt")
    for content in (b"", b"no state", bytes(1000)):
        (tmp_path / "odd.pt").write_bytes(content)
        with pytest.raises(StateError, match=r"odd\.pt is no run's state"):
            load_state(tmp_path / "odd.pt")
    with pytest.raises(FileError, match="Cannot write into"):
        save_state({}, tmp_path / "nowhere" / "run.pt")


@pytest.mark.usefixtures("tiny")
def test_flipped_bit_in_state_file_raises_state_error(tmp_path):
    frame = next(frames(RUN))
    path = save_state(frame.state(), tmp_path / "run.pt")
    state, stored = load_state(path), path.read_bytes()
    picture_bytes = state["pass"]["image"].numpy().tobytes()
    place = stored.index(picture_bytes) + len(picture_bytes) // 2
    path.write_bytes(stored[:place] + bytes([stored[place] ^ 1]) + stored[place + 1 :])
    with pytest.raises(StateError, match=r"run\.pt is no run's state"):
        load_state(path)
