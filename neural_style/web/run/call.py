"""Signature and arguments of the stylize endpoints."""

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
EXTRA_PICTURES = ("style_2", "mask", "mask_2", "keep_mask")
"""Optional pictures: a second style and the masks."""


@dataclass(frozen=True)
class Call:
    """The arguments of a request to stylize, unchecked.

    Attributes:
        pictures: Paths by the names in `PICTURES` and `EXTRA_PICTURES`; None for missing ones.
        values: Values of the page's settings by name, as their components have them.
        language: A key of `LANGUAGES`.
    """

    pictures: dict[str, str | None]
    values: dict[str, Any]
    language: str


def page_knobs() -> dict[str, Field]:
    """The settings that the page offers: all but those of the host."""
    return {name: field for name, field in knobs().items() if not field.metadata["host"]}


def named_values(*values: Any) -> dict[str, Any]:
    """The values of the page's components for settings, by name, from their order."""
    return dict(zip(page_knobs(), values, strict=True))


def _stylize_signature() -> inspect.Signature:
    """Parameters in the order of the components: pictures, settings, pictures, language."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    optional = str | None
    parameters = [
        *(inspect.Parameter(name, kind, annotation=str) for name in PICTURES[:2]),
        *(inspect.Parameter(n, kind, default=None, annotation=optional) for n in PICTURES[2:]),
        *(
            inspect.Parameter(name, kind, default=default, annotation=type(default))
            for name, field in page_knobs().items()
            for default in [write_knob(field, field.default)]
        ),
        *(inspect.Parameter(n, kind, default=None, annotation=optional) for n in EXTRA_PICTURES),
        inspect.Parameter("language", kind, default=DEFAULT_LANGUAGE, annotation=str),
    ]
    return inspect.Signature(parameters)


STYLIZE_SIGNATURE = _stylize_signature()
"""The signature of the stylize handlers, their validator and their GPU duration."""


def with_stylize_signature(handler: Callable) -> Callable:
    """Decorator that gives a handler `STYLIZE_SIGNATURE` and describes the parameters.

    Gradio reads the names, defaults and descriptions of the API from signature and docstring.
    They are made from `Settings`, so they cannot differ from it.
    """
    described = [
        *(f"{name}: {translate(f'{name}_help')}" for name in PICTURES),
        *(f"{name}: {knob_help(name)}" for name in page_knobs()),
        *(f"{name}: {translate(f'{name}_help')}" for name in (*EXTRA_PICTURES, "language")),
    ]
    handler.__signature__ = STYLIZE_SIGNATURE
    handler.__doc__ = "\n".join([handler.__doc__, "", "Args:", *(f"    {x}" for x in described)])
    return handler


def call_from_arguments(*arguments: Any, **named: Any) -> Call:
    """The arguments of a stylize handler as a `Call`.

    Raises:
        TypeError: They do not fit `STYLIZE_SIGNATURE`.
    """
    bound = STYLIZE_SIGNATURE.bind(*arguments, **named)
    bound.apply_defaults()
    given = bound.arguments
    return Call(
        pictures={name: given[name] for name in (*PICTURES, *EXTRA_PICTURES)},
        values={name: given[name] for name in page_knobs()},
        language=_supported_language(given["language"]),
    )


def language_argument(handler: Callable, *arguments: Any) -> str:
    """The argument `language` of a call to the handler; the default if it has none."""
    bound = inspect.signature(handler).bind(*arguments)
    bound.apply_defaults()
    return _supported_language(bound.arguments.get("language"))


def _supported_language(language: Any) -> str:
    supported = isinstance(language, str) and language in LANGUAGES
    return language if supported else DEFAULT_LANGUAGE
