"""Serves the page: limits, and errors of the API."""

from __future__ import annotations

import inspect
from typing import Any

import gradio as gr
from fastapi import Request
from fastapi.responses import JSONResponse

from neural_style.web.page.run_events import MOST_WAITING
from neural_style.web.page.style_sheet import CSS, make_theme
from neural_style.web.run.addresses import private_folder
from neural_style.web.run.checks import MAX_UPLOAD_MEGABYTES
from neural_style.web.run.handlers import run_stylize
from neural_style.web.text.texts import translate


def serve(page: gr.Blocks, **options: Any) -> tuple[Any, str, str | None]:
    """Serves the page with the limits of a public demo, and as MCP server.

    Args:
        options: Arguments of Gradio's `launch`.

    Returns:
        What `launch` returns: the app, the local URL and the share URL.
    """
    page.queue(max_size=MOST_WAITING, api_open=False)
    app_kwargs = {"exception_handlers": {TypeError: _parameter_error_response}}
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


def _parameter_error_response(request: Request, error: TypeError) -> JSONResponse:
    """A response that names the parameters of an API call with missing or unknown ones."""
    if "/call/v2/" not in request.url.path:
        raise error
    names = ", ".join(inspect.signature(run_stylize).parameters)
    reason = str(error).split(" Please click")[0].rstrip(".") + "."
    return JSONResponse({"detail": translate("api_parameters", error=reason, names=names)}, 400)
