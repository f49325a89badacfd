"""Serves the page: limits, theme, and errors of the API."""

from __future__ import annotations

import inspect
from typing import Any

import gradio as gr
from fastapi import Request
from fastapi.responses import JSONResponse

from neural_style.web.page.style_sheet import CSS
from neural_style.web.run.checks import MAX_UPLOAD_MEGABYTES
from neural_style.web.run.handlers import run_stylize
from neural_style.web.run.runs import private_folder
from neural_style.web.text.texts import translate


def serve(page: gr.Blocks, **options: Any) -> tuple[Any, str, str | None]:
    """Serves the page with the limits of a public demo, and as MCP server.

    Args:
        options: Arguments of Gradio's `launch`.

    Returns:
        What `launch` returns: the app, the local URL and the share URL.
    """
    page.queue(max_size=20, api_open=False)
    app_kwargs = {"exception_handlers": {TypeError: _parameter_error_response}}
    return page.launch(
        theme=_theme(),
        css=CSS,
        max_file_size=f"{MAX_UPLOAD_MEGABYTES}mb",
        show_error=False,
        enable_monitoring=False,
        blocked_paths=[str(private_folder())],
        mcp_server=True,
        app_kwargs=app_kwargs,
        **options,
    )


def _theme() -> gr.themes.Default:
    """Gradio's default theme with colors of higher contrast."""
    theme = gr.themes.Default(
        primary_hue="indigo", neutral_hue="slate", font=["system-ui", "sans-serif"]
    )
    return theme.set(
        body_text_color_subdued="*neutral_600",
        block_info_text_color="*neutral_600",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_cancel_background_fill="#dc2626",
        button_cancel_background_fill_hover="#b91c1c",
    )


def _parameter_error_response(request: Request, error: TypeError) -> JSONResponse:
    """A response that names the parameters of an API call with missing or unknown ones."""
    if "/call/v2/" not in request.url.path:
        raise error
    names = ", ".join(inspect.signature(run_stylize).parameters)
    reason = str(error).split(" Please click")[0].rstrip(".") + "."
    return JSONResponse({"detail": translate("api_parameters", error=reason, names=names)}, 400)
