"""What there is when a run has ended, and what is done with its picture later."""

from __future__ import annotations

import secrets
from itertools import chain
from pathlib import Path
from typing import Any

import gradio as gr

from neural_style.images.files import LONGEST, load_image, resize, save_image
from neural_style.images.video import film_every, save_film
from neural_style.web.run import runs
from neural_style.web.run.checks import Call, page_knobs, refusal
from neural_style.web.run.handlers import restore
from neural_style.web.text.texts import PageError, say

_END_SECONDS = 60
"""A run that was stopped ends within one iteration, or when its network is loaded."""

_RESULTS_KEPT = 12


def finish(run: str | None, history: Any, language: str) -> list[Any]:
    """What there is when a run has ended: its picture, the line, the comparison, the film, files,
    and the visitor's results up to now.
    """
    folder = runs.find_run(run)
    end = runs.wait_for_end(folder, _END_SECONDS) if folder else None
    if end is None:
        return 7 * [gr.skip()]
    if end["picture"] is None:
        return [gr.skip(), end["line"], *(5 * [gr.skip()])]
    picture = Path(end["picture"])
    image = load_image(picture)
    before = save_image(
        resize(
            load_image(Call(*runs.read_call_of(folder)).content, longest=LONGEST), *image.shape[-2:]
        ),
        folder / f"content-{secrets.token_urlsafe(16)}.jpg",  # not to be guessed from a result's
    )
    kept = save_image(image, picture.with_suffix(".jpg"))
    shots = sorted(folder.glob("film-*.jpg"))
    shots = shots[:: film_every(len(shots))]
    films = [
        save_film(
            chain(map(load_image, shots), [image]),
            folder / f"time-lapse-{end['iteration']:06d}{ending}",
            end["size"],
        )
        for ending in (".webp", ".mp4")
    ]
    results = [
        {"path": str(picture)},
        *(h for h in recall(history)[0] if h["path"] != str(picture)),
    ]
    results = results[:_RESULTS_KEPT]
    return [
        str(picture),
        end["line"],
        (str(before), str(picture)),
        str(films[0]),
        [str(file) for file in (picture, kept, *films)],
        results,
        [result["path"] for result in results],
    ]


def recall(history: Any) -> tuple[list[dict], list[str]]:
    """The visitor's results that are still there: to be remembered, and to be shown.

    What a browser has remembered may be anything; only pictures of runs are taken.
    """
    remembered = history if isinstance(history, list) else []
    paths = [
        one["path"]
        for one in remembered
        if isinstance(one, dict) and isinstance(one.get("path"), str)
    ]
    there = [path for path in paths[:_RESULTS_KEPT] if runs.find_result(path)]
    return [{"path": path} for path in there], there


def reached(run: str | None) -> str | None:
    """The run's picture, if there is one; a shared result is its own."""
    folder = runs.find_run(run)
    if folder is None:
        shared = runs.find_result(run) if run else None
        return str(shared) if shared else None
    end = runs.last_end(folder)
    return end["picture"] if end else None


def reuse(run: str | None, language: str) -> str:
    """The run's picture, to be brought again."""
    picture = reached(run)
    if picture is None:
        raise refusal(PageError("no_result"), language)
    return picture


def open_result(name: str | None, language: str) -> tuple[str | None, dict[str, Any], list[str]]:
    """What a link to a result opens: its picture, the values of the knobs, and what is said."""
    if name is None:
        return None, {}, []
    picture = runs.result_named(name)
    if picture is None:
        return None, {}, [say("result_gone", language)]
    values = dict(zip(page_knobs(), restore(str(picture), language), strict=True))
    return str(picture), values, [say("result_shared", language)]
