"""Serves the page: limits, errors of the API, and the end of the server."""

from __future__ import annotations

import inspect
import logging
import os
import re
import signal
import time
from contextlib import suppress
from typing import Any

import gradio as gr
from fastapi import Request, Response
from fastapi.exceptions import HTTPException
from fastapi.middleware import Middleware
from fastapi.responses import JSONResponse
from gradio.route_utils import FnIndexInferError

from neural_style.errors import FileError
from neural_style.web.page.style_sheet import CSS, make_theme
from neural_style.web.run.addresses import private_folder
from neural_style.web.run.checks import MAX_UPLOAD_MEGABYTES
from neural_style.web.run.cleanup import remember_uploads
from neural_style.web.run.gate import MOST_RUNS, Gate
from neural_style.web.run.handlers import run_stylize
from neural_style.web.run.streams import WatchStreams
from neural_style.web.shield import Shield, has_proxies
from neural_style.web.text.texts import translate
from neural_style.web.turns import Turns

_LOGGER = logging.getLogger(__name__)

_STOP_SECONDS = 7.0
"""Time for runs to end after a signal; containers are usually killed after ten seconds."""

_DELIVERY_SECONDS = 1.0
"""Time for the last outputs to reach the visitors."""


def serve(page: gr.Blocks, gate: Gate, **options: Any) -> tuple[Any, str, str | None]:
    """Serves the page with the limits of a public demo, and as MCP server.

    On Ctrl-C and SIGTERM the runs end, their pictures are kept, and the visitors are told.

    Args:
        gate: The one of the page.
        options: Arguments of Gradio's `launch`.

    Returns:
        What `launch` returns: the app, the local URL and the share URL.

    Raises:
        SystemExit: The port of `GRADIO_SERVER_PORT` is taken.
    """
    page.queue(max_size=5 * MOST_RUNS, api_open=False)
    app_kwargs = {
        "exception_handlers": {
            TypeError: _parameter_error_response,
            HTTPException: _plain_error_response,
            **dict.fromkeys(_ERRORS_OF_BAD_REQUESTS, _bad_request_response),
        },
        "middleware": [
            *(Middleware(Shield), Middleware(Turns)),
            Middleware(WatchStreams, streams=gate.streams),
        ],
    }
    if not has_proxies():
        # uvicorn would believe every sender on this machine.
        os.environ.setdefault("FORWARDED_ALLOW_IPS", "")
    track_files_only(page)
    if not options.get("prevent_thread_lock"):
        _stop_on_signals(page, gate)
    port = os.environ.get("GRADIO_SERVER_PORT", "")
    if port.isdigit():  # otherwise Gradio takes the next free one without a word
        options.setdefault("server_port", int(port))
    try:
        return _launch(page, app_kwargs, **options)
    except OSError:
        if "server_port" not in options:
            raise
        port = options["server_port"]
        raise SystemExit(
            f"Port {port} cannot be used: another program may have it. Set GRADIO_SERVER_PORT to "
            "another one."
        ) from None


def _launch(page: gr.Blocks, app_kwargs: dict, **options: Any) -> tuple[Any, str, str | None]:
    return page.launch(
        theme=make_theme(),
        css=CSS,
        max_file_size=f"{MAX_UPLOAD_MEGABYTES}mb",
        show_error=False,
        enable_monitoring=False,
        blocked_paths=[str(private_folder())],
        mcp_server=True,
        app_kwargs=app_kwargs,
        **options,
    )


class _FilesOnly(set):
    """Paths that Gradio deletes after a day; folders, which requests may name, are left out."""

    def add(self, path: Any) -> None:
        if not os.path.isdir(path):
            super().add(path)


def track_files_only(page: gr.Blocks) -> None:
    """Replaces the sets of files that Gradio deletes: it fails on a folder among them."""
    replaced = {id(files): _FilesOnly(files) for files in page.temp_file_sets}
    page.temp_file_sets = [*replaced.values()]
    for owner in (page, *page.blocks.values()):
        for name in ("temp_files", "upload_file_set"):
            files = getattr(owner, name, None)
            if id(files) in replaced:
                setattr(owner, name, replaced[id(files)])


def _stop_on_signals(page: gr.Blocks, gate: Gate) -> None:
    """Makes Ctrl-C and SIGTERM end the runs and then the server; a second Ctrl-C does not wait."""
    server = os.getpid()

    def stop(number: int, frame: Any) -> None:
        if os.getpid() != server:  # a worker of ZeroGPU, which has inherited the handler
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if not gate.is_idle:
            gate.close(_STOP_SECONDS)
            time.sleep(_DELIVERY_SECONDS)
        # Otherwise Gradio deletes its files now, and no run could be opened again.
        with suppress(FileError):
            remember_uploads({str(file) for files in page.temp_file_sets for file in files})
        for files in page.temp_file_sets:
            files.clear()
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


_ERRORS_OF_BAD_REQUESTS = (
    *(KeyError, IndexError, ValueError, OverflowError, AssertionError, AttributeError),
    FnIndexInferError,
)
"""What Gradio's routes raise for names and numbers of functions that do not exist."""

_INTERNAL = re.compile(r"/\w+/|object at 0x|Cannot move")
"""In an error of Gradio: a path of the server, or an object in its memory."""


def _bad_request_response(request: Request, error: Exception) -> JSONResponse:
    """A response without details of the program."""
    _LOGGER.warning("refused %s: %s", request.url.path[:80], type(error).__name__)
    return JSONResponse({"detail": translate("bad_request")}, 400)


def _plain_error_response(request: Request, error: HTTPException) -> Response:
    """Gradio's response, unless it tells about the server's files."""
    detail = error.detail
    if isinstance(detail, str) and _INTERNAL.search(detail):
        detail = translate("bad_request")
    return JSONResponse({"detail": detail}, error.status_code, error.headers)


def _parameter_error_response(request: Request, error: TypeError) -> JSONResponse:
    """A response that names the parameters of an API call with missing or unknown ones."""
    if "/call/v2/" not in request.url.path:
        return _bad_request_response(request, error)
    names = ", ".join(inspect.signature(run_stylize).parameters)
    reason = str(error).split(" Please click")[0].rstrip(".") + "."
    return JSONResponse({"detail": translate("api_parameters", error=reason, names=names)}, 400)
