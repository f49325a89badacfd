"""The layout of the page, and which handler each part calls."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import Request
from fastapi.responses import JSONResponse

from neural_style.settings import Settings
from neural_style.web import texts
from neural_style.web.handlers import (
    KEPT_SECONDS,
    MAX_UPLOAD_MEGABYTES,
    check_inputs,
    page_knobs,
    reserve_seconds,
    restore,
    run_stylize,
)
from neural_style.web.widgets import knob_widget, picture_input

EXAMPLES = Path(__file__).parents[2] / "examples"

_PAIRS = (
    ("summer-palace", "cafe-terrace-at-night"),
    ("chelsea", "harvest-at-la-crau"),
    ("dahlia", "church-at-auvers"),
    ("astronaut", "portrait-of-pere-tanguy"),
)

_CSS = """
.gradio-container { max-width: 1320px !important; margin: auto; }
#result img { width: 100%; height: 100%; object-fit: contain; }
#progress { align-items: center; flex-wrap: nowrap; }
#status { min-height: 3.6em; }
#stop, #new-seed { align-self: center; }
@media (max-width: 640px) {
  #result { height: 75vw !important; }
  #gallery .grid-container { grid-template-columns: repeat(2, minmax(0, 1fr)) !important; }
}
"""

_SHOW_PROGRESS = """() => {
  const missing = ["content", "style"].find((name) => !document.querySelector(`#${name} img`));
  document.querySelector(missing ? `#${missing}` : "#progress")
    .scrollIntoView({behavior: "smooth", block: "nearest"});
  if (!missing && window.innerWidth <= 640)
    document.querySelector("#progress").scrollIntoView({behavior: "smooth", block: "start"});
}"""
"""On a phone the picture is far below the button: bring what matters into view."""


def build_page(gpu: Callable[..., Callable], note: str) -> gr.Blocks:
    """The page as Gradio Blocks, not yet served.

    Args:
        gpu: `spaces.GPU`, or a stand-in called as `gpu(duration=…)(handler)`.
        note: Where the network's weights come from, in a line.
    """
    with gr.Blocks(
        title=texts.TITLE, analytics_enabled=False, delete_cache=(3600, KEPT_SECONDS)
    ) as page:
        gr.Markdown(texts.INTRO)
        with gr.Row():
            with gr.Column(scale=5, min_width=340):
                with gr.Row():
                    content = picture_input(texts.CONTENT, "content")
                    style = picture_input(texts.STYLE, "style")
                stylize = gr.Button(texts.STYLIZE, variant="primary", size="lg", elem_id="stylize")
                widgets, start_image = _knobs()
                more = _more_pictures()
                recipe = gr.UploadButton(
                    texts.RESTORE, file_types=[".png"], size="sm", elem_id="recipe"
                )
                gr.Examples(
                    [
                        [str(EXAMPLES / f"content/{c}.jpg"), str(EXAMPLES / f"style/{s}.jpg")]
                        for c, s in _PAIRS
                    ],
                    inputs=[content, style],
                    label=texts.EXAMPLES,
                    cache_examples=False,
                    api_visibility="private",
                )
            with gr.Column(scale=7, min_width=340):
                with gr.Row(elem_id="progress"):
                    status = gr.Markdown(
                        f"{texts.READY}<br><sub>{note}</sub>", label=texts.STATUS, elem_id="status"
                    )
                    stop = gr.Button(
                        texts.STOP, variant="stop", scale=0, min_width=96, elem_id="stop"
                    )
                picture = gr.Image(
                    label=texts.RESULT,
                    format="png",
                    type="filepath",
                    interactive=False,
                    height=520,
                    buttons=["download", "fullscreen"],
                    elem_id="result",
                )
                gallery = gr.Gallery(
                    label=texts.GALLERY,
                    format="png",
                    columns=4,
                    height=400,
                    object_fit="contain",
                    interactive=False,
                    buttons=["download", "fullscreen"],
                    elem_id="gallery",
                )
        gr.Markdown(f"<sub>{texts.PRIVACY}</sub>")
        # Before the run's own event, whose end the page would wait for.
        stylize.click(None, js=_SHOW_PROGRESS, api_visibility="private")
        run = stylize.click(
            gpu(duration=reserve_seconds)(run_stylize),
            inputs=[content, style, start_image, *widgets.values(), *more],
            outputs=[picture, gallery, status],
            api_name="stylize",
            validator=check_inputs,
            concurrency_limit=1,
            concurrency_id="gpu",
            show_progress="minimal",
            show_progress_on=gallery,
        )
        recipe.upload(
            restore, recipe, [*widgets.values()], show_progress="hidden", api_visibility="private"
        )
        stop.click(
            texts.stopped, status, status, cancels=[run], queue=False, api_visibility="private"
        )
    return page


def serve(page: gr.Blocks, **options: Any) -> tuple[Any, str, str | None]:
    """Serves the page with the limits of a public demo; `options` go to Gradio's `launch`."""
    page.queue(max_size=20, api_open=False)
    app_kwargs = {"exception_handlers": {TypeError: _name_the_parameters}}
    return page.launch(
        theme=gr.themes.Default(
            primary_hue="indigo", neutral_hue="slate", font=["system-ui", "sans-serif"]
        ),
        css=_CSS,
        max_file_size=f"{MAX_UPLOAD_MEGABYTES}mb",
        show_error=False,
        enable_monitoring=False,
        app_kwargs=app_kwargs,
        **options,
    )


