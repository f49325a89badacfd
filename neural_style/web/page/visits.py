"""Opening the page: language, link, last visit, earlier results; and what the browser stores.

The browser's local storage has the list of results and the last visit as JSON. `gr.BrowserState` is
not used: its value is encrypted with a key of the page's own, so tabs cannot merge their lists.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr

from neural_style.web.page.controls import (
    IN_BROWSER,
    UNQUEUED,
    estimate,
    estimate_inputs,
    estimate_outputs,
)
from neural_style.web.page.earlier import (
    STORED_HISTORY,
    WATCH_HISTORY_JS,
    WRITE_HISTORY_JS,
    connect_earlier,
    opened_components,
    set_inputs,
)
from neural_style.web.page.history import Updates, stored_history
from neural_style.web.page.inputs import Inputs
from neural_style.web.page.links import RESULT_PARAMETER, read_query
from neural_style.web.page.results import Results
from neural_style.web.page.run_updates import (
    film,
    opened,
    opened_shared,
    or_skip,
    shown_variations,
)
from neural_style.web.page.scripts import (
    BROWSER_LANGUAGE_JS,
    GROUP_RADIOS_JS,
    GUARD_CLICKS_JS,
    NAME_THUMBNAILS_JS,
    SCROLL_TO_STATUS_JS,
    SET_DOCUMENT_LANGUAGE_JS,
    SET_ROLE_OF_EMPTY_JS,
    WATCH_CONNECTION_JS,
)
from neural_style.web.page.status_view import status_html
from neural_style.web.page.widgets import Localizer
from neural_style.web.run import runs, status
from neural_style.web.run.finished import open_shared_result
from neural_style.web.run.variations import variations_of
from neural_style.web.run.visit import Visit, read_visit
from neural_style.web.text.texts import translate

_VISIT_KEY = "neural-style-space.visit"
"""Key in the browser's local storage."""

_STORED_VISIT = f"(localStorage.getItem({json.dumps(_VISIT_KEY)}) ?? '')"
"""JavaScript: the last visit as it is stored now, perhaps changed by another tab."""

_VISIT_JS = f"""
  const key = {json.dumps(_VISIT_KEY)};
  const store = (visit) => localStorage.setItem(key, JSON.stringify(visit));
  let visit = {{}};
  try {{ visit = JSON.parse(localStorage.getItem(key)) ?? {{}}; }} catch {{}}
"""
"""JavaScript statements: `visit` is the stored last visit, and `store` stores one."""

STORE_RUN_JS = f"""(run) => {{ {_VISIT_JS}
  if (run) store({{...visit, run}});
}}"""
"""JavaScript: stores the run that was started last."""

STORE_VARIATIONS_JS = f"""(names) => {{ {_VISIT_JS}
  if (names) store({{...visit, variations: JSON.parse(names)}});
}}"""
"""JavaScript: stores the variations that are displayed."""


def store_inputs_js(pictures: list[str], knobs: list[str]) -> str:
    """JavaScript: stores pictures and settings; its arguments are their values in this order.

    Nothing is stored until the last visit has been restored, which it would replace.
    """
    return f"""(...given) => {{
  if (document.body.dataset.restored !== "yes") return;
  {_VISIT_JS}
  const pictures = {{}}, values = {{}};
  {json.dumps(pictures)}.forEach((name, i) => {{
    if (given[i]?.path) pictures[name] = given[i].path;
  }});
  {json.dumps(knobs)}.forEach((name, i) => {{ values[name] = given[i + {len(pictures)}]; }});
  store({{...visit, pictures, values}});
}}"""


def _opened_js(store_js: str) -> str:
    """JavaScript: stores the inputs from now on; on a phone, shows a shared result first.

    Args:
        store_js: What `store_inputs_js` returned. Inputs changed meanwhile are stored at once, but
            those of a link do not replace the last visit.
    """
    return f"""(...given) => {{
  document.body.dataset.restored = "yes";
  const parameters = [...new URLSearchParams(location.search).keys()];
  if (parameters.every((name) => name.startsWith("__"))) ({store_js})(...given);
  const shared = parameters.includes({json.dumps(RESULT_PARAMETER)});
  if (shared && window.innerWidth <= 768) document.querySelector("#status").scrollIntoView();
}}"""


