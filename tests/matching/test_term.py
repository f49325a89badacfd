"""The style term by matches: losses against plain loops, gradients against plain autograd."""

from __future__ import annotations

import math

import pytest
import torch

from neural_style.matching.nearest import match_cells
from neural_style.matching.sampling import Axis
from neural_style.matching.term import LayerTargets, MatchesTerm, cosine_distances
from neural_style.network.strips import cut_network
from neural_style.objective import StyleTarget
from tests.conftest import extract
from tests.matching.small import (
    SHARES,
    matcher_of,
    objective_of,
    term_of,
)
from tests.small_networks import tiny_network
from tests.small_pictures import grainy, half

CONTENT, STYLE, OTHER, CANVAS = (grainy(64, 48, seed) for seed in (1, 2, 3, 4))


def losses_by_loops(term: MatchesTerm, maps: dict[str, torch.Tensor]) -> dict[str, float]:
    """The documented formula of the losses, position by position."""
    losses = dict.fromkeys(term.names, 0.0)
    whole = sum(term.shares.values())
    for layer, target in term.targets.items():
        rows = range(target.down.first, target.down.length, target.down.step)
        columns = range(target.across.first, target.across.length, target.across.step)
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                owner = 0 if target.owners is None else int(target.owners[i, j])
                vector = maps[layer][0, :, row, column].tolist()
                if target.centers is not None:
                    center = target.centers[owner].tolist()
                    vector = [a - b for a, b in zip(vector, center, strict=True)]
                length = math.sqrt(sum(a * a for a in vector) + target.floor.item() ** 2)
                goal = target.directions[i, j].tolist()
                cosine = sum(a * b for a, b in zip(vector, goal, strict=True)) / length
                weight = 1.0 if target.weights is None else target.weights[i, j].item()
                share = term.weight * term.shares[layer] / whole
                off = weight * (1 - cosine)
                losses[term.names[owner]] += share * off / (len(rows) * len(columns))
    return losses


def styles_of(case: str) -> list[StyleTarget]:
    left, right = half("left", 64, 48), half("right", 64, 48)
    return {
        "one style": [StyleTarget(STYLE, 1.0)],
        "masked style": [StyleTarget(STYLE, 0.5, where=left)],
        "two styles": [StyleTarget(STYLE, 0.5), StyleTarget(OTHER, 0.5)],
        "two regions": [StyleTarget(STYLE, 0.5, where=left), StyleTarget(OTHER, 0.5, where=right)],
        "style mask": [StyleTarget(STYLE, 1.0, part=right)],
    }[case]


CASES = ["one style", "masked style", "two styles", "two regions", "style mask"]


@pytest.mark.parametrize("stage", ["cells", "layers"])
@pytest.mark.parametrize("case", CASES)
def test_losses_match_plain_loops(case, stage):
    shares = {"relu1_1": 1.0, "relu2_2": 0.5, "relu4_1": 2.0}
    matcher = matcher_of(styles_of(case), (64, 48), shares=shares)
    objective = objective_of(matcher, stage, CONTENT, CANVAS)
    found, _ = objective(CANVAS, with_gradient=False)
    expected = losses_by_loops(objective.terms[0], extract(matcher.network, CANVAS, shares))
    assert found.keys() == expected.keys()
    for name, loss in found.items():
        assert loss.item() == pytest.approx(expected[name], rel=1e-4, abs=1e-6)
        assert loss > 0


@pytest.mark.parametrize("stage", ["cells", "layers"])
@pytest.mark.parametrize("case", CASES)
def test_gradient_matches_plain_autograd(case, stage):
    matcher = matcher_of(styles_of(case), (64, 48))
    objective = objective_of(matcher, stage, CONTENT, CANVAS)
    (term,) = objective.terms
    canvas = CANVAS.clone().requires_grad_()
    maps = extract(matcher.network, canvas, SHARES)
    whole, total = sum(SHARES.values()), 0
    for layer, target in term.targets.items():
        rows = slice(target.down.first, None, target.down.step)
        columns = slice(target.across.first, None, target.across.step)
        vectors = maps[layer][0][:, rows, columns].permute(1, 2, 0)
        if target.centers is not None:
            chosen = torch.zeros(vectors.shape[:2], dtype=torch.long)
            vectors = vectors - target.centers[chosen if target.owners is None else target.owners]
        lengths = (vectors.square().sum(2) + target.floor**2).sqrt()
        off = 1 - (vectors * target.directions).sum(2) / lengths
        total = total + term.shares[layer] / whole * (off * weights_of(target, off)).mean()
    (expected,) = torch.autograd.grad(total, canvas)
    losses, gradient = objective(CANVAS)
    assert sum(losses.values()).item() == pytest.approx(total.item(), rel=1e-5)
    assert (gradient - expected).abs().max() <= 1e-5 * expected.abs().max()


