"""Several styles: shares, sizes, crops and losses."""

from __future__ import annotations

import pytest
import torch

from neural_style import ImageError, Settings, SettingsError, stylize
from neural_style.images.sizes import STYLE_FITS
from neural_style.network.backbones import TORCHVISION
from neural_style.network.extractor import load_network
from neural_style.network.strips import cut_network
from neural_style.objective import StyleTarget, make_objective
from neural_style.plan.schedule import Scale
from neural_style.run.styles import Style, at_scale, crop, gather_styles
from neural_style.settings.words import ALL
from tests.conftest import picture, seeded_weights, tiny_vgg
from tests.network.test_strips import LAYERS, LOSS_CONFIG

CONTENT = picture(72, 96, seed=1)
STYLES = [picture(80, 64, seed=2), picture(64, 96, seed=3)]
NONE = [None, None]
RUN = {"iterations": 30, "size": 96, "scales": 1, "precision": "fp32"}


def test_shares_add_up_to_one_and_one_value_is_for_all():
    styles = gather_styles(STYLES, (3, 1), (0.5,), (), NONE, NONE)
    assert [style.share for style in styles] == [0.75, 0.25]
    assert [style.scale for style in styles] == [0.5, 0.5]
    styles = gather_styles(STYLES, (), (1.0,), (), NONE, NONE)
    assert [style.share for style in styles] == [0.5, 0.5]


def test_a_crop_is_the_part_between_its_edges():
    image = picture(40, 60)
    assert torch.equal(crop(image, (0.5, 0, 0.5, 0.25)), image[..., :10, 30:])
    assert crop(image, (0.0, 0.0, 1.0, 1.0)).shape == image.shape
    assert crop(image, (0.99, 0.99, 0.001, 0.001)).shape == (1, 3, 1, 1)
    left, right = gather_styles(STYLES, (), (1.0,), ((0, 0, 0.5, 1), ALL), NONE, NONE)
    assert torch.equal(left.image, STYLES[0][..., :32])
    assert torch.equal(right.image, STYLES[1])


@pytest.mark.parametrize(
    ("knob", "values"),
    [
        ("style_shares", (1, 2, 3)),
        ("style_scale", (1, 1, 1)),
        ("style_crop", 3 * [(0, 0, 0.5, 1)]),
    ],
)
def test_settings_for_another_number_of_styles_are_refused_before_any_work(knob, values):
    run = Settings(**RUN, **{knob: values}, network_weights="no such file")
    with pytest.raises(SettingsError, match=rf"{knob} has values for 3 style images; 2 given"):
        next(stylize(CONTENT, STYLES, run))


def test_no_style_at_all_is_refused():
    with pytest.raises(ImageError, match="There is no style image"):
        next(stylize(CONTENT, [], Settings(**RUN)))


def test_which_of_several_styles_is_wrong_is_said():
    with pytest.raises(ImageError, match=r"The style image \(2\) is 5×90"):
        next(stylize(CONTENT, [STYLES[0], torch.rand(1, 3, 90, 5)], Settings(**RUN)))


@pytest.mark.usefixtures("tiny")
def test_a_crop_too_small_for_the_network_is_refused():
    words = r"part taken of the style image is 6×80; .* Take a larger part"
    with pytest.raises(ImageError, match=words):
        next(stylize(CONTENT, STYLES[0], Settings(**RUN, style_crop=((0, 0, 0.1, 1),))))


def test_only_a_scale_above_1_enlarges_a_style_beyond_its_own_pixels():
    scale = Scale(300, 400, 5)
    for factor, sides in ((0.5, (60, 80)), (1.0, (60, 80)), (2.0, (120, 160)), (9.0, (540, 720))):
        style = Style(picture(60, 80), 1.0, factor)
        assert at_scale(style, STYLE_FITS["longest"], scale, 32).shape[-2:] == sides


def test_a_larger_scale_shows_the_style_larger():
    scale = Scale(60, 80, 5)
    for fit in STYLE_FITS.values():
        sides = [
            at_scale(Style(picture(300, 400), 1.0, factor), fit, scale, 32).shape[-2:]
            for factor in (0.5, 1.0, 2.0)
        ]
        assert sides == [(32, 43), (60, 80), (120, 160)] or sides == [
            (30, 40),
            (60, 80),
            (120, 160),
        ]


def evaluated(styles, canvas=picture(72, 96, seed=4)):  # noqa: B008 (never written to)
    stages = tiny_vgg()
    network = load_network(stages, seeded_weights(stages), TORCHVISION, device=torch.device("cpu"))
    segments = cut_network(network, LAYERS)
    return make_objective(network, segments, CONTENT, styles, LOSS_CONFIG)(canvas)


def test_a_style_given_twice_is_that_style():
    terms, gradient = evaluated([StyleTarget(STYLES[0], 1.0)])
    twice, its_gradient = evaluated([StyleTarget(STYLES[0], 0.5), StyleTarget(STYLES[0], 0.5)])
    assert (twice["style 1"] + twice["style 2"]).item() == pytest.approx(
        terms["style"].item(), rel=1e-5
    )
    torch.testing.assert_close(its_gradient, gradient, rtol=1e-3, atol=1e-6)


def test_each_style_has_a_term_and_one_without_a_share_adds_zero():
    both, _ = evaluated([StyleTarget(STYLES[0], 1.0), StyleTarget(STYLES[1], 0.0)])
    assert list(both) == ["content", "style 1", "style 2", "tv"]
    assert both["style 2"] == 0
    alone, _ = evaluated([StyleTarget(STYLES[0], 1.0)])
    assert both["style 1"].item() == pytest.approx(alone["style"].item(), rel=1e-5)


@pytest.mark.usefixtures("tiny")
def test_the_style_with_the_larger_share_is_approached_more():
    def distances(shares):
        *_, last = stylize(CONTENT, STYLES, Settings(**RUN, style_shares=shares, init="content"))
        return [
            evaluated([StyleTarget(style, 1.0)], last.image)[0]["style"].item() for style in STYLES
        ]

    first, second = distances((9, 1)), distances((1, 9))
    assert first[0] < second[0]
    assert second[1] < first[1]


@pytest.mark.usefixtures("tiny")
def test_one_style_in_a_list_is_that_style():
    *_, alone = stylize(CONTENT, STYLES[0], Settings(**RUN))
    *_, listed = stylize(CONTENT, [STYLES[0]], Settings(**RUN))
    assert torch.equal(alone.image, listed.image)
