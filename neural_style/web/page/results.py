"""The right column of the page: status, picture, what can be done with it, earlier results."""

from __future__ import annotations

from typing import NamedTuple

import gradio as gr

from neural_style.messages import Message
from neural_style.web.page.choosers import example_comparison
from neural_style.web.page.status_view import details_text, status_html
from neural_style.web.page.widgets import (
    Confirmation,
    Localizer,
    confirmation,
    link_box,
    number_input,
    thumbnails,
)
from neural_style.web.run import status
from neural_style.web.run.album import Album

_PICTURE_HEIGHT = 460
"""Pixels; the same for the example and the result, so that nothing jumps."""

MORE_ITERATIONS = 20
"""By how many iterations Continue goes on with a finished run, unless told otherwise."""

_WATCH_INTERVAL_SECONDS = 3

_EXAMPLE = "summer-palace"
"""Content image of the finished example that is shown before a run."""


class Results(NamedTuple):
    """The components of the right column.

    Attributes:
        example: The finished example, which is shown until there is a picture.
        details: Losses, weights and memory plan of the run.
        album: The finished pictures of an album; hidden while there are none.
        album_zip: The same as a ZIP file.
        actions: What can be done with a result; hidden while there is none, and beside variations
            or an album.
        forget_question, forget_shown_question, discard_question: Asked before results are deleted.
        variations_box: The variations, and the button that discards them; hidden without them.
        go_on: Continue, and by how many iterations; hidden while a shared result is shown.
        shown_run: Private folder of the displayed run, or path of a displayed shared result.
        latest_run: The same of the run that was started last; hidden, for the browser to store.
        kept_variations: What `variations` shows: name of the result, and seed.
        latest_variations: Their names as JSON; hidden, for the browser to store.
        kept_album: What `album` and `album_zip` show, as an `Album`.
        history: The visitor's results as JSON, as the browser stores them; hidden.
        visit: The last visit as JSON, as the browser stores it; hidden.
        waits_for_run: Active while the last run goes on elsewhere, as in another tab.
        connection_lost: Pressed by a script if a run could not be requested; hidden.
        request_failed: Pressed by a script if an unqueued event has failed; hidden.
        history_changed: Pressed by a script if another tab has changed the list of results; hidden.
    """

    status: gr.HTML
    example: gr.ImageSlider
    picture: gr.Image
    variations_box: gr.Column
    variations: gr.Gallery
    discard: gr.Button
    discard_question: Confirmation
    album: gr.Gallery
    album_zip: gr.File
    actions: gr.Column
    go_on: gr.Row
    continue_run: gr.Button
    more_iterations: gr.Number
    as_content: gr.Button
    as_start: gr.Button
    result_link: gr.Button
    result_link_box: gr.Textbox
    forget_shown: gr.Button
    forget_shown_question: Confirmation
    files: gr.File
    tabs: gr.Tabs
    compare: gr.ImageSlider
    gallery: gr.Gallery
    film: gr.Image
    film_file: gr.File
    details: gr.Markdown
    chart: gr.LinePlot
    earlier_fold: gr.Accordion
    earlier: gr.Gallery
    forget: gr.Button
    forget_question: Confirmation
    shown_run: gr.State
    latest_run: gr.Textbox
    kept_variations: gr.State
    latest_variations: gr.Textbox
    kept_album: gr.State
    history: gr.Textbox
    visit: gr.Textbox
    waits_for_run: gr.Timer
    connection_lost: gr.Button
    request_failed: gr.Button
    history_changed: gr.Button


