"""Earlier results on the page: the galleries that open them, and their deletion."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr
from gradio.blocks import Block

from neural_style.web.page.album import album_after_deletion, album_outputs
from neural_style.web.page.choosers import example_number
from neural_style.web.page.controls import IN_BROWSER, UNQUEUED
from neural_style.web.page.history import (
    Updates,
    changed_elsewhere,
    discarded,
    forgotten_all,
    forgotten_shown,
)
from neural_style.web.page.inputs import Inputs
from neural_style.web.page.results import Results
from neural_style.web.page.run_updates import opened, or_skip
from neural_style.web.page.scripts import SHOW_JS, focus_js, put_away_js
from neural_style.web.page.widgets import Confirmation, selected_index
from neural_style.web.run import runs
from neural_style.web.run.album import Album
from neural_style.web.run.finished import read_history
from neural_style.web.run.variations import Variations
from neural_style.web.run.visit import visit_of

_HISTORY_KEY = "neural-style-space.results"
"""Key of the list of results in the browser's local storage."""

STORED_HISTORY = f"(localStorage.getItem({json.dumps(_HISTORY_KEY)}) ?? '')"
"""JavaScript: the list of results as it is stored now, perhaps changed by another tab."""

WATCH_HISTORY_JS = f"""() => window.addEventListener("storage", (change) => {{
  const others = document.body.dataset.running !== "yes";
  if (others && change.key === {json.dumps(_HISTORY_KEY)})
    document.querySelector("#history-changed").click();
}})"""
"""JavaScript: presses a hidden button when another tab has changed the list, except during a run,
at whose end it is read anyway."""

READ_HISTORY_JS = f"(first, _, ...others) => [first, {STORED_HISTORY}, ...others]"
"""JavaScript: the second input is replaced by `STORED_HISTORY`."""

WRITE_HISTORY_JS = f"""(results) => {{
  if (results) localStorage.setItem({json.dumps(_HISTORY_KEY)}, results);
}}"""


def connect_earlier(
    inputs: Inputs, results: Results, language: gr.Textbox
) -> list[gr.events.Dependency]:
    """Connects the galleries of earlier results and of the album: selecting one opens it; one or
    all can be deleted.

    Returns:
        The events that open one.
    """

    def open_chosen(event: gr.SelectData, names: list[str], history: str, language: str) -> Any:
        chosen = selected_index(event, len(names))
        result = None if chosen is None else runs.find_result(names[chosen])
        if result is None:
            return gr.skip()
        return or_skip(_open_result(result, history, language, inputs, results))

    def open_earlier(event: gr.SelectData, history: str, language: str) -> Any:
        return open_chosen(event, read_history(history), history, language)

    def open_of_album(event: gr.SelectData, album: Album, history: str, language: str) -> Any:
        return open_chosen(event, [name for name, _ in album.pictures], history, language)

    def delete_from_album(album: Album) -> Any:
        return album_after_deletion(album, results)

    def forget_all(history: str, album: Album, variations: Variations, language: str) -> Updates:
        others = [name for name, _ in (*album.pictures, *variations)]
        return forgotten_all(history, others, language, results)

    def forget_shown(run: str | None, history: str, language: str) -> Updates:
        return forgotten_shown(run, history, language, results)

    def discard(variations: Variations, run: str | None, language: str) -> Updates:
        return discarded(variations, run, language, results)

    def change_elsewhere(run: str | None, history: str, language: str) -> Updates:
        return changed_elsewhere(run, history, language, results)

    stored = [*inputs.pictures.values(), *inputs.widgets.values()]
    opened_outputs = [*stored, *opened_components(inputs, results)]
    opening = [
        results.earlier.select(
            open_earlier, [results.history, language], opened_outputs, **UNQUEUED
        ),
        results.album.select(
            open_of_album,
            [results.kept_album, results.history, language],
            opened_outputs,
            js=READ_HISTORY_JS,
            **UNQUEUED,
        ).then(None, results.history, js=WRITE_HISTORY_JS, **IN_BROWSER),
    ]
    outputs = [
        *(results.status, results.example, results.picture, results.actions, results.tabs),
        *(results.shown_run, results.latest_run, results.result_link_box),
        *(results.history, results.earlier, results.earlier_fold),
        *(results.variations_box, results.variations),
        *(results.kept_variations, results.latest_variations),
    ]
    _connect_question(results.discard, results.discard_question)
    results.discard_question.confirm.click(
        discard,
        [results.kept_variations, results.shown_run, language],
        [
            *(results.status, results.variations_box, results.variations),
            *(results.kept_variations, results.latest_variations),
            *(results.example, results.picture, results.actions, results.tabs),
        ],
        **UNQUEUED,
    ).then(None, js=focus_js("#vary"), **IN_BROWSER)
    results.history_changed.click(
        change_elsewhere,
        [results.shown_run, results.history, language],
        outputs,
        js=READ_HISTORY_JS,
        **UNQUEUED,
    )
    for button, question, handler, handler_inputs, js in (
        (
            results.forget,
            results.forget_question,
            forget_all,
            [results.history, results.kept_album, results.kept_variations, language],
            f"(_, ...others) => [{STORED_HISTORY}, ...others]",
        ),
        (
            results.forget_shown,
            results.forget_shown_question,
            forget_shown,
            [results.shown_run, results.history, language],
            READ_HISTORY_JS,
        ),
    ):
        _connect_question(button, question)
        question.confirm.click(handler, handler_inputs, outputs, js=js, **UNQUEUED).then(
            None, results.history, js=WRITE_HISTORY_JS, **IN_BROWSER
        ).then(delete_from_album, results.kept_album, album_outputs(results), **UNQUEUED)
    return opening


