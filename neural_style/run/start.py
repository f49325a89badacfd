"""What a run begins with: pictures that will do, and the canvas before its first step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, no_type_check

import torch
from torch import Tensor

from neural_style.errors import ImageError
from neural_style.images.files import LONGEST, load_image, resize
from neural_style.images.masks import are_askew
from neural_style.images.sizes import fit
from neural_style.plan.schedule import Scale
from neural_style.run.styles import Style, recolor_content
from neural_style.tensors import ImageTensor


def start_picture(
    content: ImageTensor,
    styles: Sequence[Style],
    init: str | ImageTensor,
    scale: Scale,
    mean: Tensor,
    noise_ratio: float,
    seed: int,
) -> ImageTensor:
    """The picture before the first step.

    Args:
        init: A picture, or one of `settings.INITS` but auto.
        scale: Its size.
        mean: The color of a mean gray: (1, 3, 1, 1).
        noise_ratio: Share of noise; from the mean gray, its standard deviation.
        seed: Of the noise.
    """
    generator = torch.Generator().manual_seed(seed)
    shape = 1, 3, scale.height, scale.width
    if init == "mean":
        noise = noise_ratio * torch.randn(shape, generator=generator)
        return (mean + noise).clamp(0, 1).to(content.device)
    noise = torch.rand(shape, generator=generator).to(content.device)
    if init == "noise":
        return noise
    if init == "recolored":
        picture = recolor_content(content, styles)
    elif init == "content":
        picture = content
    else:
        picture = init.to(content.device)
    return torch.lerp(resize(picture, scale.height, scale.width), noise, noise_ratio)


def load_start(path: str, content: ImageTensor) -> ImageTensor:
    """The start picture of that path, at most `LONGEST` long.

    Raises:
        ImageError: It cannot be read, or is of another shape than the content image.
    """
    picture = load_image(path, longest=LONGEST)
    (height, width), (other_height, other_width) = content.shape[-2:], picture.shape[-2:]
    if are_askew(content, picture):
        raise ImageError(
            f"The start picture is {other_width}×{other_height}, of another shape than the content "
            f"image, which is {width}×{height}. Crop it to the same."
        )
    return picture


@no_type_check  # says in words what a type checker would
def check_pictures(content: Any, styles: Sequence[Any], size: int, smallest_side: int) -> None:
    """Refuses what is no picture, or none that the network can see.

    Raises:
        ImageError: Which of them, and why.
    """
    if not styles:
        raise ImageError("There is no style image. Give one at least.")
    for name, picture in zip(["content", *_names(styles)], [content, *styles], strict=True):
        shape = tuple(getattr(picture, "shape", ()))
        if (
            not isinstance(picture, torch.Tensor)
            or (len(shape), *shape[:2]) != (4, 1, 3)
            or picture.dtype != torch.float32
        ):
            raise ImageError(
                f"The {name} image must be a float32 tensor of shape (1, 3, height, width), as "
                f"load_image gives it; it is {type(picture).__name__} "
                f"{getattr(picture, 'dtype', '')} {shape}."
            )
        if not (picture.min() >= -_OVERSHOOT and picture.max() <= 1 + _OVERSHOOT):
            raise ImageError(
                f"The {name} image has values from {picture.min():.3g} to {picture.max():.3g}; "
                "they must lie in [0, 1]. Divide 0–255 by 255."
            )
        _check_sides(f"The {name} image", picture, smallest_side, "Use a larger one.")
    height, width = content.shape[-2:]
    scaled = fit(height, width, size)
    if min(scaled) < smallest_side:
        raise ImageError(
            f"The content image is {width}×{height}, so narrow that at size {size} it would be "
            f"{scaled[1]}×{scaled[0]}; the network needs {smallest_side} pixels a side. "
            "Crop it, or choose a larger size."
        )


def check_parts(parts: Sequence[ImageTensor], smallest_side: int) -> None:
    """Refuses parts of the style images that the network cannot see.

    Raises:
        ImageError: Which of them.
    """
    for name, part in zip(_names(parts), parts, strict=True):
        what = f"The part taken of the {name} image"
        _check_sides(what, part, smallest_side, "Take a larger part (style_crop).")


def _names(styles: Sequence[Any]) -> list[str]:
    return ["style"] if len(styles) == 1 else [f"style ({k + 1})" for k in range(len(styles))]


def _check_sides(what: str, picture: ImageTensor, smallest_side: int, remedy: str) -> None:
    height, width = picture.shape[-2:]
    if min(height, width) < smallest_side:
        raise ImageError(
            f"{what} is {width}×{height}; the network needs {smallest_side} pixels a side. {remedy}"
        )


_OVERSHOOT = 1e-3
"""Rounding that a picture's values may show outside [0, 1]."""
