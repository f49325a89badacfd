"""Masks: guided sums by hand, and styles that stay within their masks."""

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
from neural_style.network.backbones import TORCHVISION
from neural_style.network.extractor import load_network
from neural_style.network.strips import cut_network
from neural_style.objective import StyleTarget, make_objective
from neural_style.objective.guides import count, make_guide, picture_moments, sum_up
from neural_style.objective.losses import channel_products
from neural_style.objective.statistics import STATISTICS, average
from neural_style.run.styles import gather_styles, recolor_content, recolor_style
from tests.conftest import picture, seeded_weights, tiny_vgg
from tests.network.test_strips import CUTS, LAYERS, LOSS_CONFIG, assert_alike

CPU = torch.device("cpu")
CONTENT = picture(96, 128, seed=1)
STYLES = [picture(96, 128, seed=2), picture(96, 128, seed=3)]
RUN = {"iterations": 12, "size": 128, "scales": 1, "precision": "fp32"}


def half(side: str, height: int = 96, width: int = 128) -> torch.Tensor:
    mask = torch.zeros(1, 1, height, width)
    columns = slice(None, width // 2) if side == "left" else slice(width // 2, None)
    mask[..., columns] = 1
    return mask


LEFT, RIGHT = half("left"), half("right")


def tiny_network(dtype=torch.float32):
    stages = tiny_vgg()
    return load_network(stages, seeded_weights(stages), TORCHVISION, device=CPU, dtype=dtype)


def test_guided_products_are_those_of_the_guided_positions_alone():
    features = torch.rand(1, 3, 4, 6)
    products, totals = sum_up(features, half("left", 4, 6), with_mean=True)
    torch.testing.assert_close(products, channel_products(features[..., :3].contiguous()))
    torch.testing.assert_close(totals, features[..., :3].sum((0, 2, 3)))
    assert count(half("left", 4, 6), 3, torch.float32) == 3 * 12


def test_a_position_with_guide_one_half_counts_a_quarter():
    """The guide multiplies the activations, so it enters their products squared."""
    features = torch.rand(1, 3, 4, 6)
    gray = torch.full((1, 1, 4, 6), 0.5)
    products, totals = sum_up(features, gray, with_mean=True)
    torch.testing.assert_close(products, channel_products(features) / 4)
    moments = average(products, totals, count(gray, 3, torch.float32))
    plain = average(*sum_up(features, None, with_mean=True), features.numel())
    for one, other in zip(moments, plain):
        torch.testing.assert_close(one, other)


def test_a_guide_is_the_mean_of_the_mask_over_the_area_of_a_position():
    network = tiny_network()
    mask = torch.rand(1, 1, 64, 96)
    guide = make_guide(
        network, cut_network(network, LAYERS), picture(64, 96), mask, ["relu1_1", "relu3_1"]
    )
    assert torch.equal(guide["relu1_1"], mask)
    assert guide["relu3_1"].shape == (1, 1, 16, 24)
    assert guide["relu3_1"][0, 0, 2, 3].item() == pytest.approx(mask[0, 0, 8:12, 12:16].mean())


def test_a_style_mask_takes_the_moments_of_that_part():
    """At the first layer, away from the part's own edge."""
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


def objective(
    rows, wanted, statistic="gram", dtype=torch.float32, keep=None, canvas=None, **options
):
    network = tiny_network(dtype)
    segments = cut_network(network, LAYERS, rows)
    loss_config = LOSS_CONFIG._replace(statistic=statistic)
    evaluate = make_objective(network, segments, CONTENT, wanted, loss_config, keep)
    return evaluate(picture(96, 128, seed=4) if canvas is None else canvas, **options)


def test_a_white_mask_is_no_mask():
    white = torch.ones(1, 1, 96, 128)
    plain = objective({}, [StyleTarget(STYLES[0], 1.0)])
    assert_alike(plain, objective({}, [StyleTarget(STYLES[0], 1.0, white, white)]), 1e-4)


REGIONS = [StyleTarget(STYLES[0], 0.5, LEFT), StyleTarget(STYLES[1], 0.5, RIGHT, LEFT)]


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("rows", CUTS[1:4:2], ids=str)
def test_strips_change_nothing(statistic, rows):
    whole = objective({}, REGIONS, statistic)
    assert_alike(whole, objective(rows, REGIONS, statistic), 1e-3)


def test_easing_changes_the_gradient_and_not_the_terms():
    plain, eased = objective({}, REGIONS), objective({}, REGIONS, eased=True)
    assert plain[0] == eased[0]
    assert not torch.allclose(plain[1], eased[1], rtol=0.1)


def test_half_precision_sees_nearly_the_same():
    full, low = objective({}, REGIONS)[0], objective({}, REGIONS, dtype=torch.bfloat16)[0]
    for name, term in full.items():
        assert low[name].item() == pytest.approx(term.item(), rel=0.05)


def test_the_gradient_of_a_masked_style_is_zero_far_from_its_mask():
    one_sided = LOSS_CONFIG._replace(content=0.0, tv=0.0)
    network = tiny_network()
    segments = cut_network(network, LAYERS)
    wanted = [StyleTarget(STYLES[0], 1.0, half("left", 96, 512))]
    canvas = picture(96, 512, seed=4)
    evaluate = make_objective(network, segments, picture(96, 512, seed=1), wanted, one_sided)
    _, gradient = evaluate(canvas)
    assert gradient[..., :200].abs().max() > 0
    assert gradient[..., 256 + 160 :].abs().max() == 0  # farther than relu5_1 can see


def test_what_is_kept_gets_no_gradient_and_looks_like_the_content():
    terms, gradient = objective({}, [StyleTarget(STYLES[0], 1.0)], keep=LEFT)
    assert gradient[..., :64].abs().max() == 0
    assert gradient[..., 64:].abs().max() > 0
    everything = torch.ones(1, 1, 96, 128)
    kept, _ = objective({}, [StyleTarget(STYLES[0], 1.0)], keep=everything)
    assert kept["content"].item() == pytest.approx(0, abs=1e-10)
    assert terms["content"].item() > 0


def test_shares_follow_the_areas_so_that_each_pixel_has_equal_weight():
    quarter = half("left", 96, 128)
    quarter[..., :48, :] = 0
    styles = gather_styles(STYLES, (), (1.0,), (), [quarter, RIGHT], [None, None])
    assert [style.share for style in styles] == [0.25, 0.5]
    styles = gather_styles(STYLES, (3, 1), (1.0,), (), [LEFT, RIGHT], [None, None])
    assert [style.share for style in styles] == [0.75, 0.25]


def test_a_style_mask_is_cropped_with_its_picture():
    (style,) = gather_styles(
        STYLES[:1], (), (1.0,), ((0.5, 0, 0.5, 1),), [None], [LEFT + 0.5 * RIGHT]
    )
    assert style.part.shape == (1, 1, 96, 64)
    assert style.part.min() == style.part.max() == 0.5


def test_a_style_mask_with_nothing_in_the_crop_is_refused():
    words = r"style mask \(1\) is black all over style_crop 0\.5,0,0\.5,1"
    with pytest.raises(ImageError, match=words):
        gather_styles(STYLES[:1], (), (1.0,), ((0.5, 0, 0.5, 1),), [None], [LEFT])


def test_a_mask_with_values_that_are_no_numbers_is_refused():
    mask = LEFT.clone()
    mask[..., 3, 3] = float("nan")
    with pytest.raises(ImageError, match=r"keep mask has values that are not finite"):
        read_masks(Masks(keep=mask), CONTENT, STYLES)


def in_halves(left: tuple[float, ...], right: tuple[float, ...]) -> torch.Tensor:
    """A picture of two colors, with a little grain so that they have a spread."""
    colors = torch.tensor([left, right]).T.view(1, 3, 1, 2).repeat_interleave(64, 3)
    return 0.8 * colors.expand(1, 3, 96, 128) + 0.2 * picture(96, 128, seed=4)


RED, BLUE, GREEN = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, 1.0, 0.0)


