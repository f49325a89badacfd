"""Optimizers against torch and textbook formulas; states, histories and rates."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from neural_style.optim import long_vectors
from neural_style.optim.engines import ENGINES
from neural_style.optim.optimizers import Adam, Lbfgs

PLAIN = ENGINES["plain"].optimizers


def test_third_step_of_lbfgs_matches_dense_bfgs():
    """The dense BFGS update of the inverse Hessian starts from the same scaled identity."""
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


def test_adam_matches_torch():
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


def objective(numbers):
    """A nonquadratic function whose curvature differs by a factor of 30 between directions."""
    steepness = torch.logspace(0, 1.5, numbers.numel(), dtype=numbers.dtype)
    return (steepness * (numbers - 0.3 * torch.sin(numbers.roll(1))).square()).sum()


def gradient_of(numbers):
    numbers = numbers.clone().requires_grad_()
    return torch.autograd.grad(objective(numbers), numbers)[0]


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("lbfgs", partial(torch.optim.LBFGS, lr=1.0, max_iter=1)),
        ("adam", partial(torch.optim.Adam, lr=10.0)),
    ],
)
def test_plain_engine_matches_torch(name, theirs):
    start = torch.linspace(-3, 4, 40, dtype=torch.float64)
    ours, mine = start, PLAIN[name].make(PLAIN[name].rate, PLAIN[name].history, None)
    parameter = torch.nn.Parameter(start.clone())
    reference = theirs([parameter])

    def closure():
        reference.zero_grad()
        loss = objective(parameter)
        loss.backward()
        return loss

    for _ in range(25):
        ours = mine.step(ours, gradient_of(ours))
        reference.step(closure)
        assert torch.allclose(ours, parameter.detach(), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("precision", [None, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("history", [1, 3, 10])
def test_lbfgs_with_short_history_matches_two_loop_recursion(history, precision, monkeypatch):
    """The two-loop recursion uses the stored, rounded vectors."""
    monkeypatch.setattr(long_vectors, "_PIECE", 7 * 2 * history)  # 7 of the 40 numbers at a time
    numbers = torch.linspace(-3, 4, 40, dtype=torch.float64)
    optimizer = Lbfgs(1.0, history, precision)
    points, gradients = [], []
    for _ in range(3 * history + 2):
        gradient = gradient_of(numbers)
        points, gradients = [*points, numbers], [*gradients, gradient]
        numbers = optimizer.step(numbers, gradient)
    moves, changes = (torch.stack(rows).diff(dim=0) for rows in (points, gradients))
    if precision is not None:
        moves, changes = moves.to(precision).double(), changes.to(precision).double()
        assert optimizer.vectors.dtype == precision
    kept = [(s, y) for s, y in zip(moves, changes) if s @ y > 1e-10 * (y @ y)][-history:]
    assert len(kept) == history
    direction, shares = gradients[-1].clone(), []
    for move, change in reversed(kept):
        shares.append((move @ direction) / (move @ change))
        direction -= shares[-1] * change
    move, change = kept[-1]
    direction *= (move @ change) / (change @ change)
    for (move, change), share in zip(kept, reversed(shares)):
        direction += (share - (change @ direction) / (move @ change)) * move
    tolerance = 1e-4 if precision else 1e-9  # low-precision pairs are summed in float32
    assert torch.allclose(numbers, points[-1] - direction, rtol=tolerance)


def test_lbfgs_accepts_gradients_in_any_memory_format():
    numbers = torch.linspace(-3, 4, 60).view(1, 3, 4, 5)
    reached = []
    for layout in (torch.contiguous_format, torch.channels_last):
        optimizer, here = Lbfgs(), numbers
        for _ in range(3):
            gradient = gradient_of(here.flatten()).view(here.shape)
            here = optimizer.step(here, gradient.contiguous(memory_format=layout))
        reached.append(here)
    assert torch.allclose(*reached)


def test_lbfgs_ignores_first_pair_without_positive_curvature():
    optimizer = Lbfgs()
    numbers = torch.tensor([1.0, 2.0])
    optimizer.step(numbers, torch.tensor([1.0, 1.0]))
    following = optimizer.step(numbers + 1, torch.tensor([0.5, 0.5]))  # negative curvature
    assert torch.allclose(following, numbers + 1 - 0.003)


def test_lbfgs_ignores_pairs_of_negative_curvature_or_nan():
    """The next step equals that of an optimizer without these pairs."""
    with_it, without = Lbfgs(1.0, 6), Lbfgs(1.0, 6)
    numbers = torch.linspace(-1, 1, 20, dtype=torch.float64)
    for _ in range(4):
        numbers = with_it.step(numbers, gradient_of(numbers))
        without.step(*with_it.previous)
    for odd in (-torch.ones(20).double(), torch.full((20,), torch.nan).double()):
        with_it._remember(torch.stack([torch.ones(20).double(), odd]), numbers)
    expected = without.step(numbers, gradient_of(numbers))
    assert torch.allclose(with_it.step(numbers, gradient_of(numbers)), expected, rtol=1e-12)


class ForbidScalarReads(TorchDispatchMode):
    """Raises an error when a scalar is read from a tensor, which would wait for a GPU."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        assert function is not torch.ops.aten._local_scalar_dense.default
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("optimizer", [Lbfgs(1.0, 4), Adam()], ids=["lbfgs", "adam"])
def test_step_reads_no_scalar_from_device(optimizer):
    numbers = torch.linspace(-1, 1, 12)
    gradients = [gradient_of(numbers + 0.1 * k) for k in range(8)]
    with ForbidScalarReads():
        for gradient in gradients:
            numbers = optimizer.step(numbers, gradient)
        with pytest.raises(AssertionError):
            numbers[0].item()


