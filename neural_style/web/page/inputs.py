"""The left column of the page: pictures, the main choice, and folded groups of settings."""

from __future__ import annotations

from typing import NamedTuple

import gradio as gr

from neural_style.web.page.choosers import PAINTINGS, PHOTOGRAPHS, Chooser, create_chooser
from neural_style.web.page.manners import MannerRadios, manner_radios
from neural_style.web.page.tools import CropTool, MaskTool, create_crop_tool, create_mask_tool
from neural_style.web.page.widgets import (
    Localizer,
    knob_widget,
    link_box,
    picture_input,
    pictures_input,
)
from neural_style.web.run.album import MOST_PHOTOGRAPHS
from neural_style.web.run.call import EXTRA_PICTURES, PICTURES, page_knobs
from neural_style.web.text.texts import translate

FOLDS = {
    "size": ("size", "iterations", "scales", "scale_factor", "scale_shares"),
    "look": ("style_weight", "content_weight", "tv_weight", "style_scale", "noise_ratio", "seed"),
    "colors": ("color", "color_strength"),
}
"""Folded group → its settings; "part" and "regions" have tools too, "expert" has the rest; "album"
has none."""

_PART_KNOBS = ("style_crop",)
_REGIONS_KNOBS = ("style_shares",)


class Inputs(NamedTuple):
    """The components of the left column.

    Attributes:
        extra_pictures: In the order of `EXTRA_PICTURES`.
        widgets: The components of the settings by name, in the order of `page_knobs`.
        album: Files of several photographs.
        album_line: The time of an album, or what is wrong with it.
        paint_album: Starts the run of an album.
        folds: The folded groups by name.
    """

    photograph: Chooser
    painting: Chooser
    start_image: gr.Image
    extra_pictures: list[gr.Image]
    widgets: dict[str, gr.Component]
    radios: MannerRadios
    strength: gr.Slider
    new_seed: gr.Button
    estimate: gr.Markdown
    stylize: gr.Button
    vary: gr.Button
    stop: gr.Button
    recipe: gr.UploadButton
    link: gr.Button
    link_box: gr.Textbox
    crop: CropTool
    mask_tool: MaskTool
    album: gr.File
    album_line: gr.Markdown
    paint_album: gr.Button
    folds: dict[str, gr.Accordion]

    @property
    def content(self) -> gr.Image:
        """The input for the content image."""
        return self.photograph.picture

    @property
    def style(self) -> gr.Image:
        """The input for the style image."""
        return self.painting.picture

    @property
    def pictures(self) -> dict[str, gr.Image]:
        """The inputs for pictures by name."""
        images = (self.content, self.style, self.start_image, *self.extra_pictures)
        return dict(zip((*PICTURES, *EXTRA_PICTURES), images, strict=True))


def inputs_column(localizer: Localizer) -> Inputs:
    """Creates the left column: choosers, main choice, buttons, and folded groups."""
    with gr.Row(elem_id="choosers"):
        photograph = create_chooser(localizer, "content", PHOTOGRAPHS)
        painting = create_chooser(localizer, "style", PAINTINGS)
    radios = manner_radios(localizer)
    strength = localizer.create(
        gr.Slider,
        {"label": "strength", "info": "strength_help"},
        minimum=-4,
        maximum=4,
        value=0,
        step=0.25,
        elem_id="strength",
    )
    with gr.Row(elem_id="press"):
        stylize = localizer.create(
            gr.Button, {"value": "stylize"}, variant="primary", size="lg", elem_id="stylize"
        )
        vary = localizer.create(
            gr.Button, {"value": "vary"}, size="lg", scale=0, min_width=150, elem_id="vary"
        )
        stop = localizer.create(
            gr.Button,
            {"value": "stop"},
            size="lg",
            visible=False,
            interactive=False,  # until the server has answered
            elem_id="stop",
        )
    estimate = gr.Markdown(latex_delimiters=[], elem_id="estimate")
    return _folded(
        localizer, photograph, painting, radios, strength, (stylize, vary, stop), estimate
    )


def _folded(
    localizer: Localizer,
    photograph: Chooser,
    painting: Chooser,
    radios: MannerRadios,
    strength: gr.Slider,
    buttons: tuple[gr.Button, gr.Button, gr.Button],
    estimate: gr.Markdown,
) -> Inputs:
    """Creates the folded groups, and returns all inputs."""
    fields = page_knobs()
    widgets: dict[str, gr.Component] = {}
    folds: dict[str, gr.Accordion] = {}

    def add_widgets(names: tuple[str, ...]) -> None:
        for name in names:
            widgets[name] = knob_widget(localizer, name, fields[name])

    def fold(name: str) -> gr.Accordion:
        folds[name] = localizer.create(
            gr.Accordion, {"label": f"fold_{name}"}, open=False, elem_id=f"fold-{name}"
        )
        return folds[name]

    with fold("size"):
        add_widgets(FOLDS["size"])
    with fold("look"):
        add_widgets(FOLDS["look"])
        new_seed = localizer.create(gr.Button, {"value": "new_seed"}, elem_id="new-seed", size="sm")
        start_image = picture_input(localizer, "init_image")
    with fold("colors"):
        add_widgets(FOLDS["colors"])
    with fold("part"):
        crop = create_crop_tool(localizer)
        widgets["style_crop"] = crop.crops
    with fold("regions"):
        localizer.create(gr.Markdown, {"value": "regions_help"})
        mask_tool = create_mask_tool(localizer)
        extra_pictures = []
        for pair in (EXTRA_PICTURES[:2], EXTRA_PICTURES[2:]):
            with gr.Row():
                extra_pictures += [picture_input(localizer, name) for name in pair]
        add_widgets(_REGIONS_KNOBS)
    with fold("album"):
        album, album_line, paint_album = _album(localizer)
    with fold("expert"):
        add_widgets(tuple(name for name in fields if name not in widgets))
        with gr.Row():
            recipe = localizer.create(
                gr.UploadButton,
                {"label": "restore"},
                file_types=[".png"],
                size="sm",
                elem_id="recipe",
            )
            link = localizer.create(gr.Button, {"value": "link"}, size="sm", elem_id="link")
        settings_link = link_box(localizer, "link")
    return Inputs(
        photograph,
        painting,
        start_image,
        extra_pictures,
        {name: widgets[name] for name in fields},
        radios,
        strength,
        new_seed,
        estimate,
        *buttons,
        recipe,
        link,
        settings_link,
        crop,
        mask_tool,
        album,
        album_line,
        paint_album,
        folds,
    )


def _album(localizer: Localizer) -> tuple[gr.File, gr.Markdown, gr.Button]:
    """Creates the input for several photographs, its line, and its button."""
    localizer.create(
        gr.Markdown,
        {"value": lambda language: translate("album_help", language, limit=MOST_PHOTOGRAPHS)},
    )
    album = pictures_input(localizer, "album")
    line = gr.Markdown(latex_delimiters=[], elem_id="album-line")
    button = localizer.create(gr.Button, {"value": "paint_album"}, elem_id="paint-album")
    return album, line, button


def fold_of(name: str) -> str | None:
    """The folded group with that setting or picture; None if it is always in view."""
    for fold, names in FOLDS.items():
        if name in names:
            return fold
    if name in _PART_KNOBS:
        return "part"
    if name in (*EXTRA_PICTURES, *_REGIONS_KNOBS):
        return "regions"
    if name == "init_image":
        return "look"
    if name == "album":
        return "album"
    return "expert" if name in page_knobs() else None
