"""Builds the page: components, and the handler of each event."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from neural_style.messages import Message
from neural_style.settings.settings import Settings
from neural_style.web.page.layout import Inputs, Results, inputs_column, results_column
from neural_style.web.page.links import RESULT_PARAMETER, make_query, make_result_query, read_query
from neural_style.web.page.manners import PRESET_KNOBS, connect_manners
from neural_style.web.page.results import finish_ended_run, finish_stopped_run, load_history
from neural_style.web.page.scripts import (
    BROWSER_LANGUAGE_JS,
    COPY_LINK_JS,
    SCROLL_TO_PROGRESS_JS,
    SET_DOCUMENT_LANGUAGE_JS,
    SET_ROLE_OF_EMPTY_JS,
    set_interactive_js,
)
from neural_style.web.page.tool_handlers import warn_unused_strokes
from neural_style.web.page.tools import HAS_UNUSED_STROKES_JS, connect_crop_tool, connect_mask_tool
from neural_style.web.page.widgets import Localizer
from neural_style.web.run.adapters import api_handler, page_handler, stop_measurement_first
from neural_style.web.run.call import EXTRA_PICTURES, named_values, page_knobs
from neural_style.web.run.checks import check_inputs
from neural_style.web.run.cost import SpeedMeasurement
from neural_style.web.run.finished import (
    open_shared_result,
    picture_for_reuse,
)
from neural_style.web.run.gpu import explain_gpu_errors
from neural_style.web.run.handlers import (
    estimate,
    gpu_seconds,
    gpu_seconds_to_continue,
    info,
    restore,
    run_continue,
    run_stylize,
    run_stylize_image,
)
from neural_style.web.run.runs import RETENTION_SECONDS
from neural_style.web.text.languages import DEFAULT_LANGUAGE
from neural_style.web.text.texts import translate

_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
_UNQUEUED = _PRIVATE | {"queue": False}
"""Runs without waiting in the queue; errors raised there are not shown to the visitor."""


def build_page(
    gpu: Callable[..., Callable], note: Message, measurement: SpeedMeasurement
) -> gr.Blocks:
    """Builds the page as Gradio Blocks, without serving it.

    Args:
        gpu: `spaces.GPU`, or a stand-in called as `gpu(duration=…)(handler)`.
        note: Source of the network's weights.
        measurement: Measurement of the machine's speed, which every run stops.
    """
    localizer = Localizer()
    with gr.Blocks(
        title=translate("title"), analytics_enabled=False, delete_cache=(3600, RETENTION_SECONDS)
    ) as page:
        language = gr.Textbox(DEFAULT_LANGUAGE, label="Language", visible=False)
        localizer.create(gr.Markdown, {"value": "intro"})
        with gr.Row():
            with gr.Column(scale=5, min_width=340):
                inputs = inputs_column(localizer)
            with gr.Column(scale=7, min_width=340):
                results = results_column(localizer, note)
        localizer.create(
            gr.Markdown, {"value": lambda language: f"<sub>{translate('privacy', language)}</sub>"}
        )
        _connect_runs(gpu, measurement, inputs, results, language)
        _connect_controls(inputs, language)
        _connect_links(inputs, results, language)
        more = dict(zip(EXTRA_PICTURES, inputs.extra_pictures, strict=True))
        examples = inputs.examples
        connect_crop_tool(inputs.crop, inputs.style, more["style_2"], examples, language)
        connect_mask_tool(
            inputs.mask_tool, inputs.regions, inputs.content, more, examples, language
        )
        _connect_page_load(page, inputs, results, language, localizer)
        gr.api(info, api_name="info", queue=False)
    return page


def _connect_runs(
    gpu: Callable[..., Callable],
    measurement: SpeedMeasurement,
    inputs: Inputs,
    results: Results,
    language: gr.Textbox,
) -> None:
    """Connects the buttons of runs and results, and the endpoints of the API."""
    run_inputs = [
        *(inputs.content, inputs.style, inputs.start_image),
        *inputs.widgets.values(),
        *(*inputs.extra_pictures, language),
    ]
    api_outputs = [
        results.picture,
        results.gallery,
        results.status,
        results.chart,
        results.shown_run,
    ]
    page_outputs = [*api_outputs, results.latest_run]

    def on_gpu(handler: Callable[..., Iterator], duration: Callable[..., int]) -> Callable:
        decorated = gpu(duration=duration)(handler)
        return explain_gpu_errors(stop_measurement_first(measurement, decorated))

    gpu_queue: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "gpu"}
    # Separate events: one that follows the run's event would wait for its end.
    clicked = inputs.stylize.click(None, js=SCROLL_TO_PROGRESS_JS, api_visibility="private")
    clicked.then(
        warn_unused_strokes,
        [inputs.mask_tool.unused_strokes, language],
        js=HAS_UNUSED_STROKES_JS,
        **_PRIVATE,
    )
    run = inputs.stylize.click(
        page_handler(on_gpu(run_stylize, gpu_seconds)),
        inputs=run_inputs,
        outputs=page_outputs,
        api_visibility="private",
        validator=check_inputs,
        show_progress="minimal",
        show_progress_on=results.gallery,
        **gpu_queue,
    )
    more = results.continue_run.click(
        page_handler(on_gpu(run_continue, gpu_seconds_to_continue)),
        inputs=[results.shown_run, results.more_iterations, language],
        outputs=page_outputs,
        api_visibility="private",
        show_progress="minimal",
        show_progress_on=results.gallery,
        **gpu_queue,
    )
    # A run that is started before Stop is done would be lost, so the buttons are disabled.
    start_buttons = [inputs.stylize, results.continue_run]
    results.stop.click(
        None, None, start_buttons, js=set_interactive_js(False), api_visibility="private"
    )
    cancelled = results.stop.click(None, cancels=[run, more], **_UNQUEUED)
    # Unqueued: a full queue must not hold back the result. After a completed run the picture is
    # not updated: it is shown already, and other events may have replaced it.
    finish_inputs = [results.latest_run, results.history, language]
    after_stop = cancelled.then(
        finish_stopped_run,
        finish_inputs,
        [results.picture, results.status, *results.file_outputs],
        **_UNQUEUED,
    )
    for ended in (run.success, more.success):
        ended(finish_ended_run, finish_inputs, [results.status, *results.file_outputs], **_UNQUEUED)
    for ended in (run.then, more.then, after_stop.then):
        ended(None, None, start_buttons, js=set_interactive_js(True), api_visibility="private")
    for button, image in (
        (results.as_content, inputs.content),
        (results.as_start, inputs.start_image),
    ):
        button.click(picture_for_reuse, [results.shown_run, language], image, **_PRIVATE)
    # Endpoints of the API. The second returns only the picture, for simple programs and agents.
    picture = gr.Image(visible=False, format="png", type="filepath", label=translate("result"))
    for name, handler, outputs in (
        ("stylize", api_handler(on_gpu(run_stylize, gpu_seconds)), api_outputs),
        ("stylize_image", on_gpu(run_stylize_image, gpu_seconds), picture),
    ):
        gr.Button(visible=False).click(
            handler,
            inputs=run_inputs,
            outputs=outputs,
            api_name=name,
            validator=check_inputs,
            **gpu_queue,
        )


def _connect_controls(inputs: Inputs, language: gr.Textbox) -> None:
    """Connects controls that set others, in the browser where possible."""
    widgets = inputs.widgets
    default_weight, weight = Settings().style_weight, widgets["style_weight"]
    in_browser: dict[str, Any] = {"api_visibility": "private"}
    inputs.strength.input(
        None,
        inputs.strength,
        weight,
        js=f"(s) => Number(({default_weight} * 2 ** s).toPrecision(3))",
        **in_browser,
    )
    weight.input(
        None,
        weight,
        inputs.strength,
        js=f"(w) => Math.max(-4, Math.min(4, Math.log2(w / {default_weight})))",
        **in_browser,
    )
    inputs.new_seed.click(
        None, None, widgets["seed"], js="() => Math.floor(Math.random() * 2 ** 32)", **in_browser
    )
    connect_manners(inputs.radios, widgets)
    gr.on(
        [widgets[knob].change for knob in PRESET_KNOBS],
        estimate,
        [language, *widgets.values()],
        inputs.estimate,
        trigger_mode="always_last",
        **_UNQUEUED,
    )
    inputs.recipe.upload(restore, [inputs.recipe, language], [*widgets.values()], **_PRIVATE)


def _connect_links(inputs: Inputs, results: Results, language: gr.Textbox) -> None:
    """Connects the buttons that make links, which are shown with a help text."""

    def link_update(key: str, query: str, language: str) -> Any:
        return gr.update(value=query, info=translate(key, language))

    def link_settings(language: str, content: str | None, style: str | None, *values: Any) -> Any:
        query = make_query(content, style, named_values(*values))
        return link_update("link_help", query, language)

    def link_result(language: str, run: str | None, content: str | None, style: str | None) -> Any:
        query = make_result_query(content, style, picture_for_reuse(run, language))
        return link_update("result_link_help", query, language)

    pictures = [inputs.content, inputs.style]
    for button, handler, handler_inputs, options in (
        (inputs.link, link_settings, [language, *pictures, *inputs.widgets.values()], _UNQUEUED),
        (inputs.result_link, link_result, [language, results.shown_run, *pictures], _PRIVATE),
    ):
        button.click(handler, handler_inputs, inputs.link_box, **options).success(
            None, inputs.link_box, inputs.link_box, js=COPY_LINK_JS, api_visibility="private"
        ).then(lambda: gr.update(visible=True), None, inputs.link_box, **_UNQUEUED)


def _connect_page_load(
    page: gr.Blocks, inputs: Inputs, results: Results, language: gr.Textbox, localizer: Localizer
) -> None:
    """Connects the load of the page: language, contents of the link, history, estimate."""
    knob_names = [*page_knobs()]

    def set_language(language: str) -> list[Any]:
        return [language, *localizer.updates(language)]

    def open_link(language: str, request: gr.Request) -> list[Any]:
        query = dict(request.query_params)
        result, values, messages = open_shared_result(query.pop(RESULT_PARAMETER, None), language)
        pictures, link_values, ignored = read_query(query, language)
        images = [pictures.get(kind, gr.skip()) for kind in ("content", "style")]
        values |= link_values
        message = " ".join([*messages, *ignored]) or gr.skip()
        widget_values = [values.get(name, gr.skip()) for name in knob_names]
        shown = 2 * [result or gr.skip()]
        return [*images, *widget_values, *shown, message]

    language_js = f"() => [{BROWSER_LANGUAGE_JS}]"
    widgets = [*inputs.widgets.values()]
    link_outputs = [inputs.content, inputs.style, *widgets]
    link_outputs += [results.picture, results.shown_run, results.status]
    # Progress on one component only, for the reason given in `tools.connect_mask_tool`.
    page.load(
        set_language,
        language,
        [language, *localizer.components],
        js=language_js,
        show_progress_on=language,
        **_UNQUEUED,
    ).then(open_link, language, link_outputs, js=language_js, **_UNQUEUED)
    for script in (SET_DOCUMENT_LANGUAGE_JS, SET_ROLE_OF_EMPTY_JS):
        page.load(None, js=script, api_visibility="private")
    page.load(load_history, results.history, [results.history, results.earlier], **_UNQUEUED)
    page.load(
        estimate,
        [language, *widgets],
        inputs.estimate,
        js=f"(_, ...values) => [{BROWSER_LANGUAGE_JS}, ...values]",
        **_UNQUEUED,
    )
