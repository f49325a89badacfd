"""Updates of the page's list of earlier results: what it shows, and what is deleted."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import gradio as gr
from gradio.blocks import Block

from neural_style.web.page.results import Results
from neural_style.web.page.status_view import status_html
from neural_style.web.run import status
from neural_style.web.run.cleanup import delete_run
from neural_style.web.run.finished import has_ended, read_history, result_title
from neural_style.web.run.runs import find_result, find_run, find_shared
from neural_style.web.run.variations import Variations
from neural_style.web.text.texts import translate

Updates = dict[Block, Any]
"""Component → its new value, or `gr.update`; components that are missing stay as they are."""


def history_updates(names: list[str], language: str, results: Results) -> Updates:
    """The stored list of results, and the gallery that shows them."""
    found = [one for one in map(find_result, names) if one]
    titled = [(str(one.picture), result_title(one.run, language)) for one in found]
    return {
        results.history: json.dumps(names),
        results.earlier: titled,
        results.earlier_fold: gr.update(visible=bool(found)),
    }


def forgotten_shown(run: str | None, history: str, language: str, results: Results) -> Updates:
    """Deletes the displayed run; updates that show the example again, and the other results.

    A displayed shared result is put away, but not deleted: it belongs to somebody else.
    """
    names = read_history(history)
    found = find_run(run)
    if found is not None and has_ended(found, 0):
        delete_run(found)
        names = [name for name in names if find_result(name)]
    return history_updates(names, language, results) | _example_again(language, results)


def forgotten_all(history: str, others: Iterable[str], language: str, results: Results) -> Updates:
    """Deletes the stored results; updates that show the example again.

    Args:
        others: Names of more results, those of the displayed album and variations.
    """
    for result in filter(None, map(find_result, [*read_history(history), *others])):
        delete_run(result.run)
    return (
        history_updates([], language, results)
        | _example_again(language, results)
        | _no_variations(results)
    )


def discarded(variations: Variations, run: str | None, language: str, results: Results) -> Updates:
    """Deletes the displayed variations; updates that show what was there before them.

    Args:
        run: The run of the result before them; None if there was none, but the example.
    """
    for result in filter(None, (find_result(name) for name, _ in variations)):
        delete_run(result.run)
    updates = _no_variations(results) | {results.status: _noted("discarded", language)}
    if run is None:
        return updates | {results.example: gr.update(visible=True)}
    return updates | {
        results.picture: gr.update(visible=True, label=translate("result", language)),
        results.actions: gr.update(visible=True),
        # A shared result has none.
        results.tabs: gr.update(visible=find_run(run) is not None),
    }


def changed_elsewhere(run: str | None, history: str, language: str, results: Results) -> Updates:
    """Updates after another tab has changed the stored list of results, and perhaps deleted the
    displayed one.
    """
    updates = stored_history(history, language, results)
    if run and not (find_run(run) or find_shared(run)):
        updates |= _example_again(language, results)
        updates[results.status] = _noted("forgotten_elsewhere", language)
    return updates


def _no_variations(results: Results) -> Updates:
    return {
        results.variations_box: gr.update(visible=False),
        results.variations: None,
        results.kept_variations: (),
        results.latest_variations: "[]",
    }


def _noted(key: str, language: str) -> str:
    return status_html(status.noted(translate(key, language)))


def _example_again(language: str, results: Results) -> Updates:
    """Updates of a page whose result is deleted."""
    return {
        results.status: _noted("forgotten", language),
        results.example: gr.update(visible=True),
        results.picture: put_away(),
        results.actions: gr.update(visible=False),
        results.result_link_box: put_away(),
        results.tabs: gr.update(visible=False),
        results.shown_run: None,
        results.latest_run: None,
    }


def added(names: Iterable[str], history: str, language: str, results: Results) -> Updates:
    """Updates that put new results, as those of an album, before the stored ones; none without."""
    stored = read_history(history)
    new = [name for name in names if name not in stored and find_result(name)]
    if not new:
        return {}
    return history_updates(read_history(json.dumps([*new, *stored])), language, results)


def stored_history(history: str, language: str, results: Results) -> Updates:
    """The results of the stored list that still exist."""
    return history_updates(read_history(history), language, results)


def put_away() -> Any:
    """The update that empties and hides a component."""
    return gr.update(value=None, visible=False)
