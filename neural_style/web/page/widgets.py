"""The page's inputs: a component for every knob and picture, which the handlers check."""

from __future__ import annotations

import binascii
from abc import ABCMeta
from collections.abc import Callable
from dataclasses import Field
from functools import partial
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.processing_utils import save_base64_to_cache

from neural_style.settings.knob import write_knob
from neural_style.web.run.checks import MAX_UPLOAD_MEGABYTES, PAGE_LIMITS
from neural_style.web.text.languages import DEFAULT_LANGUAGE
from neural_style.web.text.texts import knob_help, knob_label, translate

_SLIDER_RANGE = 10
"""A number whose range is narrower than this is slid; a wider one is typed."""

_PAINT = "#e11d48"

_LONGEST_INLINE = 4 * MAX_UPLOAD_MEGABYTES * 1_000_000 // 3
"""Characters of a picture sent inside a message, in base64."""

Teller = Callable[[str], Any]
"""What a property is in a language."""


class Said:
    """Makes the page's components in English, and says them again in another language.

    Gradio's own translation puts markers in place of labels, which its API documentation would
    show; so the page is built in English, and changed where the browser speaks another language.
    """

    def __init__(self) -> None:
        self.components: list[Block] = []
        self._tellers: list[dict[str, Teller]] = []

    def make(self, kind: type[Block], said: dict[str, str | Teller], **options: Any) -> Any:
        """A component of that kind; `said` has keys of `texts`, or tellers, by property."""
        tellers = {
            name: partial(translate, teller) if isinstance(teller, str) else teller
            for name, teller in said.items()
        }
        component = kind(
            **{name: tell(DEFAULT_LANGUAGE) for name, tell in tellers.items()}, **options
        )
        self.remember(component, tellers)
        return component

    def remember(self, component: Block, tellers: dict[str, Teller]) -> None:
        """That this component, made elsewhere, says that."""
        self.components.append(component)
        self._tellers.append(tellers)

    def again(self, language: str) -> list[Any]:
        """For each of `components`, what changes of it in that language."""
        if language == DEFAULT_LANGUAGE:
            return [gr.skip() for _ in self.components]
        return [
            gr.update(**{name: tell(language) for name, tell in tellers.items()})
            for tellers in self._tellers
        ]


def picture_input(said: Said, name: str) -> gr.Image:
    """A place for a picture file, handed over as it was uploaded."""
    return said.make(
        _Image,
        {"label": name, "alt_text": name},
        type="filepath",
        image_mode=None,
        sources=["upload", "clipboard"],
        height=260,
        elem_id=name,
    )


def painting_input(said: Said, name: str, opacity: float) -> gr.ImageEditor:
    """A place to paint on a picture that we put there."""
    return said.make(
        _ImageEditor,
        {"label": name},
        type="filepath",
        sources=(),
        transforms=(),
        layers=False,
        brush=gr.Brush(
            default_size=30,
            colors=[(_PAINT, opacity)],
            color_mode="fixed",
            default_color=(_PAINT, opacity),
        ),
        eraser=gr.Eraser(default_size=30),
        buttons=[],
        height=420,
        elem_id=name,
    )


def knob_widget(said: Said, name: str, about: Field) -> gr.Component:
    """The Gradio component that fits the knob."""
    low, high = about.metadata["low"], about.metadata["high"]
    words = {"label": partial(knob_label, name), "info": partial(knob_help, name)}
    usual = {"elem_id": name, "value": write_knob(about, about.default)}
    make = partial(said.make, said=words, **usual)
    choices = about.metadata["choices"]
    if choices:
        return make(_Radio, choices=list(choices), visible=len(choices) > 1)
    if low is None:
        return make(_Textbox)
    whole = isinstance(about.default, int)
    if name in PAGE_LIMITS:
        step = 32 if name == "size" else 1
        return make(_Slider, minimum=low, maximum=PAGE_LIMITS[name], step=step)
    if high - low < _SLIDER_RANGE:
        return make(_Slider, minimum=low, maximum=high, step=1 if whole else 0.01)
    return make(_Number, precision=0 if whole else None)


def _as_given(kind: type[gr.Component]) -> type[gr.Component]:
    """The kind of component, but handing its value over unchecked to the handler, which checks it.

    Gradio's own checks answer with a message that names nothing, or with none at all; its own
    reading of a picture sent inline knows no limit of size, and may lose some quality. A session
    makes new components of the same class, so the class it must be; made past Gradio's metaclass,
    which would write a stub file beside this one, and under its module, where its looks are found.
    """
    attributes = {"preprocess": _hand_over, "__module__": kind.__module__}
    if issubclass(kind, gr.ImageEditor):
        attributes["accept_blobs"] = None  # a way in for strokes that nobody may have asked for
    return ABCMeta.__new__(type(kind), kind.__name__, (kind,), attributes)


def _hand_over(component: gr.Component, payload: Any) -> Any:
    if payload is None or not isinstance(component, gr.Image):
        return payload
    if not (payload.url and payload.url.startswith("data:")):
        return payload.path
    if len(payload.url) > _LONGEST_INLINE:
        raise gr.Error(translate("too_large", limit=MAX_UPLOAD_MEGABYTES), print_exception=False)
    try:
        path = save_base64_to_cache(payload.url, component.GRADIO_CACHE)
    except binascii.Error:
        return payload.url  # no uploaded file, and refused as such
    component.temp_files.add(path)  # swept with the uploads
    return path


_Image, _ImageEditor, _Number, _Radio, _Slider, _Textbox = map(
    _as_given, (gr.Image, gr.ImageEditor, gr.Number, gr.Radio, gr.Slider, gr.Textbox)
)
