"""What follows when a run of the page has ended or is stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from neural_style.web.page.controls import (
    IN_BROWSER,
    UNQUEUED,
    estimate,
    estimate_inputs,
    estimate_outputs,
)
from neural_style.web.page.earlier import READ_HISTORY_JS, WRITE_HISTORY_JS
from neural_style.web.page.history import Updates, added
from neural_style.web.page.inputs import Inputs
from neural_style.web.page.results import Results
from neural_style.web.page.run_updates import (
    continue_label,
    film,
    finished,
    or_skip,
    stopped,
)
from neural_style.web.page.scripts import (
    KEEP_STOPPING_JS,
    SCROLL_TO_STATUS_JS,
    end_js,
    failure_js,
    refusal_js,
    stopped_js,
    stopping_js,
)
from neural_style.web.page.tools import unused_strokes_js
from neural_style.web.run.album import Album
from neural_style.web.run.gate import Gate, visitor_of
from neural_style.web.run.variations import Variations

_STOP_SECONDS = 60
"""A stopped run ends after its current step, or after the network is loaded."""


def connect_end(
    started: list[gr.events.Dependency],
    gate: Gate,
    inputs: Inputs,
    results: Results,
    language: gr.Textbox,
) -> None:
    """Connects Stop, and what follows when a run has ended."""

    def add_album(run: str | None, history: str, album: Album, language: str) -> Updates:
        names = [] if run else [name for name, _ in album.pictures]
        return added(names, history, language, results)

    def finish(
        run: str | None, history: str, album: Album, _: Variations, language: str
    ) -> Updates:
        updates = finished(run, history, language, results)
        return updates | add_album(run, history, album, language)

    def finish_stopped(
        run: str | None,
        history: str,
        album: Album,
        variations: Variations,
        language: str,
        request: gr.Request,
    ) -> Updates:
        gate.wait_for_end(visitor_of(request), _STOP_SECONDS)
        varied = 0 if album.pictures else len(variations)
        updates = stopped(run, history, varied, language, results)
        return updates | add_album(run, history, album, language)

    def finish_film(run: str | None) -> Any:
        return or_skip(film(run, results))

    def after(js: str) -> dict[str, Any]:
        return {"fn": None, "outputs": buttons, "js": js, **IN_BROWSER}

    def show(ended: Callable[..., gr.events.Dependency], handler: Callable[..., Updates]) -> Any:
        # Unqueued: runs that wait must not hold back a result.
        shown = ended(
            handler,
            [
                *(results.latest_run, results.history, results.kept_album),
                *(results.kept_variations, language),
            ],
            [*_finished_components(results), results.history],
            js=READ_HISTORY_JS,
            **UNQUEUED,
        ).then(None, results.history, js=WRITE_HISTORY_JS, **IN_BROWSER)
        measured = estimate_inputs(inputs, language), estimate_outputs(inputs)
        shown.then(estimate, *measured, **UNQUEUED).then(
            None, [language, inputs.estimate], inputs.estimate, js=unused_strokes_js(), **IN_BROWSER
        )
        shown.then(
            continue_label,
            [results.shown_run, results.more_iterations, language],
            results.continue_run,
            **UNQUEUED,
        )
        shown.then(
            finish_film,
            results.latest_run,
            [results.film, results.film_file],
            **UNQUEUED | {"show_progress": "minimal"},
        )
        return shown

    buttons = waiting_buttons(inputs, results)
    waiting = len(buttons) - 3
    inputs.stop.click(None, language, [results.status, inputs.stop], js=stopping_js(), **IN_BROWSER)
    cancelled = inputs.stop.click(None, cancels=started, **UNQUEUED)
    results.status.change(
        None, [results.status, language], results.status, js=KEEP_STOPPING_JS, **IN_BROWSER
    )
    for run in started:
        show(run.success, finish)
    show(cancelled.then, finish_stopped).then(**after(stopped_js(waiting)))
    for failed in (*(run.failure for run in started), results.connection_lost.click):
        failed(None, language, results.status, js=failure_js(), **IN_BROWSER)
    results.connection_lost.click(None, js=SCROLL_TO_STATUS_JS, **IN_BROWSER)
    results.request_failed.click(None, language, results.status, js=refusal_js(), **IN_BROWSER)
    for ended in (*(run.then for run in started), results.connection_lost.click):
        ended(**after(end_js(waiting)))


def waiting_buttons(inputs: Inputs, results: Results) -> list[gr.Button]:
    """Paint, Variations and Stop, which change when a run starts or ends, and the buttons that wait
    for its end.
    """
    return [
        *(inputs.stylize, inputs.vary, inputs.stop),
        *(results.continue_run, inputs.paint_album),
        *(results.result_link, results.as_content, results.as_start, results.forget_shown),
        *(results.discard, results.forget),
    ]


def _finished_components(results: Results) -> list[gr.blocks.Block]:
    """The components that `finished` updates, without the history."""
    return [
        *(results.status, results.example, results.picture, results.actions, results.tabs),
        *(results.compare, results.files, results.details, results.gallery, results.chart),
        *(results.earlier_fold, results.earlier, results.more_iterations, results.continue_run),
        *(results.result_link_box, results.go_on, results.forget_shown),
    ]
