"""Translation of ZeroGPU's errors into texts of the page."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any, no_type_check

import gradio as gr

from neural_style.messages import Message
from neural_style.web.run import status
from neural_style.web.run.call import language_argument
from neural_style.web.run.view import Outputs
from neural_style.web.text.texts import localize, translate

_TEXTS_BY_TITLE = {
    "ZeroGPU quota exceeded": "gpu_quota",
    "ZeroGPU pending credits exceeded": "gpu_quota",
    "ZeroGPU illegal duration": "gpu_too_long",
    "ZeroGPU queue timeout": "gpu_busy",
    "ZeroGPU worker error": "gpu_aborted",
}
"""Title of an error raised by the `spaces` package → key of the text for it."""


def explain_gpu_errors(handler: Callable[..., Iterator]) -> Callable[..., Iterator]:
    """The handler, with ZeroGPU's errors translated and shown in the status line.

    The other outputs keep their last values.
    """

    @no_type_check  # Gradio would not see that a type-checked wrapper is a generator
    @functools.wraps(handler)
    def run(*arguments: Any) -> Iterator:
        shown = None
        try:
            with closing(handler(*arguments)) as results:
                for shown in results:
                    yield shown
        except gr.Error as error:
            if error.title not in _TEXTS_BY_TITLE:
                raise
            language = language_argument(handler, *arguments)
            reason = Message(_TEXTS_BY_TITLE[error.title])
            if isinstance(shown, Outputs):
                yield replace(shown, status=status.failed(reason, language))
            words, title = localize(reason, language), translate("error_title", language)
            raise gr.Error(words, title=title, print_exception=False) from error

    return run
