"""Plans one can check by hand."""

from __future__ import annotations

import pytest

from neural_style import SettingsError, schedule
from neural_style.images.sizes import fit_area, fit_longest
from neural_style.plan.clock import Clock, in_words
from neural_style.plan.schedule import Scale, ladder, plan_scales
from neural_style.settings.words import parse_shares


def test_factor_and_shares_may_be_given():
    scales = plan_scales(600, 800, 512, 5, 3000, 32, factor=2**0.5, shares=(2, 1, 1, 1, 1))
    assert [scale.width for scale in scales] == [128, 181, 256, 362, 512]
    assert [scale.iterations for scale in scales] == [1000, 500, 500, 500, 500]


def test_of_the_shares_those_of_sizes_too_small_are_left_out():
    scales = plan_scales(600, 800, 128, 3, 90, 32, shares=(7, 2, 1))
    assert [(scale.width, scale.iterations) for scale in scales] == [(128, 90)]


def test_sizes_double_and_iterations_grow_by_the_root_of_two():
    assert plan_scales(300, 400, 512, 3, 200, 32) == [
        Scale(96, 128, 45),
        Scale(192, 256, 64),
        Scale(384, 512, 91),
    ]


@pytest.mark.parametrize("iterations", [1, 2, 3, 7, 100, 1001])
@pytest.mark.parametrize("scales", [1, 2, 3, 6])
def test_every_iteration_is_given_to_some_scale_and_none_is_idle(iterations, scales):
    plan = plan_scales(2000, 3000, 2048, scales, iterations, 32)
    assert sum(scale.iterations for scale in plan) == iterations
    assert all(scale.iterations >= 1 for scale in plan)
    assert (plan[-1].height, plan[-1].width) == (1365, 2048)


def test_sizes_too_small_for_the_network_are_left_out():
    assert [scale.width for scale in plan_scales(100, 100, 200, 6, 50, 32)] == [100, 200]
    assert [scale.width for scale in plan_scales(100, 100, 100, 6, 50, 32)] == [100]


@pytest.mark.parametrize(
    ("iterations", "rungs"),
    [
        (1, [0, 1]),
        (3, [0, 1, 2, 3]),
        (10, [0, 1, 2, 5, 10]),
        (130, [0, 1, 2, 5, 10, 20, 50, 100, 130]),
    ],
)
def test_the_ladder_by_hand(iterations, rungs):
    assert ladder(iterations) == rungs


def test_the_ladder_has_the_rungs_people_ask_for():
    assert {0, 1, 10, 100, 500, 1000, 10_000, 100_000} <= set(ladder(100_000))
    assert len(ladder(100_000)) == 17


@pytest.fixture
def at(monkeypatch):
    """Sets the time; a look costs its pixels alone."""
    monkeypatch.setattr(schedule, "_FIXED_PIXELS", 0)

    def set_time(seconds):
        monkeypatch.setattr(schedule.time, "monotonic", lambda: seconds)

    set_time(100.0)
    return set_time


def test_the_clock_divides_the_work_left_by_that_done_a_second(at, monkeypatch):
    monkeypatch.setattr(schedule, "_FIXED_PIXELS", 200)
    # 100 + 200 pixels × 10 looks, then 400 + 200 × 5 looks: 6000 in all.
    assert schedule.work([Scale(10, 10, 9), Scale(20, 20, 4)]) == 6000
    clock = Clock(98.0, [Scale(10, 10, 9), Scale(20, 20, 4)], speed=1.0)
    at(101.0)
    clock.read(0, 1)
    at(105.0)
    assert clock.read(0, 9) == (7.0, 5.0)  # 2400 in four seconds, so 3000 in five
    at(109.0)
    assert clock.read(1, 4) == (11.0, 0.0)


def test_loading_and_compiling_and_the_first_step_are_not_taken_for_the_speed(at):
    clock = Clock(90.0, [Scale(10, 10, 10)], speed=200.0)  # eleven looks; two a second are believed
    at(150.0)
    assert clock.read(0, 0) == (60.0, 5.0)  # as believed
    at(170.0)
    assert clock.read(0, 1) == (80.0, 4.5)  # the first step compiles, too
    at(171.0)
    assert clock.read(0, 2) == (81.0, 8.0)  # measured: one look a second
    at(175.0)
    assert clock.read(0, 4) == (85.0, pytest.approx(6 * 5 / 3))


def test_a_machine_that_is_faster_than_believed_shows_at_once(at):
    clock = Clock(100.0, [Scale(10, 10, 10)], speed=1.0)
    at(102.0)
    assert clock.read(0, 0) == (2.0, 20.0)
    at(103.0)
    assert clock.read(0, 1) == (3.0, 13.5)


def test_a_continued_run_measures_from_its_own_first_step_on(at):
    clock = Clock(100.0, [Scale(10, 10, 10), Scale(20, 20, 10)], 0, 9, speed=100.0)
    at(130.0)
    assert clock.read(0, 10) == (30.0, 44.0)
    at(138.0)
    assert clock.read(1, 1) == (38.0, 36.0)  # eight looks' worth in eight seconds


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.6, "1 min 0 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")],
)
def test_durations_are_told_as_people_tell_them(seconds, words):
    assert in_words(seconds) == words


def test_a_style_is_seen_as_long_as_the_canvas_or_with_as_many_pixels():
    canvas = Scale(100, 200, 1)
    assert fit_longest(300, 400, canvas, 32) == (150, 200)
    assert fit_longest(75, 100, canvas, 32) == (75, 100)  # never enlarged
    assert fit_longest(64, 2000, canvas, 32) == (32, 1000)  # nor too narrow for the network
    assert fit_area(300, 400, canvas, 32) == (122, 163)  # 20 000 pixels, but for rounding
    assert fit_area(75, 100, canvas, 32) == (122, 163)
    assert fit_area(64, 64_000, canvas, 32) == (32, 32_000)


def test_every_size_has_a_step_however_the_shares_are():
    for shares in ((1e6, 1), (1, 1e6), (1e6, 1, 1), (2, 1e-6, 2)):
        scales = plan_scales(300, 400, 400, len(shares), 5, 16, shares=shares)
        assert [scale.iterations > 0 for scale in scales] == [True] * len(shares)
        assert sum(scale.iterations for scale in scales) == 5


def test_shares_whose_sum_is_no_number_are_refused():
    for words in ("1e308,1e308", "inf,1", "nan,1"):
        with pytest.raises(SettingsError, match="Shares of the iterations are written"):
            parse_shares(words)
