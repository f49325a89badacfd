"""The signature of the stylize handlers, and the call made from their arguments."""

from __future__ import annotations

import inspect

import pytest

from neural_style import Settings
from neural_style.settings.knob import write_knob
from neural_style.settings.settings import knobs
from neural_style.web.run.call import EXTRA_PICTURES, call_from_arguments
from neural_style.web.run.checks import check_inputs
from neural_style.web.run.handlers import (
    gpu_seconds,
    run_seconds,
    run_stylize,
    run_stylize_image,
)
from neural_style.web.run.variations import (
    gpu_seconds_to_vary,
    run_variations,
    variation_seconds,
)
from tests.web.stylize_calls import (
    AFTER_KNOBS,
    FIRST_PICTURES,
    KNOBS,
    PARAMETERS,
    knob_values,
)


@pytest.mark.parametrize(
    "handler",
    [
        *(run_stylize, run_stylize_image, run_variations, check_inputs),
        *(gpu_seconds, gpu_seconds_to_vary, run_seconds, variation_seconds),
    ],
)
class TestSignature:
    def test_parameters_are_pictures_and_settings_with_defaults(self, handler):
        parameters = inspect.signature(handler).parameters
        assert [*parameters] == PARAMETERS
        defaults = {name: parameter.default for name, parameter in parameters.items()}
        assert defaults.pop("content") is defaults.pop("style") is inspect.Parameter.empty
        optional = [defaults.pop(name) for name in ("init_image", *AFTER_KNOBS)]
        assert optional == [*(5 * [None]), "en"]
        assert defaults == {n: write_knob(knobs()[n], getattr(Settings(), n)) for n in KNOBS}

    def test_docstring_has_the_help_of_each_setting(self, handler):
        for name in KNOBS:
            assert f"    {name}: {knobs()[name].metadata['help']}" in handler.__doc__

    def test_host_settings_are_absent(self, handler):
        assert not {"network_weights", "device", "precision"} & {
            *inspect.signature(handler).parameters
        }
        assert not {"network_weights:", "device:", "precision:"} & {*handler.__doc__.split()}


class TestCall:
    def test_positional_arguments_get_their_names(self):
        values = knob_values(iterations=7, seed=3)
        call = call_from_arguments("a.png", "b.png", "c.png", *values, *"defg", "zh")
        assert [*call.pictures] == [*FIRST_PICTURES, *EXTRA_PICTURES]
        assert [*call.pictures.values()] == ["a.png", "b.png", "c.png", *"defg"]
        assert call.values == dict(zip(KNOBS, values, strict=True))
        assert call.language == "zh"

    def test_omitted_arguments_get_their_defaults(self):
        call = call_from_arguments("a.png", "b.png", iterations=7, mask="m.png")
        defaults = {name: write_knob(knobs()[name], knobs()[name].default) for name in KNOBS}
        assert call.values == defaults | {"iterations": 7}
        given = {name: path for name, path in call.pictures.items() if path}
        assert given == {"content": "a.png", "style": "b.png", "mask": "m.png"}
        assert call.language == "en"

    @pytest.mark.parametrize("language", ["de", "", None, 5, [], "ZH"])
    def test_unsupported_language_becomes_english(self, language):
        assert call_from_arguments("a.png", "b.png", language=language).language == "en"

    @pytest.mark.parametrize(
        ("arguments", "named"),
        [(["a"], {}), ([*PARAMETERS, "more"], {}), (["a", "b"], {"device": "cpu"})],
        ids=["too few", "too many", "unknown"],
    )
    def test_wrong_arguments_raise_type_error(self, arguments, named):
        with pytest.raises(TypeError):
            call_from_arguments(*arguments, **named)
