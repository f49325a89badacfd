"""Losses against hand computation, plain loops and finite differences."""

from __future__ import annotations

import pytest
import torch

from neural_style.objective.losses import (
    TV_FORMS,
    channel_products,
    eased_style_loss,
    gram,
    mean_square,
    principal_axes,
    squared_distance,
    style_loss,
    tv_loss,
)
from neural_style.objective.temporal import TemporalTerm
from tests.small_pictures import noise


def test_gram_matches_hand_computation_on_2x2_image():
    # Channels (1, 2, 3, 4) and (0, 1, 0, 1): products 30, 6, 2, over 2 channels × 4 pixels.
    features = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]], [[0.0, 1.0], [0.0, 1.0]]]])
    assert torch.equal(gram(features), torch.tensor([[30.0, 6.0], [6.0, 2.0]]) / 8)


def test_gram_is_invariant_to_tiling():
    features = noise(1, 5, 4, 6)
    assert torch.allclose(gram(features.repeat(1, 1, 3, 2)), gram(features), atol=1e-6)


def test_gram_is_invariant_to_shuffling_pixels():
    features = noise(1, 5, 4, 6)
    order = torch.randperm(24, generator=torch.Generator().manual_seed(0))
    shuffled = features.flatten(2)[..., order].view_as(features)
    assert not torch.equal(shuffled, features)
    assert torch.allclose(gram(shuffled), gram(features), atol=1e-6)


def test_squared_distance_sums_squared_differences():
    assert squared_distance(torch.full((1, 2, 3, 3), 3.0), torch.ones(1, 2, 3, 3)) == 4 * 18


def test_masked_mean_square_matches_plain_loops():
    """The temporal term: Σ c (x − w)² / D; its gradient is 2 c (x − w) / D."""
    canvas, expected = noise(1, 3, 4, 5).requires_grad_(), noise(1, 3, 4, 5, seed=1)
    trust = noise(1, 1, 4, 5, seed=2)
    losses, pull = TemporalTerm(7.0, expected, trust).judge({}, canvas, False)
    total = 0.0
    for channel in range(3):
        for i in range(4):
            for j in range(5):
                off = canvas[0, channel, i, j].item() - expected[0, channel, i, j].item()
                total += trust[0, 0, i, j].item() * off**2
    assert losses["temporal"].item() == pytest.approx(7 * total / 60, rel=1e-5)
    (gradient,) = torch.autograd.grad(pull, canvas)
    assert torch.allclose(gradient, 14 * trust * (canvas - expected) / 60, atol=1e-6)


def test_tv_loss_of_checkerboard_is_two():
    board = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(4, 4).expand(1, 3, 8, 8)
    assert tv_loss(board) == 2


@pytest.mark.parametrize("form", TV_FORMS)
def test_total_variation_is_independent_of_size_except_as_sum(form):
    """An image tiled 2 × 2 has the same texture on four times the pixels."""
    grain = noise(1, 3, 60, 90)
    times = 4 if form == "sum" else 1
    expected = times * TV_FORMS[form](grain).item()
    assert TV_FORMS[form](grain.tile(1, 1, 2, 2)).item() == pytest.approx(expected, rel=0.04)


def test_total_variation_of_ramp_matches_hand_computation():
    """The ramp rises by one level per pixel to the right, on 8 × 9 pixels with 3 channels."""
    slope = (torch.arange(9.0) / 255).expand(1, 3, 8, 9)
    assert TV_FORMS["mean"](slope).item() == pytest.approx(1 / 255**2, rel=1e-4)
    assert TV_FORMS["levels"](slope).item() == pytest.approx(1, rel=1e-4)
    assert TV_FORMS["sum"](slope).item() == pytest.approx(3 * 7 * 8 / 2, rel=1e-4)
    # With replicate padding, 8 of 9 horizontal and 8 of 10 diagonal differences are not 0.
    nine = 2 / 3 * 8 / 9 + 2 * 8 / 10 / 6
    assert TV_FORMS["nine_points"](slope).item() == pytest.approx(nine / 255**2, rel=1e-4)


@pytest.mark.parametrize("form", TV_FORMS)
def test_total_variation_of_constant_image_is_zero(form):
    assert TV_FORMS[form](torch.full((1, 3, 5, 7), 0.4)) == 0


