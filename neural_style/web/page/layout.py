"""Layout of the page: its components and their arrangement."""

from __future__ import annotations

from typing import NamedTuple

import gradio as gr

from neural_style.messages import Message
from neural_style.web.page.links import EXAMPLES
from neural_style.web.page.manners import MannerRadios, manner_radios
from neural_style.web.page.tools import CropTool, MaskTool, create_crop_tool, create_mask_tool
from neural_style.web.page.widgets import Localizer, knob_widget, picture_input
from neural_style.web.run.call import EXTRA_PICTURES, page_knobs
from neural_style.web.text.texts import localize, translate

EXAMPLES_WITH_RESULTS = (
    ("summer-palace", "cafe-terrace-at-night"),
    ("chelsea", "harvest-at-la-crau"),
    ("dahlia", "church-at-auvers"),
    ("astronaut", "portrait-of-pere-tanguy"),
)
"""Content and style of the examples whose results the page shows before a run."""

EXAMPLE_PAIRS = (
    *EXAMPLES_WITH_RESULTS,
    ("summer-palace", "great-wave"),
    ("coffee", "composition-viii"),
    ("dahlia", "poppies"),
    ("chelsea", "the-harvesters"),
)
"""Content and style of all examples."""


class Inputs(NamedTuple):
    """The components of the left column.

    Attributes:
        extra_pictures: In the order of `EXTRA_PICTURES`.
        widgets: The components of the settings by name, in the order of `page_knobs`.
        regions: The accordion of the second style and the masks.
    """

    content: gr.Image
    style: gr.Image
    start_image: gr.Image
    extra_pictures: list[gr.Image]
    widgets: dict[str, gr.Component]
    radios: MannerRadios
    strength: gr.Slider
    new_seed: gr.Button
    estimate: gr.Markdown
    stylize: gr.Button
    recipe: gr.UploadButton
    link: gr.Button
    result_link: gr.Button
    link_box: gr.Textbox
    crop: CropTool
    regions: gr.Accordion
    mask_tool: MaskTool
    examples: gr.Dataset


class Results(NamedTuple):
    """The components of the right column.

    Attributes:
        shown_run: Folder of the displayed run, or path of a displayed shared result.
        latest_run: Folder of the run that was started last.
        history: The visitor's results, stored in the browser.
    """

    status: gr.Markdown
    stop: gr.Button
    picture: gr.Image
    gallery: gr.Gallery
    chart: gr.LinePlot
    continue_run: gr.Button
    more_iterations: gr.Number
    as_content: gr.Button
    as_start: gr.Button
    compare: gr.ImageSlider
    film: gr.Image
    files: gr.File
    earlier: gr.Gallery
    shown_run: gr.State
    latest_run: gr.State
    history: gr.BrowserState

    @property
    def file_outputs(self) -> list[gr.blocks.Block]:
        """The components that are updated after a run."""
        return [self.compare, self.film, self.files, self.history, self.earlier]


def inputs_column(localizer: Localizer) -> Inputs:
    """Creates the left column: pictures, main controls, and accordions with the others."""
    fields = page_knobs()
    widgets: dict[str, gr.Component] = {}
    with gr.Row():
        content = picture_input(localizer, "content")
        style = picture_input(localizer, "style")
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
    stylize = localizer.create(
        gr.Button, {"value": "stylize"}, variant="primary", size="lg", elem_id="stylize"
    )
    estimate = gr.Markdown(latex_delimiters=[], elem_id="estimate")
    with localizer.create(gr.Accordion, {"label": "more"}, open=False):
        widgets["iterations"] = knob_widget(localizer, "iterations", fields["iterations"])
        widgets["seed"] = knob_widget(localizer, "seed", fields["seed"])
        new_seed = localizer.create(gr.Button, {"value": "new_seed"}, elem_id="new-seed", size="sm")
        for name in fields:
            if name not in widgets and name != "style_crop":
                widgets[name] = knob_widget(localizer, name, fields[name])
        start_image = picture_input(localizer, "init_image")
        recipe = localizer.create(
            gr.UploadButton, {"label": "restore"}, file_types=[".png"], size="sm", elem_id="recipe"
        )
    crop = create_crop_tool(localizer)
    widgets["style_crop"] = crop.crops
    with localizer.create(gr.Accordion, {"label": "regions"}, open=False) as regions:
        localizer.create(gr.Markdown, {"value": "regions_help"})
        mask_tool = create_mask_tool(localizer)
        extra_pictures = []
        for pair in (EXTRA_PICTURES[:2], EXTRA_PICTURES[2:]):
            with gr.Row():
                extra_pictures += [picture_input(localizer, name) for name in pair]
    examples = gr.Examples(
        [
            [str(EXAMPLES / f"content/{c}.jpg"), str(EXAMPLES / f"style/{s}.jpg")]
            for c, s in EXAMPLE_PAIRS
        ],
        inputs=[content, style],
        label=translate("examples"),
        cache_examples=False,
        api_visibility="private",
    )
    columns = {
        "headers": lambda language: [translate(name, language) for name in ("content", "style")]
    }
    localizer.register(
        examples.dataset, {"label": lambda lang: translate("examples", lang), **columns}
    )
    with gr.Row():
        link = localizer.create(gr.Button, {"value": "link"}, size="sm", elem_id="link")
        result_link = localizer.create(
            gr.Button, {"value": "result_link"}, size="sm", elem_id="result-link"
        )
    link_box = localizer.create(
        gr.Textbox,
        {"label": "link_box", "info": "link_help"},
        buttons=["copy"],
        visible=False,
        interactive=False,
        elem_id="link-box",
    )
    return Inputs(
        content,
        style,
        start_image,
        extra_pictures,
        {name: widgets[name] for name in fields},
        radios,
        strength,
        new_seed,
        estimate,
        stylize,
        recipe,
        link,
        result_link,
        link_box,
        crop,
        regions,
        mask_tool,
        examples.dataset,
    )


