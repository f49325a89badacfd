"""Which part of a picture is meant: of the style chosen by two corners, of the content painted."""

from __future__ import annotations

import math
import secrets
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from neural_style.errors import NeuralStyleError, SettingsError
from neural_style.images.files import load_image, load_with_alpha, resize, save_image
from neural_style.images.masks import fit_mask
from neural_style.messages import Message
from neural_style.run.styles import crop
from neural_style.settings.words import ALL, STYLE_CROPS, Box
from neural_style.tensors import ImageTensor, Mask
from neural_style.web.run.checks import PAGE_LIMITS, check_upload
from neural_style.web.text.texts import PageError, escape_markdown, localize, translate

STYLES = ("style", "style_2")

_PREVIEW = 768
"""Pixels on the longer side of what is touched and painted on."""

BRUSH_OPACITY = 0.6
"""Of the strokes, through which the picture is seen."""

_DIMMED = 0.35
_LINE = 2

_LONGEST_MASK = PAGE_LIMITS["size"]
"""Of a mask: as large as a result; a smaller one of a narrow picture would be askew."""

_SOFT = 200
"""The edge of a stroke fades over this part of the longer side."""

_FAINT = 0.05


def show_crop(
    which: str, crops: str, style: str | None, style_2: str | None, language: str
) -> tuple[str | None, str]:
    """The style image with all but the part that is taken dimmed, and a line about it."""
    try:
        image = _preview(which, style if which == STYLES[0] else style_2)
    except NeuralStyleError as error:
        return None, escape_markdown(localize(error.message, language))
    try:
        (box,) = STYLE_CROPS.read(_of_each(crops)[STYLES.index(which)]) or (ALL,)
    except SettingsError as error:
        return _write(image, "style"), escape_markdown(localize(error.message, language))
    _, _, width, height = (round(100 * share) for share in box)
    key = "crop_all" if box == ALL else "crop_chosen"
    line = translate(key, language, width=width, height=height)
    return _write(_framed(image, box), "style"), line


def choose_corner(
    event: gr.SelectData,
    which: str,
    first: list[float] | None,
    crops: str,
    style: str | None,
    style_2: str | None,
    language: str,
) -> tuple[list[float] | None, str, str | None, str]:
    """A corner of the part to be taken; with the second one it is chosen.

    Args:
        first: The corner that was chosen before, as shares; None where this is the first.

    Returns:
        The corner to be remembered, the knob `style_crop`, the preview, and a line about it.
    """
    try:
        image = _preview(which, style if which == STYLES[0] else style_2)
    except NeuralStyleError as error:
        return None, crops, None, escape_markdown(localize(error.message, language))
    height, width = image.shape[-2:]
    corner = [_share(x, side) for x, side in zip(event.index, (width, height), strict=True)]
    words = _box_words(first, corner) if first else ""
    if not words:
        return (
            corner,
            crops,
            _write(_crossed(image, corner), "style"),
            translate("crop_first", language),
        )
    parts = _of_each(crops)
    parts[STYLES.index(which)] = words
    crops = _together(parts, style_2)
    return None, crops, *show_crop(which, crops, style, style_2, language)


def fresh_crops(which: str, crops: str, style_2: str | None) -> str:
    """The knob `style_crop` when another picture was brought: all of that one is taken."""
    parts = _of_each(crops)
    parts[STYLES.index(which)] = "all"
    return _together(parts, style_2)


def _of_each(crops: str) -> list[str]:
    """What is written for the first style and for the second; one for both is written once."""
    parts = [part.strip() for part in crops.split(";")]
    return [parts[0], parts[1] if len(parts) > 1 else parts[0]]


def _together(parts: list[str], style_2: str | None) -> str:
    return parts[0] if style_2 is None or parts[0] == parts[1] else "; ".join(parts)


def _share(position: float, side: int) -> float:
    return min(max(float(position) / side, 0.0), 1.0)


def _box_words(one: list[float], other: list[float]) -> str:
    """The box between two corners as the knob has it; empty where there is nothing between."""
    left, right = (round(x, 3) for x in sorted((one[0], other[0])))
    top, bottom = (round(y, 3) for y in sorted((one[1], other[1])))
    numbers = (left, top, round(right - left, 3), round(bottom - top, 3))
    return ",".join(f"{x:g}" for x in numbers) if min(numbers[2:]) > 0 else ""


def _preview(name: str, path: str | None) -> ImageTensor:
    """The picture at a size that no screen shows larger: there it is touched where it seems to be.

    Raises:
        NeuralStyleError: There is none, or it cannot be read.
    """
    if path is None:
        raise PageError("no_picture_yet", name=Message(name))
    image = load_image(check_upload(name, path), longest=_PREVIEW)
    height, width = image.shape[-2:]
    larger = _PREVIEW / max(height, width)
    return resize(image, max(1, round(larger * height)), max(1, round(larger * width)))


