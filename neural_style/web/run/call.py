"""What is asked for: the parameters of the endpoints, and a call with its arguments by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import Field, dataclass
from typing import Any

from neural_style.settings.knob import write_knob
from neural_style.settings.settings import knobs
from neural_style.web.text.languages import DEFAULT_LANGUAGE, LANGUAGES
from neural_style.web.text.texts import knob_help, translate

PICTURES = ("content", "style", "init_image")
MORE_PICTURES = ("style_2", "mask", "mask_2", "keep_mask")
"""Pictures that may be given beside the two."""


@dataclass(frozen=True)
class Call:
    """What a visitor or a program has asked for, as it was sent.

    Attributes:
        pictures: Paths by the names in `PICTURES` and `MORE_PICTURES`; None where there is none.
        values: Of every knob of the page, by its name; not yet checked.
        language: One of `LANGUAGES`.
    """

    pictures: dict[str, str | None]
    values: dict[str, Any]
    language: str


def page_knobs() -> dict[str, Field]:
    """The knobs that visitors may turn: all but those that belong to the host."""
    return {name: about for name, about in knobs().items() if not about.metadata["host"]}


def named_values(*values: Any) -> dict[str, Any]:
    """The values of the page's knobs by name, from what Gradio hands over of their widgets."""
    return dict(zip(page_knobs(), values, strict=True))


def _signature() -> inspect.Signature:
    """The pictures, a value for every knob of the page, more pictures, and the language."""
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
        inspect.Parameter("language", kind, default=DEFAULT_LANGUAGE, annotation=str),
    ]
    return inspect.Signature(parameters)


SIGNATURE = _signature()
"""Of the handlers of `stylize` and of what is asked before it."""


def named_parameters(handler: Callable) -> Callable:
    """Gives a handler that makes its arguments a `call_of` their names, as `SIGNATURE` has them.

    The names, defaults and descriptions that API users see are read from the signature and the
    docstring; taking them from `Settings` keeps the two from drifting apart.
    """
    described = [
        *(f"{name}: {translate(f'{name}_help')}" for name in PICTURES),
        *(f"{name}: {knob_help(name)}" for name in page_knobs()),
        *(f"{name}: {translate(f'{name}_help')}" for name in (*MORE_PICTURES, "language")),
    ]
    handler.__signature__ = SIGNATURE
    handler.__doc__ = "\n".join([handler.__doc__, "", "Args:", *(f"    {x}" for x in described)])
    return handler


def call_of(*arguments: Any, **named: Any) -> Call:
    """The arguments of a handler with `named_parameters`, by name."""
    bound = SIGNATURE.bind(*arguments, **named)
    bound.apply_defaults()
    given = bound.arguments
    return Call(
        pictures={name: given[name] for name in (*PICTURES, *MORE_PICTURES)},
        values={name: given[name] for name in page_knobs()},
        language=_spoken(given["language"]),
    )


def language_of(handler: Callable, *arguments: Any) -> str:
    """The language in which a handler with a parameter of that name is to speak."""
    bound = inspect.signature(handler).bind(*arguments)
    bound.apply_defaults()
    return _spoken(bound.arguments.get("language"))


def _spoken(language: Any) -> str:
    supported = isinstance(language, str) and language in LANGUAGES
    return language if supported else DEFAULT_LANGUAGE
