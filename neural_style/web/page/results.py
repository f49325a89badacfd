"""What an ended run changes on the page: updates of `Results`."""

from __future__ import annotations

from typing import Any

import gradio as gr

from neural_style.web.run.finished import FinishedOutputs, finish_run, read_history, to_history


def finish_stopped_run(run: str | None, history: Any, language: str) -> list[Any]:
    """Updates after Stop: picture, status and `Results.file_outputs`."""
    outputs = finish_run(run, history, language)
    return [
        _value_or_skip(outputs.picture),
        _value_or_skip(outputs.status),
        *_file_outputs(outputs),
    ]


def finish_ended_run(run: str | None, history: Any, language: str) -> list[Any]:
    """Updates after a run: the status if an error occurred, and `Results.file_outputs`."""
    outputs = finish_run(run, history, language)
    return [outputs.status if outputs.is_error else gr.skip(), *_file_outputs(outputs)]


def _file_outputs(outputs: FinishedOutputs) -> list[Any]:
    """The values of `Results.file_outputs`."""
    results = outputs.results
    history = None if results is None else to_history(results)
    values = [outputs.comparison, outputs.film, outputs.files, history, results]
    return [_value_or_skip(value) for value in values]


def load_history(history: Any) -> tuple[list[dict[str, str]], list[str]]:
    """The results that still exist, as browser state and as values of the gallery."""
    results = read_history(history)
    return to_history(results), results


def _value_or_skip(value: Any) -> Any:
    return gr.skip() if value is None else value
