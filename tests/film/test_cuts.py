"""Cuts of the sample film and of other changes from frame to frame."""

from __future__ import annotations

import pytest

from neural_style import load_image
from neural_style.film.cuts import differences, find_cuts, is_cut
from neural_style.images.files import resize
from tests.conftest import EXAMPLES, picture
from tests.film.sample import sample_frames


@pytest.mark.parametrize("step", [0.012, 0.04, 0.08])
def test_the_cut_of_the_sample_film_is_found_and_no_other(step):
    found = [*find_cuts(sample_frames(108, 192, 9, 6, step))]
    assert found == [False] * 6 + [True] + [False] * 2


def test_two_places_of_one_picture_are_a_cut():
    palace = load_image(EXAMPLES / "content" / "summer-palace.jpg", 600)
    assert is_cut(palace[..., :150, :260], palace[..., 200:350, 300:560])


def test_slightly_darker_frame_is_no_cut():
    dahlia = resize(load_image(EXAMPLES / "content" / "dahlia.jpg", 192), 96, 144)
    assert not is_cut(0.93 * dahlia, dahlia)


def test_a_frame_does_not_differ_from_itself():
    frame = picture(48, 64, 3)
    colors, moved = differences(frame, frame)
    assert colors == 0
    assert moved < 1e-3
