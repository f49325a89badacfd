"""Sampling: the sampled rows, and equal samples with and without strips."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
import torch

from neural_style import BACKBONES
from neural_style.matching.sampling import Axis, cell_size, count_cells, plan_axis, sample
from neural_style.network.backbones import TORCHVISION
from neural_style.network.extractor import load_network
from neural_style.network.strips import cut_network
from tests.conftest import extract
from tests.matching.small import SHARES
from tests.network.test_strips import CUTS
from tests.small_networks import tiny_network
from tests.small_pictures import grainy

AXES = [
    Axis(length, stride, first, step)
    for length, stride, step in product((5, 8, 17, 43), (1, 4, 8), (1, 2, 3, 8))
    for first in sorted({0, step // 2, step - 1})
    if first < length
]


def rows_of(axis: Axis) -> list[int]:
    return list(range(axis.first, axis.length, axis.step))


def test_axis_matches_hand_computation():
    # A map of 8 rows with stride 2. The samples are rows 1, 4, 7, centered at image rows 3, 9, 15.
    axis = Axis(length=8, stride=2, first=1, step=3)
    assert axis.count == 3
    assert axis.pixels().tolist() == [3, 9, 15]
    # The midpoint between two samples belongs to the later one.
    assert axis.nearest(torch.tensor([0, 3, 4, 7, 9, 15, 99])).tolist() == [0, 0, 0, 1, 1, 2, 2]


def test_axis_count_equals_number_of_sampled_rows():
    for axis in AXES:
        assert axis.count == len(rows_of(axis)), axis


def test_axis_nearest_maps_pixels_of_samples_to_themselves():
    for axis in AXES:
        assert axis.nearest(axis.pixels()).tolist() == list(range(axis.count)), axis


def test_axis_nearest_is_within_one_stride_of_minimum_distance():
    for axis in AXES:
        pixels = torch.arange(axis.length * axis.stride)
        apart = (pixels[:, None] - axis.pixels()).abs()
        found = apart.gather(1, axis.nearest(pixels)[:, None])[:, 0]
        assert (found - apart.amin(1)).max() <= axis.stride, axis


@pytest.mark.parametrize("height", [1, 3, 4, 7, 50])
def test_axis_within_covers_every_sample_once_in_order(height):
    for axis in AXES:
        ends = [*range(0, axis.length, height), axis.length]
        seen, numbers = [], []
        for start, stop in pairwise(ends):
            rows, places = axis.within(start, stop)
            assert rows.start >= 0
            seen += list(range(start, stop))[rows]
            numbers += list(range(axis.count))[places]
        assert seen == rows_of(axis), axis
        assert numbers == list(range(axis.count)), axis


def test_plan_axis_samples_cell_centers_or_every_row():
    assert plan_axis(64, 1, 4) == Axis(64, 1, 2, 4)
    assert plan_axis(32, 2, 4) == Axis(32, 2, 1, 2)
    assert plan_axis(16, 4, 4) == Axis(16, 4, 0, 1)
    assert plan_axis(8, 8, 4) == Axis(8, 8, 0, 1)
    assert plan_axis(64, 1, 8, 5) == Axis(64, 1, 5, 8)


def test_cell_size_doubles_for_large_images():
    assert [cell_size(100, side) for side in (64, 640, 641, 1280, 1281)] == [4, 4, 8, 8, 16]
    assert cell_size(4000, 100) == 32


def test_count_cells_rounds_up():
    assert count_cells(64, 43, 4) == (16, 11)
    assert count_cells(65, 3, 4) == (17, 1)


@pytest.mark.parametrize(("height", "width"), [(64, 40), (101, 67), (129, 61)])
def test_sample_returns_activations_at_sampled_positions(height, width):
    network, image = tiny_network(layers=SHARES), grainy(height, width, 1)
    maps = extract(network, image, SHARES)
    for layer, found in sample(network, cut_network(network, SHARES), image, cells_of(8)).items():
        expected = maps[layer][0][:, rows_of(found.down)][:, :, rows_of(found.across)]
        assert torch.equal(found.values, expected.permute(1, 2, 0)), layer


@pytest.mark.parametrize("rows", CUTS, ids=str)
@pytest.mark.parametrize(("height", "width"), [(64, 40), (127, 33), (101, 67)])
def test_sample_in_strips_matches_whole_image(rows, height, width):
    network, image = tiny_network(layers=SHARES), grainy(height, width, 1)
    for cell, first in ((4, None), (8, dict.fromkeys(SHARES, (3, 1)))):
        whole, strips = (
            sample(network, cut_network(network, SHARES, cut), image, cells_of(cell), first)
            for cut in ({}, rows)
        )
        for layer, one in whole.items():
            assert strips[layer][1:] == one[1:]
            torch.testing.assert_close(strips[layer].values, one.values, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("width", range(32, 72))
def test_sample_stride_does_not_depend_on_image_width(width):
    network = tiny_network(layers=SHARES)
    layers = {"relu1_1": 1, "relu2_1": 2, "relu3_1": 4, "relu4_1": 8}
    found = sample(
        network, cut_network(network, layers), torch.rand(1, 3, 40, width), dict.fromkeys(layers, 4)
    )
    strides = {layer: (one.down.stride, one.across.stride) for layer, one in found.items()}
    assert strides == {layer: (stride, stride) for layer, stride in layers.items()}


def cells_of(cell: int) -> dict[str, int]:
    return dict.fromkeys(SHARES, cell)


@pytest.mark.parametrize("name", BACKBONES)
def test_layer_strides_and_channels_are_exact_for_every_backbone(name):
    """The reference strides are ratios of sizes, for an image so large that rounding is exact."""
    stages, layers = BACKBONES[name].build(), BACKBONES[name].match_layers
    weights = {
        f"{stage}.{key}": value
        for stage, module in stages.items()
        for key, value in module.state_dict().items()
    }
    network = load_network(stages, weights, TORCHVISION, device=torch.device("meta"), layers=layers)
    x, found = torch.empty(1, 3, 2048, 2048, device="meta"), {}
    for stage, module in stages.items():
        x = module(x)
        found[stage] = round(2048 / x.shape[3]), x.shape[1]
    shapes = {stage: (layer.stride, layer.channels) for stage, layer in network.layers.items()}
    assert shapes == {stage: found[stage] for stage in network.layers}