def weights_of(target: LayerTargets, off: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(off) if target.weights is None else target.weights


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("several", [False, True])
def test_gradient_of_layer_passes_gradcheck(centered, several):
    """The gradient passes through `measure` and `judge`, with rows outside the strip."""
    generator = torch.Generator().manual_seed(3)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    down, across = Axis(9, 2, 1, 2), Axis(5, 2, 0, 3)
    target = LayerTargets(
        down,
        across,
        directions=torch.nn.functional.normalize(draw(4, 2, 3), dim=2),
        centers=draw(2, 3) if centered else None,
        owners=torch.tensor([[0, 1], [1, 0], [0, 0], [1, 1]]) if several else None,
        weights=draw(4, 2).sigmoid(),
        floor=torch.tensor(0.1, dtype=torch.float64),
    )
    names = ["style 1", "style 2"] if several else ["style"]
    term = MatchesTerm(2.0, {"relu": 1.0}, {"relu": target}, names)

    def evaluate(features):
        onward, sums = term.measure("relu", 1.0 * features, slice(2, 8), slice(3, 9))
        losses, total = term.judge({"relu": sums}, features, False)
        assert sorted(losses) == names
        return total, onward

    assert torch.autograd.gradcheck(
        evaluate, [draw(1, 3, 9, 5).requires_grad_()], check_undefined_grad=False
    )


@pytest.mark.parametrize("case", ["one style", "two regions"])
def test_losses_are_zero_if_canvas_equals_style(case):
    """The floor is set to nearly 0, and layers with zero activations are left out."""
    shares = {layer: 1.0 for layer in SHARES if not layer.startswith("relu1")}
    styles = [style._replace(image=STYLE) for style in styles_of(case)]
    matcher = matcher_of(styles, (64, 48), shares=shares)
    objective = objective_of(matcher, "cells", STYLE, STYLE)
    elsewhere, slope = objective(CANVAS)
    for layer, target in objective.terms[0].targets.items():
        objective.terms[0].targets[layer] = target._replace(floor=1e-4 * target.floor)
    losses, gradient = objective(STYLE)
    for name, loss in losses.items():
        assert abs(loss.item()) < 1e-5 * elsewhere[name].item()
    assert gradient.abs().max() < 1e-3 * slope.abs().max()


def test_zero_activations_have_loss_one_at_each_position():
    matcher = matcher_of([StyleTarget(STYLE, 1.0)], (64, 48))
    term = term_of(matcher, "cells", CANVAS, match_cells(matcher, CONTENT))
    for layer, target in term.targets.items():
        channels = target.directions.shape[2]
        nothing = torch.zeros(1, channels, target.down.length, target.across.length)
        rows = slice(0, target.down.length)
        _, sums = term.measure(layer, nothing, rows, rows)
        assert sums["off"].item() == pytest.approx(target.down.count * target.across.count)


def test_bfloat16_activations_are_compared_in_float32():
    network = tiny_network(torch.bfloat16, layers=SHARES)
    matcher = matcher_of([StyleTarget(STYLE, 1.0)], (64, 48), network=network)
    term = term_of(matcher, "cells", CANVAS, match_cells(matcher, CONTENT))
    for target in term.targets.values():
        assert target.directions.dtype == torch.bfloat16
        off = cosine_distances(target.directions, target, slice(0, target.down.count))
        assert off.dtype == torch.float32
    losses, gradient = objective_of(matcher, "cells", CONTENT, CANVAS)(CANVAS)
    full = matcher_of([StyleTarget(STYLE, 1.0)], (64, 48))
    expected, _ = objective_of(full, "cells", CONTENT, CANVAS)(CANVAS)
    assert losses["style"].item() == pytest.approx(expected["style"].item(), rel=0.05)
    assert gradient.isfinite().all()


def test_layers_with_zero_share_are_not_evaluated():
    shares = {"relu1_1": 1.0, "relu3_1": 0.0}
    network = tiny_network(layers=SHARES)
    matcher = matcher_of([StyleTarget(STYLE, 1.0)], (64, 48), shares=shares, network=network)
    objective = objective_of(matcher, "cells", CONTENT, CANVAS)
    assert [*objective.terms[0].layers] == ["relu1_1"]
    assert cut_network(network, objective.terms[0].layers) == [(("relu1_1",), 0)]
    assert objective(CANVAS)[0]["style"] > 0
