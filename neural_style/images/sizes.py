"""Computes sizes of pictures."""

from __future__ import annotations

from torch import Tensor


def size_of(picture: Tensor) -> str:
    """The picture's width and height, for a message: "96×64"."""
    height, width = picture.shape[-2:]
    return f"{width}×{height}"


def fit(height: int, width: int, longest: int) -> tuple[int, int]:
    """Height and width scaled so that the longer side is `longest`, the other at least 1."""
    scale = longest / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def fit_longest(
    height: int, width: int, canvas: tuple[int, int], smallest_side: int
) -> tuple[int, int]:
    """The size with the longer side of the canvas; never larger than the picture."""
    longest = max(height, width)
    needed = -(-smallest_side * longest // min(height, width))
    return fit(height, width, min(longest, max(*canvas, needed)))


def fit_area(
    height: int, width: int, canvas: tuple[int, int], smallest_side: int
) -> tuple[int, int]:
    """The size with as many pixels as the canvas."""
    ratio = (canvas[0] * canvas[1] / (height * width)) ** 0.5
    ratio = max(ratio, smallest_side / min(height, width))
    return round(height * ratio), round(width * ratio)


STYLE_FITS = {"longest": fit_longest, "area": fit_area}
"""Functions from a style image's height and width, the canvas's size and the smallest side to the
size at which the network sees the style image."""
