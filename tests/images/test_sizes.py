"""Sizes by hand."""

from __future__ import annotations

from neural_style.images.sizes import fit_area, fit_longest


def test_a_style_has_the_canvas_longest_side_or_its_number_of_pixels():
    canvas = (100, 200)
    assert fit_longest(300, 400, canvas, 32) == (150, 200)
    assert fit_longest(75, 100, canvas, 32) == (75, 100)  # never enlarged
    assert fit_longest(64, 2000, canvas, 32) == (32, 1000)  # nor too narrow for the network
    assert fit_area(300, 400, canvas, 32) == (122, 163)  # 20 000 pixels, but for rounding
    assert fit_area(75, 100, canvas, 32) == (122, 163)
    assert fit_area(64, 64_000, canvas, 32) == (32, 32_000)
