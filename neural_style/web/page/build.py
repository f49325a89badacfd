"""The page: which handler each of its parts calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from neural_style.messages import Message
from neural_style.settings.settings import Settings
from neural_style.web.page.layout import Inputs, Results, inputs_column, results_column
from neural_style.web.page.links import RESULT, make_query, make_result_query, read_query
from neural_style.web.page.manners import PRESET_KNOBS, connect_manners
from neural_style.web.page.parts import remind
from neural_style.web.page.tools import STROKES_LEFT, connect_crop, connect_paint
from neural_style.web.page.widgets import Said
from neural_style.web.run.adapters import api_handler, page_handler, stop_measurement_first
from neural_style.web.run.call import EXTRA_PICTURES, named_values, page_knobs
from neural_style.web.run.checks import check_inputs
from neural_style.web.run.cost import SpeedMeasurement
from neural_style.web.run.finished import (
    FinishedOutputs,
    finish_run,
    open_shared_result,
    picture_for_reuse,
    read_history,
    to_history,
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
from neural_style.web.text.languages import DEFAULT_LANGUAGE, LANGUAGES
from neural_style.web.text.texts import translate

_LANGUAGE = (
    f"({json.dumps([*LANGUAGES])}.find((code) => navigator.language.toLowerCase().startsWith(code))"
    f' ?? "{DEFAULT_LANGUAGE}")'
)
"""JavaScript: the page language that fits the browser's."""

_NAME_THE_LANGUAGE = f"() => {{ document.documentElement.lang = {_LANGUAGE}; }}"

_SHOW_PROGRESS = """() => {
  const missing = ["content", "style"].find((name) => !document.querySelector(`#${name} img`));
  document.querySelector(missing ? `#${missing}` : "#progress")
    .scrollIntoView({behavior: "smooth", block: "nearest"});
  if (!missing && window.innerWidth <= 640)
    document.querySelector("#progress").scrollIntoView({behavior: "smooth", block: "start"});
}"""
"""On a phone the picture is far below the button: bring what matters into view."""

_COPY_LINK = """(query) => {
  if (!query) return "";
  const link = window.location.origin + window.location.pathname + query;
  navigator.clipboard?.writeText(link).catch(() => {});
  return link;
}"""

_NAME_THE_EMPTY = """() => {
  const name = () => document.querySelectorAll(".empty[aria-label]:not([role])")
    .forEach((place) => place.setAttribute("role", "img"));
  new MutationObserver(name).observe(document.body, {childList: true, subtree: true});
  name();
}"""
"""Gradio labels an empty place without saying what it is, which screen readers pass over."""

_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
_AT_ONCE = _PRIVATE | {"queue": False}
"""Past the queue; but what is raised there is told to nobody."""


def build_page(
    gpu: Callable[..., Callable], note: Message, measurement: SpeedMeasurement
) -> gr.Blocks:
    """The page as Gradio Blocks, not yet served.

    Args:
        gpu: `spaces.GPU`, or a stand-in called as `gpu(duration=…)(handler)`.
        note: Where the network's weights come from.
        measurement: Of the machine's speed; every run stops it.
    """
    said = Said()
    with gr.Blocks(
        title=translate("title"), analytics_enabled=False, delete_cache=(3600, RETENTION_SECONDS)
    ) as page:
        language = gr.Textbox(DEFAULT_LANGUAGE, label="Language", visible=False)
        said.make(gr.Markdown, {"value": "intro"})
        with gr.Row():
            with gr.Column(scale=5, min_width=340):
                inputs = inputs_column(said)
            with gr.Column(scale=7, min_width=340):
                results = results_column(said, note)
        said.make(
            gr.Markdown, {"value": lambda language: f"<sub>{translate('privacy', language)}</sub>"}
        )
        _connect_runs(gpu, measurement, inputs, results, language)
        _connect_controls(inputs, language)
        _connect_links(inputs, results, language)
        more = dict(zip(EXTRA_PICTURES, inputs.more, strict=True))
        examples = inputs.examples
        connect_crop(inputs.crop, inputs.style, more["style_2"], examples, language)
        connect_paint(inputs.paint, inputs.regions, inputs.content, more, examples, language)
        _connect_arrival(page, inputs, results, language, said)
        gr.api(info, api_name="info", queue=False)
    return page