def results_column(localizer: Localizer, note: Message) -> Results:
    """Creates the right column: status, picture, what can be done with it, earlier results.

    Args:
        note: Source of the network's weights.
    """
    shown_status = localizer.create(
        gr.HTML,
        {"value": lambda language: status_html(status.ready(note, language))},
        elem_id="status",
    )
    picture_options = {"format": "png", "interactive": False}
    example = localizer.create(
        gr.ImageSlider,
        {"label": "finished_example"},
        value=example_comparison(_EXAMPLE),
        type="filepath",
        height=_PICTURE_HEIGHT,
        max_height=_PICTURE_HEIGHT,
        buttons=["fullscreen"],
        elem_id="example",
        **picture_options,
    )
    picture = localizer.create(
        gr.Image,
        {"label": "result", "alt_text": "result"},
        format="png",
        type="filepath",
        interactive=False,
        height=_PICTURE_HEIGHT,
        visible=False,
        buttons=["download", "fullscreen"],
        elem_id="result",
    )
    lossless = {"format": "png", "fit_columns": False}
    with gr.Column(visible=False, elem_id="variations-box") as variations_box:
        localizer.create(gr.Markdown, {"value": "variations"}, elem_id="variations-heading")
        variations = thumbnails(
            localizer,
            {"label": "variations"},
            elem_id="variations",
            columns=2,
            **lossless,
        )
        discard = localizer.create(gr.Button, {"value": "discard"}, size="sm", elem_id="discard")
        discard_question = confirmation(localizer, "discard_question", "discard-question")
    album = thumbnails(
        localizer,
        {"label": "album_pictures"},
        visible=False,
        elem_id="album-pictures",
        columns=4,
        **lossless,
    )
    album_zip = localizer.create(
        gr.File, {"label": "album_zip"}, interactive=False, visible=False, elem_id="album-zip"
    )
    with gr.Column(visible=False, elem_id="actions") as actions:
        button_size = {"size": "md", "min_width": 100}
        with gr.Row(elem_id="after"):
            result_link, as_content, as_start, forget_shown = (
                localizer.create(gr.Button, {"value": key}, elem_id=elem_id, **button_size)
                for key, elem_id in (
                    ("result_link", "result-link"),
                    ("as_content", "as-content"),
                    ("as_start", "as-start"),
                    ("forget_shown", "forget-shown"),
                )
            )
        forget_shown_question = confirmation(
            localizer, "forget_shown_question", "forget-shown-question"
        )
        result_link_box = link_box(localizer, "result_link")
        with gr.Row(elem_id="go-on") as go_on:
            more_iterations = number_input(
                localizer,
                "continue_by",
                value=MORE_ITERATIONS,
                precision=0,
                min_width=160,
                elem_id="by",
            )
            continue_run = localizer.create(
                gr.Button, {"value": "continue"}, elem_id="continue", **button_size
            )
        files = localizer.create(
            gr.File,
            {"label": "files"},
            file_count="multiple",
            interactive=False,
            elem_id="files",
        )
    with gr.Tabs(visible=False, elem_id="run-tabs") as tabs:
        with localizer.create(gr.Tab, {"label": "on_the_way"}):
            gallery = localizer.create(
                gr.Gallery,
                {"label": "gallery"},
                columns=4,
                height=300,
                object_fit="contain",
                buttons=["download", "fullscreen"],
                elem_id="gallery",
                **picture_options,
            )
        with localizer.create(gr.Tab, {"label": "compare"}):
            compare = localizer.create(
                gr.ImageSlider,
                {"label": "compare"},
                type="filepath",
                max_height=_PICTURE_HEIGHT,
                elem_id="compare",
                **picture_options,
            )
        with localizer.create(gr.Tab, {"label": "film"}):
            film = localizer.create(
                gr.Image,
                {"label": "film", "alt_text": "film"},
                type="filepath",
                height=360,
                buttons=["download", "fullscreen"],
                elem_id="film",
                **picture_options,
            )
            film_file = localizer.create(
                gr.File, {"label": "film_file"}, interactive=False, elem_id="film-file"
            )
        with localizer.create(gr.Tab, {"label": "details"}):
            details = gr.Markdown(
                details_text(status.ready(note)), latex_delimiters=[], elem_id="details"
            )
            chart = localizer.create(
                gr.LinePlot,
                {"label": "chart", "x_title": "chart_x", "y_title": "chart_y"},
                x="iteration",
                y="loss",
                color="term",
                height=310,
                elem_id="chart",
            )
    with localizer.create(
        gr.Accordion, {"label": "history"}, open=True, visible=False, elem_id="fold-earlier"
    ) as earlier_fold:
        earlier = thumbnails(
            localizer, {"label": "history"}, elem_id="earlier", columns=4, **lossless
        )
        forget = localizer.create(gr.Button, {"value": "forget"}, size="sm", elem_id="forget")
        forget_question = confirmation(localizer, "forget_question", "forget-question")
    return Results(
        shown_status,
        example,
        picture,
        variations_box,
        variations,
        discard,
        discard_question,
        album,
        album_zip,
        actions,
        go_on,
        continue_run,
        more_iterations,
        as_content,
        as_start,
        result_link,
        result_link_box,
        forget_shown,
        forget_shown_question,
        files,
        tabs,
        compare,
        gallery,
        film,
        film_file,
        details,
        chart,
        earlier_fold,
        earlier,
        forget,
        forget_question,
        gr.State(None),
        gr.Textbox(visible=False),
        gr.State(()),
        gr.Textbox(visible=False),
        gr.State(Album()),
        gr.Textbox(visible=False),
        gr.Textbox(visible=False),
        gr.Timer(_WATCH_INTERVAL_SECONDS, active=False),
        gr.Button(visible="hidden", elem_id="connection-lost"),
        gr.Button(visible="hidden", elem_id="request-failed"),
        gr.Button(visible="hidden", elem_id="history-changed"),
    )