def _name_the_parameters(request: Request, error: TypeError) -> JSONResponse:
    """Says which parameter of an API call is missing or unknown; Gradio has no words for it."""
    if "/call/v2/" not in request.url.path:
        raise error
    names = ", ".join(inspect.signature(run_stylize).parameters)
    reason = str(error).split(" Please click")[0].rstrip(".") + "."
    return JSONResponse({"detail": texts.API_PARAMETERS.format(error=reason, names=names)}, 400)


def _more_pictures() -> list[gr.Image]:
    """A place for each of the pictures that may be given beside the two."""
    with gr.Accordion(texts.REGIONS, open=False):
        gr.Markdown(f"<sub>{texts.REGIONS_HELP}</sub>")
        pictures = []
        names = list(texts.MORE_PICTURES)
        for pair in (names[:2], names[2:]):
            with gr.Row():
                pictures += [picture_input(texts.MORE_PICTURES[name][0], name) for name in pair]
    return pictures


def _knobs() -> tuple[dict[str, gr.Component], gr.Image]:
    """A widget for every knob of the page, in the order of `Settings`, and the start image."""
    widgets: dict[str, gr.Component] = {}
    about = page_knobs()
    widgets["iterations"] = knob_widget("iterations", about["iterations"])
    strength = gr.Slider(
        -4,
        4,
        value=0,
        step=0.25,
        label=texts.STRENGTH,
        info=texts.STRENGTH_HELP,
        elem_id="strength",
    )
    with gr.Row():
        widgets["seed"] = knob_widget("seed", about["seed"])
        new_seed = gr.Button(texts.NEW_SEED, elem_id="new-seed", scale=0, min_width=120)
    with gr.Accordion(texts.MORE, open=False):
        for name in about:
            if name not in widgets:
                widgets[name] = knob_widget(name, about[name])
        start_image = picture_input(texts.START_IMAGE, "init_image")
    usual = Settings().style_weight
    weight = widgets["style_weight"]
    strength.input(
        None,
        strength,
        weight,
        js=f"(s) => Number(({usual} * 2 ** s).toPrecision(3))",
        api_visibility="private",
    )
    weight.input(
        None,
        weight,
        strength,
        js=f"(w) => Math.max(-4, Math.min(4, Math.log2(w / {usual})))",
        api_visibility="private",
    )
    new_seed.click(
        None,
        None,
        widgets["seed"],
        js="() => Math.floor(Math.random() * 2 ** 32)",
        api_visibility="private",
    )
    return {name: widgets[name] for name in about}, start_image
