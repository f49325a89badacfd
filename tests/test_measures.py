"""Measures of the panel on pictures with known values."""

from __future__ import annotations

import math

import pytest
import torch

from benchmarks.measures import clipped_share, edge_coherence, nearest_distance, weave
from benchmarks.trained_vgg16 import fold_units, name_as_torchvision
from neural_style.network.backbones import BACKBONES, CAFFE, TORCHVISION
from neural_style.network.steps import to_units
from tests.conftest import picture


def gray(values: torch.Tensor) -> torch.Tensor:
    return values.float().expand(1, 3, *values.shape[-2:])


def waves(*parts: tuple[float, int, int], side: int = 96) -> torch.Tensor:
    """A gray picture: the sum of cosines, each given by amplitude and periods down and across."""
    step = 2 * math.pi * torch.arange(side) / side
    total = sum(size * torch.cos(m * step[:, None] + n * step[None]) for size, m, n in parts)
    return gray(0.5 + total)


# Weave


def test_weave_of_isotropic_noise_is_one():
    noise = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(0))
    assert weave(noise) == pytest.approx(1, abs=0.1)


def test_weave_is_large_for_a_lattice_and_small_for_diagonals():
    lattice, diagonal = waves((0.2, 28, 0), (0.2, 0, 28)), waves((0.2, 20, 20), (0.2, 20, -20))
    assert weave(lattice) > 1e6
    assert weave(diagonal) < 1e-6


def test_weave_measures_power_and_ignores_contrast_and_brightness():
    even = weave(waves((0.1, 28, 0), (0.1, 20, 20)))
    assert weave(waves((0.2, 28, 0), (0.1, 20, 20))) == pytest.approx(4 * even, rel=1e-4)
    assert weave(0.2 + 0.5 * waves((0.1, 28, 0), (0.1, 20, 20))) == pytest.approx(even, rel=1e-4)
    assert even == pytest.approx(1, abs=0.3)  # two equal waves in sectors of nearly equal area


def test_weave_is_invariant_under_90_degree_rotation():
    image = picture(96, 64) + 0.05 * torch.rand(96, 64, generator=torch.Generator().manual_seed(1))
    assert weave(image.rot90(1, (2, 3))) == pytest.approx(weave(image), rel=1e-4)


def test_weave_ignores_other_wavelengths():
    among = [(0.01, 28, 0), (0.01, 20, 20)]
    assert weave(waves(*among, (0.2, 8, 0), (0.2, 0, 44))) == pytest.approx(
        weave(waves(*among)), rel=1e-3
    )


def test_weave_ignores_a_linear_gradient():
    noise = 0.02 * torch.rand(1, 1, 256, 256, generator=torch.Generator().manual_seed(0))
    ramp = torch.linspace(0, 0.9, 256).expand(1, 3, 256, 256)
    assert weave(ramp + noise) == pytest.approx(1, abs=0.1)


# Nearest distance to the style


def features(*places: tuple[float, ...]) -> torch.Tensor:
    """Activations of positions in a row, 1 × C × 1 × positions."""
    return torch.tensor(places).T[None, :, None]


def test_nearest_distance_ignores_scale_and_order_of_positions():
    image = torch.rand(1, 4, 5, 6, generator=torch.Generator().manual_seed(2))
    assert nearest_distance(image, image) == pytest.approx(0, abs=1e-6)
    assert nearest_distance(3 * image, image.flip(2, 3)) == pytest.approx(0, abs=1e-6)


def test_nearest_distance_matches_hand_calculation():
    style = features((1.0, 0.0), (1.0, 1.0))
    assert nearest_distance(features((0.0, 2.0)), style) == pytest.approx(1 - math.sqrt(0.5))
    both = features((0.0, 2.0), (5.0, 0.0))
    assert nearest_distance(both, style) == pytest.approx((1 - math.sqrt(0.5)) / 2)
    assert nearest_distance(both, style, chunk=1) == pytest.approx((1 - math.sqrt(0.5)) / 2)
    assert nearest_distance(features((0.0, 0.0)), style) == 1