def results_column(localizer: Localizer, note: Message) -> Results:
    """Creates the right column: status, current picture, and tabs with everything else.

    Args:
        note: Source of the network's weights.
    """
    with gr.Row(elem_id="progress"):
        status = localizer.create(
            gr.Markdown,
            {
                "value": lambda lang: (
                    f"{translate('ready', lang)}<br><sub>{localize(note, lang)}</sub>"
                )
            },
            label=translate("status"),
            latex_delimiters=[],
            elem_id="status",
        )
        stop = localizer.create(
            gr.Button, {"value": "stop"}, variant="stop", scale=0, min_width=96, elem_id="stop"
        )
    example_results = [
        str(EXAMPLES / f"stylized/{content}.png") for content, _ in EXAMPLES_WITH_RESULTS
    ]
    picture = localizer.create(
        gr.Image,
        {"label": "result", "alt_text": "result"},
        value=example_results[0],
        format="png",
        type="filepath",
        interactive=False,
        height=520,
        buttons=["download", "fullscreen"],
        elem_id="result",
    )
    with gr.Row(elem_id="after"):
        more_iterations = localizer.create(
            gr.Number, {"label": "continue_by"}, value=100, precision=0, min_width=120, elem_id="by"
        )
        button_size = {"size": "md", "min_width": 120}
        continue_run = localizer.create(
            gr.Button, {"value": "continue"}, elem_id="continue", **button_size
        )
        as_content = localizer.create(
            gr.Button, {"value": "as_content"}, elem_id="as-content", **button_size
        )
        as_start = localizer.create(
            gr.Button, {"value": "as_start"}, elem_id="as-start", **button_size
        )
    pictures = {"format": "png", "interactive": False}
    with gr.Tabs():
        with localizer.create(gr.Tab, {"label": "on_the_way"}):
            gallery = localizer.create(
                gr.Gallery,
                {"label": "gallery"},
                value=list(zip(example_results, (content for content, _ in EXAMPLES_WITH_RESULTS))),
                columns=4,
                height=360,
                object_fit="contain",
                buttons=["download", "fullscreen"],
                elem_id="gallery",
                **pictures,
            )
            chart = localizer.create(
                gr.LinePlot,
                {"label": "chart", "x_title": "chart_x", "y_title": "chart_y"},
                x="iteration",
                y="loss",
                color="term",
                height=310,
                elem_id="chart",
            )
        with localizer.create(gr.Tab, {"label": "keep"}):
            compare = localizer.create(
                gr.ImageSlider,
                {"label": "compare"},
                type="filepath",
                max_height=520,
                elem_id="compare",
                **pictures,
            )
            with gr.Row():
                film = localizer.create(
                    gr.Image,
                    {"label": "film", "alt_text": "film"},
                    type="filepath",
                    height=300,
                    buttons=["download", "fullscreen"],
                    elem_id="film",
                    **pictures,
                )
                files = localizer.create(
                    gr.File,
                    {"label": "files"},
                    file_count="multiple",
                    interactive=False,
                    elem_id="files",
                )
        with localizer.create(gr.Tab, {"label": "earlier"}):
            earlier = localizer.create(
                gr.Gallery,
                {"label": "history"},
                columns=4,
                height=400,
                object_fit="contain",
                buttons=["download", "fullscreen"],
                elem_id="earlier",
                **pictures,
            )
    return Results(
        status,
        stop,
        picture,
        gallery,
        chart,
        continue_run,
        more_iterations,
        as_content,
        as_start,
        compare,
        film,
        files,
        earlier,
        gr.State(None),
        gr.State(None),
        gr.BrowserState([], storage_key="neural-style-space"),
    )
