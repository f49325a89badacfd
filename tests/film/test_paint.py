"""Frames painted from the last one: start, matches, number of passes, cuts, flicker."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from neural_style import ImageError, SettingsError, StateError, load_image, stylize
from neural_style.film.flicker import difference, flicker
from neural_style.film.flow import find_motion, flow_by_dis, warp
from neural_style.film.paint import Later, paint_frames
from neural_style.network import strips
from neural_style.record.recipe import KEYWORD, parse_recipe
from neural_style.run.previous import PreviousFrame
from tests.conftest import EXAMPLES
from tests.film.small import paint, small_brush, small_frames
from tests.small_pictures import grainy
from tests.small_runs import small_settings

pytestmark = pytest.mark.usefixtures("tiny")

SIZE = 48, 64


def previous_of(image: torch.Tensor, trust: float, matches=None, weight=0.0) -> PreviousFrame:
    """The last frame's picture, not moved, trusted everywhere alike."""
    mask = torch.full((1, 1, *SIZE), trust)
    return PreviousFrame(image, mask, mask, torch.zeros(1, 2, *SIZE), matches, weight)


def run(settings, **options) -> list:
    return [*stylize(grainy(*SIZE, 1), grainy(64, 64, 3), settings, **options)]


@pytest.mark.parametrize("statistic", ["nearest", "gram"])
def test_trusted_run_starts_from_the_last_picture(statistic):
    last = grainy(*SIZE, 5)
    first, *_ = run(small_settings(statistic=statistic), previous=previous_of(last, 1.0))
    assert torch.equal(first.image, last)


def test_run_that_trusts_nothing_is_the_usual_one():
    settings = small_settings(statistic="gram")
    usual, other = run(settings)[-1], run(settings, previous=previous_of(grainy(*SIZE, 5), 0.0))[-1]
    assert torch.equal(usual.image, other.image)
    assert other.losses == usual.losses | {"temporal": 0.0}


@pytest.mark.parametrize("statistic", ["nearest", "gram"])
def test_heavy_term_holds_the_picture(statistic):
    last = grainy(*SIZE, 5)
    ends = [
        run(small_settings(statistic=statistic), previous=previous_of(last, 1.0, weight=weight))
        for weight in (0.0, 1e6)
    ]
    free, held = ((frames[-1].image - last).abs().mean().item() for frames in ends)
    assert held < 0.1 * free


def test_matches_of_last_frame_are_followed():
    end = run(small_settings(iterations=4))[-1].carry()
    again = run(small_settings(iterations=4), previous=previous_of(end.image, 1.0, end.matches))
    found = again[-1].carry().matches
    same = (found.rows == end.matches.rows) & (found.columns == end.matches.columns)
    assert same.float().mean() > 0.9
    assert (found.drift[:, same] == 0).all()


def test_continued_run_of_later_frame_is_the_same():
    end = run(small_settings(iterations=4))[-1].carry()
    previous = previous_of(end.image, 1.0, end.matches, 50.0)
    settings = small_settings(iterations=7)
    frames = stylize(grainy(*SIZE, 1), grainy(64, 64, 3), settings, previous=previous)
    state = next(frame.state() for frame in frames if frame.iteration == 5)
    continued = run(settings, previous=previous, resume=state)[-1]
    assert torch.equal(continued.image, run(settings, previous=previous)[-1].image)


def test_state_and_recipe_of_later_frame_need_that_last_frame():
    previous = previous_of(grainy(*SIZE, 5), 1.0)
    end = run(small_settings(), previous=previous)[-1]
    with pytest.raises(StateError, match="start picture"):
        run(small_settings(iterations=20), resume=end.state())
    other = previous._replace(weight=2.0)
    with pytest.raises(StateError, match="start picture"):
        run(small_settings(iterations=20), resume=end.state(), previous=other)
    with pytest.raises(SettingsError, match="start picture"):
        run(small_settings(), replay=parse_recipe(end.recipe[KEYWORD], "picture"))


