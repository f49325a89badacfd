"""Masks: guided statistics, styles limited to masks, kept regions, and alpha as a mask."""

from __future__ import annotations

import pytest
import torch

from neural_style import (
    ImageError,
    Masks,
    Settings,
    StateError,
    load_image,
    save_image,
    stylize,
)
from neural_style.images.masks import fit_mask, load_styles, read_masks
from neural_style.network.strips import cut_network
from neural_style.objective import StyleTarget, make_objective
from neural_style.objective.guides import count, make_guide, picture_moments, sum_up
from neural_style.objective.losses import channel_products
from neural_style.objective.statistics import STATISTICS, average
from neural_style.run.styles import gather_styles, recolor_content, recolor_style
from tests.conftest import picture
from tests.network.test_strips import CUTS, LAYERS, LOSS_CONFIG, assert_alike
from tests.small_networks import tiny_network
from tests.small_pictures import half, noise

CONTENT = picture(96, 128, seed=1)
STYLES = [picture(96, 128, seed=2), picture(96, 128, seed=3)]
RUN = {"iterations": 12, "size": 128, "scales": 1, "precision": "fp32"}


LEFT, RIGHT = half("left", 96, 128), half("right", 96, 128)


def test_sum_up_with_binary_guide_uses_guided_positions_only():
    features = noise(1, 3, 4, 6)
    products, totals = sum_up(features, half("left", 4, 6), with_mean=True)
    torch.testing.assert_close(products, channel_products(features[..., :3].contiguous()))
    torch.testing.assert_close(totals, features[..., :3].sum((0, 2, 3)))
    assert count(half("left", 4, 6), 3, torch.float32) == 3 * 12


def test_sum_up_weights_products_by_squared_guide():
    """The guide multiplies the activations, so it enters their products squared."""
    features = noise(1, 3, 4, 6)
    gray = torch.full((1, 1, 4, 6), 0.5)
    products, totals = sum_up(features, gray, with_mean=True)
    torch.testing.assert_close(products, channel_products(features) / 4)
    moments = average(products, totals, count(gray, 3, torch.float32))
    plain = average(*sum_up(features, None, with_mean=True), features.numel())
    for one, other in zip(moments, plain):
        torch.testing.assert_close(one, other)


def test_make_guide_averages_mask_over_area_of_position():
    network = tiny_network()
    mask = noise(1, 1, 64, 96)
    guide = make_guide(
        network, cut_network(network, LAYERS), picture(64, 96), mask, ["relu1_1", "relu3_1"]
    )
    assert torch.equal(guide["relu1_1"], mask)
    assert guide["relu3_1"].shape == (1, 1, 16, 24)
    assert guide["relu3_1"][0, 0, 2, 3].item() == pytest.approx(mask[0, 0, 8:12, 12:16].mean())


def test_picture_moments_with_mask_match_moments_of_masked_part():
    """Compared at the first layer, with the mask's edge inside the flat part."""
    network = tiny_network()
    segments = cut_network(network, ["relu1_1"])
    striped = STYLES[0].clone()
    striped[..., 64:] = 0.5
    flat = torch.full_like(striped, 0.5)
    mask = RIGHT.clone()
    mask[..., 64:68] = 0
    found = picture_moments(network, segments, striped, mask, ["relu1_1"], True)["relu1_1"]
    expected = picture_moments(network, segments, flat, None, ["relu1_1"], True)["relu1_1"]
    for one, other in zip(found, expected):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)


def evaluate_objective(
    rows, wanted, statistic="gram", dtype=torch.float32, keep=None, canvas=None, **options
):
    network = tiny_network(dtype)
    segments = cut_network(network, LAYERS, rows)
    loss_config = LOSS_CONFIG._replace(statistic=statistic)
    evaluate = make_objective(network, segments, CONTENT, wanted, loss_config, keep)
    return evaluate(picture(96, 128, seed=4) if canvas is None else canvas, **options)


def test_white_masks_are_equivalent_to_no_masks():
    white = torch.ones(1, 1, 96, 128)
    plain = evaluate_objective({}, [StyleTarget(STYLES[0], 1.0)])
    assert_alike(plain, evaluate_objective({}, [StyleTarget(STYLES[0], 1.0, white, white)]), 1e-4)


REGIONS = [StyleTarget(STYLES[0], 0.5, LEFT), StyleTarget(STYLES[1], 0.5, RIGHT, LEFT)]


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("rows", CUTS[1:4:2], ids=str)
def test_strips_match_whole_image_with_masks(statistic, rows):
    whole = evaluate_objective({}, REGIONS, statistic)
    assert_alike(whole, evaluate_objective(rows, REGIONS, statistic), 1e-3)


