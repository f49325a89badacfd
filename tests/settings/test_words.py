"""Reading, writing and checking the text forms of settings."""

from __future__ import annotations

import pytest

from neural_style import Settings, SettingsError
from neural_style.settings.knob import read_knob, write_knob
from neural_style.settings.settings import knobs
from neural_style.settings.words import ALL

READ = [
    ("style_shares", "equal", ()),
    ("style_shares", "0.7,0.3", (0.7, 0.3)),
    ("style_shares", "1,0", (1.0, 0.0)),
    ("style_scale", "1", (1.0,)),
    ("style_scale", "1,0.5", (1.0, 0.5)),
    ("style_crop", "all", ()),
    ("style_crop", "0,0,0.5,1", ((0.0, 0.0, 0.5, 1.0),)),
    ("style_crop", "all; 0.25,0,0.5,1", (ALL, (0.25, 0.0, 0.5, 1.0))),
    ("scale_shares", "auto", ()),
    ("scale_shares", "5,2", (5.0, 2.0)),
    ("style_layers", "auto", None),
    ("style_layers", "relu1_1:1", {"relu1_1": 1.0}),
    ("style_layers", "relu1_1:0.5,relu2_1:2", {"relu1_1": 0.5, "relu2_1": 2.0}),
    ("content_layers", "relu4_2:0,relu5_2:0.1", {"relu4_2": 0.0, "relu5_2": 0.1}),
]
REFUSED = {
    "style_shares": ["-1,2", "0,0", "1e-320,0", "a", "nan", "1e308,1e308"],
    "style_scale": ["0", "11", "1,x", "1,nan"],
    "style_crop": ["0,0,1", "0,0,1,1.2", "-0.1,0,1,1", "0,0,0,1", "a", "0.6,0,0.6,1", "all,"],
    "scale_shares": ["5,", "a,b", "0,1", "-1,2", "inf,1", "nan,1", "1;2", "1e308,1e308"],
    "style_layers": [
        "relu1_1:0",
        "relu1_1:1e308,a",
        "relu1_1:x",
        "relu1_1:-1",
        "relu1_1:inf",
        "a,,b",
        "a,a",
        ":1",
    ],
}
FORMS = {
    "style_shares": "Shares of styles are written 0.7,0.3",
    "style_scale": "Scales of styles are written 1,0.5",
    "style_crop": "A crop is written left,top,width,height",
    "scale_shares": "Shares of the iterations are written 5,2",
    "style_layers": "Layers are written relu1_1:0.5",
}


@pytest.mark.parametrize(("name", "words", "value"), READ)
def test_read_knob_and_write_knob_are_inverse(name, words, value):
    about = knobs()[name]
    assert read_knob(about, words) == value
    assert write_knob(about, value) == words
    assert getattr(Settings(**{name: value}), name) == value


def test_layers_have_default_share_1_and_spaces_are_ignored():
    value = read_knob(knobs()["style_layers"], "relu1_1, relu2_1:2")
    assert value == {"relu1_1": 1.0, "relu2_1": 2.0}


def test_written_numbers_are_read_back_exactly():
    about = knobs()["scale_shares"]
    value = (1 / 3, 1e-7, 12345678.9)
    assert read_knob(about, write_knob(about, value)) == value


@pytest.mark.parametrize(
    ("name", "words"), [(n, one) for n, some in REFUSED.items() for one in some]
)
def test_malformed_text_raises_error_with_expected_form(name, words):
    with pytest.raises(SettingsError) as error:
        read_knob(knobs()[name], words)
    assert str(error.value).startswith(f"{name}: {FORMS[name]}")
    assert repr(words) in str(error.value)


@pytest.mark.parametrize(("name", "words"), [(name, words) for name, words, _ in READ])
def test_settings_reject_text_forms(name, words):
    with pytest.raises(SettingsError, match=rf"^{name}: .* is not valid"):
        Settings(**{name: words})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("style_shares", (-1, 2)),
        ("style_shares", (True, 1)),
        ("style_shares", 0.5),
        ("style_scale", ()),
        ("style_crop", (0, 0, 0.5, 1)),
        ("style_crop", [(0.6, 0, 0.6, 1)]),
        ("scale_shares", (1, float("nan"))),
        ("style_layers", {"relu1_1": -1}),
        ("style_layers", {1: 1.0}),
        ("style_layers", {"": 1.0}),
        ("style_layers", {}),
    ],
)
def test_invalid_values_raise_settings_error(name, value):
    with pytest.raises(SettingsError, match=rf"^{name}: .* is not valid"):
        Settings(**{name: value})


def test_values_are_converted_to_their_exact_types():
    run = Settings(style_shares=[1, 2], style_crop=[[0, 0, 1, 0.5]], style_layers={"relu1_1": 1})
    assert run.style_shares == (1.0, 2.0)
    assert run.style_crop == ((0.0, 0.0, 1.0, 0.5),)
    assert type(run.style_layers["relu1_1"]) is float
