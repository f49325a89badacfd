"""Color modes: properties of the color maps, and luma and chroma computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from neural_style.images import color
from neural_style.images.color import (
    COLOR_MODES,
    finish_colors,
    keep_content_color,
    luma,
    match_color,
    match_color_by_cholesky,
    match_histogram,
    match_luma,
    prepare_content,
    prepare_style,
)
from tests.conftest import picture


def muted(seed: int) -> Tensor:
    """A colorful image whose values are far enough from 0 and 1 that matching clips none."""
    mixing = torch.tensor([[0.3, 0.1, 0.0], [0.0, 0.2, 0.1], [0.0, 0.1, 0.2]]).roll(seed, 1)
    return 0.3 + torch.einsum("dc,bchw->bdhw", mixing, picture(40, 50, seed))


def flat(*color: float) -> Tensor:
    return torch.tensor(color, dtype=torch.float32).view(1, 3, 1, 1).repeat(1, 1, 8, 9)


def statistics(image: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the colors, by numpy."""
    values = image[0].flatten(1).double().numpy()
    return values.mean(1), np.cov(values, bias=True)


@pytest.mark.parametrize("match", [match_color, match_color_by_cholesky])
@pytest.mark.parametrize(("seed", "other"), [(1, 2), (2, 1), (3, 4)])
def test_match_color_matches_mean_and_covariance_of_reference(seed, other, match):
    image, reference = muted(seed), muted(other)[..., :30]
    matched = match(image, reference)
    assert matched.min() > 0  # nothing was clipped
    assert matched.max() < 1
    mean, covariance = statistics(matched)
    target_mean, target_covariance = statistics(reference)
    assert np.abs(statistics(image)[1] - target_covariance).max() > 1e-4
    np.testing.assert_allclose(mean, target_mean, atol=1e-6)
    np.testing.assert_allclose(covariance, target_covariance, atol=5e-6)


def test_match_color_scales_uncorrelated_channels_independently():
    corners = torch.tensor([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)]).float()
    corners = corners.T.reshape(1, 3, 2, 4)
    spread = torch.tensor([0.1, 0.2, 0.3]).view(1, 3, 1, 1)
    other = spread.flip(1)
    matched = match_color(0.5 + spread * corners, 0.4 + other * corners)
    torch.testing.assert_close(matched, 0.4 + other * corners, atol=1e-4, rtol=0)


def test_match_color_map_is_symmetric_positive_definite():
    image, reference = muted(1), muted(2)
    centered = image[0].flatten(1) - image[0].flatten(1).mean(1, keepdim=True)
    matched = match_color(image, reference)[0].flatten(1)
    matched = matched - matched.mean(1, keepdim=True)
    transport = torch.linalg.lstsq(centered.double().T, matched.double().T).solution.T
    torch.testing.assert_close(transport, transport.T, atol=1e-3, rtol=0)
    assert torch.linalg.eigvalsh(transport).min() > 0


def test_match_color_gives_flat_image_the_mean_of_reference():
    reference = muted(1)
    matched = match_color(flat(0.9, 0.1, 0.3), reference)
    torch.testing.assert_close(matched, reference.mean((2, 3), keepdim=True).expand(1, 3, 8, 9))


def test_match_color_to_flat_reference_is_flat():
    matched = match_color(muted(1), flat(0.9, 0.1, 0.3))
    expected = torch.tensor([0.9, 0.1, 0.3]).view(1, 3, 1, 1).expand_as(matched)
    # the floor under the covariance leaves a standard deviation of 0.001
    torch.testing.assert_close(matched, expected, atol=0.005, rtol=0)


@pytest.mark.parametrize("match", [match_color, match_color_by_cholesky])
def test_large_picture_is_matched_in_pieces(match, monkeypatch):
    whole = match(muted(1), muted(2))
    monkeypatch.setattr(color, "_PIECE", 700)
    torch.testing.assert_close(match(muted(1), muted(2)), whole, atol=1e-6, rtol=0)


