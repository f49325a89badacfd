"""The crop tool and the mask tool: components and events."""

from __future__ import annotations

import json
from functools import partial
from typing import Any, NamedTuple

import gradio as gr

from neural_style.web.page.choosers import Chooser
from neural_style.web.page.tool_handlers import (
    BRUSH_OPACITY,
    STYLE_PICTURES,
    apply_strokes,
    blank_canvas,
    clear_mask_without_style,
    clear_painted_masks,
    reset_crop,
    select_corner,
    show_crop,
)
from neural_style.web.page.widgets import Localizer, knob_widget, mask_editor
from neural_style.web.run.call import page_knobs
from neural_style.web.text.languages import LANGUAGES
from neural_style.web.text.texts import translate

_UNQUEUED: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "hidden",
    "queue": False,
}


_STROKE_FILES_JS = """(painted) =>
  (painted?.layers ?? []).map((layer) => layer.path).join("\\n")"""
"""JavaScript: paths of the editor's layers, one per line."""


_TRACK_STROKES_JS = """() => document.addEventListener("pointerdown", (touch) => {
  if (touch.target.closest?.("#paint canvas")) document.body.dataset.painted = "yes";
}, true)"""
"""Sets a flag on the document. Gradio's own event would send the strokes to the server."""

_CLEAR_STROKES_FLAG_JS = """(left) => {
  if (!left) delete document.body.dataset.painted;
}"""
"""JavaScript: clears the flag, unless strokes are left unused."""


def unused_strokes_js() -> str:
    """JavaScript: a warning if the canvas has strokes that were not made a mask.

    Its arguments are the language and the text that is returned otherwise.
    """
    warnings = json.dumps({code: translate("painted_unused", code) for code in LANGUAGES})
    return f"""(language, text) =>
  document.body.dataset.painted === "yes" ? ({warnings})[language] : text"""


class CropTool(NamedTuple):
    """Selects the crop of a style image by two clicks; it sets the setting `style_crop`.

    Attributes:
        style_choice: Which style image is shown, of `STYLE_PICTURES`.
        crops: The component of the setting `style_crop`.
        use_whole: Resets the crop.
        first_corner: The corner set by the first click, until the second.
        is_open: Whether its group was unfolded; before, no preview is made.
    """

    style_choice: gr.Radio
    preview: gr.Image
    message: gr.Markdown
    crops: gr.Component
    use_whole: gr.Button
    first_corner: gr.State
    is_open: gr.State


def create_crop_tool(localizer: Localizer) -> CropTool:
    """Creates the crop tool with the component of `style_crop`."""
    style_choice = localizer.create(
        gr.Radio,
        {
            "label": "part_of",
            "choices": lambda language: [
                (translate(name, language), name) for name in STYLE_PICTURES
            ],
        },
        value=STYLE_PICTURES[0],
        elem_id="part-of",
    )
    preview = localizer.create(
        gr.Image,
        {"label": "part_shown", "alt_text": "part_shown"},
        type="filepath",
        format="jpeg",
        interactive=False,
        height=300,
        show_label=False,  # it would cover a corner of the picture
        buttons=[],
        elem_id="part-shown",
    )
    message = gr.Markdown(latex_delimiters=[], elem_id="part-line")
    crops = knob_widget(localizer, "style_crop", page_knobs()["style_crop"])
    use_whole = localizer.create(gr.Button, {"value": "whole"}, size="sm", elem_id="whole")
    return CropTool(
        style_choice, preview, message, crops, use_whole, gr.State(None), gr.State(False)
    )


def connect_crop_tool(
    tool: CropTool,
    accordion: gr.Accordion,
    painting: Chooser,
    style_2: gr.Image,
    language: gr.Textbox,
) -> None:
    """Connects the events of the crop tool: clicks, and changes of the style images."""
    style = painting.picture
    inputs = [tool.crops, style, style_2, language]
    preview = [tool.preview, tool.message]

    def refresh_preview(is_open: bool, *arguments: Any) -> Any:
        return show_crop(*arguments) if is_open else [gr.skip(), gr.skip()]

    accordion.expand(lambda: True, None, tool.is_open, **_UNQUEUED).then(
        show_crop, [tool.style_choice, *inputs], preview, **_UNQUEUED
    )
    gr.on(
        [style.change, style_2.change, tool.style_choice.change, tool.crops.change],
        refresh_preview,
        [tool.is_open, tool.style_choice, *inputs],
        preview,
        trigger_mode="always_last",
        **_UNQUEUED,
    )
    tool.preview.select(
        select_corner,
        [tool.style_choice, tool.first_corner, *inputs],
        [tool.first_corner, tool.crops, *preview],
        **_UNQUEUED,
    )
    tool.style_choice.change(lambda: None, None, tool.first_corner, **_UNQUEUED)
    outputs = [tool.crops, tool.first_corner]
    for event, name in (
        (style.input, "style"),
        (painting.gallery.select, "style"),
        (style_2.input, "style_2"),
    ):
        event(_crop_resetter(name), [tool.crops, style_2], outputs, **_UNQUEUED)
    tool.use_whole.click(
        lambda style_choice, *given: _crop_resetter(style_choice)(*given),
        [tool.style_choice, tool.crops, style_2],
        outputs,
        **_UNQUEUED,
    )