def styles_of(pictures, where=(None, None), parts=(None, None), shares=()):
    return gather_styles(pictures, shares, (1.0,), (), where, parts)


def mean_colors(image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Of its left half and its right half."""
    left, right = image[..., :64], image[..., 64:]
    return left.mean((0, 2, 3)), right.mean((0, 2, 3))


def test_the_start_has_each_styles_colors_where_it_is_wanted():
    pictures = [in_halves(RED, RED), in_halves(BLUE, BLUE)]
    left, right = mean_colors(recolor_content(CONTENT, styles_of(pictures, [LEFT, RIGHT])))
    torch.testing.assert_close(left, pictures[0].mean((0, 2, 3)), atol=0.02, rtol=0)
    torch.testing.assert_close(right, pictures[1].mean((0, 2, 3)), atol=0.02, rtol=0)


def test_the_start_is_the_content_where_no_style_is_wanted():
    started = recolor_content(CONTENT, styles_of([in_halves(RED, RED)], [LEFT], [None]))
    assert torch.equal(started[..., 64:], CONTENT[..., 64:])
    assert mean_colors(started)[0][0] > 0.8


def test_where_masks_overlap_the_start_is_as_bright_as_elsewhere():
    everywhere = torch.ones(1, 1, 96, 128)
    pictures = [in_halves(RED, RED), in_halves(BLUE, BLUE)]
    masked = recolor_content(CONTENT, styles_of(pictures, [everywhere, everywhere], shares=(3, 1)))
    torch.testing.assert_close(masked, recolor_content(CONTENT, styles_of(pictures, shares=(3, 1))))


def test_the_start_has_the_colors_of_the_styles_part():
    both = in_halves(RED, BLUE)
    started = recolor_content(CONTENT, styles_of([both], [None], [LEFT]))
    torch.testing.assert_close(
        started.mean((0, 2, 3)), both[..., :64].mean((0, 2, 3)), atol=0.02, rtol=0
    )


@pytest.mark.parametrize("mode", ["content", "matched", "cholesky", "histogram"])
def test_a_styles_part_gets_the_colors_of_the_region_where_it_is_used(mode):
    content, picture_ = in_halves(GREEN, RED), in_halves(RED, BLUE)
    (style,) = styles_of([picture_], [LEFT], [RIGHT])
    recolored = recolor_style(style, content, mode, 1.0).image
    assert torch.equal(recolored[..., :64], picture_[..., :64])
    torch.testing.assert_close(
        mean_colors(recolored)[1], mean_colors(content)[0], atol=0.02, rtol=0
    )


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("color", ["style", "content", "luminance"])
@pytest.mark.parametrize("scales", [1, 2])
def test_the_kept_region_is_the_contents_to_the_last_bit(color, scales):
    run = Settings(**RUN | {"scales": scales, "size": 256}, color=color)
    content = picture(192, 256, seed=1)
    *_, last = stylize(content, STYLES[0], run, masks=Masks(keep=half("left", 192, 256)))
    assert torch.equal(last.image[..., :128], content[..., :128])
    assert (last.image[..., 128:] - content[..., 128:]).abs().mean() > 0.01


@pytest.mark.usefixtures("tiny")
def test_each_region_comes_closer_to_its_own_style():
    run = Settings(**RUN | {"iterations": 40}, init="content", statistic="gram")
    first, *_, both = stylize(CONTENT, STYLES, run, masks=Masks(styles=[LEFT, RIGHT]))
    *_, swapped = stylize(CONTENT, STYLES, run, masks=Masks(styles=[RIGHT, LEFT]))
    for name in ("style 1", "style 2"):
        assert both.losses[name] < 0.5 * first.losses[name]

    def distances(part, image):
        """From each style, of one half."""
        return [
            objective({}, [StyleTarget(style, 1.0, part)], canvas=image)[0]["style"]
            for style in STYLES
        ]

    left, right = distances(LEFT, both.image), distances(RIGHT, both.image)
    assert left[0] < distances(LEFT, swapped.image)[0]
    assert right[1] < distances(RIGHT, swapped.image)[1]
    assert list(both.losses) == ["content", "style 1", "style 2", "tv"]


@pytest.mark.usefixtures("tiny")
def test_a_run_with_masks_is_continued_with_the_same_masks_only():
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
def test_masks_that_do_not_fit_are_refused_before_any_work(masks, message):
    run = Settings(**RUN, network_weights="no such file")
    with pytest.raises(ImageError, match=message):
        next(stylize(CONTENT, STYLES, run, masks=masks))


def seen_through(folder, name: str, alpha: torch.Tensor | None) -> str:
    """A file of a style image with that opacity."""
    return str(save_image(STYLES[0], folder / f"{name}.png", alpha=alpha))


def gray(mask: torch.Tensor) -> torch.Tensor:
    """As `stylize` reads it."""
    return read_masks(Masks(keep=mask), CONTENT, STYLES)[2]


def test_opaque_styles_have_the_masks_that_were_given_and_no_others(tmp_path):
    paths = [seen_through(tmp_path, "one", None), seen_through(tmp_path, "two", None)]
    styles, parts = load_styles(paths)
    assert parts == []
    assert all(torch.equal(style, load_image(path)) for style, path in zip(styles, paths))
    assert load_styles(paths, [LEFT, RIGHT])[1] == [LEFT, RIGHT]


def test_the_opacity_of_a_style_is_its_mask_and_opaque_styles_get_white_ones(tmp_path):
    paths = [seen_through(tmp_path, "one", LEFT), seen_through(tmp_path, "two", None)]
    (seen, _), (part, white) = load_styles(paths)
    assert torch.equal(seen, load_image(paths[0]))
    assert (seen[..., 64:] == 1).all()
    torch.testing.assert_close(gray(part), LEFT)
    torch.testing.assert_close(gray(white), torch.ones_like(LEFT))


def test_the_opacity_of_a_style_is_multiplied_with_its_mask(tmp_path):
    faint = 0.6 * LEFT + 0.2 * RIGHT
    paths = [seen_through(tmp_path, "one", faint), seen_through(tmp_path, "two", None)]
    _, (part, other) = load_styles(paths, [half("left", 48, 64).expand(-1, 3, -1, -1), RIGHT])
    edge = gray(part)[..., 62:66]
    assert (edge.diff(dim=3) <= 0).all()
    torch.testing.assert_close(gray(part)[..., :60], faint[..., :60])
    assert (gray(part)[..., 68:] == 0).all()
    assert other is RIGHT


def test_a_style_that_is_transparent_within_its_mask_is_refused(tmp_path):
    clear = seen_through(tmp_path, "clear", torch.zeros(1, 1, 96, 128))
    left = seen_through(tmp_path, "left", LEFT)
    for paths, drawn, number in (([left, clear], [], 2), ([left], [RIGHT], 1)):
        with pytest.raises(ImageError, match=rf"style image \({number}\) is transparent wherever"):
            load_styles(paths, drawn)


def test_style_masks_that_do_not_fit_are_refused_for_transparent_styles_too(tmp_path):
    paths = [seen_through(tmp_path, "one", LEFT), seen_through(tmp_path, "two", None)]
    with pytest.raises(ImageError, match=r"The style mask \(1\) is 64×64"):
        load_styles(paths, [half("left", 64, 64), RIGHT])
    styles, parts = load_styles(paths, [LEFT])
    with pytest.raises(ImageError, match=r"The number of style masks \(1\) differs"):
        read_masks(Masks(parts=parts), CONTENT, styles)


def test_masks_are_gray_whatever_their_colors():
    white = torch.ones(1, 3, 96, 128)
    (where, _), _, keep = read_masks(Masks(styles=[white, white], keep=white), CONTENT, STYLES)
    torch.testing.assert_close(where, torch.ones(1, 1, 96, 128))
    assert fit_mask(keep, 48, 64).shape == (1, 1, 48, 64)