def test_match_color_to_gray_reference_is_gray():
    gray = muted(2).mean(1, keepdim=True).expand(1, 3, 40, 50)
    matched = match_color(muted(1), gray)
    assert (matched.amax(1) - matched.amin(1)).max() < 0.02


def test_match_color_does_not_amplify_noise_far_below_one_level():
    noise = torch.randn(1, 3, 40, 50, generator=torch.Generator().manual_seed(0))
    matched = match_color(0.5 + 1e-4 * noise, muted(1))
    assert matched.std((2, 3)).max() < 0.025 < 0.05 < muted(1).std((2, 3)).max()


@pytest.mark.parametrize("mode", COLOR_MODES)
@pytest.mark.parametrize("image", [picture(16, 16, 5)[:, :1].expand(1, 3, 16, 16), flat(0, 0, 0)])
@pytest.mark.parametrize("reference", [muted(1), flat(1, 1, 1), picture(1, 1, 6)])
def test_degenerate_images_stay_in_unit_range(image, reference, mode):
    for style, content in ((image, reference), (reference, image)):
        prepared = prepare_style(mode, 1.0, style, content)
        assert ((prepared >= 0) & (prepared <= 1)).all()  # false for NaN


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_match_color_keeps_shape_and_dtype(dtype):
    matched = match_color(picture(5, 7, 1).to(dtype), picture(9, 2, 2).to(dtype))
    assert matched.shape == (1, 3, 5, 7)
    assert matched.dtype == dtype


def test_keep_content_color_matches_hand_computation():
    content = torch.tensor([0.6, 0.4, 0.2]).view(1, 3, 1, 1)
    result = torch.tensor([0.5, 0.5, 0.5]).view(1, 3, 1, 1)
    # luma of the content: 0.299 · 0.6 + 0.587 · 0.4 + 0.114 · 0.2 = 0.437; of the result: 0.5
    expected = torch.tensor([0.663, 0.463, 0.263]).view(1, 3, 1, 1)
    torch.testing.assert_close(keep_content_color(result, content), expected)


def test_keep_content_color_combines_luma_of_result_and_content_chroma():
    content, result = muted(1), muted(2)
    finished = keep_content_color(result, content)
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    torch.testing.assert_close((finished * weights).sum(1), (result * weights).sum(1))
    torch.testing.assert_close(finished[:, 0] - finished[:, 1], content[:, 0] - content[:, 1])
    torch.testing.assert_close(finished[:, 2] - finished[:, 1], content[:, 2] - content[:, 1])


def test_keep_content_color_clips_values():
    finished = keep_content_color(flat(1, 1, 1), flat(1, 0, 0))
    torch.testing.assert_close(finished, flat(1, 0.701, 0.701))


def test_match_color_by_cholesky_maps_red_from_red_only():
    """The map is lower triangular: the red output is a linear function of the red input."""
    image, reference = muted(1), muted(2)
    matched = match_color_by_cholesky(image, reference)
    red, matched_red = image[0, 0].flatten().double(), matched[0, 0].flatten().double()
    slope = (matched_red.std() / red.std()).item()
    torch.testing.assert_close(
        matched_red - matched_red.mean(), slope * (red - red.mean()), atol=1e-5, rtol=0
    )


def test_match_histogram_matches_sorted_values_and_keeps_order():
    """Compares values along the reference's principal axes, after the linear match."""
    image, reference = muted(3), muted(4)
    axes = torch.from_numpy(np.linalg.eigh(statistics(reference)[1])[1]).float()
    near, result, other = (
        axes.T @ colors[0].flatten(1)
        for colors in (match_color(image, reference), match_histogram(image, reference), reference)
    )
    torch.testing.assert_close(result.sort().values, other.sort().values, atol=2e-3, rtol=0)
    for own, matched in zip(near, result):
        assert (matched[own.argsort()].diff() >= -1e-5).all()


