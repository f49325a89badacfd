"""Optimization steps never wait for the device: tested on torch's device `meta`.

Reading a value from a GPU makes the program wait until all queued operations are done. Tensors on
`meta` have shapes and no data, so reading a value raises an error. Two things are replaced:
`read_later`, which copies the losses while the next step runs, returns scripted values, and the
targets, which are computed once per pass, are computed on the CPU and moved to `meta`.
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
    matcher_of,
    term_of,
)
from tests.small_networks import tiny_network
from tests.small_pictures import grainy, half

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
USUAL = "fast", "lbfgs"
COMBINATIONS = [
    pytest.param(
        *(*case, engine, optimizer),
        marks=() if case == CASES[0] or (engine, optimizer) == USUAL else pytest.mark.slow,
    )
    for case in CASES
    for engine, entry in ENGINES.items()
    for optimizer in entry.optimizers
]


def to_meta(x: Any) -> Any:
    """Moves all tensors of a nested structure to `meta`."""
    if isinstance(x, Tensor):
        return x.to(META)
    if isinstance(x, dict):
        return {key: to_meta(value) for key, value in x.items()}
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*map(to_meta, x))
    if isinstance(x, list | tuple):
        return type(x)(map(to_meta, x))
    if is_dataclass(x) and not isinstance(x, type):
        return replace(x, **{field.name: to_meta(getattr(x, field.name)) for field in fields(x)})
    return x


@lru_cache
def terms_of(stage: str, statistic: str, which: str) -> list[Term]:
    """The terms on `meta`, with targets computed on the CPU."""
    styles, network = STYLES[which], tiny_network(layers=SHARES)
    matches = None
    if stage:
        matcher = matcher_of(styles, SIZE, network=network)
        matches = term_of(matcher, stage, CANVAS, match_cells(matcher, CONTENT))
    loss_config = LOSS_CONFIG._replace(statistic=statistic, tv=1.0)
    segments = cut_network(network, SHARES)
    objective = make_objective(network, segments, CONTENT, styles, loss_config, matches=matches)
    objective(CANVAS, eased=True)  # computes the axes of eased moments, once
    return [to_meta(term) for term in objective.terms]


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
def scripted_totals(monkeypatch) -> list[float]:
    """Total losses that the guard reads, one per point; 0 after the last."""
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


@pytest.mark.parametrize(("stage", "statistic", "engine", "optimizer"), COMBINATIONS)
def test_steps_cause_no_device_sync(stage, statistic, engine, optimizer):
    choice = ENGINES[engine].optimizers[optimizer]
    made = choice.make(choice.rate, 3, choice.history_dtype)
    objective = objective_on_meta(stage, statistic)
    for iterate in steps(objective, engine, made, choice, 6):
        assert iterate.image.is_meta
        assert iterate.image.shape == (1, 3, *SIZE)
    assert iterate.iteration == 6


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "statistic"), CASES)
def test_steps_with_masks_styles_and_strips_cause_no_device_sync(stage, statistic):
    choice = ENGINES["fast"].optimizers["lbfgs"]
    objective = objective_on_meta(stage, statistic, "regions", {"pool2": 32})
    made = choice.make(choice.rate, 3, choice.history_dtype)
    *_, iterate = steps(objective, "fast", made, choice, 5, average=0.5)
    assert iterate.image.is_meta


@pytest.mark.parametrize("statistic", STATISTICS)
def test_eased_steps_cause_no_device_sync(statistic):
    choice = ENGINES["fast"].optimizers["lbfgs"]
    objective = objective_on_meta("", statistic)
    made = choice.make(choice.rate, 3, choice.history_dtype)
    *_, iterate = steps(objective, "fast", made, choice, 4, eased=2)
    assert iterate.image.is_meta


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_guard_restart_causes_no_device_sync(optimizer, scripted_totals):
    scripted_totals += [5.0, 4.0, 3000.0, 3.0]
    choice = ENGINES["fast"].optimizers[optimizer]
    made = choice.make(choice.rate, 3, choice.history_dtype)
    events = [one.event for one in steps(objective_on_meta(*CASES[0]), "fast", made, choice, 7)]
    assert sum("the loss rose" in str(event) for event in events) == 1


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_retarget_and_start_from_cause_no_device_sync(optimizer):
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


def test_reading_a_value_on_meta_raises_runtime_error():
    def read(image, **options):
        losses, gradient = objective_on_meta("cells", "nearest")(image, **options)
        return losses, gradient * losses["style"].item()

    choice = ENGINES["fast"].optimizers["adam"]
    with pytest.raises(RuntimeError, match="meta tensors"):
        list(steps(read, "fast", choice.make(0.02, 0, None), choice, 2))
