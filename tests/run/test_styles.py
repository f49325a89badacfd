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
NO_MASKS = [None, None]
RUN = {"iterations": 30, "size": 96, "scales": 1, "precision": "fp32"}


def test_shares_are_normalized_and_one_value_applies_to_all():
    styles = gather_styles(STYLES, (3, 1), (0.5,), (), NO_MASKS, NO_MASKS)
    assert [style.share for style in styles] == [0.75, 0.25]
    assert [style.scale for style in styles] == [0.5, 0.5]
    styles = gather_styles(STYLES, (), (1.0,), (), NO_MASKS, NO_MASKS)
    assert [style.share for style in styles] == [0.5, 0.5]


def test_crop_returns_the_given_part_of_the_image():
    image = picture(40, 60)
    assert torch.equal(crop(image, (0.5, 0, 0.5, 0.25)), image[..., :10, 30:])
    assert crop(image, (0.0, 0.0, 1.0, 1.0)).shape == image.shape
    assert crop(image, (0.99, 0.99, 0.001, 0.001)).shape == (1, 3, 1, 1)
    left, right = gather_styles(STYLES, (), (1.0,), ((0, 0, 0.5, 1), ALL), NO_MASKS, NO_MASKS)
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
def test_wrong_number_of_values_raises_before_weights_are_loaded(knob, values):
    run = Settings(**RUN, **{knob: values}, network_weights="no such file")
    with pytest.raises(SettingsError, match=rf"{knob} has values for 3 style images; 2 given"):
        next(stylize(CONTENT, STYLES, run))


def test_empty_list_of_styles_raises_image_error():
    with pytest.raises(ImageError, match="There is no style image"):
        next(stylize(CONTENT, [], Settings(**RUN)))


def test_error_names_the_number_of_the_invalid_style():
    with pytest.raises(ImageError, match=r"The style image \(2\) is 5×90"):
        next(stylize(CONTENT, [STYLES[0], torch.rand(1, 3, 90, 5)], Settings(**RUN)))


@pytest.mark.usefixtures("tiny")
def test_too_small_crop_raises_image_error():
    words = r"part taken of the style image is 6×80; .* Take a larger part"
    with pytest.raises(ImageError, match=words):
        next(stylize(CONTENT, STYLES[0], Settings(**RUN, style_crop=((0, 0, 0.1, 1),))))


def test_style_is_upsampled_only_with_scale_above_1():
    scale = Scale(300, 400, 5)
    for factor, sides in ((0.5, (60, 80)), (1.0, (60, 80)), (2.0, (120, 160)), (9.0, (540, 720))):
        style = Style(picture(60, 80), 1.0, factor)
        assert at_scale(style, STYLE_FITS["longest"], scale, 32).shape[-2:] == sides


SIDES = {
    # As long as the canvas: half of it is 40 pixels, but the network needs 32 on the short side.
    ("longest", (300, 400)): [(32, 43), (60, 80), (120, 160)],
    ("longest", (400, 400)): [(40, 40), (80, 80), (160, 160)],
    # As many pixels as the canvas: the sides of squares are the roots of 1200, 4800 and 19,200.
    ("area", (300, 400)): [(32, 43), (60, 80), (120, 160)],
    ("area", (400, 400)): [(35, 35), (69, 69), (139, 139)],
}


def test_every_fit_has_expected_sides():
    assert {name for name, _ in SIDES} == STYLE_FITS.keys()


@pytest.mark.parametrize(("name", "size"), SIDES)
def test_larger_style_scale_gives_larger_style_image(name, size):
    sides = [
        at_scale(Style(picture(*size), 1.0, factor), STYLE_FITS[name], Scale(60, 80, 5), 32).shape[
            -2:
        ]
        for factor in (0.5, 1.0, 2.0)
    ]
    assert sides == SIDES[name, size]


def losses_and_gradient(styles, canvas=picture(72, 96, seed=4)):  # noqa: B008 (never modified)
    stages = tiny_vgg()
    network = load_network(stages, seeded_weights(stages), TORCHVISION, device=torch.device("cpu"))
    segments = cut_network(network, LAYERS)
    return make_objective(network, segments, CONTENT, styles, LOSS_CONFIG)(canvas)


def test_same_style_given_twice_equals_one_style():
    terms, gradient = losses_and_gradient([StyleTarget(STYLES[0], 1.0)])
    twice, its_gradient = losses_and_gradient(
        [StyleTarget(STYLES[0], 0.5), StyleTarget(STYLES[0], 0.5)]
    )
    assert (twice["style 1"] + twice["style 2"]).item() == pytest.approx(
        terms["style"].item(), rel=1e-5
    )
    torch.testing.assert_close(its_gradient, gradient, rtol=1e-3, atol=1e-6)


def test_each_style_has_a_loss_which_is_zero_for_share_zero():
    both, _ = losses_and_gradient([StyleTarget(STYLES[0], 1.0), StyleTarget(STYLES[1], 0.0)])
    assert list(both) == ["content", "style 1", "style 2", "tv"]
    assert both["style 2"] == 0
    alone, _ = losses_and_gradient([StyleTarget(STYLES[0], 1.0)])
    assert both["style 1"].item() == pytest.approx(alone["style"].item(), rel=1e-5)


@pytest.mark.usefixtures("tiny")
def test_larger_share_gives_lower_loss_for_that_style():
    def distances(shares):
        *_, last = stylize(CONTENT, STYLES, Settings(**RUN, style_shares=shares, init="content"))
        return [
            losses_and_gradient([StyleTarget(style, 1.0)], last.image)[0]["style"].item()
            for style in STYLES
        ]

    first, second = distances((9, 1)), distances((1, 9))
    assert first[0] < second[0]
    assert second[1] < first[1]


@pytest.mark.usefixtures("tiny")
def test_list_of_one_style_equals_that_style():
    *_, alone = stylize(CONTENT, STYLES[0], Settings(**RUN))
    *_, listed = stylize(CONTENT, [STYLES[0]], Settings(**RUN))
    assert torch.equal(alone.image, listed.image)
