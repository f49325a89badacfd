"""Events of runs: Stylize, Stop, Continue, what follows them, and the endpoints of the API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from neural_style.web.page.album import (
    album_handler,
    album_outputs,
    album_status,
    connect_album_line,
)
from neural_style.web.page.controls import IN_BROWSER, UNQUEUED
from neural_style.web.page.earlier import set_inputs
from neural_style.web.page.history import Updates
from neural_style.web.page.inputs import Inputs
from neural_style.web.page.results import Results
from neural_style.web.page.run_end import connect_end, waiting_buttons
from neural_style.web.page.run_updates import (
    continue_label,
    page_handler,
    refuse_faults,
    show_status,
    variations_handler,
)
from neural_style.web.page.scripts import (
    HIDE_JS,
    MARK_FIELD_JS,
    SCROLL_TO_STATUS_JS,
    UNSELECT_JS,
    start_js,
)
from neural_style.web.page.tools import unused_strokes_js
from neural_style.web.page.visits import STORE_RUN_JS, STORE_VARIATIONS_JS
from neural_style.web.page.widgets import selected_index
from neural_style.web.run.adapters import (
    api_handler,
    in_line,
    stop_measurement_first,
    through_gate,
)
from neural_style.web.run.album import (
    album_fault,
    album_seconds,
    gpu_seconds_of_album,
    run_album,
)
from neural_style.web.run.checks import check_inputs
from neural_style.web.run.cost import SpeedMeasurement
from neural_style.web.run.finished import picture_for_reuse
from neural_style.web.run.gate import MOST_RUNS, Gate
from neural_style.web.run.gpu import explain_gpu_errors
from neural_style.web.run.handlers import (
    gpu_seconds,
    gpu_seconds_to_continue,
    run_continue,
    run_seconds,
    run_stylize,
    run_stylize_image,
    seconds_to_continue,
)
from neural_style.web.run.line import Line
from neural_style.web.run.runs import find_result
from neural_style.web.run.status import Status
from neural_style.web.run.variations import (
    VariationOutputs,
    Variations,
    gpu_seconds_to_vary,
    run_variations,
    variation_seconds,
)
from neural_style.web.run.view import Outputs
from neural_style.web.run.visit import Visit, visit_of
from neural_style.web.text.texts import translate

_IN_LINE: dict[str, Any] = {"concurrency_limit": 2 * MOST_RUNS, "concurrency_id": "runs"}
"""Runs that are in the line, which lets one go on at a time, and as many that the gate refuses."""

_QUEUED = _IN_LINE | {"api_visibility": "private", "show_progress": "hidden"}

_Gpu = Callable[..., Callable]


def connect_runs(
    gpu: _Gpu,
    measurement: SpeedMeasurement,
    gate: Gate,
    inputs: Inputs,
    results: Results,
    language: gr.Textbox,
) -> None:
    """Connects the buttons of runs and results, and the endpoints of the API."""
    line = Line()

    def queued(
        handler: Callable[..., Iterator],
        gpu_duration: Callable[..., int],
        seconds: Callable[..., float],
        show: Callable[[Status], Any] = _status_only,
    ) -> Callable[..., Iterator]:
        on_gpu = gpu(duration=gpu_duration)(handler)
        measured = stop_measurement_first(measurement, on_gpu)
        return explain_gpu_errors(in_line(line, seconds, measured, show))

    run_inputs = [
        *(inputs.content, inputs.style, inputs.start_image),
        *inputs.widgets.values(),
        *(*inputs.extra_pictures, language),
    ]
    stylize = queued(run_stylize, gpu_seconds, run_seconds)
    more = queued(run_continue, gpu_seconds_to_continue, seconds_to_continue)
    vary = queued(run_variations, gpu_seconds_to_vary, variation_seconds, _variation_status)

    album = queued(run_album, gpu_seconds_of_album, album_seconds, album_status)

    def on_page(handler: Callable[..., Iterator[Updates]]) -> Callable[..., Iterator[Updates]]:
        return through_gate(gate, handler, lambda shown: show_status(shown, inputs, results))

    paint = on_page(page_handler(refuse_faults(stylize, _status_only), inputs, results))
    outputs = [
        *(results.status, results.example, results.picture, results.gallery, results.tabs),
        *(results.details, results.chart, results.shown_run, results.latest_run),
        *(inputs.stop, *inputs.folds.values()),
    ]
    varied_outputs = [
        *(results.status, results.variations_box, results.variations, results.kept_variations),
        *(results.latest_variations, results.latest_run),
        *(results.example, results.picture, results.actions, results.tabs),
    ]
    # Not on the folded groups, for the reason given in `tools.connect_mask_tool`.
    run_options = _QUEUED | {"show_progress_on": results.status}
    _connect_start(inputs, results, language)  # first: Gradio runs them in this order

    def choose(event: gr.SelectData, variations: Variations) -> Any:
        return chosen_variation(event, variations, inputs)

    seed = inputs.widgets["seed"]
    chosen = results.variations.select(
        choose,
        results.kept_variations,
        [
            *(seed, inputs.widgets["noise_ratio"], *inputs.pictures.values()),
            *(inputs.photograph.gallery, inputs.painting.gallery),
        ],
        **UNQUEUED,
    )
    # Others than the displayed ones.
    moved_on = inputs.vary.click(next_seed, [results.kept_variations, seed], seed, **UNQUEUED)
    started = [
        inputs.stylize.click(paint, run_inputs, outputs, **run_options),
        chosen.then(paint, run_inputs, outputs, **run_options),
        results.continue_run.click(
            on_page(page_handler(more, inputs, results)),
            [results.shown_run, results.more_iterations, language],
            outputs,
            **run_options,
        ),
        moved_on.then(
            on_page(variations_handler(refuse_faults(vary, _variation_status), inputs, results)),
            run_inputs,
            [*varied_outputs, inputs.stop, *inputs.folds.values()],
            **run_options,
        ),
        inputs.paint_album.click(
            on_page(
                album_handler(refuse_faults(album, album_status, album_fault), inputs, results)
            ),
            [inputs.album, *run_inputs[1:]],
            [
                *(results.status, results.latest_run, results.picture, results.actions),
                *(*album_outputs(results), inputs.stop, *inputs.folds.values()),
            ],
            **run_options,
        ),
    ]
    results.more_iterations.input(
        continue_label,
        [results.shown_run, results.more_iterations, language],
        results.continue_run,
        trigger_mode="always_last",
        **UNQUEUED,
    )
    connect_album_line(inputs, language)
    connect_end(started, gate, inputs, results, language)
    _connect_reuse(inputs, results, language)
    stylize_image = queued(run_stylize_image, gpu_seconds, run_seconds, lambda _: None)
    _connect_api(
        through_gate(gate, api_handler(stylize)),
        through_gate(gate, stylize_image),
        run_inputs,
        results,
    )


def _connect_start(inputs: Inputs, results: Results, language: gr.Textbox) -> None:
    """Connects what the browser does when a run is started, before the server answers."""
    buttons = waiting_buttons(inputs, results)
    # Events of their own: one that follows the run's event would wait for its end.
    for start in (
        inputs.stylize.click,
        inputs.vary.click,
        inputs.paint_album.click,
        results.continue_run.click,
        results.variations.select,
    ):
        start(
            None,
            language,
            [
                *(results.status, results.result_link_box, results.forget_shown_question.box),
                *(results.forget_question.box, results.discard_question.box),
                *(results.waits_for_run, *buttons),
            ],
            js=start_js(len(buttons) - 3),
            **IN_BROWSER,
        ).then(None, js=SCROLL_TO_STATUS_JS, **IN_BROWSER)
    for gallery in (inputs.photograph.gallery, inputs.painting.gallery):
        results.variations.select(None, None, gallery, js=UNSELECT_JS, **IN_BROWSER)
    inputs.vary.click(None, None, results.variations, js=UNSELECT_JS, **IN_BROWSER)
    # In the browser: two queued events of one press open two streams, and one of them loses its
    # messages.
    inputs.stylize.click(
        None, [language, inputs.estimate], inputs.estimate, js=unused_strokes_js(), **IN_BROWSER
    )
    # A question that stayed would be about another result.
    results.picture.change(None, None, results.forget_shown_question.box, js=HIDE_JS, **IN_BROWSER)
    results.status.change(None, js=MARK_FIELD_JS, **IN_BROWSER)
    results.latest_run.change(None, results.latest_run, js=STORE_RUN_JS, **IN_BROWSER)
    varied = results.latest_variations
    varied.change(None, varied, js=STORE_VARIATIONS_JS, **IN_BROWSER)


def _connect_reuse(inputs: Inputs, results: Results, language: gr.Textbox) -> None:
    """Connects the buttons that make a result an input of the next run."""
    for button, image in (
        (results.as_content, inputs.content),
        (results.as_start, inputs.start_image),
    ):
        button.click(
            picture_for_reuse,
            [results.shown_run, language],
            image,
            api_visibility="private",
            show_progress="hidden",
        )


def _connect_api(
    stylize: Callable[..., Iterator[tuple]],
    stylize_image: Callable[..., Iterator[str | None]],
    run_inputs: list[gr.Component],
    results: Results,
) -> None:
    """Makes the endpoints. The second returns only the picture, for simple programs and agents."""
    picture = gr.Image(visible=False, format="png", type="filepath", label=translate("result"))
    words = gr.Textbox(visible=False, label=translate("status"))
    outputs = [results.picture, results.gallery, words, results.chart, results.shown_run]
    for name, handler, returned in (
        ("stylize", stylize, outputs),
        ("stylize_image", stylize_image, picture),
    ):
        gr.Button(visible=False).click(
            handler, run_inputs, returned, api_name=name, validator=check_inputs, **_IN_LINE
        )


def _status_only(shown: Status) -> Outputs:
    return Outputs(None, [], shown, None, None)


def _variation_status(shown: Status) -> VariationOutputs:
    return VariationOutputs((), shown)


def chosen_variation(event: gr.SelectData, variations: Variations, inputs: Inputs) -> Any:
    """Event handler: `seed`, `noise_ratio` and pictures of the variation that was selected."""
    chosen = selected_index(event, len(variations))
    if chosen is None:
        return gr.skip()
    name, seed = variations[chosen]
    found = find_result(name)
    asked = visit_of(found.run) if found else Visit()
    values = {"seed": seed}
    if "noise_ratio" in asked.values:
        values["noise_ratio"] = asked.values["noise_ratio"]
    return set_inputs(asked.pictures, values, inputs)


def next_seed(variations: Variations, seed: Any) -> Any:
    """Event handler: the seed after those of the displayed variations, if it is one of theirs."""
    displayed = [seed for _, seed in variations]
    return (displayed[-1] + 1) % 2**32 if seed in displayed else gr.skip()
