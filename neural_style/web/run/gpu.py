"""Errors of ZeroGPU, in the visitor's words."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any, no_type_check

import gradio as gr

from neural_style.messages import Message
from neural_style.web.run.call import language_of
from neural_style.web.run.show import Outputs
from neural_style.web.text.texts import failure_status, localize, translate

_TEXTS_BY_TITLE = {
    "ZeroGPU quota exceeded": "gpu_quota",
    "ZeroGPU pending credits exceeded": "gpu_quota",
    "ZeroGPU illegal duration": "gpu_too_long",
    "ZeroGPU queue timeout": "gpu_busy",
    "ZeroGPU worker error": "gpu_aborted",
}
"""Title of an error that the `spaces` package raises → key of the text for it."""


def in_plain_words(handler: Callable[..., Iterator]) -> Callable[..., Iterator]:
    """The handler, with ZeroGPU's errors explained in the status line.

    The outputs shown last stay.
    """

    @no_type_check  # a checker's wrapper would be no generator function to Gradio
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
            language = language_of(handler, *arguments)
            reason = Message(_TEXTS_BY_TITLE[error.title])
            if isinstance(shown, Outputs):
                yield replace(shown, line=failure_status(reason, language))
            words, title = localize(reason, language), translate("error_title", language)
            raise gr.Error(words, title=title, print_exception=False) from error

    return run
