"""Checks of the input pictures, and the canvas before the first step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, no_type_check

import torch
from torch import Tensor

from neural_style.errors import ImageError
from neural_style.images.files import resize
from neural_style.images.masks import aspect_differs
from neural_style.images.sizes import fit, size_of
from neural_style.messages import Message
from neural_style.plan.schedule import Scale
from neural_style.run.styles import Style, recolor_content
from neural_style.settings.settings import knobs
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
        init: A picture, or one of `settings.INITS` except auto and matched.
        scale: Its size.
        mean: The color of the mean gray: (1, 3, 1, 1).
        noise_ratio: Share of noise; with init mean, the noise's standard deviation.
        seed: Seed of the noise.
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


@no_type_check  # says in words what a type checker would
def check_start(picture: Any, content: ImageTensor) -> None:
    """Checks that the start picture is an `ImageTensor` with the content image's aspect ratio.

    Raises:
        ImageError: It is not.
    """
    _check_picture(Message("image.start"), picture, 1)
    if aspect_differs(content, picture):
        sizes = {"size": size_of(picture), "other": size_of(content)}
        raise ImageError("picture.start_of_another_shape", **sizes)


@no_type_check  # says in words what a type checker would
def check_pictures(content: Any, styles: Sequence[Any], size: int, smallest_side: int) -> None:
    """Checks that the pictures are `ImageTensor`s large enough for the network.

    Raises:
        ImageError: One is not; the message names it.
    """
    if not styles:
        raise ImageError("picture.no_style")
    names = [Message("image.content"), *_names(styles)]
    for name, picture in zip(names, [content, *styles], strict=True):
        _check_picture(name, picture, smallest_side)
    check_aspect(*content.shape[-2:], size, smallest_side, knobs()["size"].metadata["high"])


def check_aspect(height: int, width: int, size: int, smallest_side: int, largest: int) -> None:
    """Checks that a content image of that size is not too narrow for its result.

    Args:
        size: Longest side of the result.
        smallest_side: That of the network, here and below.
        largest: Largest size that can be chosen.

    Raises:
        ImageError: It is too narrow; the message names a longest side that works, if there is one.
    """
    scaled = fit(height, width, size)
    if min(scaled) >= smallest_side:
        return
    about = {
        "size": f"{width}×{height}",
        "longest": size,
        "scaled": f"{scaled[1]}×{scaled[0]}",
        "least": smallest_side,
    }
    needed = -(-smallest_side * max(height, width) // min(height, width))
    if needed > largest:
        raise ImageError("picture.too_narrow_at_all", **about, largest=largest)
    raise ImageError("picture.too_narrow", **about, needed=needed)


def check_sides(name: Message, height: int, width: int, smallest_side: int) -> None:
    """Checks that a picture of that size is large enough for the network.

    Raises:
        ImageError: It is not; the message names it.
    """
    if min(height, width) < smallest_side:
        raise ImageError(
            "picture.too_small", image=name, size=f"{width}×{height}", least=smallest_side
        )


@no_type_check
def _check_picture(name: Message, picture: Any, smallest_side: int) -> None:
    shape = tuple(getattr(picture, "shape", ()))
    if (
        not isinstance(picture, torch.Tensor)
        or (len(shape), *shape[:2]) != (4, 1, 3)
        or picture.dtype != torch.float32
    ):
        given = f"{type(picture).__name__} {getattr(picture, 'dtype', '')} {shape}"
        raise ImageError("picture.not_a_tensor", image=name, given=given)
    check_sides(name, *shape[-2:], smallest_side)
    low, high = picture.min().item(), picture.max().item()
    if not (low >= -_OVERSHOOT and high <= 1 + _OVERSHOOT):
        raise ImageError("picture.out_of_range", image=name, low=low, high=high)


def check_parts(parts: Sequence[ImageTensor], smallest_side: int) -> None:
    """Checks that the cropped style images are large enough for the network.

    Raises:
        ImageError: One is not; the message names it.
    """
    for name, part in zip(_names(parts), parts, strict=True):
        if min(part.shape[-2:]) < smallest_side:
            raise ImageError(
                "picture.part_too_small", image=name, size=size_of(part), least=smallest_side
            )


def _names(styles: Sequence[Any]) -> list[Message]:
    if len(styles) == 1:
        return [Message("image.style")]
    return [Message("image.style_numbered", number=k + 1) for k in range(len(styles))]


_OVERSHOOT = 1e-3
"""How far rounding may take a picture's values outside [0, 1]."""
