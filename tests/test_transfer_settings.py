"""`stylize`: the effect of every setting, presets, precision and easing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from neural_style import PRESETS, stylize
from neural_style.devices import choose_precision
from neural_style.objective import Objective
from neural_style.settings.settings import knobs
from neural_style.web.text.english import ENGLISH as PAGE_TEXTS
from tests.small_runs import last_frame, small_settings

CHANGES = {
    "iterations": {"iterations": 5},
    "size": {"size": 80},
    "seed": {"seed": 1, "init": "noise"},
    "style_weight": {"style_weight": 1000.0},
    "content_weight": {"content_weight": 30.0},
    "tv_weight": {"tv_weight": 1e3},
    "tv_form": {"tv_form": "nine_points", "tv_weight": 1e4},
    "init": {"init": "content"},
    "noise_ratio": {"noise_ratio": 0.7},
    "optimizer": {"optimizer": "adam"},
    "learning_rate": {"learning_rate": 0.3},
    "pooling": {"pooling": "avg"},
    "scales": {"scales": 2, "size": 192},
    "scale_factor": {"scale_factor": 1.5, "scales": 2, "size": 192},
    "scale_shares": {"scale_shares": (5, 2), "scales": 2, "size": 192},
    "average": {"average": 0.9},
    "layer_exponent": {"layer_exponent": 2.0},
    "engine": {"engine": "plain"},
    "border": {"border": "zeros"},
    "style_fit": {"style_fit": "area"},
    "statistic": {"statistic": "centered"},
    "style_scale": {"style_scale": (0.7,)},
    "style_crop": {"style_crop": ((0, 0, 0.6, 0.6),)},
    "loss_units": {"loss_units": "absolute"},
    "content_layers": {"content_layers": {"relu3_1": 1.0}},
    "style_layers": {"style_layers": {"relu1_1": 1, "relu3_1": 0.5}},
    "color": {"color": "content"},
    "color_strength": {"color_strength": 0.5, "color": "luminance"},
    "precision": {"precision": "bf16"},
}
TESTED_ELSEWHERE = {"backbone", "network_weights", "kernels", "device", "memory_gb", "style_shares"}
"""Knobs that have one choice here or depend on files; the tests of their modules cover them."""


def test_every_knob_is_listed():
    assert CHANGES.keys() | TESTED_ELSEWHERE == knobs().keys()


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("name", CHANGES)
def test_changing_a_setting_changes_the_result(name, content, style):
    changed = small_settings(**CHANGES[name])
    default = getattr(small_settings(), name)
    unchanged = replace(changed, **{name: default})
    assert getattr(changed, name) != default
    *_, one = stylize(content, style, changed)
    *_, other = stylize(content, style, unchanged)
    assert one.image.shape != other.image.shape or not torch.equal(one.image, other.image)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("name", [name for name in CHANGES if name.endswith("_weight")])
def test_losses_of_each_weighted_term_have_names_on_the_page(name, content, style):
    frame = next(stylize(content, style, small_settings(**CHANGES[name])))
    terms = {loss.partition(" ")[0] for loss in frame.losses}
    assert {f"loss_{term}" for term in terms} <= PAGE_TEXTS.keys()


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("name", PRESETS)
def test_preset_runs(name, content, style):
    *_, frame = stylize(content, style, replace(PRESETS[name], iterations=4, size=96))
    assert frame.iteration == 4


def test_auto_precision_follows_the_cpu_flags(monkeypatch):
    cpu = torch.device("cpu")
    monkeypatch.setattr("neural_style.devices.cpu_flags", lambda: {"avx512f", "avx512_bf16"})
    assert choose_precision("auto", cpu) == torch.bfloat16
    monkeypatch.setattr("neural_style.devices.cpu_flags", lambda: {"avx512f"})
    assert choose_precision("auto", cpu) == torch.float32
    assert choose_precision("bf16", cpu) == torch.bfloat16
    assert choose_precision("auto", torch.device("mps")) == torch.float32


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    ("changes", "eased"),
    [
        ({}, 0),
        ({"loss_units": "absolute"}, 12),
        ({"loss_units": "absolute", "statistic": "wasserstein"}, 0),
    ],
)
def test_steps_are_eased_for_absolute_losses(changes, eased, content, style, monkeypatch):
    eased_calls, evaluate = [], Objective.__call__

    def spy(objective, image, **options):
        eased_calls.append(options.get("eased", False))
        return evaluate(objective, image, **options)

    monkeypatch.setattr(Objective, "__call__", spy)
    last_frame(content, style, **({"statistic": "gram"} | changes))
    assert sum(eased_calls) == eased + (eased > 0)  # plus the evaluation after the last step