def connect_visits(
    page: gr.Blocks, inputs: Inputs, results: Results, language: gr.Textbox, localizer: Localizer
) -> None:
    """Connects the load of the page, the storage of inputs, and the gallery of earlier results."""
    stored = [*inputs.pictures.values(), *inputs.widgets.values()]
    store_js = store_inputs_js([*inputs.pictures], [*inputs.widgets])
    gr.on([one.change for one in stored], None, stored, js=store_js, **IN_BROWSER)

    def set_language(language: str) -> list[Any]:
        return [language, *localizer.updates(language)]

    def open_page(language: str, history: str, visit: str, request: gr.Request) -> Updates:
        query = {n: v for n, v in dict(request.query_params).items() if not n.startswith("__")}
        if query:
            updates = _open_link(query, language, inputs, results)
        else:
            updates = _open_visit(read_visit(visit), history, language, inputs, results)
        if results.history not in updates:
            updates |= stored_history(history, language, results)
        return updates

    def open_ended(history: str, visit: str, language: str) -> Updates:
        return _open_ended(read_visit(visit).run, history, language, results)

    def show_film(run: str | None) -> Any:
        return or_skip(film(run, results))

    language_js = f"() => [{BROWSER_LANGUAGE_JS}]"
    # Progress on one component only, for the reason given in `tools.connect_mask_tool`.
    page.load(
        set_language,
        language,
        [language, *localizer.components],
        js=language_js,
        show_progress_on=language,
        **UNQUEUED,
    ).then(
        open_page,
        [language, results.history, results.visit],
        [*stored, *opened_components(inputs, results)],
        js=f"""() => [
  {BROWSER_LANGUAGE_JS},
  {STORED_HISTORY},
  {_STORED_VISIT},
]""",
        show_progress_on=language,
        **UNQUEUED,
    ).then(estimate, estimate_inputs(inputs, language), estimate_outputs(inputs), **UNQUEUED).then(
        None, stored, js=_opened_js(store_js), **IN_BROWSER
    ).then(show_film, results.latest_run, [results.film, results.film_file], **UNQUEUED)
    for script in (
        SET_DOCUMENT_LANGUAGE_JS,
        SET_ROLE_OF_EMPTY_JS,
        NAME_THUMBNAILS_JS,
        GROUP_RADIOS_JS,
        GUARD_CLICKS_JS,
        WATCH_CONNECTION_JS,
        WATCH_HISTORY_JS,
    ):
        page.load(None, js=script, api_visibility="private")
    results.waits_for_run.tick(
        open_ended,
        [results.history, results.visit, language],
        opened_components(inputs, results),
        js=f"(_, __, language) => [{STORED_HISTORY}, {_STORED_VISIT}, language]",
        **UNQUEUED,
    ).then(None, results.history, js=WRITE_HISTORY_JS, **IN_BROWSER).then(
        show_film, results.latest_run, [results.film, results.film_file], **UNQUEUED
    )
    for opening in connect_earlier(inputs, results, language):
        opening.then(None, js=SCROLL_TO_STATUS_JS, **IN_BROWSER)
        opening.then(show_film, results.latest_run, [results.film, results.film_file], **UNQUEUED)


def _open_link(query: dict[str, str], language: str, inputs: Inputs, results: Results) -> Updates:
    """The pictures and settings of a link, and its result."""
    path, values, messages = open_shared_result(query.pop(RESULT_PARAMETER, None), language)
    pictures, link_values, ignored = read_query(query, language)
    updates = set_inputs(pictures, values | link_values, inputs)
    notes = [*messages, *ignored]
    if path is not None:
        shown = status.shown(language, " ".join(notes))
        updates |= opened_shared(path, shown, language, results)
    elif notes:
        updates[results.status] = status_html(status.noted(" ".join(notes)))
    return updates


def _open_visit(
    visit: Visit, history: str, language: str, inputs: Inputs, results: Results
) -> Updates:
    """The pictures, the settings, the variations and the run of the last visit."""
    updates = set_inputs(visit.pictures, visit.values, inputs)
    varied = variations_of(visit.variations)
    if varied:
        updates |= shown_variations(varied, language, results)
        updates[results.status] = status_html(status.varied(len(varied), language))
    if visit.run is not None:
        updates |= opened(visit.run, history, language, results, has_left=True) or _waiting(
            visit.run, language, results
        )
    elif visit.lost:
        updates[results.status] = status_html(status.noted(translate("pictures_gone", language)))
    return updates


def _waiting(run: Path, language: str, results: Results) -> Updates:
    """Updates where the last run has not ended: the timer looks after it while it goes on."""
    if not runs.goes_on(run):
        return {}
    return {
        results.status: status_html(status.noted(translate("run_goes_on", language))),
        results.waits_for_run: gr.update(active=True),
    }


def _open_ended(run: Path | None, history: str, language: str, results: Results) -> Updates:
    """The updates of the timer: none but the stored list of results until the run has ended."""
    updates: Updates = {results.history: history}
    if run is None or not runs.goes_on(run):
        updates |= {
            results.status: status_html(status.to_do("ready", language)),
            results.waits_for_run: gr.update(active=False),
        }
        if run is not None:
            updates |= opened(run, history, language, results, has_left=True)
    return updates
