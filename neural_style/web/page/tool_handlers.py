"""Handlers of the crop tool and the mask tool."""

from __future__ import annotations

import math
import secrets
from pathlib import Path
from typing import Any

import gradio as gr

from neural_style.errors import NeuralStyleError, SettingsError
from neural_style.files import make_folder
from neural_style.images.files import load_image, load_with_alpha, resize, save_image
from neural_style.images.masks import fit_mask
from neural_style.messages import Message
from neural_style.run.styles import crop
from neural_style.settings.words import ALL, STYLE_CROPS, Box
from neural_style.tensors import ImageTensor, Mask
from neural_style.web.run.addresses import parts_folder
from neural_style.web.run.checks import PAGE_LIMITS, check_upload
from neural_style.web.run.uploads import bounded
from neural_style.web.text.texts import PageError, escape_markdown, localize, translate

STYLE_PICTURES = ("style", "style_2")

_PREVIEW_SIZE = 768
"""Pixels on the longer side of the picture in the two tools."""

BRUSH_OPACITY = 0.6
"""Opacity of the brush, through which the picture is visible."""

_DIMMING = 0.35
"""Brightness of the preview outside the crop."""
_LINE_WIDTH = 2
"""In pixels."""

_MAX_MASK_SIZE = PAGE_LIMITS["size"]
"""Masks are as large as a result, so that rounding does not change their aspect ratio."""

_BLUR_DIVISOR = 200
"""The blurred edge of a stroke is about the longer side divided by this."""

_MOST_LAYERS = 4
"""The editor has one layer and its composite."""

_MIN_STROKE_OPACITY = 0.05
"""Canvases without a more opaque pixel count as unpainted."""


@bounded
def show_crop(
    name: str, crops: str, style: str | None, style_2: str | None, language: str
) -> tuple[str | None, str]:
    """The preview of a style image, dimmed outside its crop, and a message about the crop.

    Args:
        name: Which style image, of `STYLE_PICTURES`.
        crops: Value of the setting `style_crop`.

    Returns:
        The path of the preview, None without a readable image, and the message.
    """
    return _crop_preview(name, crops, style, style_2, language)


def _crop_preview(
    name: str, crops: str, style: str | None, style_2: str | None, language: str
) -> tuple[str | None, str]:
    try:
        image = _load_preview(name, style if name == STYLE_PICTURES[0] else style_2)
    except NeuralStyleError as error:
        return None, escape_markdown(localize(error.message, language))
    try:
        (box,) = STYLE_CROPS.read(_split_crops(crops)[_style_number(name)]) or (ALL,)
    except SettingsError as error:
        return _save_picture(image, "style"), escape_markdown(localize(error.message, language))
    _, _, width, height = (round(100 * fraction) for fraction in box)
    key = "crop_all" if box == ALL else "crop_chosen"
    message = translate(key, language, width=width, height=height)
    return _save_picture(_outline_box(image, box), "style"), message


@bounded
def select_corner(
    event: gr.SelectData,
    name: str,
    first_corner: list[float] | None,
    crops: str,
    style: str | None,
    style_2: str | None,
    language: str,
) -> tuple[list[float] | None, str, str | None, str]:
    """Handles a click on the preview: the first sets a corner, the second completes the crop.

    Args:
        name: Which style image, of `STYLE_PICTURES`.
        first_corner: The corner set by the first click, as fractions of width and height.
        crops: Value of the setting `style_crop`.

    Returns:
        The first corner, None when the crop is complete; `style_crop`; the path of the preview;
        and a message.
    """
    try:
        image = _load_preview(name, style if name == STYLE_PICTURES[0] else style_2)
    except NeuralStyleError as error:
        return None, crops, None, escape_markdown(localize(error.message, language))
    height, width = image.shape[-2:]
    if not _is_position(event.index):
        return first_corner, crops, gr.skip(), gr.skip()
    corner = [_fraction(x, side) for x, side in zip(event.index, (width, height), strict=True)]
    text = _format_box(first_corner, corner) if first_corner else ""
    if not text:
        return (
            corner,
            crops,
            _save_picture(_mark_corner(image, corner), "style"),
            translate("crop_first", language),
        )
    parts = _split_crops(crops)
    parts[_style_number(name)] = text
    crops = _join_crops(parts, style_2)
    return None, crops, *_crop_preview(name, crops, style, style_2, language)


