"""Sizes, iterations and milestones of a run, compared with hand calculations."""

from __future__ import annotations

import pytest

from neural_style.plan.schedule import Scale, plan_milestones, plan_scales


def test_plan_scales_uses_the_given_factor_and_shares():
    scales = plan_scales(600, 800, 512, 5, 3000, 32, factor=2**0.5, shares=(2, 1, 1, 1, 1))
    assert [scale.width for scale in scales] == [128, 181, 256, 362, 512]
    assert [scale.iterations for scale in scales] == [1000, 500, 500, 500, 500]


def test_shares_of_too_small_sizes_are_dropped():
    scales = plan_scales(600, 800, 128, 3, 90, 32, shares=(7, 2, 1))
    assert [(scale.width, scale.iterations) for scale in scales] == [(128, 90)]


def test_sizes_double_and_iterations_grow_by_square_root_of_2():
    assert plan_scales(300, 400, 512, 3, 200, 32) == [
        Scale(96, 128, 45),
        Scale(192, 256, 64),
        Scale(384, 512, 91),
    ]


@pytest.mark.parametrize("iterations", [1, 2, 3, 7, 100, 1001])
@pytest.mark.parametrize("scales", [1, 2, 3, 6])
def test_scales_use_all_iterations_and_each_has_at_least_one(iterations, scales):
    plan = plan_scales(2000, 3000, 2048, scales, iterations, 32)
    assert sum(scale.iterations for scale in plan) == iterations
    assert all(scale.iterations >= 1 for scale in plan)
    assert (plan[-1].height, plan[-1].width) == (1365, 2048)


def test_sizes_too_small_for_the_network_are_left_out():
    assert [scale.width for scale in plan_scales(100, 100, 200, 6, 50, 32)] == [100, 200]
    assert [scale.width for scale in plan_scales(100, 100, 100, 6, 50, 32)] == [100]


@pytest.mark.parametrize(
    ("iterations", "expected"),
    [
        (1, [0, 1]),
        (3, [0, 1, 2, 3]),
        (10, [0, 1, 2, 5, 10]),
        (130, [0, 1, 2, 5, 10, 20, 50, 100, 130]),
    ],
)
def test_milestones_are_1_2_5_times_powers_of_ten(iterations, expected):
    assert plan_milestones(iterations) == expected


def test_milestones_include_zero_500_and_all_powers_of_ten():
    assert {0, 1, 10, 100, 500, 1000, 10_000, 100_000} <= set(plan_milestones(100_000))
    assert len(plan_milestones(100_000)) == 17


def test_every_size_has_a_step_with_extreme_shares():
    for shares in ((1e6, 1), (1, 1e6), (1e6, 1, 1), (2, 1e-6, 2)):
        scales = plan_scales(300, 400, 400, len(shares), 5, 16, shares=shares)
        assert [scale.iterations > 0 for scale in scales] == [True] * len(shares)
        assert sum(scale.iterations for scale in scales) == 5
