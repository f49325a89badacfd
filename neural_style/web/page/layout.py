"""What stands where on the page."""

from __future__ import annotations

import json
from typing import NamedTuple

import gradio as gr

from neural_style.messages import Message
from neural_style.web.page.links import EXAMPLES
from neural_style.web.page.manners import MannerRadios, manner_radios
from neural_style.web.page.tools import CropTool, PaintTool, crop_tool, paint_tool
from neural_style.web.page.widgets import Said, knob_widget, picture_input
from neural_style.web.run.call import EXTRA_PICTURES, page_knobs
from neural_style.web.text.languages import DEFAULT_LANGUAGE, LANGUAGES
from neural_style.web.text.texts import localize, translate

FINISHED = (
    ("summer-palace", "cafe-terrace-at-night"),
    ("chelsea", "harvest-at-la-crau"),
    ("dahlia", "church-at-auvers"),
    ("astronaut", "portrait-of-pere-tanguy"),
)
"""Content and style of the examples whose results the page shows before a run."""

PAIRS = (
    *FINISHED,
    ("summer-palace", "great-wave"),
    ("coffee", "composition-viii"),
    ("dahlia", "poppies"),
    ("chelsea", "the-harvesters"),
)

CSS = """
.gradio-container { max-width: 1320px !important; margin: auto; }
#result img { width: 100%; height: 100%; object-fit: contain; }
#progress { align-items: center; flex-wrap: nowrap; }
#status { min-height: 5em; }
#stop { align-self: center; }
#part-shown img { cursor: crosshair; }
#part-line { min-height: 4.5em; }
#paint-line { min-height: 3em; }
#paint .toolbar-wrap { left: 0; }
#takers { flex-wrap: nowrap; gap: var(--spacing-lg); }
#takers button { white-space: normal; min-width: 0 !important; padding: var(--spacing-sm); }
#after { align-items: end; }
#chart { padding-bottom: 2.5rem; }
button[role=tab].selected { color: var(--primary-700); }
.dark button[role=tab].selected, .dark #files a { color: var(--primary-300); }
@media (max-width: 640px) {
  #status { min-height: 10em; }
  #result { height: 75vw !important; }
  #gallery { height: calc(100vw - 3.5rem) !important; }
  #gallery .grid-container, #earlier .grid-container {
    grid-template-columns: repeat(2, minmax(0, 1fr)) !important;
  }
}
"""


def _css_string(key: str, language: str) -> str:
    return json.dumps(translate(key, language), ensure_ascii=False)


# Gradio gives every toast message an English title; CSS replaces it in the other languages.
CSS += "".join(
    f"""
:lang({code}) .toast-title {{ font-size: 0; }}
:lang({code}) .toast-title::after {{
  font-size: var(--text-lg); content: {_css_string("note_title", code)};
}}
:lang({code}) .toast-title.error::after {{
  content: {_css_string("error_title", code)};
}}
"""
    for code in LANGUAGES
    if code != DEFAULT_LANGUAGE
)


class Inputs(NamedTuple):
    """What a visitor brings and turns."""

    content: gr.Image
    style: gr.Image
    start: gr.Image
    more: list[gr.Image]
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
    paint: PaintTool
    examples: gr.Dataset


class Results(NamedTuple):
    """What a visitor gets.

    Attributes:
        run: The folder of the run that is shown, or the file of a shared result.
        begun: The folder of the last run that was begun.
    """

    status: gr.Markdown
    stop: gr.Button
    picture: gr.Image
    gallery: gr.Gallery
    chart: gr.LinePlot
    go_on: gr.Button
    go_on_by: gr.Number
    as_content: gr.Button
    as_start: gr.Button
    compare: gr.ImageSlider
    film: gr.Image
    files: gr.File
    earlier: gr.Gallery
    run: gr.State
    begun: gr.State
    history: gr.BrowserState

    @property
    def finished(self) -> list[gr.blocks.Block]:
        """What is made of the picture when a run has ended."""
        return [self.compare, self.film, self.files, self.history, self.earlier]


