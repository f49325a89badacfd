"""Measures of a stylized picture that no run optimizes: pure functions of tensors.

Each measures one artifact or one goal: the lattice that some losses leave (`weave`), local
similarity to the style (`nearest_distance`), similarity of outlines to the content's
(`edge_coherence`), and clipped colors (`clipped_share`). None is a score by itself: compare with
the value of the style image or of the content, and look at the picture.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, normalize

from neural_style.images.color import luma

WAVELENGTHS = (3.0, 4.0)
"""Pixels; a lattice left by a network's pooling lies between these."""

SECTOR_DEGREES = 15.0
"""Half the angle of the sectors of `weave` around axes and diagonals."""

BLOCK = 8
"""Side in pixels of the blocks whose means `edge_coherence` uses."""


def weave(image: Tensor) -> float:
    """Power of the luma along the axes over that along the diagonals, at wavelengths of 3–4 pixels.

    The mean of the power spectrum over frequencies of 1/4 to 1/3 a pixel whose direction is within
    `SECTOR_DEGREES` of horizontal or vertical, over the mean within as much of a diagonal. 1 for
    noise without a direction, whatever its spectrum; large for a lattice of horizontal and vertical
    lines. Paintings and photographs have values of their own: compare at the same size.

    A Hann window (Blackman and Tukey 1958) first fades the picture to its mean at its edges.
    Without it, the jump from each edge to the opposite one would count as waves along the axes.

    Args:
        image: sRGB in [0, 1], 1 × 3 × H × W, at least 16 pixels a side.
    """
    gray = luma(image.double())[0, 0]
    height, width = gray.shape
    window = torch.outer(_hann(height), _hann(width))
    gray = gray - (window * gray).sum() / window.sum()
    power = torch.fft.fft2(window * gray).abs().square()
    down = torch.fft.fftfreq(height, dtype=torch.float64).abs()[:, None]
    right = torch.fft.fftfreq(width, dtype=torch.float64).abs()[None]
    frequency = torch.hypot(down, right)
    angle = torch.rad2deg(torch.atan2(down, right))  # 0 to 90
    longest, shortest = 1 / WAVELENGTHS[1], 1 / WAVELENGTHS[0]
    within = (frequency >= longest) & (frequency <= shortest)
    axes = within & ((angle <= SECTOR_DEGREES) | (angle >= 90 - SECTOR_DEGREES))
    diagonals = within & ((angle - 45).abs() <= SECTOR_DEGREES)
    return (power[axes].mean() / power[diagonals].mean()).item()


def _hann(length: int) -> Tensor:
    """A Hann window sampled at pixel centers, so that it is symmetric."""
    middles = (torch.arange(length, dtype=torch.float64) + 0.5) / length
    return torch.sin(torch.pi * middles).square()


def nearest_distance(features: Tensor, style: Tensor, chunk: int = 1024) -> float:
    """Mean over a picture's positions of 1 − the greatest cosine with any position of the style.

    It is 0 if each position looks like some position of the style, and at most 1, or 2 where
    activations can be negative. A small value does not mean that all of the style is used: one
    patch repeated everywhere has it, too. A position without activations has a cosine of 0.

    Args:
        features: Activations of the picture at one layer, 1 × C × H × W.
        style: Those of the style image, 1 × C × h × w.
        chunk: Positions compared at a time.
    """
    places = normalize(features[0].flatten(1), dim=0)
    bank = normalize(style[0].flatten(1), dim=0)
    greatest = [(part.T @ bank).amax(dim=1) for part in places.split(chunk, dim=1)]
    return (1 - torch.cat(greatest)).mean().item()


def edge_coherence(image: Tensor, content: Tensor) -> float:
    """Pearson correlation of the outlines of two pictures at 1/8 of their size, from −1 to 1.

    Outlines are the gradient's magnitude in the luma of `BLOCK`×`BLOCK` means, so that strokes
    narrower than that count little. The value does not change when either picture is inverted or
    gets another brightness or contrast. It is 0 if a picture has uniform outlines or none.

    Args:
        image: sRGB in [0, 1], 1 × 3 × H × W.
        content: Of the same size.
    """
    own, other = (_edges(picture).flatten() for picture in (image, content))
    own, other = own - own.mean(), other - other.mean()
    spread = own.norm() * other.norm()
    return 0.0 if spread < 1e-12 else (own @ other / spread).item()


def _edges(image: Tensor) -> Tensor:
    """Gradient magnitude of the block means, from each block's right and lower neighbors."""
    gray = avg_pool2d(luma(image.double()), BLOCK)[0, 0]
    right = gray[:-1, 1:] - gray[:-1, :-1]
    down = gray[1:, :-1] - gray[:-1, :-1]
    return torch.hypot(right, down)


def clipped_share(image: Tensor) -> float:
    """Share of pixels with a channel at level 0 or 255 after rounding to 8 bits.

    Args:
        image: sRGB in [0, 1], 1 × 3 × H × W.
    """
    levels = (255 * image).round()
    return ((levels <= 0) | (levels >= 255)).any(dim=1).double().mean().item()