def _connect_runs(
    gpu: Callable[..., Callable],
    measurement: SpeedMeasurement,
    inputs: Inputs,
    results: Results,
    language: gr.Textbox,
) -> None:
    """Stylize, Continue and Stop, and what follows them."""
    asked = [
        *(inputs.content, inputs.style, inputs.start),
        *inputs.widgets.values(),
        *(*inputs.more, language),
    ]
    shown = [results.picture, results.gallery, results.status, results.chart, results.run]
    on_page = [*shown, results.begun]

    def on_gpu(handler: Callable[..., Iterator], duration: Callable[..., int]) -> Callable:
        on_lent_gpu = gpu(duration=duration)(handler)
        return explain_gpu_errors(stop_measurement_first(measurement, on_lent_gpu))

    gpu_queue: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "gpu"}
    # Before the run's own event, whose end the page would wait for.
    pressed = inputs.stylize.click(None, js=_SHOW_PROGRESS, api_visibility="private")
    pressed.then(remind, [inputs.paint.left, language], js=STROKES_LEFT, **_PRIVATE)
    run = inputs.stylize.click(
        page_handler(on_gpu(run_stylize, gpu_seconds)),
        inputs=asked,
        outputs=on_page,
        api_visibility="private",
        validator=check_inputs,
        show_progress="minimal",
        show_progress_on=results.gallery,
        **gpu_queue,
    )
    more = results.go_on.click(
        page_handler(on_gpu(run_continue, gpu_seconds_to_continue)),
        inputs=[results.run, results.go_on_by, language],
        outputs=on_page,
        api_visibility="private",
        show_progress="minimal",
        show_progress_on=results.gallery,
        **gpu_queue,
    )
    # What is pressed before Stop has done its work would be lost, so nothing can be.
    starts = [inputs.stylize, results.go_on]
    results.stop.click(None, None, starts, js=_allow(False), api_visibility="private")
    stopped = results.stop.click(None, cancels=[run, more], **_AT_ONCE)
    # A full queue must not keep anybody from their picture. One that came to its end is shown
    # already, and what was pressed since may have changed it.
    asking = [results.begun, results.history, language]
    finished = stopped.then(
        _show_all, asking, [results.picture, results.status, *results.finished], **_AT_ONCE
    )
    for ended in (run.success, more.success):
        ended(_show_files, asking, [results.status, *results.finished], **_AT_ONCE)
    for ended in (run.then, more.then, finished.then):
        ended(None, None, starts, js=_allow(True), api_visibility="private")
    for button, place in ((results.as_content, inputs.content), (results.as_start, inputs.start)):
        button.click(picture_for_reuse, [results.run, language], place, **_PRIVATE)
    # For programs: nothing of theirs is shown already. The second gives one picture and nothing
    # else, for simple ones and for agents.
    picture = gr.Image(visible=False, format="png", type="filepath", label=translate("result"))
    for name, handler, given in (
        ("stylize", api_handler(on_gpu(run_stylize, gpu_seconds)), shown),
        ("stylize_image", on_gpu(run_stylize_image, gpu_seconds), picture),
    ):
        gr.Button(visible=False).click(
            handler,
            inputs=asked,
            outputs=given,
            api_name=name,
            validator=check_inputs,
            **gpu_queue,
        )


def _show_all(run: str | None, history: Any, language: str) -> list[Any]:
    """After a Stop: the picture, the line, and what `_show_files` gives."""
    found = finish_run(run, history, language)
    return [_or_skip(found.picture), _or_skip(found.status), *_files_of(found)]


def _show_files(run: str | None, history: Any, language: str) -> list[Any]:
    """After a run: a line only where something went wrong, and what is made of the picture."""
    found = finish_run(run, history, language)
    return [found.status if found.is_error else gr.skip(), *_files_of(found)]


def _files_of(found: FinishedOutputs) -> list[Any]:
    """The values of `Results.finished`."""
    results = found.results
    remembered = None if results is None else to_history(results)
    values = [found.comparison, found.film, found.files, remembered, results]
    return [_or_skip(value) for value in values]


def _recall(history: Any) -> tuple[list[dict[str, str]], list[str]]:
    results = read_history(history)
    return to_history(results), results


def _or_skip(value: Any) -> Any:
    return gr.skip() if value is None else value