def test_easing_changes_gradient_but_not_losses():
    plain, eased = evaluate_objective({}, REGIONS), evaluate_objective({}, REGIONS, eased=True)
    assert plain[0] == eased[0]
    assert not torch.allclose(plain[1], eased[1], rtol=0.1)


def test_bfloat16_losses_are_close_to_float32():
    full, low = (
        evaluate_objective({}, REGIONS)[0],
        evaluate_objective({}, REGIONS, dtype=torch.bfloat16)[0],
    )
    for name, term in full.items():
        assert low[name].item() == pytest.approx(term.item(), rel=0.05)


def test_gradient_of_masked_style_is_zero_beyond_receptive_field():
    one_sided = LOSS_CONFIG._replace(content=0.0, tv=0.0)
    network = tiny_network()
    segments = cut_network(network, LAYERS)
    wanted = [StyleTarget(STYLES[0], 1.0, half("left", 96, 512))]
    canvas = picture(96, 512, seed=4)
    evaluate = make_objective(network, segments, picture(96, 512, seed=1), wanted, one_sided)
    _, gradient = evaluate(canvas)
    assert gradient[..., :200].abs().max() > 0
    assert gradient[..., 256 + 160 :].abs().max() == 0  # beyond the receptive field of relu5_1


def test_keep_mask_zeroes_gradient_and_content_loss():
    terms, gradient = evaluate_objective({}, [StyleTarget(STYLES[0], 1.0)], keep=LEFT)
    assert gradient[..., :64].abs().max() == 0
    assert gradient[..., 64:].abs().max() > 0
    everything = torch.ones(1, 1, 96, 128)
    kept, _ = evaluate_objective({}, [StyleTarget(STYLES[0], 1.0)], keep=everything)
    assert kept["content"].item() == pytest.approx(0, abs=1e-10)
    assert terms["content"].item() > 0


def test_gather_styles_scales_shares_by_mask_area():
    quarter = half("left", 96, 128)
    quarter[..., :48, :] = 0
    styles = gather_styles(STYLES, (), (1.0,), (), [quarter, RIGHT], [None, None])
    assert [style.share for style in styles] == [0.25, 0.5]
    styles = gather_styles(STYLES, (3, 1), (1.0,), (), [LEFT, RIGHT], [None, None])
    assert [style.share for style in styles] == [0.75, 0.25]


def test_gather_styles_crops_style_mask_with_image():
    (style,) = gather_styles(
        STYLES[:1], (), (1.0,), ((0.5, 0, 0.5, 1),), [None], [LEFT + 0.5 * RIGHT]
    )
    assert style.part.shape == (1, 1, 96, 64)
    assert style.part.min() == style.part.max() == 0.5


def test_gather_styles_refuses_mask_that_is_black_within_crop():
    words = r"style mask \(1\) is black all over style_crop 0\.5,0,0\.5,1"
    with pytest.raises(ImageError, match=words):
        gather_styles(STYLES[:1], (), (1.0,), ((0.5, 0, 0.5, 1),), [None], [LEFT])


def test_read_masks_refuses_nan():
    mask = LEFT.clone()
    mask[..., 3, 3] = float("nan")
    with pytest.raises(ImageError, match=r"keep mask has values that are not finite"):
        read_masks(Masks(keep=mask), CONTENT, STYLES)


def two_color_image(left: tuple[float, ...], right: tuple[float, ...]) -> torch.Tensor:
    """An image with one color per half, plus texture that gives both a covariance."""
    colors = torch.tensor([left, right]).T.view(1, 3, 1, 2).repeat_interleave(64, 3)
    return 0.8 * colors.expand(1, 3, 96, 128) + 0.2 * picture(96, 128, seed=4)


RED, BLUE, GREEN = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, 1.0, 0.0)


def gather(pictures, where=(None, None), parts=(None, None), shares=()):
    return gather_styles(pictures, shares, (1.0,), (), where, parts)