# Edge coherence with the content


def blocks(*rows: tuple[float, ...]) -> torch.Tensor:
    """A gray picture of 8×8 blocks."""
    return gray(torch.tensor(rows).repeat_interleave(8, 0).repeat_interleave(8, 1))


def test_edge_coherence_ignores_brightness_contrast_and_inversion():
    content = picture(96, 72)
    assert edge_coherence(content, content) == pytest.approx(1)
    assert edge_coherence(1 - content, content) == pytest.approx(1)
    assert edge_coherence(0.2 + 0.5 * content, content) == pytest.approx(1)


def test_edge_coherence_of_moved_edges_matches_hand_calculation():
    # Edges 1 0 0 and 0 0 1. Minus their mean 1/3: dot product −1/3, squared norms 2/3.
    left, right = blocks((0, 1, 1, 1), (0, 1, 1, 1)), blocks((0, 0, 0, 1), (0, 0, 0, 1))
    assert edge_coherence(left, right) == pytest.approx(-0.5)


def test_edge_coherence_uses_gradient_magnitude_not_direction():
    # Steps of 0.3 right and 0.4 down have magnitude 0.5; all others are 0.
    corner, upright = blocks((0.4, 0.7, 0.7), (0, 0.7, 0.7)), blocks((0.5, 0, 0), (0.5, 0, 0))
    assert edge_coherence(corner, upright) == pytest.approx(1)


def test_edge_coherence_ignores_detail_within_blocks():
    content = picture(96, 72)
    checkers = gray((torch.arange(96)[:, None] + torch.arange(72)) % 2 - 0.5)
    assert edge_coherence(content + 0.3 * checkers, content) == pytest.approx(1)
    assert edge_coherence(0.5 + 0.3 * checkers, content) == 0


# Clipped pixels


def test_clipped_share_counts_pixels_with_any_clipped_channel():
    levels = torch.tensor([[0, 100, 100], [1, 254, 100], [100, 100, 255], [255, 0, 0]])
    assert clipped_share((levels / 255).T.reshape(1, 3, 2, 2)) == 0.75


def test_clipped_share_rounds_to_8_bits():
    assert clipped_share(torch.full((1, 3, 2, 2), 0.4 / 255)) == 1
    assert clipped_share(torch.full((1, 3, 2, 2), 0.6 / 255)) == 0


# Conversion of VGG-16's convolutions


def test_fold_units_preserves_activations():
    generator = torch.Generator().manual_seed(3)
    weight, bias = torch.randn(4, 3, 3, 3, generator=generator), torch.ones(4)
    image = picture(12, 10)

    def look(units, weight, bias):
        edge = torch.nn.functional.pad(to_units(image, units), (1, 1, 1, 1), mode="replicate")
        return torch.nn.functional.conv2d(edge, weight, bias)

    expected = look(CAFFE, weight, bias)
    given = look(TORCHVISION, *fold_units(weight, bias))
    assert torch.allclose(given, expected, rtol=1e-5, atol=1e-3)


def test_fold_units_of_1x1_filter_matches_hand_calculation():
    # A filter of blue. In levels, its weight is 255 × std of blue, its bias 255 × 0.406 − 103.939.
    weight = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    folded, bias = fold_units(weight, torch.zeros(1))
    assert folded.flatten().tolist() == pytest.approx([0, 0, 255 * 0.225])
    assert bias.item() == pytest.approx(255 * 0.406 - 103.939, rel=1e-4)


def test_name_as_torchvision_uses_its_feature_indices():
    names = name_as_torchvision({f"conv{k}.bias": torch.ones(1) for k in ("1_1", "2_1", "5_3")})
    assert [*names] == ["features.0.bias", "features.5.bias", "features.28.bias"]
    assert len(BACKBONES["vgg16"].build()) == 31
