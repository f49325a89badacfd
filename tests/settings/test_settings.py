"""Checks of settings: errors for invalid values name the setting."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from neural_style import PRESETS, Settings, SettingsError
from neural_style.plan.defaults import resolve_auto
from neural_style.settings.knob import read_knob
from neural_style.settings.settings import knobs

NUMBERS = {n: about for n, about in knobs().items() if about.metadata["low"] is not None}
WORDS = {name: about for name, about in knobs().items() if about.metadata["choices"]}


def test_original_setting_names_still_exist():
    assert set(knobs()) >= {
        *("iterations", "size", "seed", "style_weight", "content_weight", "tv_weight", "init"),
        *("noise_ratio", "optimizer", "learning_rate", "pooling", "scales", "backbone"),
        *("network_weights", "precision", "device", "color"),
    }


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, True, None, "3", [1], -1, 1e12])
def test_invalid_number_raises_error_with_name_and_range(name, wrong):
    about = NUMBERS[name]
    low, high = about.metadata["low"], about.metadata["high"]
    with pytest.raises(SettingsError, match=f"^{name} must be .* from {low:,} to {high:,}; it is"):
        Settings(**{name: wrong})


@pytest.mark.parametrize("name", NUMBERS)
def test_limits_of_the_range_are_valid(name):
    for limit in (NUMBERS[name].metadata["low"], NUMBERS[name].metadata["high"]):
        assert getattr(Settings(**{name: limit}), name) == limit


def test_integer_settings_accept_only_integral_floats():
    assert Settings(iterations=30.0).iterations == 30
    assert type(Settings(iterations=30.0).iterations) is int
    with pytest.raises(SettingsError, match=r"iterations must be a whole number.*30\.5"):
        Settings(iterations=30.5)


@pytest.mark.parametrize("name", [name for name in WORDS if not WORDS[name].metadata["or_path"]])
@pytest.mark.parametrize("wrong", ["nonsense", "", None, 3, ["a", "b"]])
def test_invalid_choice_raises_error_with_name(name, wrong):
    with pytest.raises(SettingsError, match=f"^{name} must be"):
        Settings(**{name: wrong})


def test_error_for_unknown_choice_lists_the_choices():
    with pytest.raises(SettingsError, match="pooling must be one of max, avg, l2; it is 'median'"):
        Settings(pooling="median")


def test_numpy_numbers_are_accepted():
    assert Settings(iterations=np.int64(30)).iterations == 30
    assert Settings(style_weight=np.float32(0.5)).style_weight == 0.5
    with pytest.raises(SettingsError, match="iterations"):
        Settings(iterations=np.bool_(True))


def test_settings_are_immutable():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().iterations = -1


def test_every_knob_has_a_short_help_text():
    for name, about in knobs().items():
        assert about.metadata["help"].endswith("."), name
        assert len(about.metadata["help"]) < 200, name


def test_presets_are_settings_and_balanced_is_the_default():
    assert all(isinstance(preset, Settings) for preset in PRESETS.values())
    assert PRESETS["balanced"] == Settings()


def test_resolve_auto_replaces_auto_and_zero_by_engine_defaults():
    fast, plain = resolve_auto(Settings()), resolve_auto(Settings(engine="plain", optimizer="adam"))
    assert (fast.init, fast.scales, fast.learning_rate) == ("matched", 4, 1.0)
    assert (plain.init, plain.scales, plain.learning_rate) == ("content", 1, 10.0)
    classic = resolve_auto(Settings(statistic="gram"))
    assert (classic.init, classic.scales, classic.learning_rate) == ("recolored", 3, 1.0)
    given = {"engine": "plain", "init": "noise", "scales": 2, "learning_rate": 0.5}
    assert resolve_auto(Settings(**given)) == Settings(**given)


def test_number_of_scales_must_equal_number_of_scale_shares():
    assert resolve_auto(Settings(scale_shares=(5, 2))).scales == 2
    assert resolve_auto(Settings(scale_shares=(5, 2), scales=2)).scales == 2
    with pytest.raises(SettingsError, match="scale_shares 5,2 is for 2 sizes; scales is 3"):
        Settings(scale_shares=(5, 2), scales=3)


def test_paper_loss_units_require_statistic_gram():
    with pytest.raises(SettingsError, match="loss_units paper is a formula for statistic gram"):
        Settings(loss_units="paper", statistic="wasserstein")


def test_three_zero_weights_raise_settings_error():
    with pytest.raises(SettingsError, match="style_weight and tv_weight are all 0"):
        Settings(content_weight=0, style_weight=0, tv_weight=0)


LONG = "1," * 100_000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, f"{LONG}x") for name, about in knobs().items() if about.metadata["words"]),
        ("style_layers", "x" * 200_000 + ":x"),
        ("style_crop", "x" * 200_000),
        ("color", LONG),
        ("iterations", LONG),
    ],
)
def test_errors_shorten_long_values(name, value):
    with pytest.raises(SettingsError, match=name) as error:
        read_knob(knobs()[name], value)
    assert len(str(error.value)) < 500
    assert value[:20] in str(error.value)
