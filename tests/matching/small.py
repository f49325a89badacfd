"""A matcher, a term and an objective for the tests of the style term by matches."""

from __future__ import annotations

import torch
from torch import Tensor

from neural_style import BACKBONES
from neural_style.matching.indices import CellMatches
from neural_style.matching.matcher import Matcher, make_matcher
from neural_style.matching.nearest import (
    make_matches_term,
    match_cells,
    match_layers,
    targets_of_cells,
    targets_of_layers,
)
from neural_style.network.extractor import Network
from neural_style.network.strips import cut_network
from neural_style.objective import LossConfig, StyleTarget
from neural_style.objective.terms import Objective
from tests.small_networks import tiny_network

SHARES = BACKBONES["vgg19"].match_layers
LOSS_CONFIG = LossConfig(
    content_layers={"relu4_2": 1.0},
    style_layers=SHARES,
    content=1.0,
    style=20.0,
    tv=0.0,
    tv_form="mean",
    statistic="nearest",
    units="relative",
)


def matcher_of(
    styles: list[StyleTarget],
    canvas: tuple[int, int],
    rows: dict[str, int] | None = None,
    shares: dict[str, float] = SHARES,
    network: Network | None = None,
) -> Matcher:
    network = network or tiny_network(layers=SHARES)
    return make_matcher(network, cut_network(network, shares, rows), canvas, styles, shares)


def term_of(matcher: Matcher, stage: str, canvas: Tensor, cells: CellMatches, weight: float = 1.0):
    """The style term of a stage, "cells" or "layers", with matches for that canvas."""
    if stage == "cells":
        return make_matches_term(matcher, targets_of_cells(matcher, cells), weight)
    layers = match_layers(matcher, canvas, cells, torch.Generator().manual_seed(5))
    return make_matches_term(matcher, targets_of_layers(matcher, layers), weight)


def objective_of(matcher: Matcher, stage: str, query: Tensor, canvas: Tensor) -> Objective:
    """The style term alone. Cells are matched for `query`, layers for `canvas`."""
    term = term_of(matcher, stage, canvas, match_cells(matcher, query))
    return Objective(matcher.network, matcher.segments, [term], query)
