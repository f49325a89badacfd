"""Sizes computed by hand, and resizing."""

from __future__ import annotations

import pytest
import torch

from neural_style.images.files import resize
from neural_style.images.sizes import fit, fit_area, fit_longest


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [
        ((100, 200), 50, (25, 50)),
        ((200, 100), 50, (50, 25)),
        ((3, 2), 6, (6, 4)),
        ((1000, 1), 10, (10, 1)),
        ((3, 7), 5, (2, 5)),
        ((9, 9), 9, (9, 9)),
    ],
)
def test_fit_keeps_aspect_ratio(size, longest, expected):
    assert fit(*size, longest) == expected


@pytest.mark.parametrize("longest", [1, 77, 512, 4096])
def test_fit_sets_longest_side_exactly(longest):
    assert all(max(fit(side, 61, longest)) == longest for side in range(1, 400))


def test_fit_longest_and_fit_area_match_hand_computed_sizes():
    canvas = (100, 200)
    assert fit_longest(300, 400, canvas, 32) == (150, 200)
    assert fit_longest(75, 100, canvas, 32) == (75, 100)  # never enlarged
    assert fit_longest(64, 2000, canvas, 32) == (32, 1000)  # the shorter side is at least 32
    assert fit_area(300, 400, canvas, 32) == (122, 163)  # 20 000 pixels up to rounding
    assert fit_area(75, 100, canvas, 32) == (122, 163)
    assert fit_area(64, 64_000, canvas, 32) == (32, 32_000)


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (40, 3), (128, 64)])
def test_resize_keeps_constant_color(size):
    color = torch.tensor([0.0, 0.3, 1.0]).view(1, 3, 1, 1)
    resized = resize(color.expand(1, 3, 17, 23), *size)
    torch.testing.assert_close(resized, color.expand(1, 3, *size))


def test_resize_to_same_size_is_identity(content):
    assert torch.equal(resize(content, *content.shape[-2:]), content)


@pytest.mark.parametrize("size", [(7, 7), (31, 50), (4, 90)])
def test_resize_stays_in_unit_range(size):
    checkerboard = (torch.arange(16.0).view(-1, 1) + torch.arange(16)).fmod(2).expand(1, 3, 16, 16)
    resized = resize(checkerboard, *size)
    assert resized.shape == (1, 3, *size)
    assert resized.min() >= 0
    assert resized.max() <= 1


def test_resize_antialiases_when_shrinking():
    stripes = (torch.arange(64).fmod(4) == 0).float().expand(1, 3, 64, 64)
    expected = torch.full((1, 3, 8, 4), 0.25)
    torch.testing.assert_close(resize(stripes, 8, 8)[..., 2:-2], expected, atol=0.03, rtol=0)
