"""Whether what visitors send will do: pictures, values, and all of it together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder, is_in_or_equal

from neural_style.errors import NeuralStyleError, SettingsError
from neural_style.settings.knob import read_knob
from neural_style.settings.settings import Settings
from neural_style.web.run.call import SIGNATURE, call_of, named_parameters, page_knobs
from neural_style.web.run.cost import check_cost
from neural_style.web.text.texts import PageError, localize, translate

PAGE_LIMITS = {"iterations": 2000, "size": 1536}
"""What one visit may cost, where that is less than the knob allows; the shell goes further."""

MAX_UPLOAD_MEGABYTES = 30


@named_parameters
def check_inputs(*arguments: Any, **named: Any) -> list[dict]:
    """Says of each input whether it will do, before anybody waits in line."""
    call = call_of(*arguments, **named)
    language = call.language
    verdicts = {
        name: _verdict(language, check_upload, name, path) for name, path in call.pictures.items()
    }
    for name, about in page_knobs().items():
        verdicts[name] = _verdict(language, check_value, about, call.values[name])
    verdicts["language"] = gr.validate(True, "")
    if all(verdict["is_valid"] for verdict in verdicts.values()):
        verdicts["iterations"] = _verdict(language, _check_together, call.values)
    return [verdicts[name] for name in SIGNATURE.parameters]


def check_upload(name: str, path: str | None) -> str | None:
    """The path, if it leads to an uploaded file: Gradio lets paths of the host through.

    Raises:
        PageError: It does not, or there is none and there must be.
    """
    if path is None and name in _NEEDED:
        raise PageError(_NEEDED[name])
    try:
        uploaded = path is None or is_in_or_equal(path, get_upload_folder())
    except ValueError:  # not even a path
        uploaded = False
    if not uploaded:
        raise PageError("not_uploaded", name=name)
    return path


_NEEDED = {"content": "no_content", "style": "no_style", "recipe": "no_recipe"}
"""What is said where one of these is missing."""


def check_value(about: Field, value: Any) -> Any:
    """The value that the page's words stand for, if both its knob and the page allow it.

    Raises:
        SettingsError: They do not.
    """
    checked = read_knob(about, value)
    limit = PAGE_LIMITS.get(about.name)
    if limit is not None and checked > limit:
        raise PageError("over_page_limit", name=about.name, limit=limit)
    return checked


def settings_of(values: dict[str, Any]) -> Settings:
    """The settings that these values of the page's knobs ask for.

    Raises:
        SettingsError: A value will not do.
    """
    given = {name: check_value(about, values[name]) for name, about in page_knobs().items()}
    return Settings(**given)


def refusal(error: NeuralStyleError, language: str) -> gr.Error:
    """What is wrong, as Gradio tells it: it takes what stands between < and > for HTML."""
    message = localize(error.message, language).replace("<", "&lt;")
    return gr.Error(message, title=translate("error_title", language), print_exception=False)


def _verdict(language: str, check: Callable, *arguments: Any) -> dict:
    try:
        check(*arguments)
    except SettingsError as error:
        return gr.validate(False, localize(error.message, language))
    return gr.validate(True, "")


def _check_together(values: dict[str, Any]) -> None:
    check_cost(settings_of(values))
