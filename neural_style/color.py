"""What happens to color on the way in and on the way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from neural_style.tensors import ImageTensor

_LUMA = (0.299, 0.587, 0.114)
"""Rec. 601 weights of red, green and blue in the luma of an sRGB picture."""


class ColorMode(NamedTuple):
    """`prepare(content, style)` before the run; `finish(result, content)` on every frame."""

    prepare: Callable[[ImageTensor, ImageTensor], tuple[ImageTensor, ImageTensor]]
    finish: Callable[[ImageTensor, ImageTensor], ImageTensor]


def match_color(picture: ImageTensor, reference: ImageTensor) -> ImageTensor:
    """The picture with the mean and covariance of the reference's colors, kept in [0, 1].

    The linear map is the one that moves colors least: Σp^-½ (Σp^½ Σr Σp^½)^½ Σp^-½, optimal
    transport between two Gaussians (Pitié and Kokaram, *The linear Monge–Kantorovitch color
    mapping*, 2007), computed on the sRGB values, in float64 and so on the CPU: MPS has none.
    """
    pixels, colors = (image[0].flatten(1).cpu().double() for image in (picture, reference))
    mean, covariance = _moments(pixels)
    target_mean, target_covariance = _moments(colors)
    root = _symmetric_power(covariance, 0.5)
    inverse_root = _symmetric_power(covariance, -0.5)
    transport = inverse_root @ _symmetric_power(root @ target_covariance @ root, 0.5) @ inverse_root
    matched = transport @ (pixels - mean) + target_mean
    return matched.clamp(0, 1).to(picture).view_as(picture)


def keep_content_color(result: ImageTensor, content: ImageTensor) -> ImageTensor:
    """The result's luma with the content's color differences (Gatys et al., arXiv 1606.05897)."""
    weights = torch.tensor(_LUMA, dtype=result.dtype, device=result.device).view(1, 3, 1, 1)
    luma = ((result - content) * weights).sum(1, keepdim=True)
    return (content + luma).clamp(0, 1)


COLOR_MODES: dict[str, ColorMode] = {
    "style": ColorMode(
        prepare=lambda content, style: (content, style),
        finish=lambda result, content: result,
    ),
    "content": ColorMode(
        prepare=lambda content, style: (content, match_color(style, content)),
        finish=keep_content_color,
    ),
}


def _moments(pixels: Tensor) -> tuple[Tensor, Tensor]:
    mean = pixels.mean(1, keepdim=True)
    centered = pixels - mean
    covariance = centered @ centered.T / pixels.shape[1]
    floor = 1e-6 * torch.eye(3, dtype=pixels.dtype, device=pixels.device)
    return mean, covariance + floor


def _symmetric_power(matrix: Tensor, power: float) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ torch.diag(values.clamp_min(1e-12).pow(power)) @ vectors.T
