"""How the picture being optimized is represented: a pair of functions, to and from.

The optimizer moves numbers; the canvas says what picture they stand for. A good canvas is a
preconditioner: it stretches the directions in which the objective is flat.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from neural_style.tensors import ImageTensor


class Canvas(NamedTuple):
    """Linear maps between the numbers and the picture.

    Attributes:
        decode: Makes the picture from the numbers.
        encode: Its inverse.
        pull: Its transpose: makes the gradient at the numbers from that at the picture.
    """

    decode: Callable[[Tensor], ImageTensor]
    encode: Callable[[ImageTensor], Tensor]
    pull: Callable[[ImageTensor], Tensor]


def pixel_canvas(height: int, width: int, device: torch.device) -> Canvas:
    """The numbers are the pixels."""
    return Canvas(decode=_same, encode=_same, pull=_same)


def level_canvas(height: int, width: int, device: torch.device) -> Canvas:
    """The numbers are the pixels as levels from 0 to 255: the unit of literature's step lengths."""
    return Canvas(
        decode=lambda numbers: numbers / 255,
        encode=lambda image: image * 255,
        pull=lambda gradient: gradient / 255,
    )


def spectral_canvas(height: int, width: int, device: torch.device) -> Canvas:
    """The numbers are cosine coefficients, divided by 1/√f at spatial frequency f.

    The objective's curvature grows about in proportion to f (measured on VGG-19 Gram losses), so
    in these coordinates it is nearly the same for broad shapes and for fine strokes. The basis is
    the orthonormal DCT-II along each axis: real, and mirrored at the edges, so that opposite
    borders do not speak to each other as they would in a Fourier basis.
    """
    columns, rows = _cosines(height, device), _cosines(width, device)
    vertical = torch.arange(height, device=device)[:, None] / (2 * height)
    horizontal = torch.arange(width, device=device)[None, :] / (2 * width)
    frequency = (vertical.square() + horizontal.square()).sqrt()
    lowest = 1 / (2 * max(height, width))
    gain = (frequency.clamp_min(lowest) / 0.5).rsqrt()
    return Canvas(
        decode=lambda numbers: columns.T @ (numbers * gain) @ rows,
        encode=lambda image: (columns @ image @ rows.T) / gain,
        pull=lambda gradient: (columns @ gradient @ rows.T) * gain,
    )


def _same(x: Tensor) -> Tensor:
    return x


def _cosines(length: int, device: torch.device) -> Tensor:
    """Orthonormal DCT-II basis: row k holds the cosine with k half-waves."""
    k = torch.arange(length, dtype=torch.float64)[:, None]
    x = torch.arange(length, dtype=torch.float64)[None, :]
    basis = torch.cos(math.pi / length * (x + 0.5) * k) * math.sqrt(2 / length)
    basis[0] /= math.sqrt(2)
    return basis.to(device, torch.float32)
