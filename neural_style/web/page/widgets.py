"""Input components for pictures and settings, and their localization."""

from __future__ import annotations

import binascii
from abc import ABCMeta
from collections.abc import Callable
from dataclasses import Field
from functools import partial
from typing import Any, NamedTuple

import gradio as gr
from gradio.blocks import Block
from gradio.processing_utils import save_base64_to_cache

from neural_style.settings.knob import write_knob
from neural_style.web.run.checks import MAX_UPLOAD_MEGABYTES, PAGE_LIMITS
from neural_style.web.text.languages import DEFAULT_LANGUAGE
from neural_style.web.text.texts import choice_label, knob_help, knob_label, translate

_MAX_SLIDER_RANGE = 10
"""Numbers with a smaller range get a slider, others a number field."""

_BRUSH_COLOR = "#e11d48"

_MAX_DATA_URL_LENGTH = 4 * MAX_UPLOAD_MEGABYTES * 1_000_000 // 3
"""Characters of a base64 data URL with a picture of the largest size."""

TextFunction = Callable[[str], Any]
"""A function from the language to the value of a component's property."""


class Localizer:
    """Creates components in the default language, and updates them to another one.

    Gradio's own `gr.I18n` puts markers in place of labels, which its API documentation shows. So
    the page is built in English and updated when a browser with another language loads it.

    Attributes:
        components: The components to update, as outputs of an event.
    """

    def __init__(self) -> None:
        self.components: list[Block] = []
        self._text_functions: list[dict[str, TextFunction]] = []

    def create(
        self, kind: type[Block], texts: dict[str, str | TextFunction], **options: Any
    ) -> Any:
        """Creates a component. `texts` has, by property, a key of `translate` or a function."""
        text_functions = {
            name: partial(translate, text) if isinstance(text, str) else text
            for name, text in texts.items()
        }
        component = kind(
            **{name: function(DEFAULT_LANGUAGE) for name, function in text_functions.items()},
            **options,
        )
        self.register(component, text_functions)
        return component

    def register(self, component: Block, text_functions: dict[str, TextFunction]) -> None:
        """Adds a component that was created elsewhere."""
        self.components.append(component)
        self._text_functions.append(text_functions)

    def updates(self, language: str) -> list[Any]:
        """Updates of `components` to the language, in the same order."""
        if language == DEFAULT_LANGUAGE:
            return [gr.skip() for _ in self.components]
        return [
            gr.update(**{name: function(language) for name, function in text_functions.items()})
            for text_functions in self._text_functions
        ]


def picture_input(localizer: Localizer, name: str, height: int = 200) -> gr.Image:
    """An image component for uploads, whose handler gets the path of the uploaded file."""
    return localizer.create(
        _Image,
        {"label": name, "alt_text": name},
        type="filepath",
        image_mode=None,
        sources=["upload"],
        height=height,
        elem_id=name,
    )


def pictures_input(localizer: Localizer, name: str) -> gr.File:
    """A component for several picture files, whose handler gets their paths."""
    return localizer.create(
        _File,
        {"label": name},
        file_count="multiple",
        file_types=["image", ".heic", ".heif"],
        height=215,
        elem_id=name,
    )


def thumbnails(localizer: Localizer, texts: dict[str, str | TextFunction], **options: Any) -> Any:
    """A gallery of thumbnails to choose from; its label, which would cover them, is not shown."""
    fixed = {"object_fit": "cover", "allow_preview": False, "interactive": False, "buttons": []}
    return localizer.create(gr.Gallery, texts, show_label=False, **fixed, **options)


def selected_index(event: gr.SelectData, count: int) -> int | None:
    """The number of the selected one of `count` pictures; None if a request names another."""
    index = event.index
    return index if isinstance(index, int) and 0 <= index < count else None


def mask_editor(localizer: Localizer, name: str, opacity: float) -> gr.ImageEditor:
    """An image editor without uploads, to paint on a picture that a handler sets."""
    return localizer.create(
        _ImageEditor,
        {"label": name},
        type="filepath",
        sources=(),
        transforms=(),
        layers=False,
        brush=gr.Brush(
            default_size=30,
            colors=[(_BRUSH_COLOR, opacity)],
            color_mode="fixed",
            default_color=(_BRUSH_COLOR, opacity),
        ),
        eraser=gr.Eraser(default_size=30),
        buttons=[],
        height=420,
        elem_id=name,
    )