MASK_NAMES = ("keep_mask", "mask", "mask_2")
"""Masks that can be painted, in the order of their buttons."""


class MaskTool(NamedTuple):
    """An editor to paint on the content image, and a button for each mask.

    Attributes:
        stroke_files: Paths of the editor's layers, one per line; hidden.
        unused_strokes: Whether the canvas has strokes that were not made a mask; hidden.
    """

    editor: gr.ImageEditor
    stroke_files: gr.Textbox
    unused_strokes: gr.Checkbox
    mask_buttons: dict[str, gr.Button]
    message: gr.Markdown


def create_mask_tool(localizer: Localizer) -> MaskTool:
    """Creates the editor and its buttons."""
    editor = mask_editor(localizer, "paint", BRUSH_OPACITY)
    with gr.Row(elem_id="takers"):
        mask_buttons = {
            name: localizer.create(
                gr.Button,
                {"value": f"paint_{name}"},
                size="sm",
                min_width=100,
                elem_id=f"paint-{name}",
            )
            for name in MASK_NAMES
        }
    stroke_files = gr.Textbox(visible=False)
    unused_strokes = gr.Checkbox(False, visible=False)
    message = gr.Markdown(latex_delimiters=[], elem_id="paint-line")
    return MaskTool(editor, stroke_files, unused_strokes, mask_buttons, message)


def connect_mask_tool(
    tool: MaskTool,
    accordion: gr.Accordion,
    photograph: Chooser,
    extra_pictures: dict[str, gr.Image],
    language: gr.Textbox,
) -> None:
    """Connects the events of the mask tool: painting, mask buttons, changes of the images."""
    content = photograph.picture
    is_open = gr.State(False)

    def refresh(is_open: bool, content: str | None) -> Any:
        return blank_canvas(content) if is_open else gr.skip()

    # Gradio's page shows the progress of all events whenever one of them changes its state, several
    # times a second during a run. Then it reads the value of each component that has shown progress
    # and, where that is a group, of all components in it; the editor uploads its pictures each time
    # its value is read. So neither the editor nor the folded group around it may show progress, and
    # only JavaScript takes the editor as input.
    unqueued_elsewhere = _UNQUEUED | {"show_progress_on": tool.message}
    accordion.expand(lambda: True, None, is_open, **_UNQUEUED).then(
        blank_canvas, content, tool.editor, **unqueued_elsewhere
    )
    for event in (content.change, tool.editor.clear):
        event(refresh, [is_open, content], tool.editor, **unqueued_elsewhere)
    in_browser: dict[str, Any] = {"api_visibility": "private"}
    accordion.expand(None, js=_TRACK_STROKES_JS, **in_browser)
    for event in (content.change, tool.editor.clear):
        event(None, js=_CLEAR_STROKES_FLAG_JS, **in_browser)
    masks = [extra_pictures[name] for name in ("mask", "mask_2", "keep_mask")]
    # A mask without its style image would be refused.
    extra_pictures["style_2"].input(
        clear_mask_without_style, [extra_pictures["style_2"]], extra_pictures["mask_2"], **_UNQUEUED
    )
    for event in (content.input, photograph.gallery.select):
        event(clear_painted_masks, masks, [*masks, tool.message], **_UNQUEUED)
    for name, button in tool.mask_buttons.items():
        button.click(None, tool.editor, tool.stroke_files, js=_STROKE_FILES_JS, **in_browser).then(
            partial(apply_strokes, name),
            [tool.stroke_files, content, extra_pictures["style_2"], *masks, language],
            [*masks, tool.message, tool.editor, tool.unused_strokes],
            **unqueued_elsewhere,
        ).success(None, tool.unused_strokes, js=_CLEAR_STROKES_FLAG_JS, **in_browser)


def _crop_resetter(style_choice: str) -> Any:
    """A handler that resets the crop of that style image and the first corner."""

    def refresh(crops: str, style_2: str | None) -> list[str | None]:
        return [reset_crop(style_choice, crops, style_2), None]

    return refresh
