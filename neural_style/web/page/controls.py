"""Events of the inputs: galleries, strength, seed, manner, estimate, recipe, checks of uploads."""

from __future__ import annotations

from typing import Any

import gradio as gr

from neural_style.errors import ImageError, NeuralStyleError, SettingsError
from neural_style.images.files import load_with_alpha, read_shape
from neural_style.settings.settings import Settings
from neural_style.web.page.choosers import chosen_example
from neural_style.web.page.inputs import Inputs
from neural_style.web.page.manners import PRESET_KNOBS, connect_manners, rounded, timed_qualities
from neural_style.web.page.results import Results
from neural_style.web.page.run_updates import show_status
from neural_style.web.page.scripts import STEPS_CHANGED_JS, UNSELECT_JS, inputs_changed_js
from neural_style.web.run import status
from neural_style.web.run.call import named_values
from neural_style.web.run.checks import check_shape, check_upload, parse_settings
from neural_style.web.run.cost import check_cost, expected_seconds
from neural_style.web.run.handlers import restore
from neural_style.web.run.uploads import bounded, browser_copy
from neural_style.web.run.variations import expected_variation_seconds
from neural_style.web.text.texts import (
    PageError,
    escape_markdown,
    format_duration,
    localize,
    translate,
)

IN_BROWSER: dict[str, Any] = {"api_visibility": "private"}
UNQUEUED: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "hidden",
    "queue": False,
}
"""Runs without waiting in Gradio's queue; errors raised there are not shown to the visitor."""

_CHECK_SIZE = 64
"""Pixels to which an upload is reduced when it is only checked."""


def connect_controls(inputs: Inputs, results: Results, language: gr.Textbox) -> None:
    """Connects all events of the inputs that start no run."""
    widgets = inputs.widgets
    _connect_strength(inputs)
    opened = [results.earlier.select, results.album.select]
    for chooser, others in (
        (inputs.photograph, [results.as_content.click, *opened]),
        (inputs.painting, opened),
    ):
        chooser.gallery.select(chosen_example(chooser.examples), None, chooser.picture, **UNQUEUED)
        gr.on(
            [chooser.picture.input, *others],
            None,
            None,
            chooser.gallery,
            js=UNSELECT_JS,
            **IN_BROWSER,
        )
    inputs.new_seed.click(
        None, None, widgets["seed"], js="() => Math.floor(Math.random() * 2 ** 32)", **IN_BROWSER
    )
    connect_manners(inputs.radios, widgets)
    gr.on(
        [inputs.content.change, *(widgets[knob].change for knob in PRESET_KNOBS)],
        estimate,
        estimate_inputs(inputs, language),
        estimate_outputs(inputs),
        trigger_mode="always_last",
        **UNQUEUED,
    )
    inputs.recipe.upload(
        restore,
        [inputs.recipe, language],
        [*widgets.values()],
        api_visibility="private",
        show_progress="hidden",
    )
    # When the visitor acts, not when a value changes: that may be after the next refusal.
    entered = (*inputs.pictures.values(), *widgets.values(), *inputs.radios)
    changed = [*(one.input for one in entered), inputs.album.upload]
    for triggers, chosen in (
        (changed, ""),
        ([inputs.photograph.gallery.select, results.as_content.click], "content"),
        (inputs.painting.gallery.select, "style"),
    ):
        gr.on(
            triggers,
            None,
            [inputs.content, inputs.style, language],
            results.status,
            js=inputs_changed_js(chosen),
            **IN_BROWSER,
        )
    results.more_iterations.input(None, None, results.status, js=STEPS_CHANGED_JS, **IN_BROWSER)
    _connect_size_check(inputs, results, language)
    for name, picture in inputs.pictures.items():
        _connect_check(name, picture, inputs, results, language)


def _connect_strength(inputs: Inputs) -> None:
    """Connects the slider with the setting `style_weight`: each follows the other wherever set."""
    default, weight = Settings().style_weight, inputs.widgets["style_weight"]
    strength_of_weight = (
        f"Math.max(-4, Math.min(4, Math.round(100 * Math.log2(w / {default})) / 100))"
    )
    # A weight beyond the slider's ends stays as it is.
    inputs.strength.change(
        None,
        [inputs.strength, weight],
        weight,
        js=f"(s, w) => s === {strength_of_weight} ? w : "
        f"Number(({default} * 2 ** s).toPrecision(3))",
        **IN_BROWSER,
    )
    weight.change(None, weight, inputs.strength, js=f"(w) => {strength_of_weight}", **IN_BROWSER)


