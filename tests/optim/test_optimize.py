"""`optimize` on functions with a known minimum: guard, easing, averages and states."""

from __future__ import annotations

import math

import pytest
import torch

from neural_style.optim.canvas import level_canvas, pixel_canvas, spectral_canvas
from neural_style.optim.engines import ENGINES, Choice
from neural_style.optim.optimize import optimize
from neural_style.optim.optimizers import Adam, Lbfgs, Optimizer
from tests.conftest import picture

CPU = torch.device("cpu")
TARGET = picture(32, 40, seed=4)
OPTIMIZERS = ENGINES["fast"].optimizers


def make_evaluate(terms):
    """An `Evaluate` function from a function of losses, with the gradient of their sum."""

    def evaluate(image, *, with_gradient=True, eased=False):
        image = image.detach().requires_grad_(with_gradient)
        losses = terms(image)
        gradient = torch.zeros_like(image)
        if with_gradient:
            (gradient,) = torch.autograd.grad(sum(losses.values()), image)
        return {name: loss.detach() for name, loss in losses.items()}, gradient

    return evaluate


def distance(image):
    """A quadratic function with a different curvature for each pixel."""
    weights = torch.linspace(1, 30, image.numel()).view_as(image)
    return {"content": (weights * (image - TARGET).square()).mean()}


def make(choice: Choice) -> Optimizer:
    return choice.make(choice.rate, choice.history, choice.history_dtype)


def run(terms, optimizer, iterations, canvas=None, start=None):
    start = torch.full_like(TARGET, 0.5) if start is None else start
    canvas = canvas or pixel_canvas(32, 40, CPU)
    return list(optimize(make_evaluate(terms), start, canvas, optimizer, iterations))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_find_minimum_of_quadratic(name):
    choice = OPTIMIZERS[name]
    iterates = run(
        distance,
        make(choice),
        150,
        choice.canvas(32, 40, CPU),
    )
    assert sum(iterates[-1].losses.values()) < 1e-3 * sum(iterates[0].losses.values())
    assert (iterates[-1].image - TARGET).abs().mean() < 0.01


def test_lbfgs_needs_far_fewer_steps_than_adam():
    def steps_to_a_thousandth(optimizer):
        iterates = run(distance, optimizer, 200)
        goal = 1e-3 * iterates[0].losses["content"]
        return next(i.iteration for i in iterates if i.losses["content"] < goal)

    assert 3 * steps_to_a_thousandth(Lbfgs()) < steps_to_a_thousandth(Adam())


def test_iterate_is_best_image_so_far_with_its_losses():
    iterates = run(distance, Adam(rate=0.2), 60)
    totals = [iterate.losses["content"] for iterate in iterates]
    assert totals == sorted(totals, reverse=True)
    for iterate in iterates:
        assert distance(iterate.image)["content"].item() == pytest.approx(
            iterate.losses["content"], rel=1e-4, abs=1e-9
        )


def test_guarded_images_stay_in_unit_range():
    def outside(image):
        return {"content": (image - 1.7).square().mean()}

    for canvas in (pixel_canvas(32, 40, CPU), spectral_canvas(32, 40, CPU)):
        last = run(outside, Lbfgs(), 40, canvas)[-1]
        assert last.image.min() >= 0
        assert last.image.max() <= 1
        assert last.losses["content"] == pytest.approx(0.49, abs=1e-3)


def test_unguarded_iterate_is_newest_image():
    def outside(image):
        return {"content": (image - 1.7).square().mean()}

    canvas, start = level_canvas(32, 40, CPU), torch.full_like(TARGET, 0.5)
    iterates = optimize(make_evaluate(outside), start, canvas, Adam(rate=10.0), 300, guarded=False)
    *before, last = iterates
    totals = [iterate.losses["content"] for iterate in [*before, last]]
    assert totals != sorted(totals, reverse=True)  # it oscillates around the minimum
    assert totals[-1] < 1e-3  # reached outside [0, 1]
    assert last.image.min() == last.image.max() == 1.0
    assert not any(iterate.event for iterate in before)


def test_unguarded_run_does_not_recover_from_nan():
    def faulty_distance(image):
        return {"content": distance(image)["content"] * math.nan}

    canvas = level_canvas(32, 40, CPU)
    evaluate, start = make_evaluate(faulty_distance), torch.full_like(TARGET, 0.5)
    *_, last = optimize(evaluate, start, canvas, Adam(), 3, guarded=False)
    assert math.isnan(last.losses["content"])
    assert not last.image.any()


