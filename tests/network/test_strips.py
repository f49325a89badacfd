"""Strips: margins by hand, and losses and gradient equal to those of the whole image."""

from __future__ import annotations

import pytest
import torch

from neural_style import BACKBONES
from neural_style.network.strips import Strip, cut_network, plan_strips, visit_features
from neural_style.objective import LossConfig, StyleTarget, make_objective
from neural_style.objective.statistics import STATISTICS
from tests.conftest import packaged_vgg19, picture
from tests.small_networks import tiny_network

BACKBONE = BACKBONES["vgg19"]
LAYERS = {*BACKBONE.content_layers, *BACKBONE.style_layers}
LOSS_CONFIG = LossConfig(
    content_layers=BACKBONE.content_layers,
    style_layers=BACKBONE.style_layers,
    content=1.0,
    style=20.0,
    tv=80.0,
    tv_form="mean",
    statistic="gram",
    units="relative",
)

CUTS = [
    {"pool2": 32},
    {"pool2": 4},
    {"pool1": 30, "pool3": 12},
    {"pool2": 40, "pool3": 16, "pool4": 8, "relu5_1": 3},
    {"relu5_1": 64},
]


def evaluate(network, rows, height, width, statistic="gram", **options):
    segments = cut_network(network, LAYERS, rows)
    generator = torch.Generator().manual_seed(0)
    content, style, canvas = (
        torch.lerp(
            picture(height, width, seed), torch.rand(1, 3, height, width, generator=generator), 0.3
        )
        for seed in range(3)
    )
    loss_config = LOSS_CONFIG._replace(statistic=statistic)
    return make_objective(network, segments, content, [StyleTarget(style, 1.0)], loss_config)(
        canvas, **options
    )


def assert_alike(whole, strips, tolerance):
    terms, gradient = whole
    for name, term in strips[0].items():
        assert term.item() == pytest.approx(terms[name].item(), rel=tolerance)
    assert (strips[1] - gradient).abs().max() <= tolerance * gradient.abs().max()


@pytest.mark.parametrize("rows", CUTS, ids=str)
@pytest.mark.parametrize("border", ["replicate", "zeros"])
@pytest.mark.parametrize(("height", "width"), [(64, 40), (127, 33), (129, 61), (97, 96)])
def test_losses_and_gradient_in_strips_match_whole_image(rows, border, height, width):
    network = tiny_network(border=border)
    whole = evaluate(network, {}, height, width)
    assert_alike(whole, evaluate(network, rows, height, width), 1e-4)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_strips_are_exact_for_every_statistic(statistic):
    network = tiny_network()
    whole = evaluate(network, {}, 97, 40, statistic)
    assert_alike(whole, evaluate(network, CUTS[2], 97, 40, statistic), 1e-3)


def test_strips_are_exact_with_eased_losses():
    network = tiny_network()
    plain = evaluate(network, {}, 97, 40)
    eased = evaluate(network, {}, 97, 40, eased=True)
    assert eased[0] == plain[0]
    assert not torch.allclose(eased[1], plain[1], rtol=0.1)
    assert_alike(eased, evaluate(network, CUTS[0], 97, 40, eased=True), 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [{"pool2": 64}, {"pool2": 64, "pool3": 32, "relu5_1": 20}])
@pytest.mark.parametrize(("height", "width"), [(257, 131), (401, 97), (320, 200)])
def test_strips_are_exact_with_the_real_network(rows, height, width):
    network = packaged_vgg19()
    whole = evaluate(network, {}, height, width)
    assert_alike(whole, evaluate(network, rows, height, width), 1e-4)


def test_strips_without_margins_are_not_exact():
    """Proves that the comparisons above detect seams."""
    network = tiny_network()
    layers = {name: layer._replace(reach=0) for name, layer in network.layers.items()}
    network = network._replace(layers=layers)
    whole = evaluate(network, {}, 128, 40)
    with pytest.raises(AssertionError):
        assert_alike(whole, evaluate(network, {"pool2": 32}, 128, 40), 1e-4)


def test_losses_without_gradient_match_losses_with_gradient():
    network = tiny_network()
    for rows in ({}, CUTS[0]):
        terms, gradient = evaluate(network, rows, 97, 40, with_gradient=False)
        expected, _ = evaluate(network, rows, 97, 40)
        assert terms == pytest.approx({k: v.item() for k, v in expected.items()}, rel=1e-5)
        assert not gradient.any()


def test_strip_margin_is_receptive_field_rounded_to_tiles():
    # conv1_1, conv1_2, pool1: 1 row each; conv2_1, conv2_2, pool2: 2 rows each; 9 in all. The next
    # multiple of a tile, 4 rows after pool2, is 16 rows of the image.
    stages = cut_network(tiny_network(), LAYERS, {"pool2": 32})[0][0]
    assert stages[-1] == "pool2"
    assert plan_strips(tiny_network(), stages, 100, 34) == [
        Strip(0, 32, 0, 48),
        Strip(32, 64, 16, 80),
        Strip(64, 100, 48, 100),
    ]


def test_plan_strips_merges_too_thin_strip_with_neighbor():
    network = tiny_network()
    stages = cut_network(network, LAYERS, {"pool2": 4})[0][0]
    starts = [strip.start for strip in plan_strips(network, stages, 70, 16)]
    assert starts == [0, 16, 32, 48]


def test_cut_network_cuts_at_rows_and_stops_at_deepest_layer():
    network = tiny_network()
    segments = cut_network(network, ["relu3_1"], {"pool2": 8, "pool4": 8})
    assert [stages[-1] for stages, _ in segments] == ["pool2", "relu3_1"]
    assert [rows for _, rows in segments] == [8, 0]
    assert segments[0][0][0] == "conv1_1"


def test_visit_features_visits_every_row_once():
    network = tiny_network()
    seen = {layer: [] for layer in LAYERS}
    visit_features(
        network,
        cut_network(network, LAYERS, CUTS[3]),
        picture(101, 40),
        LAYERS,
        lambda layer, features, rows: seen[layer].append((features.shape[2], rows)),
    )
    for shown in seen.values():
        ends = [0, *(rows.stop for _, rows in shown)]
        assert [rows.start for _, rows in shown] == ends[:-1]
        assert all(rows.stop - rows.start == count for count, rows in shown)
    assert seen["relu1_1"][-1][1].stop == 101
    assert seen["relu4_1"][-1][1].stop == 101 // 8
