"""The measures of the panel on pictures with known values."""

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
    """A gray picture: amplitude × cosine of so many periods down and across, for each part."""
    step = 2 * math.pi * torch.arange(side) / side
    total = sum(size * torch.cos(m * step[:, None] + n * step[None]) for size, m, n in parts)
    return gray(0.5 + total)


# Weave


def test_noise_without_a_direction_has_no_weave():
    noise = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(0))
    assert weave(noise) == pytest.approx(1, abs=0.1)


def test_a_lattice_has_a_large_weave_and_diagonal_lines_a_small_one():
    lattice, diagonal = waves((0.2, 28, 0), (0.2, 0, 28)), waves((0.2, 20, 20), (0.2, 20, -20))
    assert weave(lattice) > 1e6
    assert weave(diagonal) < 1e-6


def test_weave_counts_power_not_amplitude_and_knows_neither_contrast_nor_brightness():
    even = weave(waves((0.1, 28, 0), (0.1, 20, 20)))
    assert weave(waves((0.2, 28, 0), (0.1, 20, 20))) == pytest.approx(4 * even, rel=1e-4)
    assert weave(0.2 + 0.5 * waves((0.1, 28, 0), (0.1, 20, 20))) == pytest.approx(even, rel=1e-4)
    assert even == pytest.approx(1, abs=0.3)  # two equal waves, in sectors of nearly equal area


def test_weave_stays_when_the_picture_is_turned_by_a_quarter():
    image = picture(96, 64) + 0.05 * torch.rand(96, 64, generator=torch.Generator().manual_seed(1))
    assert weave(image.rot90(1, (2, 3))) == pytest.approx(weave(image), rel=1e-4)


def test_waves_of_other_lengths_are_no_weave():
    among = [(0.01, 28, 0), (0.01, 20, 20)]
    assert weave(waves(*among, (0.2, 8, 0), (0.2, 0, 44))) == pytest.approx(
        weave(waves(*among)), rel=1e-3
    )


def test_a_gradient_that_ends_at_the_edge_is_no_weave():
    noise = 0.02 * torch.rand(1, 1, 256, 256, generator=torch.Generator().manual_seed(0))
    ramp = torch.linspace(0, 0.9, 256).expand(1, 3, 256, 256)
    assert weave(ramp + noise) == pytest.approx(1, abs=0.1)


# Distance to the style at places


def features(*places: tuple[float, ...]) -> torch.Tensor:
    """Activations of places in a row, 1 × C × 1 × places."""
    return torch.tensor(places).T[None, :, None]


def test_a_picture_has_no_distance_to_itself_however_bright_and_in_whatever_order():
    image = torch.rand(1, 4, 5, 6, generator=torch.Generator().manual_seed(2))
    assert nearest_distance(image, image) == pytest.approx(0, abs=1e-6)
    assert nearest_distance(3 * image, image.flip(2, 3)) == pytest.approx(0, abs=1e-6)


def test_distances_are_those_to_the_nearest_place():
    style = features((1.0, 0.0), (1.0, 1.0))
    assert nearest_distance(features((0.0, 2.0)), style) == pytest.approx(1 - math.sqrt(0.5))
    both = features((0.0, 2.0), (5.0, 0.0))
    assert nearest_distance(both, style) == pytest.approx((1 - math.sqrt(0.5)) / 2)
    assert nearest_distance(both, style, chunk=1) == pytest.approx((1 - math.sqrt(0.5)) / 2)
    assert nearest_distance(features((0.0, 0.0)), style) == 1


# Coherence with the content


def blocks(*rows: tuple[float, ...]) -> torch.Tensor:
    """A gray picture of 8×8 blocks."""
    return gray(torch.tensor(rows).repeat_interleave(8, 0).repeat_interleave(8, 1))


def test_outlines_are_those_of_the_content_whatever_its_brightness():
    content = picture(96, 72)
    assert edge_coherence(content, content) == pytest.approx(1)
    assert edge_coherence(1 - content, content) == pytest.approx(1)
    assert edge_coherence(0.2 + 0.5 * content, content) == pytest.approx(1)


def test_outlines_elsewhere_correlate_as_worked_out():
    # Edges 1 0 0 and 0 0 1: each minus 1/3; their product −1/3, their squares 2/3.
    left, right = blocks((0, 1, 1, 1), (0, 1, 1, 1)), blocks((0, 0, 0, 1), (0, 0, 0, 1))
    assert edge_coherence(left, right) == pytest.approx(-0.5)


def test_the_direction_of_an_outline_does_not_count_but_its_length_does():
    # Steps of 0.3 right and 0.4 down: 0.5, beside none.
    corner, upright = blocks((0.4, 0.7, 0.7), (0, 0.7, 0.7)), blocks((0.5, 0, 0), (0.5, 0, 0))
    assert edge_coherence(corner, upright) == pytest.approx(1)


def test_strokes_within_a_block_are_no_outlines():
    content = picture(96, 72)
    checkers = gray((torch.arange(96)[:, None] + torch.arange(72)) % 2 - 0.5)
    assert edge_coherence(content + 0.3 * checkers, content) == pytest.approx(1)
    assert edge_coherence(0.5 + 0.3 * checkers, content) == 0


# Clipped pixels


def test_a_pixel_is_clipped_where_any_channel_is():
    levels = torch.tensor([[0, 100, 100], [1, 254, 100], [100, 100, 255], [255, 0, 0]])
    assert clipped_share((levels / 255).T.reshape(1, 3, 2, 2)) == 0.75


def test_what_is_rounded_to_the_end_of_the_scale_is_clipped():
    assert clipped_share(torch.full((1, 3, 2, 2), 0.4 / 255)) == 1
    assert clipped_share(torch.full((1, 3, 2, 2), 0.6 / 255)) == 0


# VGG-16's convolutions


def test_folded_units_give_the_same_activations():
    generator = torch.Generator().manual_seed(3)
    weight, bias = torch.randn(4, 3, 3, 3, generator=generator), torch.ones(4)
    image = picture(12, 10)

    def look(units, weight, bias):
        edge = torch.nn.functional.pad(to_units(image, units), (1, 1, 1, 1), mode="replicate")
        return torch.nn.functional.conv2d(edge, weight, bias)

    expected = look(CAFFE, weight, bias)
    given = look(TORCHVISION, *fold_units(weight, bias))
    assert torch.allclose(given, expected, rtol=1e-5, atol=1e-3)


def test_one_pixel_filters_fold_as_worked_out():
    # The filter that reads blue, in levels: 255 × std of blue; its offset 255 × 0.406 − 103.939.
    weight = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    folded, bias = fold_units(weight, torch.zeros(1))
    assert folded.flatten().tolist() == pytest.approx([0, 0, 255 * 0.225])
    assert bias.item() == pytest.approx(255 * 0.406 - 103.939, rel=1e-4)


def test_convolutions_are_named_by_torchvisions_places():
    names = name_as_torchvision({f"conv{k}.bias": torch.ones(1) for k in ("1_1", "2_1", "5_3")})
    assert [*names] == ["features.0.bias", "features.5.bias", "features.28.bias"]
    assert len(BACKBONES["vgg16"].build()) == 31
