"""The optimizers against functions whose minimum is known, and the guard against mishaps."""

from __future__ import annotations

import math

import pytest
import torch

from neural_style.canvas import pixel_canvas, spectral_canvas
from neural_style.optimize import OPTIMIZERS, Adam, Lbfgs, optimize
from tests.conftest import picture

CPU = torch.device("cpu")
TARGET = picture(32, 40, seed=4)


def distance(image):
    """A bowl, steeper for some pixels than for others."""
    weights = torch.linspace(1, 30, image.numel()).view_as(image)
    return {"content": (weights * (image - TARGET).square()).mean()}


def run(terms, optimizer, iterations, canvas=None, start=None):
    start = torch.full_like(TARGET, 0.5) if start is None else start
    canvas = canvas or pixel_canvas(32, 40, CPU)
    return list(optimize(terms, start, canvas, optimizer, iterations))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_optimizer_finds_the_bottom_of_a_bowl(name):
    choice = OPTIMIZERS[name]
    iterates = run(distance, choice.make(choice.rate), 150, choice.canvas(32, 40, CPU))
    assert sum(iterates[-1].losses.values()) < 1e-3 * sum(iterates[0].losses.values())
    assert (iterates[-1].image - TARGET).abs().mean() < 0.01


def test_lbfgs_needs_far_fewer_steps_than_adam():
    def steps_to_a_thousandth(optimizer):
        iterates = run(distance, optimizer, 200)
        goal = 1e-3 * iterates[0].losses["content"]
        return next(i.iteration for i in iterates if i.losses["content"] < goal)

    assert 3 * steps_to_a_thousandth(Lbfgs()) < steps_to_a_thousandth(Adam())


def test_lbfgs_after_two_steps_points_where_the_textbook_points():
    """Against the dense BFGS update of the inverse Hessian, from the same scaled identity."""
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(3, 6, generator=generator, dtype=torch.float64)
    steepness = torch.tensor([1.0, 2.0, 3.0, 5.0, 8.0, 13.0], dtype=torch.float64)
    gradients = points * steepness
    optimizer = Lbfgs()
    for point, gradient in zip(points, gradients):
        following = optimizer.step(point, gradient)
    moves, changes = points.diff(dim=0), gradients.diff(dim=0)
    inverse = (moves[1] @ changes[1]) / (changes[1] @ changes[1]) * torch.eye(6).double()
    for move, change in zip(moves, changes):
        rho = 1 / (move @ change)
        left = torch.eye(6).double() - rho * torch.outer(move, change)
        inverse = left @ inverse @ left.T + rho * torch.outer(move, move)
    assert torch.allclose(following, points[2] - inverse @ gradients[2])


def test_adams_first_steps_are_those_of_torch():
    ours, theirs = torch.rand(50), torch.nn.Parameter(torch.zeros(50))
    theirs.data.copy_(ours)
    mine = Adam(rate=0.02, betas=(0.9, 0.99))
    reference = torch.optim.Adam([theirs], lr=0.02, betas=(0.9, 0.99), eps=1e-8)
    for number in range(3):
        gradient = torch.sin(torch.arange(50) + number)
        ours = mine.step(ours, gradient)
        theirs.grad = gradient.clone()
        reference.step()
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_an_iterate_is_the_best_so_far_with_its_own_losses():
    iterates = run(distance, Adam(rate=0.2), 60)
    totals = [iterate.losses["content"] for iterate in iterates]
    assert totals == sorted(totals, reverse=True)
    for iterate in iterates:
        assert distance(iterate.image)["content"].item() == pytest.approx(
            iterate.losses["content"], rel=1e-4, abs=1e-9
        )


def test_pictures_stay_in_range_even_when_the_target_is_outside():
    def outside(image):
        return {"content": (image - 1.7).square().mean()}

    for canvas in (pixel_canvas(32, 40, CPU), spectral_canvas(32, 40, CPU)):
        last = run(outside, Lbfgs(), 40, canvas)[-1]
        assert last.image.min() >= 0
        assert last.image.max() <= 1
        assert last.losses["content"] == pytest.approx(0.49, abs=1e-3)


@pytest.mark.parametrize("mishap", [math.nan, math.inf, 1e9])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_mishap_is_taken_back_and_the_run_goes_on(mishap, name):
    calls = 0

    def unlucky(image):
        nonlocal calls
        calls += 1
        terms = distance(image)
        return {"content": terms["content"] * (mishap if calls == 8 else 1.0)}

    choice = OPTIMIZERS[name]
    iterates = run(unlucky, choice.make(choice.rate), 60, choice.canvas(32, 40, CPU))
    totals = [iterate.losses["content"] for iterate in iterates]
    assert all(math.isfinite(total) for total in totals)
    assert totals == sorted(totals, reverse=True)
    assert totals[-1] < 0.5 * totals[8]


def test_taking_a_step_back_looks_no_more_often():
    calls = 0

    def unlucky(image):
        nonlocal calls
        calls += 1
        return {"content": distance(image)["content"] * (math.nan if calls % 5 == 0 else 1)}

    run(unlucky, Lbfgs(), 40)
    assert calls == 41


def test_closing_the_generator_stops_the_evaluations():
    calls = 0

    def counted(image):
        nonlocal calls
        calls += 1
        return distance(image)

    iterates = optimize(
        counted, torch.full_like(TARGET, 0.5), pixel_canvas(32, 40, CPU), Lbfgs(), 100
    )
    for _ in range(5):
        next(iterates)
    iterates.close()
    assert calls == 5


def test_an_image_once_given_is_never_written_to_again():
    iterates = optimize(
        distance, torch.full_like(TARGET, 0.5), pixel_canvas(32, 40, CPU), Adam(), 20
    )
    first = next(iterates)
    copy = first.image.clone()
    list(iterates)
    assert torch.equal(first.image, copy)
