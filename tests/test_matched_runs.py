"""Runs with statistic "nearest": settings, masks and engines."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import pytest
import torch

from neural_style import Masks, Settings, stylize
from neural_style.images.color import COLOR_MODES, luma
from neural_style.plan.memory import plan_memory
from neural_style.run import job
from neural_style.run.frame import Frame
from tests.conftest import picture
from tests.small_pictures import grainy, half

RUN = Settings(iterations=12, size=96, precision="fp32", statistic="nearest")
"""Four steps at 48 pixels; at 96, three by cells, then five by layers."""

CONTENT, STYLE, OTHER = grainy(72, 96, 1), grainy(80, 64, 2), grainy(64, 96, 3)

pytestmark = pytest.mark.usefixtures("tiny")


def frames(run: Settings = RUN, style=STYLE, content=CONTENT, **options) -> list[Frame]:
    return list(stylize(content, style, run, every=1, **options))


def last(run: Settings = RUN, style=STYLE, content=CONTENT, **options) -> Frame:
    *_, frame = stylize(content, style, run, **options)
    return frame


@lru_cache
def default_image() -> torch.Tensor:
    """The last picture of `RUN`."""
    return last().image


def test_frames_have_expected_iterations_and_doubling_sizes():
    made = frames()
    assert [frame.iteration for frame in made] == list(range(13))
    sizes = [tuple(frame.image.shape[-2:]) for frame in made]
    assert sizes == 5 * [(36, 48)] + 8 * [(72, 96)]
    assert [frame.scale for frame in made] == 5 * [(1, 2)] + 8 * [(2, 2)]
    assert [frame.iteration for frame in made if frame.scale_ends] == [4, 12]
    assert [frame.iteration for frame in made if frame.milestone] == [0, 1, 2, 5, 10, 12]
    for frame in made:
        assert frame.losses.keys() == {"content", "style", "tv"}
        assert frame.image.min() >= 0
        assert frame.image.max() <= 1
        assert frame.seconds_left >= 0
    assert made[-1].seconds_left == 0


@pytest.mark.parametrize("iterations", [1, 2, 3, 13])
def test_short_runs_have_the_given_number_of_iterations(iterations):
    made = frames(replace(RUN, iterations=iterations))
    assert [frame.iteration for frame in made] == list(range(iterations + 1))
    assert made[-1].image.shape == (1, 3, 72, 96)


def test_total_loss_never_increases_within_a_pass():
    """Each pass has new targets, so totals are compared within a pass."""
    made = frames(replace(RUN, iterations=40, init="content", scales=1, noise_ratio=0.0))
    totals = [sum(frame.losses.values()) for frame in made]
    for begin, end in ((0, 12), (13, 17), (18, 22)):
        assert totals[begin : end + 1] == sorted(totals[begin : end + 1], reverse=True)
    assert totals[12] < 0.9 * totals[0]


def test_same_seed_is_byte_identical_and_another_seed_differs():
    one, same, other = (last(replace(RUN, seed=seed)).image for seed in (3, 3, 4))
    assert torch.equal(one, same)
    assert (one - other).abs().max() > 0.01


def test_seed_does_not_change_first_frame_without_noise():
    one, other, noisy = (
        next(stylize(CONTENT, STYLE, replace(RUN, seed=seed, noise_ratio=ratio))).image
        for seed, ratio in ((3, 0.0), (4, 0.0), (4, 0.5))
    )
    assert torch.equal(one, other)
    assert not torch.equal(noisy, one)


@pytest.mark.parametrize("init", ["auto", "content", "recolored", "noise", "mean"])
@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("engine", ["fast", "plain"])
def test_gray_content_and_style_give_a_gray_picture(init, optimizer, engine):
    content, style = (luma(image).expand(-1, 3, -1, -1).clone() for image in (CONTENT, STYLE))
    run = replace(RUN, init=init, optimizer=optimizer, engine=engine, iterations=8)
    for frame in frames(run, content=content, style=style):
        assert (frame.image - frame.image.mean(1, keepdim=True)).abs().max() < 1e-6
    assert (frame.image - content).abs().max() > 0.01


VARIANTS = {
    "plain lbfgs": {"engine": "plain"},
    "plain adam": {"engine": "plain", "optimizer": "adam"},
    "adam": {"optimizer": "adam"},
    "bf16": {"precision": "bf16"},
    "plain bf16": {"engine": "plain", "precision": "bf16"},
    "init noise": {"init": "noise"},
    "init recolored": {"init": "recolored"},
    "init mean": {"init": "mean"},
    "one scale": {"scales": 1},
    "scale shares": {"scale_shares": (1, 3)},
    "average": {"average": 0.8},
    "absolute losses": {"loss_units": "absolute"},
    "total variation": {"tv_weight": 10.0},
    "no content weight": {"content_weight": 0.0},
    "no style weight": {"style_weight": 0.0},
    "style scale 2": {"style_scale": (2,)},
    "style scale 0.5": {"style_scale": (0.5,)},
    "style crop": {"style_crop": ((0.2, 0.1, 0.6, 0.5),)},
    "style fit area": {"style_fit": "area"},
    "layers": {
        "style_layers": {"relu1_1": 1, "relu3_1": 0.5, "relu5_1": 0},
        "content_layers": {"relu3_1": 1.0},
    },
    "layer exponent": {"layer_exponent": 1.5},
    "pooling": {"pooling": "avg"},
    "border": {"border": "zeros"},
    "learning rate": {"learning_rate": 0.3},
    "noise ratio": {"noise_ratio": 0.9},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_each_variant_changes_the_picture(name):
    made = frames(replace(RUN, **VARIANTS[name]))
    assert [frame.iteration for frame in made] == list(range(13))
    assert all(frame.image.isfinite().all() for frame in made)
    image = made[-1].image
    assert image.shape == default_image().shape
    assert (image - default_image()).abs().max() > 1e-4
    spread = made[-1].image.std()
    assert 0.02 < spread < 0.5


@pytest.mark.parametrize("color", sorted(COLOR_MODES.keys() - {"style"}))
def test_color_modes_apply_with_nearest_statistic(color):
    run = replace(RUN, color=color)
    image = last(run).image
    assert not torch.equal(image, default_image())
    if color in ("content", "luminance"):
        apart = image - CONTENT
        inside = (image > 0) & (image < 1)
        sound = inside.all(1, keepdim=True)
        spread = (apart - apart.mean(1, keepdim=True)).abs() * sound
        assert spread.max() < 1e-5


def test_area_outside_style_mask_stays_close_to_content():
    """There the run starts from the content and has no style loss."""
    masks = Masks(styles=[half("left", 72, 96)])
    image = last(replace(RUN, style_weight=200.0), masks=masks).image
    apart = (image - CONTENT).abs().mean((0, 1, 2))
    assert apart[72:].mean() < 0.2 * apart[:40].mean()


def test_two_styles_stay_within_their_masks():
    dark, bright = 0.2 * STYLE, 0.8 + 0.2 * OTHER
    masks = Masks(styles=[half("left", 72, 96), half("right", 72, 96)])
    made = last(replace(RUN, style_weight=200.0), style=[dark, bright], masks=masks)
    assert made.losses.keys() == {"content", "style 1", "style 2", "tv"}
    assert made.image[..., :40].mean() + 0.2 < made.image[..., 56:].mean()


@pytest.mark.parametrize(("shares", "share"), [((), 0.5), ((0.8, 0.2), 0.8), ((1, 0), 1.0)])
def test_several_styles_are_mixed_by_their_shares(shares, share):
    dark, bright = 0.2 * STYLE, 0.8 + 0.2 * OTHER
    run = replace(RUN, style_weight=1000.0, style_shares=shares, noise_ratio=0.0)
    image = last(run, style=[dark, bright]).image
    assert (image < 0.45).float().mean().item() == pytest.approx(share, abs=0.2)


def test_style_masks_part_masks_and_keep_mask_together():
    masks = Masks(
        styles=[half("left", 72, 96), half("right", 72, 96)],
        parts=[half("left", 80, 64), half("right", 64, 96)],
        keep=0.6 * half("right", 72, 96),
    )
    made = frames(style=[STYLE, OTHER], masks=masks)
    assert made[-1].iteration == 12
    assert made[-1].image.isfinite().all()


@pytest.mark.parametrize("engine", ["fast", "plain"])
@pytest.mark.parametrize("statistic", ["nearest", "gram"])
def test_pixels_of_keep_mask_equal_content(engine, statistic):
    keep = torch.zeros(1, 1, 72, 96)
    keep[..., 20:50, 30:70] = 1
    run = replace(RUN, engine=engine, statistic=statistic)
    image = last(run, masks=Masks(keep=keep)).image
    assert torch.equal(image[..., 20:50, 30:70], CONTENT[..., 20:50, 30:70])
    assert not torch.equal(image, CONTENT)


def test_pictures_of_one_color_give_a_finite_result():
    flat = torch.full((1, 3, 64, 64), 0.5)
    for pair in ((flat, STYLE), (CONTENT, flat), (flat, flat)):
        made = last(content=pair[0], style=pair[1])
        assert made.image.isfinite().all()
        assert all(value == value for value in made.losses.values())


@pytest.mark.parametrize("shape", [(33, 700), (700, 33), (32, 32), (41, 47)])
def test_extreme_style_and_content_shapes_are_accepted(shape):
    run = replace(RUN, iterations=5)
    odd = torch.rand(1, 3, *shape, generator=torch.Generator().manual_seed(0))
    assert last(run, style=odd).iteration == 5
    wide = max(shape) / min(shape) < 3
    if wide:
        assert last(run, content=odd).image.isfinite().all()


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_first_steps_in_strips_are_close_to_those_without(optimizer, monkeypatch):
    """Another summation order may change single matches, so only the first steps are compared."""
    content = picture(192, 256, seed=1)
    run = replace(RUN, size=256, scales=1, iterations=3, optimizer=optimizer, noise_ratio=0.0)
    whole = frames(run, content=content)
    forced = {"pool2": 64, "pool3": 32}
    monkeypatch.setattr(
        job,
        "plan_memory",
        lambda *a, **options: plan_memory(*a, **options)._replace(rows=forced),
    )
    strips = frames(run, content=content)
    assert strips[-1].state()["conditions"][0]["rows"] == forced
    for one, other in zip(strips, whole, strict=True):
        apart = (one.image - other.image).abs()
        assert apart.mean() < 1e-3
        assert apart.max() < 0.05
        for name, loss in one.losses.items():
            assert loss == pytest.approx(other.losses[name], rel=1e-2, abs=1e-4)