def reset_crop(name: str, crops: str, style_2: str | None) -> str:
    """The setting `style_crop` with the whole of that style image."""
    parts = _split_crops(crops)
    parts[_style_number(name)] = "all"
    return _join_crops(parts, style_2)


def _style_number(name: Any) -> int:
    """The place of the style image in `STYLE_PICTURES`; the first one for another name."""
    return STYLE_PICTURES.index(name) if name in STYLE_PICTURES else 0


def _is_position(index: Any) -> bool:
    """Whether that is a position in a picture: two finite numbers."""
    return (
        isinstance(index, list | tuple)
        and len(index) == 2
        and all(isinstance(x, int | float) and math.isfinite(x) for x in index)
    )


def _split_crops(crops: Any) -> list[str]:
    """The crops of the two style images; a single crop applies to both."""
    if not isinstance(crops, str):  # a request past the page
        crops = "all"
    parts = [part.strip() for part in crops.split(";")]
    return [parts[0], parts[1] if len(parts) > 1 else parts[0]]


def _join_crops(parts: list[str], style_2: str | None) -> str:
    """The setting `style_crop` for the two crops; one is enough if they agree."""
    return parts[0] if style_2 is None or parts[0] == parts[1] else "; ".join(parts)


def _fraction(position: float, side: int) -> float:
    """A position in pixels as a fraction of the side, within [0, 1]."""
    return min(max(float(position) / side, 0.0), 1.0)


def _format_box(corner: list[float], opposite: list[float]) -> str:
    """The box between two corners, as in `style_crop`; empty if it has no area."""
    left, right = (round(x, 3) for x in sorted((corner[0], opposite[0])))
    top, bottom = (round(y, 3) for y in sorted((corner[1], opposite[1])))
    numbers = (left, top, round(right - left, 3), round(bottom - top, 3))
    return ",".join(f"{x:g}" for x in numbers) if min(numbers[2:]) > 0 else ""


def _load_preview(name: str, path: str | None) -> ImageTensor:
    """Loads a picture and resizes it to `_PREVIEW_SIZE`, also upwards.

    No screen enlarges it further, so the coordinates of clicks are exact.

    Raises:
        NeuralStyleError: There is no picture, or it cannot be read.
    """
    if path is None:
        known = name if name in (*STYLE_PICTURES, "content") else STYLE_PICTURES[0]
        raise PageError("no_picture_yet", name=Message(known))
    image = load_image(check_upload(name, path), longest=_PREVIEW_SIZE)
    height, width = image.shape[-2:]
    factor = _PREVIEW_SIZE / max(height, width)
    return resize(image, max(1, round(factor * height)), max(1, round(factor * width)))


def _outline_box(image: ImageTensor, box: Box) -> ImageTensor:
    """The picture, dimmed outside the box, with a line around the box."""
    height, width = image.shape[-2:]
    left, top = max(0, box[0] - _LINE_WIDTH / width), max(0, box[1] - _LINE_WIDTH / height)
    right, bottom = box[0] + box[2] + _LINE_WIDTH / width, box[1] + box[3] + _LINE_WIDTH / height
    preview = _DIMMING * image
    crop(preview, (left, top, right - left, bottom - top))[:] = 1
    crop(preview, box)[:] = crop(image, box)
    return preview


def _mark_corner(image: ImageTensor, corner: list[float]) -> ImageTensor:
    """The picture, dimmed, with lines that cross at the corner."""
    preview = _DIMMING * image
    for axis, fraction in ((-1, corner[0]), (-2, corner[1])):
        side = preview.shape[axis]
        position = min(math.floor(fraction * side), side - _LINE_WIDTH)
        preview.narrow(axis, position, _LINE_WIDTH)[:] = 1
    return preview