def mean_colors(image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The mean colors of the left half and of the right half."""
    left, right = image[..., :64], image[..., 64:]
    return left.mean((0, 2, 3)), right.mean((0, 2, 3))


def test_recolor_content_uses_each_styles_colors_within_its_mask():
    pictures = [two_color_image(RED, RED), two_color_image(BLUE, BLUE)]
    left, right = mean_colors(recolor_content(CONTENT, gather(pictures, [LEFT, RIGHT])))
    torch.testing.assert_close(left, pictures[0].mean((0, 2, 3)), atol=0.02, rtol=0)
    torch.testing.assert_close(right, pictures[1].mean((0, 2, 3)), atol=0.02, rtol=0)


def test_recolor_content_keeps_content_outside_masks():
    started = recolor_content(CONTENT, gather([two_color_image(RED, RED)], [LEFT], [None]))
    assert torch.equal(started[..., 64:], CONTENT[..., 64:])
    assert mean_colors(started)[0][0] > 0.8


def test_recolor_content_averages_styles_where_masks_overlap():
    everywhere = torch.ones(1, 1, 96, 128)
    pictures = [two_color_image(RED, RED), two_color_image(BLUE, BLUE)]
    masked = recolor_content(CONTENT, gather(pictures, [everywhere, everywhere], shares=(3, 1)))
    torch.testing.assert_close(masked, recolor_content(CONTENT, gather(pictures, shares=(3, 1))))


def test_recolor_content_uses_colors_of_masked_style_part():
    both = two_color_image(RED, BLUE)
    started = recolor_content(CONTENT, gather([both], [None], [LEFT]))
    torch.testing.assert_close(
        started.mean((0, 2, 3)), both[..., :64].mean((0, 2, 3)), atol=0.02, rtol=0
    )


@pytest.mark.parametrize("mode", ["content", "matched", "cholesky", "histogram"])
def test_recolor_style_matches_masked_part_to_its_content_region(mode):
    content, picture_ = two_color_image(GREEN, RED), two_color_image(RED, BLUE)
    (style,) = gather([picture_], [LEFT], [RIGHT])
    recolored = recolor_style(style, content, mode, 1.0).image
    assert torch.equal(recolored[..., :64], picture_[..., :64])
    torch.testing.assert_close(
        mean_colors(recolored)[1], mean_colors(content)[0], atol=0.02, rtol=0
    )


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("color", ["style", "content", "luminance"])
@pytest.mark.parametrize("scales", [1, 2])
def test_keep_mask_preserves_content_bit_for_bit(color, scales):
    run = Settings(**RUN | {"scales": scales, "size": 256}, color=color)
    content = picture(192, 256, seed=1)
    *_, last = stylize(content, STYLES[0], run, masks=Masks(keep=half("left", 192, 256)))
    assert torch.equal(last.image[..., :128], content[..., :128])
    assert (last.image[..., 128:] - content[..., 128:]).abs().mean() > 0.01


@pytest.mark.usefixtures("tiny")
def test_masked_regions_approach_their_own_styles():
    run = Settings(**RUN | {"iterations": 40}, init="content", statistic="gram")
    first, *_, both = stylize(CONTENT, STYLES, run, masks=Masks(styles=[LEFT, RIGHT]))
    *_, swapped = stylize(CONTENT, STYLES, run, masks=Masks(styles=[RIGHT, LEFT]))
    for name in ("style 1", "style 2"):
        assert both.losses[name] < 0.5 * first.losses[name]

    def style_losses(part, image):
        """The loss of that part of the image for each style."""
        return [
            evaluate_objective({}, [StyleTarget(style, 1.0, part)], canvas=image)[0]["style"]
            for style in STYLES
        ]

    left, right = style_losses(LEFT, both.image), style_losses(RIGHT, both.image)
    assert left[0] < style_losses(LEFT, swapped.image)[0]
    assert right[1] < style_losses(RIGHT, swapped.image)[1]
    assert list(both.losses) == ["content", "style 1", "style 2", "tv"]


@pytest.mark.usefixtures("tiny")
def test_resume_is_exact_and_requires_same_masks():
    masks = Masks(styles=[LEFT], keep=RIGHT)
    first = next(stylize(CONTENT, STYLES[:1], Settings(**RUN), masks=masks))
    state = first.state()
    *_, straight = stylize(CONTENT, STYLES[:1], Settings(**RUN), masks=masks)
    *_, continued = stylize(CONTENT, STYLES[:1], Settings(**RUN), masks=masks, resume=state)
    assert torch.equal(straight.image, continued.image)
    with pytest.raises(StateError, match="differ: masks"):
        next(stylize(CONTENT, STYLES[:1], Settings(**RUN), resume=state))


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (
            Masks(styles=[LEFT]),
            r"number of masks \(1\) differs from that of style images \(2\)",
        ),
        (
            Masks(parts=[LEFT] * 3),
            r"number of style masks \(3\) differs from .* \(2\)\. Give one",
        ),
        (Masks(styles=[LEFT, half("left", 64, 64)]), r"The mask \(2\) is 64×64, of another shape"),
        (Masks(parts=[LEFT, half("left", 64, 64)]), r"The style mask \(2\) is 64×64"),
        (Masks(keep=half("left", 64, 64)), "The keep mask is 64×64, .* which is 128×96"),
        (Masks(keep=torch.zeros(1, 1, 96, 128)), "The keep mask is black all over"),
        (
            Masks(keep=torch.zeros(96, 128)),
            r"The keep mask must be .*; it is Tensor torch\.float32 \(96, 128\)",
        ),
        (Masks(keep=torch.zeros(1, 1, 0, 0)), r"it is Tensor .*\(1, 1, 0, 0\)"),
        (Masks(keep=torch.ones(1, 1, 96, 128).byte()), r"it is Tensor torch\.uint8"),
        (Masks(keep="sky.png"), "it is str"),
    ],
)
def test_stylize_refuses_invalid_masks_before_loading_weights(masks, message):
    run = Settings(**RUN, network_weights="no such file")
    with pytest.raises(ImageError, match=message):
        next(stylize(CONTENT, STYLES, run, masks=masks))


def save_style(folder, name: str, alpha: torch.Tensor | None) -> str:
    """Saves the first style image with that alpha, and returns the path."""
    return str(save_image(STYLES[0], folder / f"{name}.png", alpha=alpha))


def read_mask(mask: torch.Tensor) -> torch.Tensor:
    """The mask as `stylize` reads it."""
    return read_masks(Masks(keep=mask), CONTENT, STYLES)[2]


def test_load_styles_returns_given_masks_for_opaque_files(tmp_path):
    paths = [save_style(tmp_path, "one", None), save_style(tmp_path, "two", None)]
    styles, parts = load_styles(paths)
    assert parts == []
    assert all(torch.equal(style, load_image(path)) for style, path in zip(styles, paths))
    assert load_styles(paths, [LEFT, RIGHT])[1] == [LEFT, RIGHT]


def test_load_styles_returns_alpha_as_mask_and_white_for_opaque_files(tmp_path):
    paths = [save_style(tmp_path, "one", LEFT), save_style(tmp_path, "two", None)]
    (seen, _), (part, white) = load_styles(paths)
    assert torch.equal(seen, load_image(paths[0]))
    assert (seen[..., 64:] == 1).all()
    torch.testing.assert_close(read_mask(part), LEFT)
    torch.testing.assert_close(read_mask(white), torch.ones_like(LEFT))


def test_load_styles_multiplies_alpha_by_given_mask(tmp_path):
    faint = 0.6 * LEFT + 0.2 * RIGHT
    paths = [save_style(tmp_path, "one", faint), save_style(tmp_path, "two", None)]
    _, (part, other) = load_styles(paths, [half("left", 48, 64).expand(-1, 3, -1, -1), RIGHT])
    edge = read_mask(part)[..., 62:66]
    assert (edge.diff(dim=3) <= 0).all()
    torch.testing.assert_close(read_mask(part)[..., :60], faint[..., :60])
    assert (read_mask(part)[..., 68:] == 0).all()
    assert other is RIGHT


def test_load_styles_refuses_style_transparent_within_its_mask(tmp_path):
    clear = save_style(tmp_path, "clear", torch.zeros(1, 1, 96, 128))
    left = save_style(tmp_path, "left", LEFT)
    for paths, drawn, number in (([left, clear], [], 2), ([left], [RIGHT], 1)):
        with pytest.raises(ImageError, match=rf"style image \({number}\) is transparent wherever"):
            load_styles(paths, drawn)


def test_invalid_style_masks_are_refused_for_transparent_styles(tmp_path):
    paths = [save_style(tmp_path, "one", LEFT), save_style(tmp_path, "two", None)]
    with pytest.raises(ImageError, match=r"The style mask \(1\) is 64×64"):
        load_styles(paths, [half("left", 64, 64), RIGHT])
    styles, parts = load_styles(paths, [LEFT])
    with pytest.raises(ImageError, match=r"The number of style masks \(1\) differs"):
        read_masks(Masks(parts=parts), CONTENT, styles)


def test_read_masks_converts_rgb_masks_to_luma():
    """Rec. 601: 0.299 of red, 0.587 of green, 0.114 of blue."""
    colors = torch.tensor([RED, GREEN, BLUE, (0.2, 0.5, 1.0)]).T.view(1, 3, 1, 4)
    colored = colors.repeat_interleave(32, 3).expand(1, 3, 96, 128)
    gray = torch.tensor([0.299, 0.587, 0.114, 0.4673]).repeat_interleave(32)
    expected = gray.expand(1, 1, 96, 128)
    white = torch.ones(1, 3, 96, 128)
    masks = Masks(styles=[colored, white], parts=[white, colored], keep=colored)
    (where, everywhere), (whole, part), keep = read_masks(masks, CONTENT, STYLES)
    for found in (where, part, keep):
        torch.testing.assert_close(found, expected)
    for found in (everywhere, whole):
        torch.testing.assert_close(found, white[:, :1])
    assert fit_mask(keep, 48, 64).shape == (1, 1, 48, 64)
