"""Builds the page: creates its components and connects their events."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import gradio as gr

from neural_style.messages import Message
from neural_style.web.page.controls import IN_BROWSER, UNQUEUED, connect_controls
from neural_style.web.page.inputs import Inputs, inputs_column
from neural_style.web.page.links import make_query, make_result_query
from neural_style.web.page.results import Results, results_column
from neural_style.web.page.run_events import connect_runs
from neural_style.web.page.tools import connect_crop_tool, connect_mask_tool
from neural_style.web.page.visits import connect_visits
from neural_style.web.page.widgets import Localizer
from neural_style.web.run.call import EXTRA_PICTURES, named_values
from neural_style.web.run.cleanup import RETENTION_SECONDS
from neural_style.web.run.cost import SpeedMeasurement
from neural_style.web.run.finished import share_result
from neural_style.web.run.gate import Gate
from neural_style.web.run.handlers import service_info
from neural_style.web.text.languages import DEFAULT_LANGUAGE
from neural_style.web.text.texts import translate

_COPY_LINK_JS = """(query) => {
  if (!query) return "";
  const link = window.location.origin + window.location.pathname + query;
  navigator.clipboard?.writeText(link).catch(() => {});
  return link;
}"""
"""The whole link of a query, which is copied where the browser allows it."""


def _scroll_to_js(box: gr.Textbox) -> str:
    """JavaScript: scrolls to a link; on a phone it appears far below its button."""
    place = json.dumps(f"#{box.elem_id}")
    options = '{behavior: "smooth", block: "center"}'
    return f"() => document.querySelector({place})?.scrollIntoView({options})"


def build_page(
    gpu: Callable[..., Callable], note: Message, measurement: SpeedMeasurement, gate: Gate
) -> gr.Blocks:
    """Builds the page as Gradio Blocks, without serving it.

    Args:
        gpu: `spaces.GPU`, or a stand-in called as `gpu(duration=…)(handler)`.
        note: Source of the network's weights.
        measurement: Measurement of the machine's speed, which every run stops.
        gate: Lets runs begin; `serve` closes it when the server stops.
    """
    localizer = Localizer()
    with gr.Blocks(
        title=translate("title"), analytics_enabled=False, delete_cache=(3600, RETENTION_SECONDS)
    ) as page:
        language = gr.Textbox(DEFAULT_LANGUAGE, label="Language", visible=False)
        localizer.create(gr.Markdown, {"value": "intro"}, elem_id="intro")
        localizer.create(gr.Markdown, {"value": "offline"}, elem_id="offline")
        with gr.Row(elem_id="columns"):
            with gr.Column(scale=6, min_width=340):
                inputs = inputs_column(localizer)
            with gr.Column(scale=6, min_width=340, elem_id="results"):
                results = results_column(localizer, note)
        localizer.create(gr.Markdown, {"value": "privacy"}, elem_id="privacy")
        connect_runs(gpu, measurement, gate, inputs, results, language)
        connect_controls(inputs, results, language)
        _connect_links(inputs, results, language)
        _connect_tools(inputs, language)
        connect_visits(page, inputs, results, language, localizer)

        def info() -> dict:
            """What this service is: version, weights, networks, manners, presets, limits."""
            return service_info(note)

        gr.api(info, api_name="info", queue=False)
    return page


def _connect_tools(inputs: Inputs, language: gr.Textbox) -> None:
    """Connects the crop tool and the mask tool."""
    more = dict(zip(EXTRA_PICTURES, inputs.extra_pictures, strict=True))
    part, regions = inputs.folds["part"], inputs.folds["regions"]
    connect_crop_tool(inputs.crop, part, inputs.painting, more["style_2"], language)
    connect_mask_tool(inputs.mask_tool, regions, inputs.photograph, more, language)


def _connect_links(inputs: Inputs, results: Results, language: gr.Textbox) -> None:
    """Connects the buttons that make links, which are shown with a help text."""

    def link_settings(content: str | None, style: str | None, *values: Any) -> str:
        return make_query(content, style, named_values(*values))

    def link_result(run: str | None, content: str | None, style: str | None, language: str) -> str:
        return make_result_query(content, style, share_result(run, language))

    pictures = [inputs.content, inputs.style]
    for button, box, handler, handler_inputs in (
        (inputs.link, inputs.link_box, link_settings, [*pictures, *inputs.widgets.values()]),
        (
            results.result_link,
            results.result_link_box,
            link_result,
            [results.shown_run, *pictures, language],
        ),
    ):
        button.click(handler, handler_inputs, box, **UNQUEUED).success(
            None, box, box, js=_COPY_LINK_JS, api_visibility="private"
        ).then(lambda: gr.update(visible=True), None, box, **UNQUEUED).then(
            None, js=_scroll_to_js(box), **IN_BROWSER
        )
