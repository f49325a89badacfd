"""Color modes: how content and style are recolored before a run, and the result after it.

All functions work on sRGB values, not on linear light: sRGB is about perceptually uniform, and the
papers use it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from neural_style.tensors import ImageTensor

_LUMA = (0.299, 0.587, 0.114)
"""Rec. 601 weights of red, green and blue in the luma of an sRGB picture."""


class ColorMode(NamedTuple):
    """Functions of a color mode.

    Attributes:
        content: Recolors the content image before the run.
        style: Recolors the style image, given the content image, before the run.
        finish: Recolors each frame, given the content image.
    """

    content: Callable[[ImageTensor], ImageTensor]
    style: Callable[[ImageTensor, ImageTensor], ImageTensor]
    finish: Callable[[ImageTensor, ImageTensor], ImageTensor]


def prepare_content(mode: str, strength: float, content: ImageTensor) -> ImageTensor:
    """The content image recolored for the network.

    Args:
        mode: A key of `COLOR_MODES`.
        strength: In [0, 1]; 0 leaves the picture unchanged.
    """
    return torch.lerp(content, COLOR_MODES[mode].content(content), strength)


def prepare_style(
    mode: str, strength: float, style: ImageTensor, content: ImageTensor
) -> ImageTensor:
    """The style image recolored for the network; `content` has its own colors."""
    return torch.lerp(style, COLOR_MODES[mode].style(style, content), strength)


def finish_colors(
    mode: str, strength: float, result: ImageTensor, content: ImageTensor
) -> ImageTensor:
    """The result recolored for a frame.

    Args:
        content: The content image in its own colors, at the result's size.
    """
    return torch.lerp(result, COLOR_MODES[mode].finish(result, content), strength)


def match_color(picture: ImageTensor, reference: ImageTensor) -> ImageTensor:
    """The picture with the mean and covariance of the reference's colors, clipped to [0, 1].

    The linear map is the one that changes colors least: Σp^-½ (Σp^½ Σr Σp^½)^½ Σp^-½, optimal
    transport between two Gaussians (Pitié and Kokaram, *The linear Monge–Kantorovitch color
    mapping*, 2007). It is computed on the CPU, because MPS has no float64.
    """
    return _mapped(picture, reference, _least_transport)


def match_color_by_cholesky(picture: ImageTensor, reference: ImageTensor) -> ImageTensor:
    """`match_color` with the map Lr Lp⁻¹ of Cholesky factors (Gatys et al., arXiv 1606.05897).

    Mean and covariance are the same, but the map is not symmetric in the channels, so hues may
    rotate.
    """
    return _mapped(picture, reference, _triangular_transport)


def match_histogram(picture: ImageTensor, reference: ImageTensor) -> ImageTensor:
    """The picture with the histogram of the reference's colors, clipped to [0, 1].

    Histograms are matched after `match_color`, along the three principal axes of the reference's
    colors. Along red, green and blue, each channel would match but not their combinations, and
    colors that the reference does not have would appear.
    """
    pixels, colors = (image[0].flatten(1) for image in (match_color(picture, reference), reference))
    _, covariance = _moments(colors)
    axes = torch.linalg.eigh(covariance).eigenvectors.to(colors)
    # Rounded, so that equal colors have equal ranks whatever the rounding of the products.
    along = zip((axes.T @ pixels * 2**19).round(), axes.T @ colors, strict=True)
    matched = torch.stack([_ranked(own, wanted) for own, wanted in along])
    return (axes @ matched).clamp(0, 1).view_as(picture)


def match_luma(picture: ImageTensor, reference: ImageTensor) -> ImageTensor:
    """The picture in gray with mean and deviation of the reference's luma, clipped to [0, 1]."""
    own, wanted = luma(picture), luma(reference)
    spread = wanted.std(correction=0) / own.std(correction=0).clamp_min(1e-3)
    return ((own - own.mean()) * spread + wanted.mean()).clamp(0, 1).expand(-1, 3, -1, -1)


def luma(picture: ImageTensor) -> Tensor:
    """Rec. 601 luma of a picture: (1, 1, H, W)."""
    weights = torch.tensor(_LUMA, dtype=picture.dtype, device=picture.device).view(1, 3, 1, 1)
    return (picture * weights).sum(1, keepdim=True)