def test_match_histogram_maps_equal_colors_to_equal_colors():
    steps = (picture(30, 40, 3) * 3).round() / 3
    matched = match_histogram(steps, picture(20, 20, 4))
    colors, which = steps[0].flatten(1).unique(dim=1, return_inverse=True)
    for k in range(colors.shape[1]):
        same = matched[0].flatten(1)[:, which == k]
        assert (same.amax(1) - same.amin(1)).max() < 1e-4


def test_match_histogram_to_gray_reference_is_gray():
    """Matching each channel by itself would not give gray."""
    gray = (0.2 + 0.6 * picture(40, 50, 2)[:, :1] ** 3).expand(1, 3, -1, -1)
    matched = match_histogram(muted(1), gray)
    assert (matched.amax(1) - matched.amin(1)).max() < 0.02
    spread = gray[:, 0].flatten().sort().values
    torch.testing.assert_close(matched[:, 0].flatten().sort().values, spread, atol=0.02, rtol=0)


def test_match_luma_matches_mean_and_std_and_returns_gray():
    matched, reference = match_luma(muted(1), muted(2)), luma(muted(2))
    assert torch.equal(matched[:, 0], matched[:, 2])
    assert matched.mean().item() == pytest.approx(reference.mean().item(), abs=1e-5)
    assert luma(matched).std().item() == pytest.approx(reference.std().item(), rel=1e-3)


@pytest.mark.parametrize("mode", COLOR_MODES)
@pytest.mark.parametrize(
    "content", [picture(30, 40, 3), muted(1), flat(0.2, 0.5, 0.9), flat(0, 0, 0)]
)
def test_color_mode_with_content_as_style_is_identity(mode, content):
    prepared = prepare_content(mode, 1.0, content)
    other = prepare_style(mode, 1.0, content, content)
    torch.testing.assert_close(prepared, other, atol=1e-5, rtol=0)
    finished = COLOR_MODES[mode].finish(prepared, content)
    torch.testing.assert_close(finished, content, atol=1e-5, rtol=0)


@pytest.mark.parametrize("mode", COLOR_MODES)
def test_color_modes_do_not_modify_inputs(mode, content, style):
    before = content.clone(), style.clone()
    prepare_content(mode, 0.5, content)
    prepare_style(mode, 0.5, style, content)
    COLOR_MODES[mode].finish(style[..., :64, :64], content[..., :64, :64])
    assert torch.equal(content, before[0])
    assert torch.equal(style, before[1])


@pytest.mark.parametrize("mode", COLOR_MODES)
def test_color_strength_interpolates_between_identity_and_mode(mode, content, style):
    assert torch.equal(prepare_content(mode, 0.0, content), content)
    assert torch.equal(prepare_content(mode, 1.0, content), COLOR_MODES[mode].content(content))
    nothing, half, whole = (prepare_style(mode, s, style, content) for s in (0.0, 0.5, 1.0))
    assert torch.equal(nothing, style)
    assert torch.equal(whole, COLOR_MODES[mode].style(style, content))
    torch.testing.assert_close(half, (style + whole) / 2)
    result = content.flip(3)
    assert torch.equal(finish_colors(mode, 0.0, result, content), result)
    expected = COLOR_MODES[mode].finish(result, content)
    assert torch.equal(finish_colors(mode, 1.0, result, content), expected)


@pytest.mark.parametrize("mode", ["content", "luminance"])
def test_content_and_luminance_modes_keep_content_chroma_exactly(mode, content):
    content = 0.3 + 0.4 * content
    finished = finish_colors(mode, 1.0, content.flip(3).clamp(0.4, 0.6), content)
    torch.testing.assert_close(finished - luma(finished), content - luma(content))


def test_style_mode_is_identity_and_content_mode_recolors_style(content, style):
    assert COLOR_MODES["style"].style(style, content) is style
    assert COLOR_MODES["style"].finish(content, style) is content
    moved = COLOR_MODES["content"].style(style, content)
    distance = (moved.mean((2, 3)) - content.mean((2, 3))).abs().max()
    assert distance < 0.03 < (style.mean((2, 3)) - content.mean((2, 3))).abs().max()
