"""Checks of requests: uploads, values of settings, and their combination."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder, is_in_or_equal

from neural_style.errors import ImageError, NeuralStyleError, SettingsError
from neural_style.images.files import read_shape
from neural_style.messages import Message
from neural_style.network.backbones import BACKBONES
from neural_style.run.start import check_aspect, check_sides
from neural_style.settings.knob import read_knob
from neural_style.settings.settings import Settings
from neural_style.web.run.call import (
    STYLIZE_SIGNATURE,
    call_from_arguments,
    page_knobs,
    with_stylize_signature,
)
from neural_style.web.run.cost import check_cost
from neural_style.web.text.texts import PageError, localize, translate

PAGE_LIMITS = {"iterations": 2000, "size": 1536}
"""Limits of the page that are lower than those of the settings themselves."""

MAX_UPLOAD_MEGABYTES = 30


@with_stylize_signature
def check_inputs(*arguments: Any, **named: Any) -> list[dict]:
    """Gradio's validator: checks every input before the request is queued."""
    call = call_from_arguments(*arguments, **named)
    language = call.language
    validations = {
        name: _validation(language, check_upload, name, path)
        for name, path in call.pictures.items()
    }
    for name, field in page_knobs().items():
        validations[name] = _validation(language, check_value, field, call.values[name])
    validations["language"] = gr.validate(True, "")
    if all(validation["is_valid"] for validation in validations.values()):
        validations["iterations"] = _validation(language, _check_settings, call.values)
    return [validations[name] for name in STYLIZE_SIGNATURE.parameters]


def first_fault(*arguments: Any, **named: Any) -> tuple[str, str] | None:
    """The first input of a stylize request that is missing or wrong, and what is wrong with it."""
    for name, validation in zip(
        STYLIZE_SIGNATURE.parameters, check_inputs(*arguments, **named), strict=True
    ):
        if not validation["is_valid"]:
            return name, validation["message"]
    return None


@with_stylize_signature
def first_fault_or_unusable(*arguments: Any, **named: Any) -> tuple[str, str] | None:
    """`first_fault`, or the first picture whose file cannot be read or is too small."""
    fault = first_fault(*arguments, **named)
    if fault is not None:
        return fault
    call = call_from_arguments(*arguments, **named)
    settings = parse_settings(call.values)
    for name, path in call.pictures.items():
        try:
            if path is not None:
                check_shape(name, path, settings)
        except ImageError as error:
            return name, localize(error.message, call.language)
    return None


def check_shape(name: str, path: str, settings: Settings) -> None:
    """Checks by the first bytes of a file that it is a picture, and large enough.

    Args:
        name: The input.

    Raises:
        ImageError: It is not.
    """
    shape, smallest_side = read_shape(path), BACKBONES[settings.backbone].smallest_side
    if name in _SEEN_PICTURES:
        check_sides(Message(_SEEN_PICTURES[name]), *shape, smallest_side)
    if name == "content":
        check_aspect(*shape, settings.size, smallest_side, PAGE_LIMITS["size"])


_SEEN_PICTURES = {"content": "image.content", "style": "image.style", "style_2": "image.style"}
"""Pictures of which the network sees features, and what the core calls them."""


def check_upload(name: str, path: str | None) -> str | None:
    """Returns the path after checking that it is an uploaded file: Gradio accepts other paths too.

    Raises:
        PageError: It is not, or a required picture is missing.
    """
    if path is None and name in _MISSING_PICTURE_KEYS:
        raise PageError(_MISSING_PICTURE_KEYS[name])
    try:
        uploaded = path is None or (
            is_in_or_equal(path, get_upload_folder()) and not Path(path).is_dir()
        )
    except (ValueError, OSError):  # not a valid path
        uploaded = False
    if not uploaded:
        raise PageError("not_uploaded", name=name)
    return path


_MISSING_PICTURE_KEYS = {"content": "no_content", "style": "no_style", "recipe": "no_recipe"}
"""Key of the error text for each required picture."""


def check_value(field: Field, value: Any) -> Any:
    """The typed value of a component's value, within the limits of the setting and the page.

    Raises:
        SettingsError: The value is not allowed.
    """
    limit = PAGE_LIMITS.get(field.name)
    try:
        checked = read_knob(field, value)
    except SettingsError as error:
        if limit is None:
            raise
        raise SettingsError(error.message.code, **error.message.values | {"high": limit}) from None
    if limit is not None and checked > limit:
        raise PageError("over_page_limit", name=field.name, limit=limit)
    return checked


def parse_settings(values: dict[str, Any]) -> Settings:
    """The settings from the values of the page's components by name.

    Raises:
        SettingsError: A value is not allowed, or two contradict each other.
    """
    parsed = {name: check_value(field, values[name]) for name, field in page_knobs().items()}
    return Settings(**parsed)


def gradio_error(error: NeuralStyleError, language: str) -> gr.Error:
    """The error as a toast message of Gradio, which would interpret HTML tags."""
    message = localize(error.message, language).replace("<", "&lt;")
    return gr.Error(message, title=translate("error_title", language), print_exception=False)


def _validation(language: str, check: Callable, *arguments: Any) -> dict:
    try:
        check(*arguments)
    except SettingsError as error:
        return gr.validate(False, localize(error.message, language))
    return gr.validate(True, "")


def _check_settings(values: dict[str, Any]) -> None:
    check_cost(parse_settings(values))
