"""Adapters from handlers that yield `Outputs` to Gradio, which takes a value per component."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, no_type_check

import gradio as gr

from neural_style.web.run.cost import SpeedMeasurement
from neural_style.web.run.view import Outputs


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


def api_handler(handler: Callable[..., Iterator[Outputs]]) -> Callable[..., Iterator[tuple]]:
    """The handler for the API, which yields every output."""

    @no_type_check  # Gradio would not see that a type-checked wrapper is a generator
    @functools.wraps(handler)
    def run(*arguments: Any) -> Iterator[tuple]:
        with closing(handler(*arguments)) as results:
            for shown in results:
                folder = gr.skip() if shown.run is None else shown.run
                yield shown.picture, shown.gallery, shown.status, shown.chart, folder

    return run


def page_handler(handler: Callable[..., Iterator[Outputs]]) -> Callable[..., Iterator[tuple]]:
    """The handler for the page, which keeps the displayed result until there is a new picture.

    Before the first picture, and where the run is refused, only the status line changes. The last
    two outputs are the displayed run and the run that was started last.
    """

    @no_type_check  # as in `stop_measurement_first`
    @functools.wraps(handler)
    def run(*arguments: Any) -> Iterator[tuple]:
        with closing(handler(*arguments)) as results:
            for shown in results:
                begun = gr.skip() if shown.run is None else shown.run
                if shown.picture is None:
                    yield gr.skip(), gr.skip(), shown.status, gr.skip(), gr.skip(), begun
                else:
                    yield shown.picture, shown.gallery, shown.status, shown.chart, begun, begun

    return run