def estimate_inputs(inputs: Inputs, language: gr.Textbox) -> list[gr.Component]:
    """The inputs of `estimate`."""
    return [language, inputs.content, inputs.radios.manner, *inputs.widgets.values()]


def estimate_outputs(inputs: Inputs) -> list[gr.Component]:
    """The outputs of `estimate`."""
    return [inputs.estimate, inputs.radios.quality]


def estimate(language: str, content: str | None, manner: str, *values: Any) -> list[Any]:
    """Event handler: a text with the size of the result and the estimated times of a run and of
    variations, and the choices of quality with their times.

    A text says what is wrong if the values of the settings are not allowed. There is no text where
    the content image cannot be used, which the check of the upload reports.
    """
    named = named_values(*values)
    shape, usable = None, True
    try:
        settings = parse_settings(named)
        if content:
            try:
                path = check_upload("content", content)
                check_shape("content", path, settings)
                shape = read_shape(path)
            except (PageError, ImageError):
                usable = False
        choices = timed_qualities(manner, named, shape, language)
    except SettingsError as error:
        return [escape_markdown(localize(error.message, language)), gr.skip()]
    if not usable:
        return ["", gr.update(choices=choices)]
    try:
        check_cost(settings)
    except SettingsError as error:
        return [escape_markdown(localize(error.message, language)), gr.update(choices=choices)]
    time, time_to_vary = (
        format_duration(rounded(seconds), language)
        for seconds in (
            expected_seconds(settings, shape),
            expected_variation_seconds(settings, shape),
        )
    )
    text = translate("estimate", language, size=settings.size, time=time, varied=time_to_vary)
    return [text, gr.update(choices=choices)]


def _connect_size_check(inputs: Inputs, results: Results, language: gr.Textbox) -> None:
    """Connects the check whether the content image is too narrow for a changed size."""

    def check(path: str | None, language: str, *values: Any) -> Any:
        try:
            settings = parse_settings(named_values(*values))
            if path is not None:
                check_shape("content", check_upload("content", path), settings)
        except ImageError as error:
            reason = localize(error.message, language)
            return show_status(status.refused("content", reason, language), inputs, results)
        except SettingsError:
            pass  # the page says so where the run is started
        return gr.skip()

    inputs.widgets["size"].change(
        check,
        [inputs.content, language, *inputs.widgets.values()],
        [results.status, *inputs.folds.values()],
        show_progress_on=results.status,
        trigger_mode="always_last",
        **UNQUEUED,
    )


_PICTURES_WITH_OPACITY = ("content", "style")
"""Pictures whose clear parts change what a run makes of them."""


def _connect_check(
    name: str, picture: gr.Image, inputs: Inputs, results: Results, language: gr.Textbox
) -> None:
    """Connects the check of an uploaded picture, whose result appears in the status."""

    @bounded
    def check(path: str | None, language: str, *values: Any) -> Any:
        if path is None:
            return gr.skip()
        try:
            settings = parse_settings(named_values(*values))
        except SettingsError:  # the page says so where the run is started
            settings = Settings()
        try:
            check_upload(name, path)
            check_shape(name, path, settings)
            _, opacity = load_with_alpha(path, longest=_CHECK_SIZE)
            copy = browser_copy(path)
        except NeuralStyleError as error:
            reason = localize(error.message, language)
            return show_status(status.refused(name, reason, language), inputs, results)
        if copy is not None:
            words = translate("converted", language)
            return show_status(status.noted(words), inputs, results) | {picture: copy}
        if opacity is not None and name in _PICTURES_WITH_OPACITY:
            words = translate(f"transparent_{name}", language)
            return show_status(status.noted(words), inputs, results)
        return gr.skip()

    outputs = [picture, results.status, *inputs.folds.values()]
    # Progress not on the folded groups, for the reason given in `tools.connect_mask_tool`.
    picture.input(
        check,
        [picture, language, *inputs.widgets.values()],
        outputs,
        show_progress_on=results.status,
        **UNQUEUED,
    )