def inputs_column(said: Said) -> Inputs:
    """The left column: two pictures, how long, one button; everything else is folded away."""
    about = page_knobs()
    widgets: dict[str, gr.Component] = {}
    with gr.Row():
        content = picture_input(said, "content")
        style = picture_input(said, "style")
    radios = manner_radios(said)
    strength = said.make(
        gr.Slider,
        {"label": "strength", "info": "strength_help"},
        minimum=-4,
        maximum=4,
        value=0,
        step=0.25,
        elem_id="strength",
    )
    stylize = said.make(
        gr.Button, {"value": "stylize"}, variant="primary", size="lg", elem_id="stylize"
    )
    estimate = gr.Markdown(latex_delimiters=[], elem_id="estimate")
    with said.make(gr.Accordion, {"label": "more"}, open=False):
        widgets["iterations"] = knob_widget(said, "iterations", about["iterations"])
        widgets["seed"] = knob_widget(said, "seed", about["seed"])
        new_seed = said.make(gr.Button, {"value": "new_seed"}, elem_id="new-seed", size="sm")
        for name in about:
            if name not in widgets and name != "style_crop":
                widgets[name] = knob_widget(said, name, about[name])
        start = picture_input(said, "init_image")
        recipe = said.make(
            gr.UploadButton, {"label": "restore"}, file_types=[".png"], size="sm", elem_id="recipe"
        )
    crop = crop_tool(said)
    widgets["style_crop"] = crop.crops
    with said.make(gr.Accordion, {"label": "regions"}, open=False) as regions:
        said.make(gr.Markdown, {"value": "regions_help"})
        paint = paint_tool(said)
        more = []
        for pair in (EXTRA_PICTURES[:2], EXTRA_PICTURES[2:]):
            with gr.Row():
                more += [picture_input(said, name) for name in pair]
    examples = gr.Examples(
        [[str(EXAMPLES / f"content/{c}.jpg"), str(EXAMPLES / f"style/{s}.jpg")] for c, s in PAIRS],
        inputs=[content, style],
        label=translate("examples"),
        cache_examples=False,
        api_visibility="private",
    )
    columns = {
        "headers": lambda language: [translate(name, language) for name in ("content", "style")]
    }
    said.remember(examples.dataset, {"label": lambda lang: translate("examples", lang), **columns})
    with gr.Row():
        link = said.make(gr.Button, {"value": "link"}, size="sm", elem_id="link")
        result_link = said.make(
            gr.Button, {"value": "result_link"}, size="sm", elem_id="result-link"
        )
    link_box = said.make(
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
        start,
        more,
        {name: widgets[name] for name in about},
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
        paint,
        examples.dataset,
    )


def results_column(said: Said, note: Message) -> Results:
    """The right column: the picture as it is now, then everything about it."""
    with gr.Row(elem_id="progress"):
        status = said.make(
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
        stop = said.make(
            gr.Button, {"value": "stop"}, variant="stop", scale=0, min_width=96, elem_id="stop"
        )
    finished = [str(EXAMPLES / f"stylized/{content}.png") for content, _ in FINISHED]
    picture = said.make(
        gr.Image,
        {"label": "result", "alt_text": "result"},
        value=finished[0],
        format="png",
        type="filepath",
        interactive=False,
        height=520,
        buttons=["download", "fullscreen"],
        elem_id="result",
    )
    with gr.Row(elem_id="after"):
        go_on_by = said.make(
            gr.Number, {"label": "continue_by"}, value=100, precision=0, min_width=120, elem_id="by"
        )
        small = {"size": "md", "min_width": 120}
        go_on = said.make(gr.Button, {"value": "continue"}, elem_id="continue", **small)
        as_content = said.make(gr.Button, {"value": "as_content"}, elem_id="as-content", **small)
        as_start = said.make(gr.Button, {"value": "as_start"}, elem_id="as-start", **small)
    pictures = {"format": "png", "interactive": False}
    with gr.Tabs():
        with said.make(gr.Tab, {"label": "on_the_way"}):
            gallery = said.make(
                gr.Gallery,
                {"label": "gallery"},
                value=list(zip(finished, (content for content, _ in FINISHED))),
                columns=4,
                height=360,
                object_fit="contain",
                buttons=["download", "fullscreen"],
                elem_id="gallery",
                **pictures,
            )
            chart = said.make(
                gr.LinePlot,
                {"label": "chart", "x_title": "chart_x", "y_title": "chart_y"},
                x="iteration",
                y="loss",
                color="term",
                height=310,
                elem_id="chart",
            )
        with said.make(gr.Tab, {"label": "keep"}):
            compare = said.make(
                gr.ImageSlider,
                {"label": "compare"},
                type="filepath",
                max_height=520,
                elem_id="compare",
                **pictures,
            )
            with gr.Row():
                film = said.make(
                    gr.Image,
                    {"label": "film", "alt_text": "film"},
                    type="filepath",
                    height=300,
                    buttons=["download", "fullscreen"],
                    elem_id="film",
                    **pictures,
                )
                files = said.make(
                    gr.File,
                    {"label": "files"},
                    file_count="multiple",
                    interactive=False,
                    elem_id="files",
                )
        with said.make(gr.Tab, {"label": "earlier"}):
            earlier = said.make(
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
        go_on,
        go_on_by,
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