@pytest.mark.parametrize("factor", [math.nan, math.inf, 1e9])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_guard_restarts_from_best_after_bad_step(factor, name):
    calls = 0

    def faulty_distance(image):
        nonlocal calls
        calls += 1
        terms = distance(image)
        return {"content": terms["content"] * (factor if calls == 8 else 1.0)}

    choice = OPTIMIZERS[name]
    iterates = run(
        faulty_distance,
        make(choice),
        60,
        choice.canvas(32, 40, CPU),
    )
    totals = [iterate.losses["content"] for iterate in iterates]
    assert all(math.isfinite(total) for total in totals)
    assert totals == sorted(totals, reverse=True)
    assert totals[-1] < 0.5 * totals[8]
    (restarted,) = [iterate for iterate in iterates if iterate.event]
    assert restarted.iteration == 8
    assert str(restarted.event).startswith("the loss rose from ")


def test_saved_state_keeps_event(tmp_path):
    calls = 0

    def faulty_distance(image):
        nonlocal calls
        calls += 1
        return {"content": distance(image)["content"] * (1e9 if calls == 3 else 1.0)}

    def steps(resume=None):
        evaluate, start = make_evaluate(faulty_distance), torch.full_like(TARGET, 0.5)
        return optimize(evaluate, start, pixel_canvas(32, 40, CPU), Adam(), 6, resume=resume)

    event, state = next((one.event, one.state()) for one in steps() if one.event)
    torch.save(state, tmp_path / "state.pt")
    again = next(steps(torch.load(tmp_path / "state.pt", weights_only=True)))
    assert again.event == event


def test_guard_restarts_with_halved_rate_after_stall():
    """The absolute distance has a kink, around which Adam at a constant rate oscillates."""

    def absolute_distance(image):
        return {"content": (image - TARGET).abs().mean()}

    optimizer = Adam(rate=0.3)
    iterates = run(absolute_distance, optimizer, 1500)
    events = [iterate for iterate in iterates if iterate.event]
    assert {str(iterate.event) for iterate in events} == {"no better picture in 50 steps"}
    assert optimizer.rate == 0.3 / 2 ** len(events)
    loss_at_stall = iterates[events[0].iteration].losses["content"]
    assert iterates[-1].losses["content"] < 0.1 * loss_at_stall


def test_restart_takes_no_additional_evaluation():
    calls = 0

    def faulty_distance(image):
        nonlocal calls
        calls += 1
        return {"content": distance(image)["content"] * (math.nan if calls % 5 == 0 else 1)}

    run(faulty_distance, Lbfgs(), 40)
    assert calls == 41


def test_average_is_exponentially_weighted_mean_of_images():
    canvas, start = pixel_canvas(32, 40, CPU), torch.full_like(TARGET, 0.5)

    def images(**options):
        run = optimize(
            make_evaluate(distance), start, canvas, Adam(0.1), 5, guarded=False, **options
        )
        return [iterate.image for iterate in run]

    plain, averaged = images(), images(average=0.8)
    shares = [0.8**k for k in range(6)]
    expected = sum(share * image for share, image in zip(shares, reversed(plain))) / sum(shares)
    torch.testing.assert_close(averaged[-1], expected)
    torch.testing.assert_close(averaged[0], plain[0])


def test_closing_generator_stops_evaluations():
    calls = 0

    def counted(image):
        nonlocal calls
        calls += 1
        return distance(image)

    iterates = optimize(
        make_evaluate(counted),
        torch.full_like(TARGET, 0.5),
        pixel_canvas(32, 40, CPU),
        Lbfgs(),
        100,
    )
    for _ in range(5):
        next(iterates)
    iterates.close()
    assert calls == 5


def test_yielded_image_is_not_modified_by_later_steps():
    iterates = optimize(
        make_evaluate(distance),
        torch.full_like(TARGET, 0.5),
        pixel_canvas(32, 40, CPU),
        Adam(),
        20,
    )
    first = next(iterates)
    copy = first.image.clone()
    list(iterates)
    assert torch.equal(first.image, copy)


def test_eased_steps_come_first_and_history_is_reset_after_them():
    asked, reset_at = [], []
    plain = make_evaluate(distance)

    def evaluate(image, *, with_gradient=True, eased=False):
        asked.append(eased)
        return plain(image, with_gradient=with_gradient)

    class Counting(Lbfgs):
        def forget(self):
            reset_at.append(len(asked))
            super().forget()

    canvas = pixel_canvas(32, 40, CPU)
    optimizer = Counting()
    reset_at.clear()
    list(optimize(evaluate, torch.full_like(TARGET, 0.5), canvas, optimizer, 8, eased=3))
    assert asked == [True] * 3 + [False] * 6
    assert reset_at == [4]  # after the first evaluation that was not eased


