"""Style statistics against NumPy, and their invariances."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neural_style import Settings, stylize
from neural_style.objective.losses import channel_products, channel_totals
from neural_style.objective.statistics import STATISTICS, Moments, average, wasserstein_loss
from tests.conftest import picture


def activations(seed: int, channels: int = 4) -> torch.Tensor:
    """Nonnegative activations with a positive mean, like those after a ReLU."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(1, channels, 6, 7, generator=generator, dtype=torch.float64)


def moments(features: torch.Tensor) -> Moments:
    return average(channel_products(features), channel_totals(features), features.numel())


def numpy_gram(rows):
    return rows @ rows.T / rows.size


def numpy_centered(rows):
    return np.cov(rows, bias=True) / len(rows)


def squares(ours, theirs):
    return np.square(ours - theirs).mean()


NUMPY_LOSSES = {
    "gram": lambda ours, theirs: squares(numpy_gram(ours), numpy_gram(theirs)),
    "centered": lambda ours, theirs: squares(numpy_centered(ours), numpy_centered(theirs)),
    "mean_deviation": lambda ours, theirs: (
        squares(ours.mean(1), theirs.mean(1)) + squares(ours.std(1), theirs.std(1))
    ),
    "wasserstein": lambda ours, theirs: (
        squares(ours.mean(1), theirs.mean(1)) + numpy_bures(ours, theirs) / len(ours)
    ),
}


def numpy_bures(ours, theirs):
    """From the eigenvalues of the nonsymmetric Σ Σ*, unlike the code under test."""
    floor = 1e-4 * np.eye(len(ours))
    one, other = np.cov(ours, bias=True) + floor, np.cov(theirs, bias=True) + floor
    roots = np.sqrt(np.linalg.eigvals(one @ other).real)
    return np.trace(one) + np.trace(other) - 2 * roots.sum()


def test_every_statistic_has_a_numpy_reference():
    assert NUMPY_LOSSES.keys() == STATISTICS.keys()


@pytest.mark.parametrize("name", STATISTICS)
def test_loss_matches_numpy(name):
    ours, theirs = activations(1), activations(2)
    loss = STATISTICS[name].loss(moments(ours), moments(theirs))
    rows = [features[0].flatten(1).numpy() for features in (ours, theirs)]
    assert loss.item() == pytest.approx(NUMPY_LOSSES[name](*rows), rel=1e-6)


@pytest.mark.parametrize("name", STATISTICS)
def test_loss_passes_gradcheck(name):
    target = moments(activations(2))

    def loss(features):
        return STATISTICS[name].loss(moments(features), target)

    assert torch.autograd.gradcheck(loss, activations(1).requires_grad_())


@pytest.mark.parametrize("name", STATISTICS)
def test_loss_of_equal_moments_is_zero(name):
    target = moments(activations(1))
    assert STATISTICS[name].loss(target, target).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", STATISTICS)
def test_loss_is_invariant_to_shuffling_pixels(name):
    features, target = activations(1), moments(activations(2))
    order = torch.randperm(42, generator=torch.Generator().manual_seed(0))
    shuffled = features.flatten(2)[..., order].view_as(features)
    assert not torch.equal(shuffled, features)
    loss = STATISTICS[name].loss
    assert loss(moments(shuffled), target).item() == pytest.approx(
        loss(moments(features), target).item(), rel=1e-9
    )


@pytest.mark.parametrize("name", STATISTICS)
def test_relative_loss_is_nearly_invariant_to_scale_of_activations(name):
    """The floors are far below activations of this size."""
    canvas, style, entry = activations(1), activations(2), STATISTICS[name]

    def relative(scale):
        target = moments(scale * style)
        return (entry.loss(moments(scale * canvas), target) / entry.unit(target)).item()

    assert relative(300.0) == pytest.approx(relative(10.0), rel=1e-3)


@pytest.mark.parametrize("name", ["centered", "mean_deviation", "wasserstein"])
def test_channel_offset_changes_only_the_mean(name):
    """An offset changes the mean of each channel, but no covariance."""
    style = activations(2)
    plain, brighter = moments(style), moments(style + 1)
    difference = STATISTICS[name].loss(brighter, plain).item()
    assert difference == pytest.approx(0.0 if name == "centered" else 1.0, abs=1e-9)


@pytest.mark.parametrize("name", STATISTICS)
def test_zero_activations_give_finite_losses_and_gradients(name):
    blank, target = torch.zeros(1, 4, 6, 7), moments(activations(2).float())
    for other in (target, moments(torch.zeros(1, 4, 6, 7))):
        features = blank.clone().requires_grad_()
        loss = STATISTICS[name].loss(moments(features), other) / STATISTICS[name].unit(other)
        (gradient,) = torch.autograd.grad(loss, features)
        assert loss.isfinite()
        assert gradient.isfinite().all()


def test_wasserstein_loss_of_nearly_equal_moments_is_nonnegative():
    features = activations(1, channels=16).float()
    near = moments(features * (1 + 1e-7))
    assert wasserstein_loss(near, moments(features)) >= 0


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_stylize_halves_style_loss_with_every_statistic(name, precision):
    run = Settings(
        iterations=40, size=96, scales=1, statistic=name, precision=precision, tv_weight=0
    )
    first, *_, last = stylize(picture(72, 96, seed=1), picture(80, 64, seed=2), run)
    assert last.losses["style"] < 0.5 * first.losses["style"]