def _framed(image: ImageTensor, box: Box) -> ImageTensor:
    """The picture, dimmed but for what a run takes of it, with a line around that, outside."""
    height, width = image.shape[-2:]
    left, top = max(0, box[0] - _LINE / width), max(0, box[1] - _LINE / height)
    right, bottom = box[0] + box[2] + _LINE / width, box[1] + box[3] + _LINE / height
    shown = _DIMMED * image
    crop(shown, (left, top, right - left, bottom - top))[:] = 1
    crop(shown, box)[:] = crop(image, box)
    return shown


def _crossed(image: ImageTensor, corner: list[float]) -> ImageTensor:
    """The picture, dimmed, with lines that cross at the corner."""
    shown = _DIMMED * image
    for axis, share in ((-1, corner[0]), (-2, corner[1])):
        side = shown.shape[axis]
        place = min(math.floor(share * side), side - _LINE)
        shown.narrow(axis, place, _LINE)[:] = 1
    return shown


def _write(image: ImageTensor, name: str, ending: str = ".jpg") -> str:
    """A picture for the visitor's eyes, under a name that nobody guesses."""
    _folder().mkdir(parents=True, exist_ok=True)
    return str(save_image(image, _folder() / f"{name}-{secrets.token_urlsafe(16)}{ending}"))


def _folder() -> Path:
    return Path(get_upload_folder()) / "parts"


def blank_canvas(content: str | None) -> dict[str, Any] | None:
    """The content image to be painted on, for Gradio's editor; nothing where it cannot be read."""
    try:
        shown = _write(_preview("content", content), "canvas")
    except NeuralStyleError:
        return None  # a run will say what is wrong
    return {"background": shown, "layers": [], "composite": None}


def take_painted(
    which: str,
    strokes: str | None,
    content: str | None,
    style_2: str | None,
    mask: str | None,
    mask_2: str | None,
    keep_mask: str | None,
    language: str,
) -> list[Any]:
    """What becomes of the three masks, that of this name being what was painted, and a line of it.

    Where two styles are given and the other has no mask yet, the rest is the other's.

    Args:
        strokes: Files of what was painted, a line each; the picture below is not in them.
    """
    masks = {"mask": mask, "mask_2": mask_2, "keep_mask": keep_mask}
    taken = dict.fromkeys(masks, gr.skip())
    other = {"mask": "mask_2", "mask_2": "mask"}.get(which)
    try:
        if which == "mask_2" and style_2 is None:
            raise PageError("no_picture_yet", name=Message("style_2"))
        path = check_upload("content", content)
        height, width = load_image(path, longest=_LONGEST_MASK).shape[-2:]
        painted = _painted((strokes or "").splitlines(), height, width)
    except NeuralStyleError as error:
        return [*taken.values(), escape_markdown(localize(error.message, language))]
    taken[which] = _write(painted.expand(-1, 3, -1, -1), which, ".png")
    if other is not None and style_2 is not None and masks[other] is None:
        taken[other] = _write((1 - painted).expand(-1, 3, -1, -1), other, ".png")
    return [*taken.values(), translate("painted", language, name=translate(which, language))]


def hand_over(which: str, strokes: str | None, content: str | None, *others: Any) -> list[Any]:
    """`take_painted`, and then what is painted on, blank again where something was taken, and
    whether the strokes are still there."""
    *masks, line = take_painted(which, strokes, content, *others)
    if all(mask == gr.skip() for mask in masks):
        return [*masks, line, gr.skip(), True]
    return [*masks, line, blank_canvas(content), False]


def remind(left: bool, language: str) -> None:
    """Says that there are strokes of which nobody has said what they mean."""
    if left:
        gr.Warning(translate("painted_unused", language))


def _painted(layers: list[str], height: int, width: int) -> Mask:
    """What was painted, white, with soft edges.

    Raises:
        PageError: Nothing was.
    """
    strength = None
    coarse = 1 + max(height, width) // _SOFT
    for layer in layers:
        image, alpha = load_with_alpha(check_upload("mask", layer), longest=_PREVIEW)
        opaque = image[:, :1] * 0 + 1 if alpha is None else alpha
        opaque = fit_mask(opaque, max(1, height // coarse), max(1, width // coarse))
        strength = opaque if strength is None else strength.maximum(opaque)
    if strength is None or strength.max() < _FAINT:
        raise PageError("nothing_painted")
    return fit_mask((strength / BRUSH_OPACITY).clamp(0, 1), height, width)


def forget_painted(*masks: str | None) -> list[Any]:
    """What becomes of masks when another content image was brought, and of the line about them:
    what was painted goes."""
    kept = [None if mask and Path(mask).parent == _folder() else gr.skip() for mask in masks]
    return [*kept, ""]


def mask_of(style: str | None) -> Any:
    """What becomes of a style's mask when another style image was brought, or none."""
    return None if style is None else gr.skip()
