"""The two galleries from which a visitor takes a photograph and a painting."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
from PIL import Image

from neural_style.web.page.links import EXAMPLES, find_identical_example
from neural_style.web.page.widgets import Localizer, picture_input, selected_index, thumbnails
from neural_style.web.text.texts import translate

PHOTOGRAPHS = ("summer-palace", "astronaut", "chelsea", "dahlia", "coffee", "rocket")
"""Content images of the examples, in the order of the gallery."""

PAINTINGS = (
    "cafe-terrace-at-night",
    "great-wave",
    "harvest-at-la-crau",
    "composition-viii",
    "portrait-of-pere-tanguy",
    "poppies",
    "summertime",
    "the-harvesters",
    "church-at-auvers",
    "inokashira-snow",
    "ryogoku-bridge",
    "village-street-in-auvers",
)
"""Style images of the examples, in the order of the gallery."""

_TILE_HEIGHT = 170
"""Pixels of the input above a gallery."""

_THUMBNAIL_SIZE = 192
"""Pixels on the shorter side of a thumbnail: twice its size on the page."""


class Chooser(NamedTuple):
    """An input for a picture, and a gallery whose pictures fill it.

    Attributes:
        name: "content" or "style".
        examples: Paths of the gallery's pictures, in its order.
    """

    name: str
    picture: gr.Image
    gallery: gr.Gallery
    examples: tuple[str, ...]


def create_chooser(localizer: Localizer, name: str, examples: tuple[str, ...]) -> Chooser:
    """Creates the input `name`, "content" or "style", with its gallery.

    Args:
        examples: Names of the pictures in `examples/`.
    """
    paths = tuple(str(EXAMPLES / name / f"{example}.jpg") for example in examples)
    with gr.Column(min_width=200, elem_classes="chooser"):
        localizer.create(gr.Markdown, {"value": f"choose_{name}"}, elem_classes="step")
        picture = picture_input(localizer, name, _TILE_HEIGHT)
        gallery = thumbnails(
            localizer,
            {
                "label": f"examples_{name}",
                "value": lambda language: [
                    (_thumbnail(path), translate(f"example_{example}", language))
                    for path, example in zip(paths, examples, strict=True)
                ],
            },
            format="jpeg",
            columns=3,
            height=188,
            elem_id=f"{name}-examples",
        )
    return Chooser(name, picture, gallery, paths)


def chosen_example(examples: tuple[str, ...]) -> Callable[[gr.SelectData], Any]:
    """Event handler: the path of the picture that was selected in the gallery."""

    def choose(event: gr.SelectData) -> Any:
        chosen = selected_index(event, len(examples))
        return gr.skip() if chosen is None else examples[chosen]

    return choose


def example_number(chooser: Chooser, path: str | None) -> int | None:
    """The place in the gallery of the example that a file is a copy of; None if it is none."""
    example = path and find_identical_example(chooser.name, Path(path))
    return chooser.examples.index(example) if example in chooser.examples else None


@cache
def _thumbnail(path: str) -> Image.Image:
    with Image.open(path) as picture:
        width, height = picture.size
        factor = _THUMBNAIL_SIZE / min(width, height)
        small = picture.convert("RGB").resize(
            (round(width * factor), round(height * factor)), Image.Resampling.LANCZOS
        )
    small.info = {}  # Gradio would write the example's metadata into the thumbnail
    return small


def example_comparison(content: str) -> tuple[Image.Image, str]:
    """The content image at the size of its finished example, and the path of that example."""
    finished = EXAMPLES / "stylized" / f"{content}.png"
    with Image.open(finished) as picture:
        size = picture.size
    with Image.open(EXAMPLES / "content" / f"{content}.jpg") as picture:
        before = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    return before, str(finished)