def test_last_frame_of_another_size_is_refused():
    mask = torch.ones(1, 1, 24, 32)
    other = PreviousFrame(grainy(24, 32, 1), mask, mask, torch.zeros(1, 2, 24, 32))
    with pytest.raises(ImageError, match="32×24; this frame's result is 64×48"):
        run(small_settings(), previous=other)


@pytest.fixture
def passes(monkeypatch) -> Counter:
    """Counts evaluations: with gradient 1, without 1/3, as their costs are; in thirds."""
    counted: Counter = Counter()
    evaluate, visit = strips.evaluate, strips.visit_features

    def watched_evaluate(*arguments, with_gradient=True):
        counted["thirds"] += 3 if with_gradient else 1
        return evaluate(*arguments, with_gradient=with_gradient)

    def watched_visit(*arguments):
        counted["thirds"] += 1
        return visit(*arguments)

    for module in ("neural_style.objective.terms", "neural_style.objective.make"):
        monkeypatch.setattr(f"{module}.evaluate", watched_evaluate, raising=False)
    for module in ("objective.make", "objective.guides", "matching.sampling"):
        monkeypatch.setattr(f"neural_style.{module}.visit_features", watched_visit, raising=False)
    return counted


@pytest.mark.parametrize("statistic", ["nearest", "gram"])
def test_later_frames_need_at_most_ten_passes(statistic, passes):
    brush = small_brush(Later().steps, statistic=statistic)
    painting = paint_frames(small_frames(3), brush.styles, brush.settings, brush.later)
    next(painting)
    for _ in range(2):
        passes.clear()
        next(painting)
        assert 8 < passes["thirds"] / 3 <= 10


def test_frames_after_a_cut_begin_anew():
    painted = paint(small_frames(4, 2), small_brush())
    assert [frame.begins for frame in painted] == [True, False, True, False]
    assert [frame.run.iteration for frame in painted] == [2, 1, 2, 1]
    alone = paint(small_frames(4, 2)[2:3], small_brush())[0]
    assert torch.equal(painted[2].image, alone.image)


def test_later_frame_starts_from_last_result_moved_along_the_flow():
    first, second = paint(small_frames(2), small_brush(steps=1))
    moved = warp(first.last.carried.image, second.motion.flow)
    trusted = second.motion.trust.expand_as(moved) == 1
    assert trusted.float().mean() > 0.5
    off = (second.image - moved).abs()[trusted].mean()
    assert off < 0.5 * (second.image - first.image).abs()[trusted].mean()


def test_flicker_of_moved_picture_is_small_and_of_another_large():
    last, frame = small_frames(2)
    motion = find_motion(frame, last, flow_by_dis)
    moved = warp(last, motion.flow)
    assert flicker(moved, last, motion) < 1e-6
    bright = (moved + 0.1).clamp(0, 1)
    assert 0.05 < flicker(bright, last, motion) <= 0.1 + 1e-6
    assert (difference(bright, last, motion) * (motion.trust == 0)).max() == 0


@pytest.mark.slow
def test_flicker_is_at_most_a_third_of_frames_painted_alone(monkeypatch):
    """With the real network, 128 pixels wide; the colors of the sample film are real, too."""
    monkeypatch.undo()
    style = load_image(EXAMPLES / "style" / "poppies.jpg", 128)
    brush = small_brush(8, size=128, iterations=20, scales=0)._replace(styles=[style])
    frames = [torch.nn.functional.interpolate(f, (96, 128)) for f in small_frames(4)]
    painted = paint(frames, brush)
    alone = [paint([frame], brush)[0].image for frame in frames]
    motions = [frame.motion for frame in painted[1:]]
    ours, theirs = (
        sum(flicker(b, a, m) for a, b, m in zip(images, images[1:], motions, strict=False))
        for images in ([frame.image for frame in painted], alone)
    )
    assert ours < theirs / 3