def _save_picture(image: ImageTensor, name: str, suffix: str = ".jpg") -> str:
    """Saves a picture under an unguessable name and returns its path."""
    make_folder(parts_folder())
    return str(save_image(image, parts_folder() / f"{name}-{secrets.token_urlsafe(16)}{suffix}"))


@bounded
def blank_canvas(content: str | None) -> dict[str, Any] | None:
    """The value of the image editor with the content image as background; None if unreadable."""
    try:
        preview = _save_picture(_load_preview("content", content), "canvas")
    except NeuralStyleError:
        return None  # the run reports the error
    return {"background": preview, "layers": [], "composite": None}


@bounded
def masks_from_strokes(
    name: str,
    strokes: str | None,
    content: str | None,
    style_2: str | None,
    mask: str | None,
    mask_2: str | None,
    keep_mask: str | None,
    language: str,
) -> list[Any]:
    """Makes a mask from the strokes.

    With two style images, the other one without a mask gets the inverted mask.

    Args:
        name: The mask that the strokes become: "mask", "mask_2" or "keep_mask".
        strokes: Paths of the editor's layers, one per line.

    Returns:
        Updates of the three masks, and a message.
    """
    masks = {"mask": mask, "mask_2": mask_2, "keep_mask": keep_mask}
    updates = dict.fromkeys(masks, gr.skip())
    other_mask = {"mask": "mask_2", "mask_2": "mask"}.get(name)
    try:
        if name == "mask_2" and style_2 is None:
            raise PageError("no_picture_yet", name=Message("style_2"))
        path = check_upload("content", content)
        height, width = load_image(path, longest=_MAX_MASK_SIZE).shape[-2:]
        mask_image = _combine_strokes((strokes or "").splitlines()[:_MOST_LAYERS], height, width)
    except NeuralStyleError as error:
        return [*updates.values(), escape_markdown(localize(error.message, language))]
    updates[name] = _save_picture(mask_image.expand(-1, 3, -1, -1), name, ".png")
    if other_mask is not None and style_2 is not None and masks[other_mask] is None:
        updates[other_mask] = _save_picture(
            (1 - mask_image).expand(-1, 3, -1, -1), other_mask, ".png"
        )
    return [*updates.values(), translate("painted", language, name=translate(name, language))]


def apply_strokes(name: str, strokes: str | None, content: str | None, *others: Any) -> list[Any]:
    """Handles a mask button: `masks_from_strokes`, then clears the canvas if that succeeded.

    Returns:
        Updates of the three masks, a message, the canvas, and whether strokes are left unused.
    """
    *masks, message = masks_from_strokes(name, strokes, content, *others)
    if all(mask == gr.skip() for mask in masks):
        return [*masks, message, gr.skip(), True]
    return [*masks, message, blank_canvas(content), False]


def _combine_strokes(layers: list[str], height: int, width: int) -> Mask:
    """The mask from the layers of strokes: 1 where painted, with soft edges.

    Raises:
        PageError: Nothing is painted.
    """
    opacity = None
    divisor = 1 + max(height, width) // _BLUR_DIVISOR
    for layer in layers:
        image, alpha = load_with_alpha(check_upload("mask", layer), longest=_PREVIEW_SIZE)
        layer_opacity = image[:, :1] * 0 + 1 if alpha is None else alpha
        layer_opacity = fit_mask(layer_opacity, max(1, height // divisor), max(1, width // divisor))
        opacity = layer_opacity if opacity is None else opacity.maximum(layer_opacity)
    if opacity is None or opacity.max() < _MIN_STROKE_OPACITY:
        raise PageError("nothing_painted")
    return fit_mask((opacity / BRUSH_OPACITY).clamp(0, 1), height, width)


def clear_painted_masks(*masks: str | None) -> list[Any]:
    """Clears the masks made from strokes, when the content image changes, and the message."""
    updates = [
        None if mask and Path(mask).parent == parts_folder() else gr.skip() for mask in masks
    ]
    return [*updates, ""]


def clear_mask_without_style(style: str | None) -> Any:
    """Clears the mask of a style image that was removed."""
    return None if style is None else gr.skip()