def is_gray(picture: ImageTensor) -> bool:
    """Whether the picture is gray, up to rounding."""
    return bool((picture - picture.mean(1, keepdim=True)).abs().max() < _HALF_A_LEVEL)


_HALF_A_LEVEL = 0.5 / 255


def keep_content_color(result: ImageTensor, content: ImageTensor) -> ImageTensor:
    """The result's luma with the content's chroma (Gatys et al., arXiv 1606.05897)."""
    return (content + luma(result - content)).clamp(0, 1)


def _unchanged(picture: ImageTensor, content: ImageTensor | None = None) -> ImageTensor:
    return picture


COLOR_MODES: dict[str, ColorMode] = {
    "style": ColorMode(content=_unchanged, style=_unchanged, finish=_unchanged),
    # The style in the content's palette, and the content's chroma on every frame.
    "content": ColorMode(content=_unchanged, style=match_color, finish=keep_content_color),
    # Luminance-only transfer of arXiv 1606.05897: the network sees gray pictures.
    "luminance": ColorMode(
        content=lambda content: luma(content).expand(-1, 3, -1, -1),
        style=match_luma,
        finish=keep_content_color,
    ),
    # Color matching of arXiv 1606.05897: only the style image is recolored.
    "matched": ColorMode(content=_unchanged, style=match_color, finish=_unchanged),
    "cholesky": ColorMode(content=_unchanged, style=match_color_by_cholesky, finish=_unchanged),
    "histogram": ColorMode(content=_unchanged, style=match_histogram, finish=_unchanged),
}


def _mapped(
    picture: ImageTensor, reference: ImageTensor, transport: Callable[[Tensor, Tensor], Tensor]
) -> ImageTensor:
    """The picture after an affine map of its colors, from its mean to the reference's."""
    pixels, colors = (image[0].flatten(1) for image in (picture, reference))
    mean, covariance = _moments(pixels)
    target_mean, target_covariance = _moments(colors)
    change = transport(covariance, target_covariance)
    matched = torch.empty_like(pixels)
    for part, piece in zip(matched.split(_PIECE, 1), pixels.split(_PIECE, 1), strict=True):
        part.copy_((change @ (piece.cpu().double() - mean) + target_mean).clamp_(0, 1))
    return matched.view_as(picture)


_PIECE = 2**20
"""Pixels that are in float64 at a time; in one piece they take six times the picture's memory."""


def _least_transport(covariance: Tensor, target: Tensor) -> Tensor:
    root = _symmetric_power(covariance, 0.5)
    inverse_root = _symmetric_power(covariance, -0.5)
    return inverse_root @ _symmetric_power(root @ target @ root, 0.5) @ inverse_root


def _triangular_transport(covariance: Tensor, target: Tensor) -> Tensor:
    factor, target_factor = torch.linalg.cholesky(covariance), torch.linalg.cholesky(target)
    return torch.linalg.solve_triangular(factor, target_factor, upper=False, left=False)


def _ranked(own: Tensor, wanted: Tensor) -> Tensor:
    """`own` with each value replaced by the one of `wanted` at the same rank; ties stay equal."""
    _, where, counts = own.unique(return_inverse=True, return_counts=True)
    rank = (counts.cumsum(0) - 0.5 * (counts + 1)) / max(1, own.numel() - 1)
    place = rank.clamp(0, 1) * (wanted.numel() - 1)
    ordered = wanted.sort().values
    below = place.floor().long()
    above = (below + 1).clamp_max(wanted.numel() - 1)
    values = torch.lerp(ordered[below], ordered[above], (place - below).to(ordered))
    return values[where]


def _moments(pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and covariance of the columns in float64, on the CPU."""
    pieces = pixels.split(_PIECE, 1)
    mean = sum(piece.cpu().double().sum(1, keepdim=True) for piece in pieces) / pixels.shape[1]
    covariance = 1e-6 * torch.eye(3, dtype=torch.float64)
    for piece in pieces:
        centered = piece.cpu().double() - mean
        covariance += centered @ centered.T / pixels.shape[1]
    return mean, covariance


def _symmetric_power(matrix: Tensor, power: float) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ torch.diag(values.clamp_min(1e-12).pow(power)) @ vectors.T
