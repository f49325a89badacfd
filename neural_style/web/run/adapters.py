"""Adapters around the handlers of runs: gate, line, measurement of speed, the API's outputs."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, no_type_check

import gradio as gr

from neural_style.devices import return_memory
from neural_style.web.run import status
from neural_style.web.run.call import language_argument
from neural_style.web.run.checks import gradio_error
from neural_style.web.run.cost import SpeedMeasurement
from neural_style.web.run.gate import Gate, visitor_of
from neural_style.web.run.line import Line
from neural_style.web.run.status import Status
from neural_style.web.run.view import Outputs
from neural_style.web.text.texts import PageError

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


def through_gate(
    gate: Gate, handler: Callable[..., Iterator], show: Callable[[Status], Any] | None = None
) -> Callable[..., Iterator]:
    """The handler with one more parameter, Gradio's request, for a fair share of each visitor.

    It ends a run that nobody receives, and every run when the server stops.

    Args:
        show: What is yielded for the status of a refused request; None to raise `gr.Error`.
    """
    signature = inspect.signature(handler)
    request = inspect.Parameter(
        "request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=gr.Request, default=None
    )

    @no_type_check  # as in `stop_measurement_first`
    @functools.wraps(handler)
    def run(*arguments: Any) -> Iterator:
        if len(arguments) > len(signature.parameters):
            *arguments, request = arguments
        else:
            request = None
        visitor = visitor_of(request)
        try:
            with gate.enter(visitor), closing(handler(*arguments)) as results:
                listener = gate.listener(visitor)
                for shown in results:
                    yield shown
                    if gate.closed:
                        raise PageError("server_stops")
                    if listener.is_gone():
                        return
        except PageError as error:
            language = language_argument(handler, *arguments)
            if show is None:
                raise gradio_error(error, language) from error
            yield show(status.failed(error.message, language))

    run.__signature__ = signature.replace(parameters=[*signature.parameters.values(), request])
    # Where Gradio looks for the type of the request, unless the attribute is set.
    run.__annotations__ = {"request": gr.Request}
    run.__no_type_check__ = False
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
            try:
                with closing(handler(*arguments)) as results:
                    for shown in results:
                        left = _seconds_left(shown)
                        if left is not None:
                            line.expect(place, left)
                        yield shown
            finally:
                return_memory()

    return run


def _seconds_left(shown: Any) -> float | None:
    """The estimated time left of a run, if its outputs have a status that tells it."""
    current = getattr(shown, "status", None)
    return current.seconds_left if isinstance(current, Status) else None


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
