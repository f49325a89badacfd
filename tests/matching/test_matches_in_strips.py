"""Matches and losses are independent of strips and of the scale of activations."""

from __future__ import annotations

from functools import lru_cache

import pytest
import torch
from torch import Tensor, nn

from neural_style.matching.matcher import Matcher
from neural_style.matching.nearest import match_cells
from neural_style.network.extractor import Network
from neural_style.network.strips import cut_network
from neural_style.objective import StyleTarget, make_objective
from neural_style.objective.content import ContentTerm
from neural_style.objective.moments import MomentsTerm
from neural_style.objective.statistics import STATISTICS
from neural_style.objective.terms import Objective, Term
from tests.conftest import packaged_vgg19, seeded_weights, tiny_vgg
from tests.matching.small import (
    LOSS_CONFIG,
    SHARES,
    matcher_of,
    objective_of,
    term_of,
)
from tests.network.test_strips import CUTS, assert_alike
from tests.small_networks import tiny_network
from tests.small_pictures import grainy, half

STAGES = ["cells", "layers"]
SIZES = [(64, 40), (127, 33), (97, 96)]


def styles_of(case: str, height: int, width: int) -> list[StyleTarget]:
    """Styles of other sizes than the canvas."""
    one, other = grainy(height - 7, width + 5, 11), grainy(height + 9, width, 12)
    left, right = half("left", height, width), half("right", height, width)
    return {
        "one": [StyleTarget(one, 1.0)],
        "two": [StyleTarget(one, 0.5), StyleTarget(other, 0.5)],
        "regions": [StyleTarget(one, 0.5, where=left), StyleTarget(other, 0.5, where=right)],
        "covered": [StyleTarget(one, 0.5, where=0.7 * left + 0.1, part=half("left", 9, 9))],
    }[case]


@lru_cache
def prepared(size: tuple[int, int], stage: str, case: str, real: bool) -> tuple[Network, Term]:
    """A network, and the style term with matches found on the whole image."""
    network = packaged_vgg19() if real else tiny_network(layers=SHARES)
    matcher = matcher_of(styles_of(case, *size), size, network=network)
    cells = match_cells(matcher, grainy(*size, 1))
    return network, term_of(matcher, stage, grainy(*size, 2), cells, weight=20.0)


@lru_cache
def evaluated(
    cut: tuple[tuple[str, int], ...], size: tuple[int, int], stage: str, case: str, real: bool
) -> tuple[dict[str, Tensor], Tensor]:
    network, term = prepared(size, stage, case, real)
    segments = cut_network(network, SHARES, dict(cut))
    objective = make_objective(network, segments, grainy(*size, 1), [], LOSS_CONFIG, matches=term)
    return objective(grainy(*size, 2))


def evaluate(
    rows: dict[str, int], size: tuple[int, int], stage: str, case: str, real: bool = False
) -> tuple[dict[str, Tensor], Tensor]:
    """Losses and gradient in strips, for matches found on the whole image."""
    return evaluated(tuple(rows.items()), size, stage, case, real)


@pytest.mark.parametrize("rows", CUTS, ids=str)
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_losses_and_gradient_in_strips_match_whole_image(rows, stage, height, width):
    size = height, width
    assert_alike(evaluate({}, size, stage, "one"), evaluate(rows, size, stage, "one"), 1e-4)


@pytest.mark.parametrize("rows", CUTS[1:4], ids=str)
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("case", ["two", "regions", "covered"])
def test_strips_match_whole_image_with_masks_and_several_styles(rows, stage, case):
    whole, strips = (evaluate(cut, (127, 33), stage, case) for cut in ({}, rows))
    assert {"content", "tv"} < whole[0].keys()
    assert_alike(whole, strips, 1e-4)


@pytest.mark.parametrize("rows", CUTS[1:4], ids=str)
def test_match_cells_in_strips_matches_whole_image(rows):
    """Matches may differ where similarities are equal up to rounding."""
    size = 127, 33
    found = []
    for cut in ({}, rows):
        matcher = matcher_of(styles_of("two", *size), size, cut)
        found.append(match_cells(matcher, grainy(*size, 1), 0.04, 3))
    whole, strips = found
    same = (whole.rows == strips.rows) & (whole.columns == strips.columns)
    assert (same & (whole.owners == strips.owners)).float().mean() > 0.98
    assert strips.axes == whole.axes


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_strips_are_exact_with_the_real_network(stage):
    rows = {"pool2": 64, "pool3": 32}
    whole, strips = (evaluate(cut, (257, 131), stage, "one", True) for cut in ({}, rows))
    assert_alike(whole, strips, 1e-4)


def scaled(layer: str, factor: float) -> dict[str, Tensor]:
    """Weights that scale one layer's activations and leave deeper layers unchanged."""
    weights = seeded_weights(tiny_vgg())
    convolutions = [name for name, module in tiny_vgg().items() if isinstance(module, nn.Conv2d)]
    following = convolutions[convolutions.index(layer) + 1]
    for kind in ("weight", "bias"):
        weights[f"{layer}.{kind}"] = factor * weights[f"{layer}.{kind}"]
    weights[f"{following}.weight"] = weights[f"{following}.weight"] / factor
    return weights


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    ("layer", "factor"), [("conv1_1", 50.0), ("conv2_2", 0.01), ("conv4_1", 7.0)]
)
def test_matches_and_losses_are_invariant_to_layer_scale(stage, layer, factor):
    content, canvas = grainy(64, 48, 1), grainy(64, 48, 2)
    seen: list[tuple[Matcher, Objective]] = []
    for weights in (seeded_weights(tiny_vgg()), scaled(layer, factor)):
        network = tiny_network(layers=SHARES, weights=weights)
        matcher = matcher_of(styles_of("two", 64, 48), (64, 48), network=network)
        seen.append((matcher, objective_of(matcher, stage, content, canvas)))
    one, other = (match_cells(matcher, content) for matcher, _ in seen)
    assert all(torch.equal(a, b) for a, b in zip(one[:3], other[:3], strict=True))
    (losses, gradient), (expected, slope) = (objective(canvas) for _, objective in seen)
    for name, loss in losses.items():
        assert loss.item() == pytest.approx(expected[name].item(), rel=1e-3)
    assert (gradient - slope).abs().max() <= 1e-3 * slope.abs().max()


@pytest.mark.parametrize("statistic", ["nearest", *STATISTICS])
def test_make_objective_uses_given_matches_term_or_statistic(statistic):
    content, style = grainy(64, 48, 1), StyleTarget(grainy(64, 48, 2), 1.0)
    matcher = matcher_of([style], (64, 48))
    given = None
    if statistic == "nearest":
        given = term_of(matcher, "cells", content, match_cells(matcher, content))
    loss_config = LOSS_CONFIG._replace(statistic=statistic, style_layers=SHARES)
    made = make_objective(
        matcher.network, matcher.segments, content, [style], loss_config, matches=given
    )
    assert isinstance(made.terms[0], ContentTerm)
    assert made.terms[1] is given if given else isinstance(made.terms[1], MomentsTerm)
    assert made(content)[0].keys() == {"content", "style", "tv"}
