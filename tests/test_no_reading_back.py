"""No step reads a number from the device: steps run on torch's device `meta`, which has none.

A GPU works while the program queues the next operations; reading a number makes the program wait.
Tensors on `meta` have shapes and no contents, so reading raises an error. Two things are replaced:
the losses, which `read_later` copies while the next step runs, are scripted here, and the targets,
which are computed once per pass, are moved to `meta`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from neural_style.matching.nearest import match_cells
from neural_style.network.backbones import TORCHVISION
from neural_style.network.extractor import load_network
from neural_style.network.strips import cut_network
from neural_style.objective import Objective, StyleTarget, Term, make_objective
from neural_style.objective.statistics import STATISTICS
from neural_style.optim import optimize as optimize_module
from neural_style.optim.engines import ENGINES
from neural_style.optim.optimize import Iterate, optimize
from tests.conftest import seeded_weights, tiny_vgg
from tests.matching.small import (
    LOSS_CONFIG,
    SHARES,
    grainy,
    half,
    matcher_of,
    term_of,
    tiny_network,
)

META = torch.device("meta")
SIZE = 48, 64
CONTENT, CANVAS = grainy(*SIZE, 1), grainy(*SIZE, 2)
STYLES = {
    "one": [StyleTarget(grainy(64, 48, 3), 1.0)],
    "regions": [
        StyleTarget(grainy(64, 48, 3), 0.4, where=half("left", *SIZE)),
        StyleTarget(grainy(48, 48, 4), 0.6, where=half("right", *SIZE)),
    ],
}
CASES = [("cells", "nearest"), ("layers", "nearest"), *(("", name) for name in STATISTICS)]
ENGINES_AND_OPTIMIZERS = [
    (engine, optimizer) for engine, entry in ENGINES.items() for optimizer in entry.optimizers
]


def moved(x: Any) -> Any:
    """The same on `meta`, whatever it is made of."""
    if isinstance(x, Tensor):
        return x.to(META)
    if isinstance(x, dict):
        return {key: moved(value) for key, value in x.items()}
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*map(moved, x))
    if isinstance(x, list | tuple):
        return type(x)(map(moved, x))
    if is_dataclass(x) and not isinstance(x, type):
        return replace(x, **{field.name: moved(getattr(x, field.name)) for field in fields(x)})
    return x


@lru_cache
def terms_of(stage: str, statistic: str, which: str) -> list[Term]:
    """On `meta`, with targets taken on the CPU."""
    styles, network = STYLES[which], tiny_network()
    matches = None
    if stage:
        matcher = matcher_of(styles, SIZE, network=network)
        matches = term_of(matcher, stage, CANVAS, match_cells(matcher, CONTENT))
    loss_config = LOSS_CONFIG._replace(statistic=statistic, tv=1.0)
    segments = cut_network(network, SHARES)
    objective = make_objective(network, segments, CONTENT, styles, loss_config, matches=matches)
    objective(CANVAS, eased=True)  # the axes of eased moments are taken at the first look, once
    return [moved(term) for term in objective.terms]


def objective_on_meta(
    stage: str, statistic: str, which: str = "one", rows: dict[str, int] | None = None
) -> Objective:
    stages = tiny_vgg()
    weights = seeded_weights(stages)
    network = load_network(stages, weights, TORCHVISION, device=META, layers=SHARES)
    modules = nn.ModuleDict(network.layers["relu1_1"].stages)
    for layer in network.layers.values():
        assert all(p.is_meta for module in layer.stages.values() for p in module.parameters())
    assert isinstance(modules["conv1_1"], nn.Conv2d)
    keep = half("left", *SIZE).to(META) if rows else None
    terms = terms_of(stage, statistic, which)
    return Objective(
        network, cut_network(network, SHARES, rows), terms, CONTENT.to(META), keep, gray=bool(rows)
    )


@pytest.fixture(autouse=True)
def totals(monkeypatch) -> list[float]:
    """Totals that the guard reads, one per point; 0 when there are no more."""
    script: list[float] = []

    def read_later(numbers: Tensor) -> Callable[[], list[float]]:
        assert numbers.is_meta
        total = script.pop(0) if script else 0.0
        return lambda: [total, *(len(numbers) - 1) * [0.0]]

    monkeypatch.setattr(optimize_module, "read_later", read_later)
    return script


def steps(
    objective: Objective, engine: str, optimizer: Any, choice: Any, iterations: int, **options
) -> Iterator[Iterate]:
    canvas = choice.canvas(*SIZE, META)
    guarded = ENGINES[engine].guarded
    start = CANVAS.to(META)
    return optimize(objective, start, canvas, optimizer, iterations, guarded=guarded, **options)


@pytest.mark.parametrize(("stage", "statistic"), CASES)
@pytest.mark.parametrize(("engine", "optimizer"), ENGINES_AND_OPTIMIZERS)
def test_no_step_reads_a_number(stage, statistic, engine, optimizer):
    choice = ENGINES[engine].optimizers[optimizer]
    made = choice.make(choice.rate, 3, choice.history_dtype)
    objective = objective_on_meta(stage, statistic)
    for iterate in steps(objective, engine, made, choice, 6):
        assert iterate.image.is_meta
        assert iterate.image.shape == (1, 3, *SIZE)
    assert iterate.iteration == 6


@pytest.mark.parametrize(("stage", "statistic"), CASES)
def test_no_step_with_masks_styles_and_strips_reads_a_number(stage, statistic):
    choice = ENGINES["fast"].optimizers["lbfgs"]
    objective = objective_on_meta(stage, statistic, "regions", {"pool2": 32})
    made = choice.make(choice.rate, 3, choice.history_dtype)
    *_, iterate = steps(objective, "fast", made, choice, 5, average=0.5)
    assert iterate.image.is_meta


@pytest.mark.parametrize("statistic", STATISTICS)
def test_no_eased_step_reads_a_number(statistic):
    choice = ENGINES["fast"].optimizers["lbfgs"]
    objective = objective_on_meta("", statistic)
    made = choice.make(choice.rate, 3, choice.history_dtype)
    *_, iterate = steps(objective, "fast", made, choice, 4, eased=2)
    assert iterate.image.is_meta


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_no_restart_reads_a_number(optimizer, totals):
    totals += [5.0, 4.0, 3000.0, 3.0]
    choice = ENGINES["fast"].optimizers[optimizer]
    made = choice.make(choice.rate, 3, choice.history_dtype)
    events = [one.event for one in steps(objective_on_meta(*CASES[0]), "fast", made, choice, 7)]
    assert sum("the loss rose" in str(event) for event in events) == 1


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_no_step_with_new_targets_or_at_another_size_reads_a_number(optimizer):
    choice = ENGINES["fast"].optimizers[optimizer]
    made = choice.make(choice.rate, 3, choice.history_dtype)
    for stage in ("cells", "layers", "layers"):
        *_, iterate = steps(objective_on_meta(stage, "nearest"), "fast", made, choice, 4)
        assert iterate.iteration == 4
        made.retarget()
    other = choice.make(choice.rate, 3, choice.history_dtype)
    other.start_from(made, 4.0)
    *_, iterate = steps(objective_on_meta("cells", "nearest"), "fast", other, choice, 4)
    assert iterate.iteration == 4


def test_reading_a_number_raises_an_error():
    def read(image, **options):
        losses, gradient = objective_on_meta("cells", "nearest")(image, **options)
        return losses, gradient * losses["style"].item()

    choice = ENGINES["fast"].optimizers["adam"]
    with pytest.raises(RuntimeError, match="meta tensors"):
        list(steps(read, "fast", choice.make(0.02, 0, None), choice, 2))
