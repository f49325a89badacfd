"""Helpers that read uploaded pictures: how many at once, and copies that browsers can show."""

from __future__ import annotations

import functools
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from neural_style.errors import FileError
from neural_style.files import make_folder
from neural_style.images.files import LONGEST, load_image, read_format, save_image
from neural_style.web.run.addresses import parts_folder
from neural_style.web.run.checks import gradio_error
from neural_style.web.text.languages import DEFAULT_LANGUAGE
from neural_style.web.text.texts import translate

_MOST_AT_ONCE = 8
"""Helpers do not wait in the line of runs; more than these would take all of the server's threads
for the time that it takes to read large pictures."""

_FREE = threading.BoundedSemaphore(_MOST_AT_ONCE)


def bounded(helper: Callable) -> Callable:
    """Decorator: refuses a call while too many helpers read pictures.

    Raises:
        gr.Error: There are too many, which happens to visitors of a misused server only; or a file
            cannot be written.
    """

    @functools.wraps(helper)
    def run(*arguments: Any) -> Any:
        if not _FREE.acquire(blocking=False):
            raise gr.Error(translate("busy_helpers"), print_exception=False)
        try:
            return helper(*arguments)
        except FileError as error:
            raise gradio_error(error, DEFAULT_LANGUAGE) from error
        finally:
            _FREE.release()

    return run


def browser_copy(path: str) -> str | None:
    """A JPEG of the same name where browsers cannot show the picture, as of HEIC; else None.

    Raises:
        ImageError: The file cannot be read.
        FileError: The copy cannot be written.
    """
    if read_format(path) != "HEIF":
        return None
    folder = parts_folder() / secrets.token_urlsafe(16)
    make_folder(folder)
    return str(save_image(load_image(path, longest=LONGEST), folder / f"{Path(path).stem}.jpg"))
