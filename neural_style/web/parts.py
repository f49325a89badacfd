"""Which part of a picture is meant: of the style chosen by two corners, of the content painted."""

from __future__ import annotations

import math
import secrets
from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder

from neural_style.errors import NeuralStyleError, SettingsError
from neural_style.images import load_image, save_image
from neural_style.styles import ALL, Box, crop, parse_crops
from neural_style.tensors import ImageTensor
from neural_style.web.checks import check_upload
from neural_style.web.texts import say

STYLES = ("style", "style_2")

_PREVIEW = 768
"""Pixels on the longer side of what is chosen and painted on."""

_DIMMED = 0.35
_LINE = 2


def show_crop(
    which: str, crops: str, style: str | None, style_2: str | None, language: str
) -> tuple[str | None, str]:
    """The style image with all but the part that is taken dimmed, and a line about it."""
    try:
        image = _preview(which, style if which == STYLES[0] else style_2, language)
    except NeuralStyleError as error:
        return None, str(error)
    try:
        box = parse_crops(_of_each(crops)[STYLES.index(which)])[0]
    except SettingsError as error:
        return _write(image, "style"), str(error)
    _, _, width, height = (round(100 * share) for share in box)
    key = "crop_all" if box == ALL else "crop_chosen"
    line = say(key, language, width=width, height=height)
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
        image = _preview(which, style if which == STYLES[0] else style_2, language)
    except NeuralStyleError as error:
        return None, crops, None, str(error)
    height, width = image.shape[-2:]
    corner = [_share(x, side) for x, side in zip(event.index, (width, height), strict=True)]
    words = _box_words(first, corner) if first else ""
    if not words:
        return corner, crops, _write(_crossed(image, corner), "style"), say("crop_first", language)
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


def _preview(name: str, path: str | None, language: str) -> ImageTensor:
    if path is None:
        raise SettingsError(say("no_picture_yet", language, name=say(name, language)))
    return load_image(check_upload(name, path, language), longest=_PREVIEW)


def _framed(image: ImageTensor, box: Box) -> ImageTensor:
    """The picture, dimmed but for what a run takes of it, with a line around that."""
    shown = _DIMMED * image
    inside = crop(shown, box)
    inside[:] = crop(image, box)
    for edge in (
        inside[..., :_LINE, :],
        inside[..., -_LINE:, :],
        inside[..., :_LINE],
        inside[..., -_LINE:],
    ):
        edge[:] = 1
    return shown


def _crossed(image: ImageTensor, corner: list[float]) -> ImageTensor:
    """The picture, dimmed, with lines that cross at the corner."""
    shown = _DIMMED * image
    for axis, share in ((-1, corner[0]), (-2, corner[1])):
        side = shown.shape[axis]
        place = min(math.floor(share * side), side - _LINE)
        shown.narrow(axis, place, _LINE)[:] = 1
    return shown


def _write(image: ImageTensor, name: str) -> str:
    """A picture for the visitor's eyes, under a name that nobody guesses."""
    folder = Path(get_upload_folder()) / "previews"
    folder.mkdir(parents=True, exist_ok=True)
    return str(save_image(image, folder / f"{name}-{secrets.token_urlsafe(16)}.jpg"))
