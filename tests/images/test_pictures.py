"""Image quality of results of the default settings with the real network."""

from __future__ import annotations

from functools import lru_cache

import pytest
import torch

from neural_style import Settings, load_image, stylize
from neural_style.images.files import resize
from neural_style.images.sizes import fit
from tests.conftest import EXAMPLES

PAIRS = (
    ("summer-palace", "cafe-terrace-at-night"),
    ("chelsea", "harvest-at-la-crau"),
    ("dahlia", "church-at-auvers"),
    ("astronaut", "portrait-of-pere-tanguy"),
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(params=PAIRS, ids="-".join)
def stylized(request):
    return stylize_pair(*request.param)


@lru_cache
def stylize_pair(content: str, style: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Content and style at the size of the result, and the result."""
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    pictures = [
        load_image(EXAMPLES / f"content/{content}.jpg"),
        load_image(EXAMPLES / f"style/{style}.jpg"),
    ]
    *_, frame = stylize(*pictures, Settings(size=256, network_weights="packaged"))
    torch.set_num_threads(threads)
    content_, style_ = (resize(p, *fit(*p.shape[-2:], 256)) for p in pictures)
    return content_, style_, frame.image


def roughness(image: torch.Tensor, order: int) -> float:
    """Mean squared difference of that order along both axes of the gray image."""
    gray = image.mean(1)[0]
    return sum(gray.diff(order, axis).square().mean().item() for axis in (0, 1))


def correlation(one: torch.Tensor, other: torch.Tensor) -> float:
    return torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1].item()


def edges(image: torch.Tensor) -> torch.Tensor:
    """Edge strength at a quarter of the size."""
    gray = image.mean(1, keepdim=True)
    height, width = gray.shape[-2] // 4, gray.shape[-1] // 4
    small = torch.nn.functional.interpolate(gray, (height, width), mode="area")
    return small.diff(dim=-1)[..., 1:, :].abs() + small.diff(dim=-2)[..., 1:].abs()


def test_edges_of_result_correlate_with_content(stylized):
    content, _, result = stylized
    assert correlation(edges(result), edges(content)) > 0.4


def test_color_statistics_of_result_approach_style(stylized):
    content, style, result = stylized

    def distance(image: torch.Tensor) -> float:
        colors, target = image[0].flatten(1), style[0].flatten(1)
        return (
            (colors.mean(1) - target.mean(1)).norm() + (colors.cov() - target.cov()).norm()
        ).item()

    assert distance(result) < 0.5 * distance(content)


def test_result_is_no_grainier_than_style(stylized):
    _, style, result = stylized
    assert roughness(result, 2) / roughness(result, 1) < roughness(style, 2) / roughness(style, 1)
    assert roughness(result, 1) < 1.2 * roughness(style, 1)


def test_result_has_no_checkerboard_artifact(stylized):
    """The energy at the Nyquist frequency of both axes is less than four times that around it."""
    *_, result = stylized
    spectrum = torch.fft.fft2(result.mean(1)[0]).abs().square()
    height, width = spectrum.shape
    finest = spectrum[height // 2 - 2 : height // 2 + 3, width // 2 - 2 : width // 2 + 3].mean()
    near = spectrum[height // 2 - 14 : height // 2 + 15, width // 2 - 14 : width // 2 + 15].mean()
    assert finest < 4 * near


def test_result_has_no_border_artifact(stylized):
    """The outermost rows and columns differ from the next as other neighbors do."""
    *_, result = stylized
    for axis in (-1, -2):
        change = result.diff(dim=axis).abs().mean(dim=(0, 1, -3 - axis))
        assert change[[0, -1]].max() < 2.5 * change.median()


def test_result_has_few_flat_or_clipped_areas(stylized):
    *_, result = stylized
    blocks = torch.nn.functional.unfold(result.mean(1, keepdim=True), 16, stride=16)
    assert (blocks.std(1) < 0.004).float().mean() < 0.02
    assert ((result == 0) | (result == 1)).float().mean() < 0.12