def knob_widget(localizer: Localizer, name: str, field: Field) -> gr.Component:
    """The input component for a setting: radio, text field, slider or number field."""
    low, high = field.metadata["low"], field.metadata["high"]
    texts = {
        "label": partial(knob_label, name),
        "info": lambda language: f"{knob_help(name, language)} ({name})",
    }
    options = {"elem_id": name, "value": write_knob(field, field.default)}
    create = partial(localizer.create, texts=texts, **options)
    choices = field.metadata["choices"]
    if choices:
        texts["choices"] = lambda language: [
            (choice_label(name, value, language), value) for value in choices
        ]
        return create(_Radio, visible=len(choices) > 1)
    if low is None:
        return create(_Textbox)
    whole = isinstance(field.default, int)
    if name in PAGE_LIMITS:
        step = 32 if name == "size" else 1
        return create(_Slider, minimum=low, maximum=PAGE_LIMITS[name], step=step)
    if high - low < _MAX_SLIDER_RANGE:
        return create(_Slider, minimum=low, maximum=high, step=1 if whole else 0.01)
    return create(_Number, precision=0 if whole else None)


def number_input(localizer: Localizer, label: str, **options: Any) -> gr.Number:
    """A field for a number, which its handler checks; `label` is the key of its label."""
    return localizer.create(_Number, {"label": label}, **options)


def link_box(localizer: Localizer, name: str) -> gr.Textbox:
    """A hidden text field for a link."""
    return localizer.create(
        gr.Textbox,
        {"label": "link_box", "info": f"{name}_help"},
        buttons=["copy"],
        visible=False,
        interactive=False,
        elem_id=f"{name.replace('_', '-')}-box",
    )


class Confirmation(NamedTuple):
    """A question in a box that is hidden until a button asks it, and its two answers."""

    box: gr.Column
    confirm: gr.Button
    keep: gr.Button


def confirmation(localizer: Localizer, question: str, elem_id: str) -> Confirmation:
    """Creates a question before a deletion; `question` is the key of its text.

    Not a dialog of the browser: those are blocked within the frame in which a Space is shown.
    """
    with gr.Column(visible=False, elem_id=elem_id, elem_classes="question") as box:
        localizer.create(gr.Markdown, {"value": question})
        with gr.Row():
            keep, confirm = (
                localizer.create(
                    gr.Button, {"value": key}, size="md", min_width=100, elem_id=f"{elem_id}-{key}"
                )
                for key in ("keep", "confirm")
            )
    return Confirmation(box, confirm, keep)


def _without_preprocessing(kind: type[gr.Component]) -> type[gr.Component]:
    """A subclass that passes its value unchecked to the handler, which checks it.

    Gradio's own checks raise errors that do not name the parameter, and its decoding of data URLs
    has no size limit and may lose quality. A session creates copies of a component by its class,
    so this must be a class. It keeps the module of its base class, where Gradio looks for the
    frontend, and avoids Gradio's metaclass, which would write a stub file beside this module.
    """
    attributes = {"preprocess": _pass_through, "__module__": kind.__module__}
    if issubclass(kind, gr.ImageEditor):
        attributes["accept_blobs"] = None  # no upload of strokes by another endpoint
    return ABCMeta.__new__(type(kind), kind.__name__, (kind,), attributes)


def _pass_through(component: gr.Component, payload: Any) -> Any:
    """The value as it was sent; of files the paths, and of an image the path, after a data URL is
    saved as a file.

    Raises:
        gr.Error: The data URL is too long.
    """
    if isinstance(component, gr.File) and payload is not None:
        return [file.path for file in payload]
    if payload is None or not isinstance(component, gr.Image):
        return payload
    if not (payload.url and payload.url.startswith("data:")):
        return payload.path
    if len(payload.url) > _MAX_DATA_URL_LENGTH:
        raise gr.Error(translate("too_large", limit=MAX_UPLOAD_MEGABYTES), print_exception=False)
    try:
        path = save_base64_to_cache(payload.url, component.GRADIO_CACHE)
    except binascii.Error:
        return payload.url  # refused later, as it is no uploaded file
    component.temp_files.add(path)  # deleted with the uploads
    return path


_File, _Image, _ImageEditor, _Number, _Radio, _Slider, _Textbox = map(
    _without_preprocessing,
    (gr.File, gr.Image, gr.ImageEditor, gr.Number, gr.Radio, gr.Slider, gr.Textbox),
)
