"""The edge to Gradio: handlers that yield `Outputs` become ones that yield a value per output."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, no_type_check

import gradio as gr

from neural_style.web.run.cost import SpeedMeasurement
from neural_style.web.run.show import Outputs


def stop_measurement_first(
    measurement: SpeedMeasurement, handler: Callable[..., Iterator]
) -> Callable[..., Iterator]:
    """The handler, which stops the measurement of the machine's speed before it starts."""

    @no_type_check  # a checker's wrapper would be no generator function to Gradio
    @functools.wraps(handler)
    def run(*arguments: Any) -> Iterator:
        measurement.stop()
        with closing(handler(*arguments)) as results:
            yield from results

    return run


def for_programs(handler: Callable[..., Iterator[Outputs]]) -> Callable[..., Iterator[tuple]]:
    """The handler for the API, where nothing is shown already."""

    @no_type_check  # a checker's wrapper would be no generator function to Gradio
    @functools.wraps(handler)
    def run(*arguments: Any) -> Iterator[tuple]:
        with closing(handler(*arguments)) as results:
            for shown in results:
                folder = gr.skip() if shown.run is None else shown.run
                yield shown.picture, shown.gallery, shown.line, shown.chart, folder

    return run


def on_the_page(handler: Callable[..., Iterator[Outputs]]) -> Callable[..., Iterator[tuple]]:
    """The handler for a page that shows something already: until it has a picture, and where it is
    refused, that stays, and only the line changes.

    After the run that is shown it yields the one that was begun, which may never be shown.
    """

    @no_type_check  # as above
    @functools.wraps(handler)
    def run(*arguments: Any) -> Iterator[tuple]:
        with closing(handler(*arguments)) as results:
            for shown in results:
                begun = gr.skip() if shown.run is None else shown.run
                if shown.picture is None:
                    yield gr.skip(), gr.skip(), shown.line, gr.skip(), gr.skip(), begun
                else:
                    yield shown.picture, shown.gallery, shown.line, shown.chart, begun, begun

    return run
