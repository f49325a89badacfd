"""Updates of the page's components: while a run goes on, when it has ended, when it is opened."""

from __future__ import annotations

import functools
import html
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, no_type_check

import gradio as gr

from neural_style.errors import SettingsError
from neural_style.web.page.history import Updates, history_updates, put_away
from neural_style.web.page.inputs import Inputs, fold_of
from neural_style.web.page.manners import rounded
from neural_style.web.page.results import MORE_ITERATIONS, Results
from neural_style.web.page.status_view import details_text, status_html
from neural_style.web.run import status
from neural_style.web.run.call import language_argument
from neural_style.web.run.checks import first_fault_or_unusable
from neural_style.web.run.finished import (
    FinishedOutputs,
    finish_run,
    has_ended,
    make_film,
)
from neural_style.web.run.handlers import expected_continuation_seconds
from neural_style.web.run.runs import find_result, find_run, mark_stopped, was_stopped
from neural_style.web.run.status import Status
from neural_style.web.run.variations import VariationOutputs, Variations
from neural_style.web.run.view import Outputs
from neural_style.web.text.texts import format_duration, translate

_REOPENED_TIMEOUT_SECONDS = 1
"""After a reload, the run that the reload has ended writes its picture and state."""


def page_handler(
    handler: Callable[..., Iterator[Outputs]], inputs: Inputs, results: Results
) -> Callable[..., Iterator[Updates]]:
    """The handler for the page, which yields updates of components.

    Before the first picture, and where the run is refused, only the status changes. The error of a
    failed run stays in the status; it is not raised, which would show it a second time.
    """
    return with_updates(handler, _running, inputs, results)


def variations_handler(
    handler: Callable[..., Iterator[VariationOutputs]], inputs: Inputs, results: Results
) -> Callable[..., Iterator[Updates]]:
    """The handler of variations for the page, which yields updates of components."""
    return with_updates(handler, _varying, inputs, results)


def with_updates(
    handler: Callable[..., Iterator],
    updates_of: Callable[[Any, str, Inputs, Results], Updates],
    inputs: Inputs,
    results: Results,
) -> Callable[..., Iterator[Updates]]:
    """The handler, with the updates of what it yields; `updates_of` makes them in a language.

    The first ones let Stop be pressed, which the browser has shown.
    """

    @no_type_check  # Gradio would not see that a type-checked wrapper is a generator
    @functools.wraps(handler)
    def run(*arguments: Any) -> Iterator[Updates]:
        language = language_argument(handler, *arguments)
        current: Status | None = None
        first: Updates = {inputs.stop: gr.update(interactive=True)}
        try:
            with closing(handler(*arguments)) as outputs:
                for shown in outputs:
                    current = shown.status
                    yield first | updates_of(shown, language, inputs, results)
                    first = {}
        except gr.Error as error:
            if current is None or current.kind != "failed":  # not shown yet
                yield show_status(_status_of(error), inputs, results)

    return run


def _status_of(error: gr.Error) -> Status:
    return Status("failed", str(error.title), html.unescape(str(error.message)))


def _varying(shown: VariationOutputs, language: str, inputs: Inputs, results: Results) -> Updates:
    updates = show_status(shown.status, inputs, results)
    if shown.status.kind == "busy":  # not refused
        updates[results.latest_run] = None
    if shown.pictures:
        # In the place of the result, so that both rows are in view.
        updates |= shown_variations(shown.pictures, language, results) | {
            results.picture: gr.update(visible=False),
            results.actions: gr.update(visible=False),
            results.tabs: gr.update(visible=False),
        }
    return updates


def shown_variations(variations: Variations, language: str, results: Results) -> Updates:
    """Updates that show those of the variations that still exist, by name and seed."""
    found = [(find_result(name), seed) for name, seed in variations]
    return {
        results.example: gr.update(visible=False),
        results.variations_box: gr.update(visible=True),
        results.variations: [
            (str(one.picture), translate("seed", language, seed=seed)) for one, seed in found if one
        ],
        results.kept_variations: variations,
        results.latest_variations: json.dumps([name for name, _ in variations]),
    }


def refuse_faults(
    handler: Callable[..., Iterator],
    show: Callable[[Status], Any],
    fault_of: Callable[..., tuple[str, str] | None] = first_fault_or_unusable,
) -> Callable[..., Iterator]:
    """The handler of a run, which refuses a request where an input is missing or wrong.

    Args:
        show: What is yielded for the status of a refused request.
        fault_of: The first wrong input and what is wrong with it, from the handler's arguments.
    """

    @no_type_check  # as in `with_updates`
    @functools.wraps(handler)
    def run(*arguments: Any) -> Iterator:
        fault = fault_of(*arguments)
        if fault:
            yield show(status.refused(*fault, language_argument(handler, *arguments)))
            return
        with closing(handler(*arguments)) as outputs:
            yield from outputs

    return run


def show_status(shown: Status, inputs: Inputs, results: Results) -> Updates:
    """The status, and the folded group of the input that must be changed, opened."""
    updates: Updates = {results.status: status_html(shown)}
    fold = fold_of(shown.field)
    if fold:
        updates[inputs.folds[fold]] = gr.update(open=True)
    return updates


