"""The album: updates and events of several photographs that are painted one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from neural_style.errors import SettingsError
from neural_style.web.page.controls import UNQUEUED
from neural_style.web.page.history import Updates
from neural_style.web.page.inputs import Inputs
from neural_style.web.page.manners import PRESET_KNOBS, rounded
from neural_style.web.page.results import Results
from neural_style.web.page.run_updates import show_status, with_updates
from neural_style.web.run.album import (
    Album,
    AlbumOutputs,
    expected_album_seconds,
    unreadable,
)
from neural_style.web.run.call import named_values
from neural_style.web.run.checks import parse_settings
from neural_style.web.run.runs import find_result
from neural_style.web.run.status import Status, list_failures
from neural_style.web.run.uploads import bounded
from neural_style.web.text.texts import escape_markdown, format_duration, localize, translate


def album_handler(
    handler: Callable[..., Iterator[AlbumOutputs]], inputs: Inputs, results: Results
) -> Callable[..., Iterator[Updates]]:
    """The handler of albums for the page, which yields updates of components."""
    return with_updates(handler, _painting, inputs, results)


def album_status(shown: Status) -> AlbumOutputs:
    """The outputs of a request that waits or is refused."""
    return AlbumOutputs(None, shown)


def album_outputs(results: Results) -> list[gr.blocks.Block]:
    """The components that `album_updates` updates."""
    return [results.album, results.album_zip, results.kept_album]


def album_updates(album: Album, results: Results) -> Updates:
    """The gallery and the ZIP file of an album, without what has been deleted meanwhile."""
    found = [(find_result(result), result, name) for result, name in album.pictures]
    left = [(str(one.picture), result, name) for one, result, name in found if one]
    zip_file = album.zip_file if album.zip_file and Path(album.zip_file).is_file() else None
    return {
        results.album: gr.update(
            value=[(picture, name) for picture, _, name in left], visible=bool(left)
        ),
        results.album_zip: gr.update(value=zip_file, visible=zip_file is not None),
        results.kept_album: Album(tuple((result, name) for _, result, name in left), zip_file),
    }


def album_after_deletion(album: Album, results: Results) -> Any:
    """Event handler after results were deleted: what is left of the album."""
    updates = album_updates(album, results)
    return gr.skip() if updates[results.kept_album] == album else updates


def _painting(shown: AlbumOutputs, language: str, inputs: Inputs, results: Results) -> Updates:
    updates = show_status(shown.status, inputs, results) | {results.latest_run: None}
    if shown.album is None or not shown.album.pictures:
        return updates
    return (
        updates
        | album_updates(shown.album, results)
        | {
            # Shown beside them; its buttons would seem theirs.
            results.picture: gr.update(label=translate("result_before", language)),
            results.actions: gr.update(visible=False),
        }
    )


def connect_album_line(inputs: Inputs, language: gr.Textbox) -> None:
    """Connects the line that tells the time of an album, or what is wrong with it."""
    gr.on(
        [inputs.album.change, *(inputs.widgets[knob].change for knob in PRESET_KNOBS)],
        bounded(album_line),
        [inputs.album, language, *inputs.widgets.values()],
        inputs.album_line,
        trigger_mode="always_last",
        **UNQUEUED,
    )


def album_line(album: list[str] | None, language: str, *values: Any) -> str:
    """Event handler: the estimated time of an album, and which files cannot be read.

    A text says what is wrong if there are too many photographs or settings are not allowed.
    """
    if not album:
        return ""
    try:
        failures = unreadable(album)
        seconds = expected_album_seconds(parse_settings(named_values(*values)), len(album))
    except SettingsError as error:
        return escape_markdown(localize(error.message, language))
    time = format_duration(rounded(seconds), language)
    line = translate("album_estimate", language, count=len(album), time=time)
    return escape_markdown(" ".join(filter(None, [line, list_failures(failures, language)])))
