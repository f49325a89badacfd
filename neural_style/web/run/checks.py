"""What visitors may send: the parameters of every endpoint, and whether a value will do."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import Field
from typing import Any, NamedTuple

import gradio as gr
from gradio.utils import get_upload_folder, is_in_or_equal

from neural_style.errors import NeuralStyleError, SettingsError
from neural_style.settings.knob import read_knob, write_knob
from neural_style.settings.settings import Settings, knobs
from neural_style.web.run.cost import check_cost
from neural_style.web.text.texts import LANGUAGES, PageError, knob_help, localize, say

PAGE_LIMITS = {"iterations": 2000, "size": 1536}
"""What one visit may cost, where that is less than the knob allows; the shell goes further."""

MAX_UPLOAD_MEGABYTES = 30

PICTURES = ("content", "style", "init_image")
MORE_PICTURES = ("style_2", "mask", "mask_2", "keep_mask")
"""Pictures that may be given beside the two."""


class Call(NamedTuple):
    """What a visitor or a program has asked for, as it was sent."""

    content: str | None
    style: str | None
    init_image: str | None
    values: tuple[Any, ...]
    more: tuple[str | None, ...]
    language: str


def page_knobs() -> dict[str, Field]:
    """The knobs that visitors may turn: all but those that belong to the host."""
    return {name: about for name, about in knobs().items() if not about.metadata["host"]}


def read_call(arguments: tuple[Any, ...]) -> Call:
    """The arguments of a handler with `named_parameters`; the last ones may be missing."""
    first, rest = arguments[: len(PICTURES)], arguments[len(PICTURES) :]
    count = len(page_knobs())
    values, rest = rest[:count], rest[count:]
    missing = (None,) * (len(MORE_PICTURES) - len(rest))
    more = (*rest[: len(MORE_PICTURES)], *missing)
    language = rest[len(MORE_PICTURES)] if len(rest) > len(MORE_PICTURES) else LANGUAGES[0]
    return Call(*first, values, more, language)


def named_parameters(handler: Callable) -> Callable:
    """Gives a handler of `(*arguments)` a named parameter for each: the pictures, a value for every
    knob of the page, more pictures, and the language.

    The names, defaults and descriptions that API users see are read from the signature and the
    docstring; taking them from `Settings` keeps the two from drifting apart.
    """
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    optional = str | None
    parameters = [
        *(inspect.Parameter(name, kind, annotation=str) for name in PICTURES[:2]),
        *(inspect.Parameter(n, kind, default=None, annotation=optional) for n in PICTURES[2:]),
        *(
            inspect.Parameter(name, kind, default=usual, annotation=type(usual))
            for name, about in page_knobs().items()
            for usual in [write_knob(about, about.default)]
        ),
        *(inspect.Parameter(n, kind, default=None, annotation=optional) for n in MORE_PICTURES),
        inspect.Parameter("language", kind, default=LANGUAGES[0], annotation=str),
    ]
    described = [
        *(f"{name}: {say(f'{name}_help')}" for name in PICTURES),
        *(f"{name}: {knob_help(name)}" for name in page_knobs()),
        *(f"{name}: {say(f'{name}_help')}" for name in (*MORE_PICTURES, "language")),
    ]
    handler.__signature__ = inspect.Signature(parameters)
    handler.__doc__ = "\n".join([handler.__doc__, "", "Args:", *(f"    {x}" for x in described)])
    return handler


@named_parameters
def check_inputs(*arguments: Any) -> list[dict]:
    """Says of each input whether it will do, before anybody waits in line."""
    call = read_call(arguments)
    verdicts = {}
    for name in PICTURES:
        verdicts[name] = _verdict(call.language, check_upload, name, getattr(call, name))
    for (name, about), value in zip(page_knobs().items(), call.values, strict=True):
        verdicts[name] = _verdict(call.language, check_value, about, value)
    for name, path in zip(MORE_PICTURES, call.more, strict=True):
        verdicts[name] = _verdict(call.language, check_upload, name, path)
    verdicts["language"] = gr.validate(True, "")
    if all(verdict["is_valid"] for verdict in verdicts.values()):
        verdicts["iterations"] = _verdict(call.language, _check_together, call)
    return [*verdicts.values()]


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


def settings_of(call: Call) -> Settings:
    """The settings that were asked for.

    Raises:
        SettingsError: A value will not do.
    """
    given = {
        name: check_value(about, value)
        for (name, about), value in zip(page_knobs().items(), call.values, strict=True)
    }
    return Settings(**given)


def refusal(error: NeuralStyleError, language: str) -> gr.Error:
    """What is wrong, as Gradio tells it: it takes what stands between < and > for HTML."""
    message = localize(error.message, language).replace("<", "&lt;")
    return gr.Error(message, title=say("error_title", language), print_exception=False)


def _verdict(language: str, check: Callable, *arguments: Any) -> dict:
    try:
        check(*arguments)
    except SettingsError as error:
        return gr.validate(False, localize(error.message, language))
    return gr.validate(True, "")


def _check_together(call: Call) -> None:
    check_cost(settings_of(call))