def _running(shown: Outputs, language: str, inputs: Inputs, results: Results) -> Updates:
    updates = show_status(shown.status, inputs, results) | {results.latest_run: shown.run}
    if shown.picture is None:
        return updates
    updates |= {
        results.example: gr.update(visible=False),
        results.picture: _picture(shown.picture, language),
        results.gallery: shown.gallery,
        results.tabs: gr.update(visible=True),
        results.details: details_text(shown.status),
        results.shown_run: shown.run,
    }
    if shown.chart is not None:
        updates[results.chart] = shown.chart
    return updates


def finished(run: str | None, history: str, language: str, results: Results) -> Updates:
    """Updates after a run that ended or was stopped; none after a request that was refused.

    Args:
        run: The run's private folder.
        history: The visitor's results as the browser stores them, unchecked.
    """
    # The stored list is returned unchanged too: this page may have an older one.
    return {results.history: history} | _finished(
        finish_run(run, history, language), run, language, results
    )


def stopped(run: str | None, history: str, varied: int, language: str, results: Results) -> Updates:
    """`finished` for a run that was stopped, perhaps while it waited in line.

    Args:
        varied: Number of the displayed variations.
    """
    found = find_run(run)
    if found is not None:
        mark_stopped(found)
    updates = finished(run, history, language, results)
    if not run:
        updates[results.status] = status_html(status.stopped_without_run(varied, language))
    return updates


def opened(
    run: Path, history: str, language: str, results: Results, *, has_left: bool = False
) -> Updates:
    """Updates that show an earlier run again; none if it has not ended, as in another tab.

    Args:
        has_left: Whether the visitor has left the page since, which stops a run.
    """
    if not has_ended(run, _REOPENED_TIMEOUT_SECONDS):
        return {}
    outputs = finish_run(str(run), history, language)
    cut_off = has_left and not was_stopped(run)
    if cut_off and outputs.status is not None and outputs.steps_left:
        detail = translate("stopped_by_leaving", language)
        outputs = replace(outputs, status=replace(outputs.status, detail=detail))
    updates = _finished(outputs, str(run), language, results)
    updates[results.waits_for_run] = gr.update(active=False)
    if outputs.picture is not None:
        updates[results.shown_run] = updates[results.latest_run] = str(run)
    return updates


def opened_shared(path: str, shown: Status, language: str, results: Results) -> Updates:
    """Updates that show a shared result."""
    return {
        results.status: status_html(shown),
        results.example: gr.update(visible=False),
        results.picture: _picture(path, language),
        results.actions: gr.update(visible=True),
        results.tabs: gr.update(visible=False),
        results.files: [path],
        results.shown_run: path,
        # Only who has made it can go on with it or delete it.
        results.go_on: gr.update(visible=False),
        results.forget_shown: gr.update(visible=False),
    }


def _picture(path: str, language: str) -> Any:
    """The update that shows a picture, under the label that `_varying` may have changed."""
    return gr.update(value=path, visible=True, label=translate("result", language))


def continue_label(run: str | None, more: Any, language: str) -> str:
    """Event handler: the words on Continue, with the estimated time of so many iterations, or how
    many can be made.
    """
    try:
        seconds = rounded(expected_continuation_seconds(run, more))
    except SettingsError as error:
        if error.message.code != "no_such_steps":
            return translate("continue", language)
        return translate("continue_most", language, **error.message.values)
    return translate("continue_timed", language, time=format_duration(seconds, language))


def _finished(
    outputs: FinishedOutputs, run: str | None, language: str, results: Results
) -> Updates:
    updates: Updates = {}
    if outputs.status is not None:
        updates[results.status] = status_html(outputs.status)
    if outputs.picture is not None:
        # Continue ends a stopped run as it was planned.
        more = outputs.steps_left or MORE_ITERATIONS
        updates |= {
            results.example: gr.update(visible=False),
            # Under the name of its download, which its own button gives it, too.
            results.picture: _picture(outputs.files[0], language),
            results.actions: gr.update(visible=True),
            results.tabs: gr.update(visible=True),
            results.compare: outputs.comparison,
            results.files: outputs.files,
            results.details: details_text(outputs.status),
            results.gallery: outputs.gallery,
            results.chart: outputs.chart,
            results.go_on: gr.update(visible=True),
            results.forget_shown: gr.update(visible=True),
            results.result_link_box: put_away(),  # it has the link of another result
            results.more_iterations: more,
            results.continue_run: continue_label(run, more, language),
        }
    if outputs.results is not None:
        updates |= history_updates(outputs.results, language, results)
    return updates


def film(run: str | None, results: Results) -> Updates:
    """The film of a run and its file; no updates without one."""
    films = make_film(run)
    return {} if films is None else {results.film: films[0], results.film_file: films[1]}


def or_skip(updates: Updates) -> Any:
    """The updates as Gradio takes them: it refuses an empty dict."""
    return updates or gr.skip()