def _allow(allowed: bool) -> str:
    """Whether the two buttons that start something can be pressed."""
    change = json.dumps({"__type__": "update", "interactive": allowed})
    return f"() => [{change}, {change}]"


def _connect_controls(inputs: Inputs, language: gr.Textbox) -> None:
    """What a control does to others, on the visitor's own machine where that is enough."""
    widgets = inputs.widgets
    usual, weight = Settings().style_weight, widgets["style_weight"]
    here: dict[str, Any] = {"api_visibility": "private"}
    inputs.strength.input(
        None,
        inputs.strength,
        weight,
        js=f"(s) => Number(({usual} * 2 ** s).toPrecision(3))",
        **here,
    )
    weight.input(
        None,
        weight,
        inputs.strength,
        js=f"(w) => Math.max(-4, Math.min(4, Math.log2(w / {usual})))",
        **here,
    )
    inputs.new_seed.click(
        None, None, widgets["seed"], js="() => Math.floor(Math.random() * 2 ** 32)", **here
    )
    connect_manners(inputs.radios, widgets)
    gr.on(
        [widgets[knob].change for knob in PRESET_KNOBS],
        estimate,
        [language, *widgets.values()],
        inputs.estimate,
        trigger_mode="always_last",
        **_AT_ONCE,
    )
    inputs.recipe.upload(restore, [inputs.recipe, language], [*widgets.values()], **_PRIVATE)


def _connect_links(inputs: Inputs, results: Results, language: gr.Textbox) -> None:
    """What the two links open is told beside the link itself."""

    def told(key: str, query: str, language: str) -> Any:
        return gr.update(value=query, info=translate(key, language))

    def link_settings(language: str, content: str | None, style: str | None, *values: Any) -> Any:
        query = make_query(content, style, named_values(*values))
        return told("link_help", query, language)

    def link_result(language: str, run: str | None, content: str | None, style: str | None) -> Any:
        query = make_result_query(content, style, picture_for_reuse(run, language))
        return told("result_link_help", query, language)

    brought = [inputs.content, inputs.style]
    for button, make, asked, how in (
        (inputs.link, link_settings, [language, *brought, *inputs.widgets.values()], _AT_ONCE),
        (inputs.result_link, link_result, [language, results.run, *brought], _PRIVATE),
    ):
        button.click(make, asked, inputs.link_box, **how).success(
            None, inputs.link_box, inputs.link_box, js=_COPY_LINK, api_visibility="private"
        ).then(lambda: gr.update(visible=True), None, inputs.link_box, **_AT_ONCE)


def _connect_arrival(
    page: gr.Blocks, inputs: Inputs, results: Results, language: gr.Textbox, said: Said
) -> None:
    """What a visitor finds: their language, what the link asks for, their earlier results."""
    names = [*page_knobs()]

    def arrive(language: str) -> list[Any]:
        return [language, *said.again(language)]

    def open_link(language: str, request: gr.Request) -> list[Any]:
        query = dict(request.query_params)
        result, values, lines = open_shared_result(query.pop(RESULT, None), language)
        pictures, chosen, left_out = read_query(query, language)
        brought = [pictures.get(kind, gr.skip()) for kind in ("content", "style")]
        values |= chosen
        said_of_it = " ".join([*lines, *left_out]) or gr.skip()
        turned = [values.get(name, gr.skip()) for name in names]
        shown = 2 * [result or gr.skip()]
        return [*brought, *turned, *shown, said_of_it]

    spoken = f"() => [{_LANGUAGE}]"
    widgets = [*inputs.widgets.values()]
    opened = [inputs.content, inputs.style, *widgets]
    opened += [results.picture, results.run, results.status]
    # Shown on one of them only: `tools.connect_paint` says why.
    page.load(
        arrive,
        language,
        [language, *said.components],
        js=spoken,
        show_progress_on=language,
        **_AT_ONCE,
    ).then(open_link, language, opened, js=spoken, **_AT_ONCE)
    for script in (_NAME_THE_LANGUAGE, _NAME_THE_EMPTY):
        page.load(None, js=script, api_visibility="private")
    page.load(_recall, results.history, [results.history, results.earlier], **_AT_ONCE)
    page.load(
        estimate,
        [language, *widgets],
        inputs.estimate,
        js=f"(_, ...values) => [{_LANGUAGE}, ...values]",
        **_AT_ONCE,
    )
