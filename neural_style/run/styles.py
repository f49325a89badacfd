"""Style images with their shares, sizes, crops and masks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from neural_style.errors import ImageError, SettingsError
from neural_style.images.color import match_color, prepare_style
from neural_style.images.files import resize
from neural_style.images.masks import fit_mask, recolor_within
from neural_style.plan.schedule import Scale
from neural_style.settings.words import ALL, STYLE_CROPS, Box
from neural_style.tensors import ImageTensor, Mask

StyleFit = Callable[[int, int, tuple[int, int], int], tuple[int, int]]


class Style(NamedTuple):
    """A style image with its share and masks.

    Attributes:
        image: The cropped picture.
        share: Its share of the style term.
        scale: Relative size of its strokes; 1 leaves them as they are.
        where: Mask on the content image; None for everywhere.
        part: Mask on its own picture; None for all of it.
    """

    image: ImageTensor
    share: float
    scale: float
    where: Mask | None = None
    part: Mask | None = None


def gather_styles(
    pictures: Sequence[ImageTensor],
    shares: Sequence[float],
    scales: Sequence[float],
    crops: Sequence[Box],
    where: Sequence[Mask | None],
    parts: Sequence[Mask | None],
) -> list[Style]:
    """The style images, with shares, scales and crops from the settings.

    Shares add up to 1. A masked style's share is multiplied by the number of styles and by its
    mask's share of the picture, so that each pixel gets as much style as without masks.

    Raises:
        ImageError: A style's mask is black within its crop.
        SettingsError: A setting has values for another number of styles.
    """
    count = len(pictures)
    shares = _one_each("style_shares", shares or (1.0,), count)
    scales = _one_each("style_scale", scales, count)
    boxes = _one_each("style_crop", crops or (ALL,), count)
    styles = []
    for k, picture in enumerate(pictures):
        share, part = shares[k] / sum(shares), parts[k]
        if where[k] is not None:
            share *= count * where[k].square().mean().item()
        if part is not None:
            part = crop(fit_mask(part, *picture.shape[-2:]), boxes[k])
            if not part.max() > 0:
                where_from = STYLE_CROPS.written(crops)
                raise ImageError("mask.black_in_crop", number=k + 1, crop=where_from)
        styles.append(Style(crop(picture, boxes[k]), share, scales[k], where[k], part))
    return styles


def at_scale(style: Style, fit: StyleFit, scale: Scale, smallest_side: int) -> ImageTensor:
    """The style's picture resized for a canvas of that scale.

    Args:
        fit: One of `STYLE_FITS`.
        smallest_side: Smallest side that the network accepts.
    """
    return resize(style.image, *size_at_scale(style, fit, scale, smallest_side))


def size_at_scale(style: Style, fit: StyleFit, scale: Scale, smallest_side: int) -> tuple[int, int]:
    """Height and width of `at_scale`. With fit "longest", only a scale above 1 enlarges."""
    wanted = round(scale.height * style.scale), round(scale.width * style.scale)
    height, width = (round(side * max(1.0, style.scale)) for side in style.image.shape[-2:])
    return fit(height, width, wanted, smallest_side)


def move_style(style: Style, device: torch.device) -> Style:
    """The style on the device."""
    where, part = (mask if mask is None else mask.to(device) for mask in (style.where, style.part))
    return style._replace(image=style.image.to(device), where=where, part=part)


def recolor_style(style: Style, content: ImageTensor, mode: str, strength: float) -> Style:
    """The style recolored by `prepare_style`, with statistics from the masked regions."""
    recolor = partial(prepare_style, mode, strength)
    image = recolor_within(recolor, style.image, style.part, content, style.where)
    return style._replace(image=image)


def recolor_content(content: ImageTensor, styles: Sequence[Style]) -> ImageTensor:
    """The content in the styles' colors, each within its mask; unchanged outside all masks."""
    total, cover = torch.zeros_like(content), content.new_zeros(())
    weights = content.new_zeros(())
    for style in styles:
        weight, where = style.share, content.new_ones(())
        if style.where is not None:
            where = fit_mask(style.where, *content.shape[-2:]).clamp(0, 1)
            weight /= style.where.square().mean()  # its strength within the mask
        found = recolor_within(match_color, content, style.where, style.image, style.part)
        total += found.mul_(weight * where)
        weights, cover = weights + weight * where, cover + where
    mixed = total.div_(weights.clamp_min(_NOTHING))
    cover = torch.where(weights > _NOTHING, cover.clamp_max(1), 0)
    return torch.lerp(content, mixed, cover.expand_as(content))


_NOTHING = 1e-6


def crop(picture: Tensor, box: Box) -> Tensor:
    """The picture cropped to the box, at least one pixel."""
    height, width = picture.shape[-2:]
    left, top = math.floor(box[0] * width), math.floor(box[1] * height)
    right, bottom = round((box[0] + box[2]) * width), round((box[1] + box[3]) * height)
    return picture[..., top : max(top + 1, bottom), left : max(left + 1, right)]


def _one_each(knob: str, values: Sequence, count: int) -> Sequence:
    if len(values) == 1:
        return [values[0]] * count
    if len(values) != count:
        raise SettingsError("settings.style_count", name=knob, count=len(values), styles=count)
    return values
