"""Sampling: which rows are sampled, and that strips see each of them once."""

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
from tests.matching.small import SHARES, grainy, tiny_network
from tests.network.test_strips import CUTS

AXES = [
    Axis(length, stride, first, step)
    for length, stride, step in product((5, 8, 17, 43), (1, 4, 8), (1, 2, 3, 8))
    for first in sorted({0, step // 2, step - 1})
    if first < length
]


def rows_of(axis: Axis) -> list[int]:
    return list(range(axis.first, axis.length, axis.step))


def test_the_samples_of_an_axis_by_hand():
    # A map of 8 rows, each of two picture rows: rows 1, 4 and 7, whose middles are rows 3, 9, 15.
    axis = Axis(length=8, stride=2, first=1, step=3)
    assert axis.count == 3
    assert axis.pixels().tolist() == [3, 9, 15]
    # The midpoint between two samples belongs to the later one.
    assert axis.nearest(torch.tensor([0, 3, 4, 7, 9, 15, 99])).tolist() == [0, 0, 0, 1, 1, 2, 2]


def test_the_count_is_the_number_of_rows_sampled():
    for axis in AXES:
        assert axis.count == len(rows_of(axis)), axis


def test_each_sample_is_nearest_to_its_own_pixel():
    for axis in AXES:
        assert axis.nearest(axis.pixels()).tolist() == list(range(axis.count)), axis


def test_the_nearest_sample_is_nearest_among_all():
    for axis in AXES:
        pixels = torch.arange(axis.length * axis.stride)
        apart = (pixels[:, None] - axis.pixels()).abs()
        found = apart.gather(1, axis.nearest(pixels)[:, None])[:, 0]
        assert (found - apart.amin(1)).max() <= axis.stride, axis


@pytest.mark.parametrize("height", [1, 3, 4, 7, 50])
def test_strips_see_every_sample_once_and_in_order(height):
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


def test_a_fine_map_is_sampled_at_the_cell_centers_and_a_coarse_one_everywhere():
    assert plan_axis(64, 1, 4) == Axis(64, 1, 2, 4)
    assert plan_axis(32, 2, 4) == Axis(32, 2, 1, 2)
    assert plan_axis(16, 4, 4) == Axis(16, 4, 0, 1)
    assert plan_axis(8, 8, 4) == Axis(8, 8, 0, 1)
    assert plan_axis(64, 1, 8, 5) == Axis(64, 1, 5, 8)


def test_cells_double_where_there_would_be_too_many():
    assert [cell_size(100, side) for side in (64, 640, 641, 1280, 1281)] == [4, 4, 8, 8, 16]
    assert cell_size(4000, 100) == 32


def test_the_last_cells_may_reach_beyond_the_picture():
    assert count_cells(64, 43, 4) == (16, 11)
    assert count_cells(65, 3, 4) == (17, 1)


@pytest.mark.parametrize(("height", "width"), [(64, 40), (101, 67), (129, 61)])
def test_samples_are_the_activations_at_their_positions(height, width):
    network, image = tiny_network(), grainy(height, width, 1)
    maps = extract(network, image, SHARES)
    for layer, found in sample(network, cut_network(network, SHARES), image, cells_of(8)).items():
        expected = maps[layer][0][:, rows_of(found.down)][:, :, rows_of(found.across)]
        assert torch.equal(found.values, expected.permute(1, 2, 0)), layer


@pytest.mark.parametrize("rows", CUTS, ids=str)
@pytest.mark.parametrize(("height", "width"), [(64, 40), (127, 33), (101, 67)])
def test_samples_in_strips_are_those_of_the_whole_picture(rows, height, width):
    network, image = tiny_network(), grainy(height, width, 1)
    for cell, first in ((4, None), (8, dict.fromkeys(SHARES, (3, 1)))):
        whole, strips = (
            sample(network, cut_network(network, SHARES, cut), image, cells_of(cell), first)
            for cut in ({}, rows)
        )
        for layer, one in whole.items():
            assert strips[layer][1:] == one[1:]
            torch.testing.assert_close(strips[layer].values, one.values, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("width", range(32, 72))
def test_the_stride_is_that_of_the_network_whatever_is_left_over(width):
    network = tiny_network()
    layers = {"relu1_1": 1, "relu2_1": 2, "relu3_1": 4, "relu4_1": 8}
    found = sample(
        network, cut_network(network, layers), torch.rand(1, 3, 40, width), dict.fromkeys(layers, 4)
    )
    strides = {layer: (one.down.stride, one.across.stride) for layer, one in found.items()}
    assert strides == {layer: (stride, stride) for layer, stride in layers.items()}


def cells_of(cell: int) -> dict[str, int]:
    return dict.fromkeys(SHARES, cell)


@pytest.mark.parametrize("name", BACKBONES)
def test_strides_are_known_of_every_backbone(name):
    """Against the map sizes of a picture so large that remainders do not matter."""
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