def test_lbfgs_rate_recovers_to_initial_rate_or_one():
    for rate, limit in ((1.0, 1.0), (0.4, 0.4), (5.0, 1.0)):
        optimizer = Lbfgs(rate)
        for _ in range(4):
            optimizer.recover()
        assert optimizer.rate == rate / 16
        numbers = torch.tensor([1.0, 2.0])
        for _ in range(60):
            numbers = optimizer.step(numbers, numbers)
        assert optimizer.rate == pytest.approx(limit)


def test_lbfgs_keeps_initial_rate_above_one():
    optimizer = Lbfgs(5.0)
    numbers = torch.tensor([1.0, 2.0])
    optimizer.step(numbers, numbers)
    assert optimizer.rate == 5.0


@pytest.mark.parametrize("optimizer", [Lbfgs(1.0, 4), Adam()], ids=["lbfgs", "adam"])
def test_state_is_not_modified_by_later_steps(optimizer):
    numbers = torch.linspace(-1, 1, 12)
    for _ in range(3):
        numbers = optimizer.step(numbers, gradient_of(numbers))
    state = optimizer.state()
    expected = optimizer.step(numbers, gradient_of(numbers))
    onward = expected
    for _ in range(6):
        onward = optimizer.step(onward, gradient_of(onward))
    for _ in range(2):
        optimizer.restore(state)
        assert torch.equal(optimizer.step(numbers, gradient_of(numbers)), expected)


def lbfgs_after(history, precision, steps):
    """L-BFGS after some steps along a fixed path."""
    optimizer = Lbfgs(1.0, history, precision)
    for k in range(steps):
        numbers = torch.linspace(-1, 1, 40, dtype=torch.float64).roll(k) * 0.9**k
        optimizer.step(numbers, gradient_of(numbers))
    return optimizer


NEXT = torch.linspace(0, 1, 40, dtype=torch.float64)


@pytest.mark.parametrize("precision", [None, torch.bfloat16])
@pytest.mark.parametrize("steps", [1, 2, 4, 6, 7, 11, 12, 13, 20])
@pytest.mark.parametrize(("before", "after"), [(6, 4), (6, 1), (4, 6), (4, 40)])
def test_restore_with_other_history_keeps_newest_pairs(before, after, steps, precision):
    restored = Lbfgs(1.0, after, precision)
    restored.restore(lbfgs_after(before, precision, steps).state())
    assert restored.history == after
    assert restored.count == min(steps - 1, before, after)
    # The reference never had more pairs. The next step itself adds one.
    expected = lbfgs_after(min(after, before + 1), precision, steps)
    for k in range(3):
        numbers = (1 + k) * NEXT
        found = restored.step(numbers, gradient_of(numbers))
        if k == 0 or after < before:
            wanted = expected.step(numbers, gradient_of(numbers))
            assert torch.allclose(found, wanted, rtol=1e-4 if precision else 1e-9)
    assert restored.count == min(steps - 1, before, after) + 3


@pytest.mark.parametrize("steps", [3, 6, 7, 15])
def test_restore_with_same_history_is_bitwise_equal(steps):
    kept, restored = lbfgs_after(6, torch.bfloat16, steps), Lbfgs(1.0, 6, torch.bfloat16)
    restored.restore(kept.state())
    for k in range(9):
        numbers = (1 + k) * NEXT
        gradient = gradient_of(numbers)
        assert torch.equal(restored.step(numbers, gradient), kept.step(numbers, gradient))