@pytest.mark.parametrize("form", TV_FORMS)
def test_total_variation_passes_gradcheck(form):
    image = noise(1, 3, 3, 4, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(TV_FORMS[form], image)


def test_style_loss_matches_formula_of_paper_up_to_constant():
    generator = torch.Generator().manual_seed(3)
    canvas = torch.rand(1, 3, 4, 5, generator=generator)
    style = torch.rand(1, 3, 4, 5, generator=generator)
    channels, pixels = 3, 20

    def paper_gram(features: torch.Tensor) -> list[list[float]]:
        rows = features[0].flatten(1).tolist()
        return [[sum(a * b for a, b in zip(p, q)) for q in rows] for p in rows]

    ours, theirs = paper_gram(canvas), paper_gram(style)
    squares = sum(
        (ours[i][j] - theirs[i][j]) ** 2 for i in range(channels) for j in range(channels)
    )
    paper = squares / (4 * channels**2 * pixels**2)
    assert channels**2 / 4 * style_loss(gram(canvas), gram(style)) == pytest.approx(paper, rel=1e-5)


def test_losses_pass_gradcheck():
    generator = torch.Generator().manual_seed(3)
    features, target = torch.rand(2, 1, 3, 3, 4, generator=generator, dtype=torch.float64)
    features.requires_grad_()
    products = channel_products(target).detach()
    assert torch.autograd.gradcheck(lambda x: squared_distance(x, target), features)
    assert torch.autograd.gradcheck(lambda x: style_loss(channel_products(x), products), features)


def test_relative_loss_is_invariant_to_scale_of_activations():
    canvas, content, style = noise(3, 1, 4, 6, 6).unbind()
    for scale in (0.01, 1.0, 300.0):
        target = gram(scale * style)
        relative = style_loss(gram(scale * canvas), target) / mean_square(target)
        assert relative == pytest.approx(
            (style_loss(gram(canvas), gram(style)) / mean_square(gram(style))).item(), rel=1e-4
        )
        relative = squared_distance(scale * canvas, scale * content) / mean_square(scale * content)
        assert relative == pytest.approx(
            (squared_distance(canvas, content) / mean_square(content)).item(), rel=1e-4
        )


def test_relative_loss_of_zero_target_is_finite():
    blank = torch.zeros(1, 4, 6, 6)
    assert (squared_distance(blank, blank) / mean_square(blank)).isfinite()


def grams(*seeds: int, channels: int = 5) -> list[torch.Tensor]:
    """Gram matrices of activations with a positive mean, like those after a ReLU."""
    made = []
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        made.append(gram(torch.rand(1, channels, 6, 7, generator=generator)))
    return made


def test_eased_style_loss_matches_plain_loops():
    canvas, target = grams(1, 2)
    values, directions = torch.linalg.eigh(target.double())
    total = 0.0
    for i in range(5):
        for j in range(5):
            error = directions[:, i] @ (canvas - target).double() @ directions[:, j]
            share = 3.0 / (1 + (values[i] + values[j]) / (0.1 * values[3]))
            total += share * error**2 / 25
    loss = eased_style_loss(canvas, target, principal_axes(target))
    assert loss.item() == pytest.approx(total.item(), rel=1e-4)


def test_eased_style_loss_is_zero_at_target():
    (target,) = grams(1)
    assert eased_style_loss(target, target, principal_axes(target)) == 0


def test_eased_style_loss_has_similar_curvature_in_all_directions():
    """The curvature along directions with eigenvalues a and b is proportional to a + b."""
    (target,) = grams(1, channels=24)
    values = torch.linalg.eigvalsh(target)
    curvature = values[:, None] + values[None, :]
    eased = principal_axes(target).shares.square() * curvature
    assert curvature.max() > 30 * curvature.median()
    assert eased.max() < 3 * eased.median()


@pytest.mark.parametrize("target", [torch.zeros(4, 4), torch.ones(4, 4), 1e-8 * torch.eye(4)])
def test_eased_style_loss_is_finite_for_degenerate_target(target):
    canvas = (target + 0.1).requires_grad_()
    loss = eased_style_loss(canvas, target, principal_axes(target))
    (gradient,) = torch.autograd.grad(loss, canvas)
    assert loss.isfinite()
    assert gradient.isfinite().all()
