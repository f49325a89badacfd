"""Opening the page: language, link, last visit, earlier results; and what the browser stores.

The browser's local storage has the list of results and the last visit as JSON. `gr.BrowserState` is
not used: its value is encrypted with a key of the page's own, so tabs cannot merge their lists.
"""

from __future__ import annotations

import json
from typing import Any

import gradio as gr
from gradio.blocks import Block

from neural_style.errors import NeuralStyleError
from neural_style.web.page.album import album_after_deletion, album_outputs
from neural_style.web.page.controls import (
    IN_BROWSER,
    UNQUEUED,
    estimate,
    estimate_inputs,
    estimate_outputs,
)
from neural_style.web.page.inputs import Inputs
from neural_style.web.page.links import RESULT_PARAMETER, read_query
from neural_style.web.page.results import Results
from neural_style.web.page.run_updates import (
    Updates,
    film,
    forgotten_all,
    forgotten_shown,
    opened,
    opened_shared,
    or_skip,
    stored_history,
)
from neural_style.web.page.scripts import (
    BROWSER_LANGUAGE_JS,
    SCROLL_TO_STATUS_JS,
    SET_DOCUMENT_LANGUAGE_JS,
    SET_ROLE_OF_EMPTY_JS,
    WATCH_CONNECTION_JS,
)
from neural_style.web.page.status_view import status_html
from neural_style.web.page.widgets import Localizer, selected_index
from neural_style.web.run import runs, status
from neural_style.web.run.album import Album
from neural_style.web.run.call import EXTRA_PICTURES, PICTURES
from neural_style.web.run.finished import (
    open_shared_result,
    read_history,
    read_recipe_values,
)
from neural_style.web.run.visit import Visit, read_visit
from neural_style.web.text.texts import translate

_HISTORY_KEY, _VISIT_KEY = "neural-style-space.results", "neural-style-space.visit"
"""Keys in the browser's local storage."""

READ_HISTORY_JS = (
    f"(run, _, language) => [run, localStorage.getItem({json.dumps(_HISTORY_KEY)}) ?? '', language]"
)
"""JavaScript: the list of results as it is stored now, perhaps changed by another tab."""

WRITE_HISTORY_JS = f"""(results) => {{
  if (results) localStorage.setItem({json.dumps(_HISTORY_KEY)}, results);
}}"""

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
  store({{pictures, values, run: visit.run}});
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
    pictures = _pictures(inputs)
    stored = [*pictures.values(), *inputs.widgets.values()]
    store_js = store_inputs_js([*pictures], [*inputs.widgets])
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
        [*stored, *_opened_components(results)],
        js=f"""() => [
  {BROWSER_LANGUAGE_JS},
  localStorage.getItem({json.dumps(_HISTORY_KEY)}) ?? "",
  localStorage.getItem({json.dumps(_VISIT_KEY)}) ?? "",
]""",
        show_progress_on=language,
        **UNQUEUED,
    ).then(estimate, estimate_inputs(inputs, language), estimate_outputs(inputs), **UNQUEUED).then(
        None, stored, js=_opened_js(store_js), **IN_BROWSER
    ).then(show_film, results.latest_run, [results.film, results.film_file], **UNQUEUED)
    for script in (SET_DOCUMENT_LANGUAGE_JS, SET_ROLE_OF_EMPTY_JS, WATCH_CONNECTION_JS):
        page.load(None, js=script, api_visibility="private")
    for opening in _connect_earlier(inputs, results, language):
        opening.then(None, js=SCROLL_TO_STATUS_JS, **IN_BROWSER)
        opening.then(show_film, results.latest_run, [results.film, results.film_file], **UNQUEUED)


def _connect_earlier(
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

    def forget_all(history: str, language: str) -> Updates:
        return forgotten_all(history, language, results)

    def forget_shown(run: str | None, history: str, language: str) -> Updates:
        return forgotten_shown(run, history, language, results)

    stored = [*_pictures(inputs).values(), *inputs.widgets.values()]
    opened_outputs = [*stored, *_opened_components(results)]
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
    stored_now = f"localStorage.getItem({json.dumps(_HISTORY_KEY)}) ?? ''"
    outputs = [
        *(results.status, results.example, results.picture, results.actions, results.tabs),
        *(results.shown_run, results.latest_run, results.result_link_box),
        *(results.history, results.earlier, results.earlier_fold),
    ]
    for button, handler, handler_inputs, js in (
        (
            results.forget,
            forget_all,
            [results.history, language],
            f"(_, language) => [{stored_now}, language]",
        ),
        (
            results.forget_shown,
            forget_shown,
            [results.shown_run, results.history, language],
            READ_HISTORY_JS,
        ),
    ):
        button.click(handler, handler_inputs, outputs, js=js, **UNQUEUED).then(
            None, results.history, js=WRITE_HISTORY_JS, **IN_BROWSER
        ).then(delete_from_album, results.kept_album, album_outputs(results), **UNQUEUED)
    return opening


def _pictures(inputs: Inputs) -> dict[str, gr.Image]:
    """The inputs for pictures by name."""
    named = dict(zip(PICTURES, (inputs.content, inputs.style, inputs.start_image), strict=True))
    return named | dict(zip(EXTRA_PICTURES, inputs.extra_pictures, strict=True))


def _opened_components(results: Results) -> list[Block]:
    """The components that may change when a result or a visit is opened, except inputs."""
    return [
        *(results.status, results.example, results.picture, results.actions, results.tabs),
        *(results.compare, results.files, results.details, results.gallery, results.chart),
        *(results.earlier_fold, results.earlier, results.history, results.more_iterations),
        *(results.shown_run, results.latest_run),
        *(results.result_link_box, results.go_on, results.forget_shown),
    ]


def _open_link(query: dict[str, str], language: str, inputs: Inputs, results: Results) -> Updates:
    """The pictures and settings of a link, and its result."""
    path, values, messages = open_shared_result(query.pop(RESULT_PARAMETER, None), language)
    pictures, link_values, ignored = read_query(query, language)
    updates = _set_inputs(pictures, values | link_values, inputs)
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
    """The pictures, the settings and the run of the last visit."""
    updates = _set_inputs(visit.pictures, visit.values, inputs)
    if visit.run is not None:
        updates |= opened(visit.run, history, language, results, has_left=True)
    elif visit.lost:
        updates[results.status] = status_html(status.noted(translate("pictures_gone", language)))
    return updates


def _open_result(
    result: runs.Result, history: str, language: str, inputs: Inputs, results: Results
) -> Updates:
    """An earlier result with its settings, and with its pictures if they still exist."""
    updates = opened(result.run, history, language, results)
    try:
        values, _ = read_recipe_values(str(result.picture))
        call = runs.read_call(result.run)
        pictures = read_visit(json.dumps({"pictures": call.pictures})).pictures
    except NeuralStyleError:
        return updates
    return updates | _set_inputs(pictures, values, inputs)


def _set_inputs(pictures: dict[str, str], values: dict[str, Any], inputs: Inputs) -> Updates:
    named = _pictures(inputs)
    return {named[name]: path for name, path in pictures.items()} | {
        inputs.widgets[name]: value for name, value in values.items()
    }