def _connect_question(button: gr.Button, question: Confirmation) -> None:
    """Connects the button that asks the question, and its answers, which put it away."""
    button.click(None, None, question.box, js=SHOW_JS, **IN_BROWSER)
    for answer in (question.confirm, question.keep):
        answer.click(None, None, question.box, js=put_away_js(f"#{button.elem_id}"), **IN_BROWSER)


def opened_components(inputs: Inputs, results: Results) -> list[Block]:
    """The components that may change when a result or a visit is opened, except those of
    pictures and settings.
    """
    return [
        *(inputs.photograph.gallery, inputs.painting.gallery),
        *(results.status, results.example, results.picture, results.actions, results.tabs),
        *(results.compare, results.files, results.details, results.gallery, results.chart),
        *(results.earlier_fold, results.earlier, results.history, results.more_iterations),
        *(results.continue_run, results.shown_run, results.latest_run, results.waits_for_run),
        *(results.result_link_box, results.go_on, results.forget_shown),
        *(results.variations_box, results.variations),
        *(results.kept_variations, results.latest_variations),
    ]


def _open_result(
    result: runs.Result, history: str, language: str, inputs: Inputs, results: Results
) -> Updates:
    """An earlier result with its settings, and with its pictures if they still exist."""
    # Not from the recipe: of a continued run it has all iterations, which Paint would make, too.
    asked = visit_of(result.run)
    updates = opened(result.run, history, language, results)
    return updates | set_inputs(asked.pictures, asked.values, inputs)


def set_inputs(pictures: dict[str, str], values: dict[str, Any], inputs: Inputs) -> Updates:
    """Updates that set the inputs to these files and values, by name, and mark the examples among
    the files.
    """
    updates: Updates = {inputs.pictures[name]: path for name, path in pictures.items()}
    updates |= {inputs.widgets[name]: value for name, value in values.items()}
    for chooser in (inputs.photograph, inputs.painting):
        number = example_number(chooser, pictures.get(chooser.name))
        if number is not None:
            updates[chooser.gallery] = gr.update(selected_index=number)
    return updates
