"""The tools with which a part of a picture is chosen by hand: how they look, and what they call."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import gradio as gr

from neural_style.web.page.parts import (
    BRUSH_OPACITY,
    STYLES,
    blank_canvas,
    choose_corner,
    forget_painted,
    fresh_crops,
    hand_over,
    mask_of,
    show_crop,
)
from neural_style.web.page.widgets import Said, knob_widget, painting_input
from neural_style.web.run.call import page_knobs
from neural_style.web.text.texts import translate

_AT_ONCE: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "hidden",
    "queue": False,
}


_FILES_OF_STROKES = """(painted) =>
  (painted?.layers ?? []).map((layer) => layer.path).join("\\n")"""


_SEE_STROKES = """() => document.addEventListener("pointerdown", (touch) => {
  if (touch.target.closest?.("#paint canvas")) document.body.dataset.painted = "yes";
}, true)"""
"""Told of strokes by Gradio, the page would send them to the server, which takes none so."""

_FORGET_STROKES = """(left) => {
  if (!left) delete document.body.dataset.painted;
}"""

STROKES_LEFT = """(left, language) => [document.body.dataset.painted === "yes", language]"""
"""Whether there are strokes that were not handed over."""


class CropTool(NamedTuple):
    """Two corners on the style image; what they say is written into the knob `style_crop`."""

    fold: gr.Accordion
    which: gr.Radio
    shown: gr.Image
    line: gr.Markdown
    crops: gr.Component
    whole: gr.Button
    first: gr.State
    opened: gr.State


def crop_tool(said: Said) -> CropTool:
    """The tool, folded away, with the widget of its knob."""
    with said.make(gr.Accordion, {"label": "part"}, open=False, elem_id="part") as fold:
        which = said.make(
            gr.Radio,
            {
                "label": "part_of",
                "choices": lambda language: [(translate(name, language), name) for name in STYLES],
            },
            value=STYLES[0],
            elem_id="part-of",
        )
        shown = said.make(
            gr.Image,
            {"label": "part_shown", "alt_text": "part_shown"},
            type="filepath",
            format="jpeg",
            interactive=False,
            height=300,
            show_label=False,  # it would lie over a corner
            buttons=[],
            elem_id="part-shown",
        )
        line = gr.Markdown(latex_delimiters=[], elem_id="part-line")
        crops = knob_widget(said, "style_crop", page_knobs()["style_crop"])
        whole = said.make(gr.Button, {"value": "whole"}, size="sm", elem_id="whole")
    return CropTool(fold, which, shown, line, crops, whole, gr.State(None), gr.State(False))


def connect_crop(
    tool: CropTool, style: gr.Image, style_2: gr.Image, examples: gr.Dataset, language: gr.Textbox
) -> None:
    """What a touch of the picture does, and what a fresh picture."""
    asked = [tool.crops, style, style_2, language]
    shown = [tool.shown, tool.line]

    def show(opened: bool, *what: Any) -> Any:
        return show_crop(*what) if opened else [gr.skip(), gr.skip()]

    tool.fold.expand(lambda: True, None, tool.opened, **_AT_ONCE).then(
        show_crop, [tool.which, *asked], shown, **_AT_ONCE
    )
    gr.on(
        [style.change, style_2.change, tool.which.change, tool.crops.change],
        show,
        [tool.opened, tool.which, *asked],
        shown,
        trigger_mode="always_last",
        **_AT_ONCE,
    )
    tool.shown.select(
        choose_corner,
        [tool.which, tool.first, *asked],
        [tool.first, tool.crops, *shown],
        **_AT_ONCE,
    )
    tool.which.change(lambda: None, None, tool.first, **_AT_ONCE)
    written = [tool.crops, tool.first]
    for listen, name in (
        (style.input, "style"),
        (examples.click, "style"),
        (style_2.input, "style_2"),
    ):
        listen(_renewer(name), [tool.crops, style_2], written, **_AT_ONCE)
    tool.whole.click(
        lambda which, *given: _renewer(which)(*given),
        [tool.which, tool.crops, style_2],
        written,
        **_AT_ONCE,
    )


PAINTED = ("keep_mask", "mask", "mask_2")
"""What can be painted; the most wanted one first."""


class PaintTool(NamedTuple):
    """The content image to be painted on, and a button for each mask that this can become.

    Attributes:
        strokes: Files of what is handed over.
        left: Whether that is still on the canvas.
    """

    editor: gr.ImageEditor
    strokes: gr.Textbox
    left: gr.Checkbox
    takers: dict[str, gr.Button]
    line: gr.Markdown


def paint_tool(said: Said) -> PaintTool:
    """The editor and its buttons."""
    editor = painting_input(said, "paint", BRUSH_OPACITY)
    with gr.Row(elem_id="takers"):
        takers = {
            name: said.make(
                gr.Button,
                {"value": f"paint_{name}"},
                size="sm",
                min_width=100,
                elem_id=f"paint-{name}",
            )
            for name in PAINTED
        }
    strokes = gr.Textbox(visible=False)
    left = gr.Checkbox(False, visible=False)
    line = gr.Markdown(latex_delimiters=[], elem_id="paint-line")
    return PaintTool(editor, strokes, left, takers, line)


def connect_paint(
    tool: PaintTool,
    fold: gr.Accordion,
    content: gr.Image,
    more: dict[str, gr.Image],
    examples: gr.Dataset,
    language: gr.Textbox,
) -> None:
    """When there is what to paint on, and where a painting goes."""
    opened = gr.State(False)

    def renew(opened: bool, content: str | None) -> Any:
        return blank_canvas(content) if opened else gr.skip()

    # Of a component that shows an event's progress, or was asked by one that the server answers,
    # Gradio's page asks the value at each event of all others: the editor would send its pictures
    # four times a second in a run. So its progress is shown elsewhere, and only JavaScript asks it.
    elsewhere = _AT_ONCE | {"show_progress_on": tool.line}
    fold.expand(lambda: True, None, opened, **_AT_ONCE).then(
        blank_canvas, content, tool.editor, **elsewhere
    )
    for listen in (content.change, tool.editor.clear):
        listen(renew, [opened, content], tool.editor, **elsewhere)
    here: dict[str, Any] = {"api_visibility": "private"}
    fold.expand(None, js=_SEE_STROKES, **here)
    for listen in (content.change, tool.editor.clear):
        listen(None, js=_FORGET_STROKES, **here)
    masks = [more[name] for name in ("mask", "mask_2", "keep_mask")]
    # A style that is gone takes its mask along, which would be asked what it is for.
    more["style_2"].input(mask_of, [more["style_2"]], more["mask_2"], **_AT_ONCE)
    for listen in (content.input, examples.click):
        listen(forget_painted, masks, [*masks, tool.line], **_AT_ONCE)
    for name, button in tool.takers.items():
        button.click(None, tool.editor, tool.strokes, js=_FILES_OF_STROKES, **here).then(
            partial(hand_over, name),
            [tool.strokes, content, more["style_2"], *masks, language],
            [*masks, tool.line, tool.editor, tool.left],
            **elsewhere,
        ).success(None, tool.left, js=_FORGET_STROKES, **here)


def _renewer(which: str) -> Any:
    """Takes all of that style image again."""

    def renew(crops: str, style_2: str | None) -> list[str | None]:
        return [fresh_crops(which, crops, style_2), None]

    return renew
