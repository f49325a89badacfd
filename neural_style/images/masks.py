"""Masks: gray pictures that limit where a style is used or where the content is kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, no_type_check

import torch
from torch import Tensor

from neural_style.errors import ImageError
from neural_style.images.color import luma
from neural_style.images.files import load_with_alpha, resize
from neural_style.images.sizes import size_of
from neural_style.messages import Message
from neural_style.tensors import ImageTensor, Mask


class Masks(NamedTuple):
    """The masks of a run; white is 1, black 0.

    Attributes:
        styles: For each style, where on the content image it is used; empty for everywhere.
        parts: For each style, which part of its own picture is used; empty for all of it.
        keep: Where the content image stays as it is.
    """

    styles: Sequence[ImageTensor | Mask] = ()
    parts: Sequence[ImageTensor | Mask] = ()
    keep: ImageTensor | Mask | None = None


def load_styles(
    paths: Sequence[str | os.PathLike[str]],
    parts: Sequence[ImageTensor | Mask] = (),
    longest: int | None = None,
) -> tuple[list[ImageTensor], list[ImageTensor | Mask]]:
    """Style images from files, and `Masks.parts` that exclude their transparent areas.

    A picture's opacity becomes its mask, multiplied by the given one. If all pictures are opaque,
    the masks are the given ones.

    Args:
        paths: As in `load_image`.
        parts: A mask for each picture; empty for all of it.
        longest: As in `load_image`.

    Raises:
        ImageError: A picture cannot be read, a mask does not fit its picture, or a picture is
            transparent wherever its mask is white.
    """
    loaded = [load_with_alpha(path, longest) for path in paths]
    styles = [image for image, _ in loaded]
    opaque = all(alpha is None for _, alpha in loaded)
    if opaque or (parts and len(parts) != len(styles)):  # `read_masks` refuses the latter
        return styles, [*parts]
    return styles, [
        _opaque_part(image, alpha, parts[k] if parts else None, k + 1)
        for k, (image, alpha) in enumerate(loaded)
    ]


def _opaque_part(
    image: ImageTensor, alpha: Mask | None, part: ImageTensor | Mask | None, number: int
) -> ImageTensor | Mask:
    if alpha is None:
        return image.new_ones(1, 1, 1, 1).expand_as(image) if part is None else part
    seen = alpha
    if part is not None:
        name = Message("image.style_mask_numbered", number=number)
        seen = alpha * fit_mask(_read(part, name, image), *image.shape[-2:])
    if not seen.max() > _BLACK:
        raise ImageError("mask.transparent", number=number)
    return seen.expand_as(image)  # three channels, like a mask from a file


def read_masks(
    masks: Masks, content: ImageTensor, styles: Sequence[ImageTensor]
) -> tuple[list[Mask | None], list[Mask | None], Mask | None]:
    """The fields of `Masks` as one-channel masks, `styles` and `parts` with one entry per style.

    Raises:
        ImageError: There are not as many as styles, or one does not fit its picture or is black.
    """
    count = len(styles)
    if masks.styles and len(masks.styles) != count:
        raise ImageError("mask.count", masks=len(masks.styles), styles=count)
    if masks.parts and len(masks.parts) != count:
        raise ImageError("mask.style_count", masks=len(masks.parts), styles=count)
    where = [
        _read(mask, Message("image.mask_numbered", number=k + 1), content)
        for k, mask in enumerate(masks.styles)
    ]
    parts = [
        _read(mask, Message("image.style_mask_numbered", number=k + 1), style)
        for k, (mask, style) in enumerate(zip(masks.parts, styles, strict=False))
    ]
    keep = None
    if masks.keep is not None:
        keep = _read(masks.keep, Message("image.keep_mask"), content)
    return where or [None] * count, parts or [None] * count, keep


@no_type_check  # says in words what a type checker would
def _read(picture: Any, name: Message, over: ImageTensor) -> Mask:
    shape = tuple(getattr(picture, "shape", ()))
    if (
        not isinstance(picture, torch.Tensor)
        or len(shape) != 4
        or shape[:2] not in _SHAPES
        or not min(shape)
        or not picture.is_floating_point()
    ):
        given = f"{type(picture).__name__} {getattr(picture, 'dtype', '')} {shape}"
        raise ImageError("mask.not_a_tensor", mask=name, given=given)
    if aspect_differs(picture, over):
        sizes = {"size": size_of(picture), "other": size_of(over)}
        raise ImageError("mask.of_another_shape", mask=name, **sizes)
    mask = luma(picture) if shape[1] == 3 else picture
    if not mask.isfinite().all():
        raise ImageError("mask.not_finite", mask=name)
    if not mask.max() > _BLACK:
        raise ImageError("mask.black", mask=name)
    return mask.detach().float().clamp(0, 1)


_SHAPES = ((1, 3), (1, 1))


def aspect_differs(one: Tensor, other: Tensor) -> bool:
    """Whether two pictures differ in aspect ratio by more than rounding."""
    (height, width), (other_height, other_width) = one.shape[-2:], other.shape[-2:]
    return abs(width * other_height / (height * other_width) - 1) > _ASPECT_TOLERANCE


_ASPECT_TOLERANCE = 0.03
"""Relative tolerance of an aspect ratio, for the rounding of small sizes."""

_BLACK = 0.01


def fit_mask(mask: Mask, height: int, width: int) -> Mask:
    """The mask resized."""
    return resize(mask.expand(-1, 3, -1, -1), height, width)[:, :1]


def within(mask: Mask | None, picture: ImageTensor) -> Tensor:
    """Pixels of the picture where the mask is not black, as booleans: (height, width)."""
    height, width = picture.shape[-2:]
    if mask is None:
        return torch.ones(height, width, dtype=torch.bool, device=picture.device)
    seen = fit_mask(mask, height, width)[0, 0].to(picture.device)
    return seen > min(_BLACK, 0.5 * seen.max())


def recolor_within(
    recolor: Callable[[ImageTensor, ImageTensor], ImageTensor],
    picture: ImageTensor,
    mask: Mask | None,
    reference: ImageTensor,
    reference_mask: Mask | None,
) -> ImageTensor:
    """`recolor(picture, reference)` on the pixels within both masks; the rest stays unchanged."""
    if mask is None and reference_mask is None:
        return recolor(picture, reference)
    chosen, wanted = within(mask, picture), within(reference_mask, reference)
    result = picture.clone()
    # `recolor` gets the chosen pixels as pictures of one row.
    found = recolor(picture[:, :, None, chosen], reference[:, :, None, wanted])
    result[:, :, chosen] = found[:, :, 0]
    return result


def keep_content(keep: Mask | None, content: ImageTensor, image: ImageTensor) -> ImageTensor:
    """The image, with the content where the keep mask is white."""
    return image if keep is None else torch.lerp(image, content, keep)
