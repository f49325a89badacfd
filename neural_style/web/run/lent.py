"""A GPU that is lent by the second: what its lender says, in the visitor's words."""

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
from neural_style.web.text.texts import failed, localize, say

_SAID_BY_THE_LENDER = {
    "ZeroGPU quota exceeded": "gpu_quota",
    "ZeroGPU pending credits exceeded": "gpu_quota",
    "ZeroGPU illegal duration": "gpu_too_long",
    "ZeroGPU queue timeout": "gpu_busy",
    "ZeroGPU worker error": "gpu_aborted",
}
"""Titles of the errors that the `spaces` package raises, and our words for them."""


def in_plain_words(handler: Callable[..., Iterator]) -> Callable[..., Iterator]:
    """The handler, which yields what is shown, with the lender's errors explained.

    What was shown last stays, under a line that says why it goes no further.
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
            if error.title not in _SAID_BY_THE_LENDER:
                raise
            language = language_of(handler, *arguments)
            reason = Message(_SAID_BY_THE_LENDER[error.title])
            if isinstance(shown, Outputs):
                yield replace(shown, line=failed(reason, language))
            words, title = localize(reason, language), say("error_title", language)
            raise gr.Error(words, title=title, print_exception=False) from error

    return run
