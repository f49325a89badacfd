"""Adapters around the handlers of runs: the line, the measurement of speed, the API's outputs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, no_type_check

import gradio as gr

from neural_style.web.run import status
from neural_style.web.run.call import language_argument
from neural_style.web.run.cost import SpeedMeasurement
from neural_style.web.run.line import Line
from neural_style.web.run.status import Status
from neural_style.web.run.view import Outputs

_WAITING_INTERVAL_SECONDS = 1.0
"""Time between two updates of a waiting run, at which Stop takes effect."""


def stop_measurement_first(
    measurement: SpeedMeasurement, handler: Callable[..., Iterator]
) -> Callable[..., Iterator]:
    """The handler, which stops the measurement of the machine's speed before it starts."""

    @no_type_check  # Gradio would not see that a type-checked wrapper is a generator
    @functools.wraps(handler)
    def run(*arguments: Any) -> Iterator:
        measurement.stop()
        with closing(handler(*arguments)) as results:
            yield from results

    return run


def in_line(
    line: Line,
    seconds: Callable[..., float],
    handler: Callable[..., Iterator],
    show: Callable[[Status], Any],
) -> Callable[..., Iterator]:
    """The handler, which waits for the runs before it and says so.

    Args:
        seconds: Estimated duration of the run, from the handler's arguments.
        show: What is yielded for the status of a waiting run.
    """

    @no_type_check  # as in `stop_measurement_first`
    @functools.wraps(handler)
    def run(*arguments: Any) -> Iterator:
        language = language_argument(handler, *arguments)
        with line.enter(seconds(*arguments)) as place:
            while not line.wait(place, _WAITING_INTERVAL_SECONDS):
                ahead, left = line.before(place)
                if ahead:  # none if its turn has just come
                    yield show(status.waiting(ahead, left, language))
            with closing(handler(*arguments)) as results:
                yield from results

    return run


def api_handler(handler: Callable[..., Iterator[Outputs]]) -> Callable[..., Iterator[tuple]]:
    """The handler for the API, which yields every output."""

    @no_type_check  # as in `stop_measurement_first`
    @functools.wraps(handler)
    def run(*arguments: Any) -> Iterator[tuple]:
        with closing(handler(*arguments)) as results:
            for shown in results:
                folder = gr.skip() if shown.run is None else shown.run
                yield shown.picture, shown.gallery, str(shown.status), shown.chart, folder

    return run