def test_retarget_keeps_pairs_and_forms_none_across_change():
    """The next step uses the new gradient and the previous pairs."""
    optimizer, reference = (lbfgs_after(6, None, 5) for _ in range(2))
    pairs, products = optimizer.state()["vectors"], optimizer.state()["products"]
    optimizer.retarget()
    assert optimizer.previous is None
    gradient = gradient_of(-NEXT)
    found = optimizer.step(NEXT, gradient)
    assert optimizer.count == 4
    assert torch.equal(optimizer.state()["vectors"], pairs)
    assert torch.equal(optimizer.state()["products"], products)
    moves, changes = pairs[::2], pairs[1::2]
    direction, shares = gradient.clone(), []
    for move, change in reversed([*zip(moves, changes)]):
        shares.append((move @ direction) / (move @ change))
        direction -= shares[-1] * change
    direction *= (moves[-1] @ changes[-1]) / (changes[-1] @ changes[-1])
    for move, change, share in zip(moves, changes, reversed(shares)):
        direction += (share - (change @ direction) / (move @ change)) * move
    assert torch.allclose(found, NEXT - direction, rtol=1e-9)
    # The step after that forms the pair of the two points since the change.
    optimizer.step(found, gradient_of(found))
    assert optimizer.count == 5
    expected = torch.stack([found - NEXT, gradient_of(found) - gradient])
    assert torch.allclose(optimizer.vectors[8:10], expected)
    # Without `retarget`, a pair is formed from points with different targets.
    reference.step(NEXT, gradient)
    assert reference.count == 5


def test_retarget_before_first_pair_equals_fresh_optimizer():
    optimizer, fresh = Lbfgs(), Lbfgs()
    gradient = gradient_of(NEXT)
    optimizer.step(NEXT + 1, gradient_of(NEXT + 1))
    optimizer.retarget()
    assert torch.equal(optimizer.step(NEXT, gradient), fresh.step(NEXT, gradient))


def test_start_from_multiplies_scale_by_growth():
    small = lbfgs_after(6, torch.bfloat16, 5)
    large = Lbfgs(1.0, 6, torch.bfloat16)
    large.start_from(small, 4.0)
    numbers = torch.linspace(0, 1, 160, dtype=torch.float64)
    gradient = gradient_of(numbers)
    found = large.step(numbers, gradient)
    assert torch.allclose(found, numbers - 4.0 * small.scale * gradient)
    assert large.count == 0
    # From the first pair on, the optimizer uses its own scale.
    large.step(found, gradient_of(found))
    assert large.count == 1
    assert not torch.allclose(large.scale, 4.0 * small.scale)


def test_start_from_optimizer_without_pairs_uses_default_step():
    for steps in (0, 1):
        other, optimizer, fresh = lbfgs_after(6, None, steps), Lbfgs(), Lbfgs()
        optimizer.start_from(other, 4.0)
        gradient = gradient_of(NEXT)
        assert torch.equal(optimizer.step(NEXT, gradient), fresh.step(NEXT, gradient))


def test_state_includes_scale_from_start_from():
    optimizer, restored = Lbfgs(1.0, 6), Lbfgs(1.0, 6)
    optimizer.start_from(lbfgs_after(6, None, 5), 4.0)
    restored.restore(optimizer.state())
    gradient = gradient_of(NEXT)
    assert torch.equal(restored.step(NEXT, gradient), optimizer.step(NEXT, gradient))


def test_adam_retarget_keeps_means_and_start_from_copies_none():
    optimizer, same = Adam(), Adam()
    for one in (optimizer, same):
        one.step(NEXT, gradient_of(NEXT))
    optimizer.retarget()
    gradient = gradient_of(-NEXT)
    assert torch.equal(optimizer.step(NEXT, gradient), same.step(NEXT, gradient))
    other, fresh = Adam(), Adam()
    other.start_from(optimizer, 4.0)
    assert torch.equal(other.step(NEXT, gradient), fresh.step(NEXT, gradient))


def test_forget_resets_everything_except_the_rate():
    optimizer, fresh = Lbfgs(0.8), Lbfgs(0.8)
    numbers = torch.linspace(-1, 1, 20)
    optimizer.recover()
    for _ in range(5):
        numbers = optimizer.step(numbers, gradient_of(numbers))
    fresh.rate = optimizer.rate
    assert 0.4 < optimizer.rate < 0.8  # between the halved rate and the initial one
    optimizer.forget()
    assert optimizer.rate == fresh.rate
    for _ in range(4):
        following = optimizer.step(numbers, gradient_of(numbers))
        assert torch.equal(following, fresh.step(numbers, gradient_of(numbers)))
        numbers = following
