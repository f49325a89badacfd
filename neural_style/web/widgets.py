"""The page's inputs: a component for every knob and picture, which the handlers check."""

from __future__ import annotations

import binascii
from abc import ABCMeta
from dataclasses import Field
from typing import Any

import gradio as gr
from gradio.processing_utils import save_base64_to_cache

from neural_style.web import texts
from neural_style.web.handlers import MAX_UPLOAD_MEGABYTES, PAGE_LIMITS

_SLIDER_RANGE = 10
"""A number whose range is narrower than this is slid; a wider one is typed."""

_LONGEST_INLINE = 4 * MAX_UPLOAD_MEGABYTES * 1_000_000 // 3
"""Characters of a picture sent inside a message, in base64."""


def picture_input(label: str, name: str) -> gr.Image:
    """A place for a picture file, handed over as it was uploaded."""
    return _Image(
        label=label,
        type="filepath",
        image_mode=None,
        sources=["upload", "clipboard"],
        height=260,
        elem_id=name,
    )


def knob_widget(name: str, about: Field) -> gr.Component:
    """The Gradio component that fits the knob."""
    low, high = about.metadata["low"], about.metadata["high"]
    said = {
        "label": name.replace("_", " ").capitalize(),
        "info": about.metadata["help"],
        "elem_id": name,
        "value": about.default,
    }
    choices = about.metadata["choices"]
    if choices:
        return _Radio(list(choices), visible=len(choices) > 1, **said)
    if isinstance(about.default, str):
        return _Textbox(**said)
    whole = isinstance(about.default, int)
    if name in PAGE_LIMITS:
        return _Slider(low, PAGE_LIMITS[name], step=32 if name == "size" else 1, **said)
    if high - low < _SLIDER_RANGE:
        return _Slider(low, high, step=1 if whole else 0.01, **said)
    return _Number(precision=0 if whole else None, **said)


def _as_given(kind: type[gr.Component]) -> type[gr.Component]:
    """The kind of component, but handing its value over unchecked to the handler, which checks it.

    Gradio's own checks answer with a message that names nothing, or with none at all; its own
    reading of a picture sent inline knows no limit of size, and may lose some quality. A session
    makes new components of the same class, so the class it must be; made past Gradio's metaclass,
    which would write a stub file beside this one, and under its module, where its looks are found.
    """
    attributes = {"preprocess": _hand_over, "__module__": kind.__module__}
    return ABCMeta.__new__(type(kind), kind.__name__, (kind,), attributes)


def _hand_over(component: gr.Component, payload: Any) -> Any:
    if payload is None or not isinstance(component, gr.Image):
        return payload
    if not (payload.url and payload.url.startswith("data:")):
        return payload.path
    if len(payload.url) > _LONGEST_INLINE:
        message = texts.TOO_LARGE.format(limit=MAX_UPLOAD_MEGABYTES)
        raise gr.Error(message, print_exception=False)
    try:
        path = save_base64_to_cache(payload.url, component.GRADIO_CACHE)
    except binascii.Error:
        return payload.url  # no uploaded file, and refused as such
    component.temp_files.add(path)  # swept with the uploads
    return path


_Image, _Number, _Radio, _Slider, _Textbox = map(
    _as_given, (gr.Image, gr.Number, gr.Radio, gr.Slider, gr.Textbox)
)