def test_restart_from_eased_step_evaluates_plain_gradient():
    """The best image is from an eased step. Its gradient is computed again without easing."""
    plain, asked = make_evaluate(distance), []

    def evaluate(image, *, with_gradient=True, eased=False):
        asked.append((image.clone(), eased))
        terms, gradient = plain(image, with_gradient=with_gradient)
        if len(asked) == 5:
            return {name: term + 1e6 for name, term in terms.items()}, gradient
        return terms, gradient if not eased else 2 * gradient

    canvas, start = pixel_canvas(32, 40, CPU), torch.full_like(TARGET, 0.5)
    iterates = list(optimize(evaluate, start, canvas, Lbfgs(), 6, eased=4))
    assert iterates[5].event
    assert torch.equal(asked[6][0], iterates[5].image)
    assert asked[6][1] is False


def test_losses_are_read_after_the_next_evaluation(monkeypatch):
    """A GPU then has work while the losses are copied."""
    plain, done = make_evaluate(distance), []

    def evaluate(image, **options):
        done.append("looked")
        return plain(image, **options)

    def read_later(numbers):
        def read():
            done.append(number)
            return numbers.tolist()

        number = done.count("looked")
        return read

    monkeypatch.setattr("neural_style.optim.optimize.read_later", read_later)
    canvas, start = pixel_canvas(32, 40, CPU), torch.full_like(TARGET, 0.5)
    for _ in optimize(evaluate, start, canvas, Lbfgs(), 6):
        pass
    for number in range(1, 7):
        assert done[: done.index(number)].count("looked") == number + 1
    assert 7 not in done  # the last losses are not read


def test_reading_images_and_losses_does_not_change_run():
    def absolute_distance(image):
        return {"content": (image - TARGET).abs().mean()}

    canvas, start = pixel_canvas(32, 40, CPU), torch.full_like(TARGET, 0.5)
    unread, read = (
        optimize(make_evaluate(absolute_distance), start, canvas, Adam(rate=0.3), 120)
        for _ in range(2)
    )
    for one, other in zip(unread, read):
        assert other.image is not None
        assert other.losses
        newest = one
    assert torch.equal(newest.image, other.image)
    assert newest.losses == other.losses


class BrokenError(Exception):
    """An error raised once, in the middle of a pass."""


def raise_at_call(call, function):
    """The function, except that one call raises an error after its work is done."""
    calls = 0

    def wrapped(*arguments, **options):
        nonlocal calls
        calls += 1
        result = function(*arguments, **options)
        if calls == call:
            raise BrokenError
        return result

    return wrapped


@pytest.mark.parametrize("part", ["evaluate", "step", "decode"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_state_after_failure_continues_exactly(name, part, monkeypatch):
    """Fails at each call in turn, in a pass with eased steps, restarts and an average."""
    monkeypatch.setattr("neural_style.optim.optimize._PATIENCE", 3)
    plain = make_evaluate(lambda image: {"content": (image - TARGET).abs().mean()})

    def evaluate(image, *, with_gradient=True, eased=False):
        terms, gradient = plain(image, with_gradient=with_gradient)
        return terms, 2 * gradient if eased else gradient

    def begin(call=0, **resume):
        kind, given = {"lbfgs": (Lbfgs, (4.0, 2)), "adam": (Adam, (0.3,))}[name]
        evaluation, canvas = evaluate, spectral_canvas(32, 40, CPU)
        if part == "evaluate":
            evaluation = raise_at_call(call, evaluate)
        elif part == "step":
            kind = type("Breaking", (kind,), {"step": raise_at_call(call, kind.step)})
        else:
            canvas = canvas._replace(decode=raise_at_call(call, canvas.decode))
        start = torch.full_like(TARGET, 0.5)
        return optimize(evaluation, start, canvas, kind(*given), 16, eased=6, average=0.5, **resume)

    straight = list(begin())
    assert any(iterate.event for iterate in straight)
    for call in range(2, 17):
        seen = []
        with pytest.raises(BrokenError):
            seen.extend(begin(call))
        newest = seen[-1]
        state = newest.state()
        assert state["iteration"] - newest.iteration in ((0, 1) if part == "evaluate" else (0,))
        continued = list(begin(resume=state))
        assert [i.iteration for i in continued] == list(range(state["iteration"], 17))
        for iterate in continued:
            expected = straight[iterate.iteration]
            assert torch.equal(iterate.image, expected.image)
            assert (iterate.losses, iterate.event) == (expected.losses, expected.event)
