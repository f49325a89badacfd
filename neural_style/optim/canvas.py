"""Canvases: linear parametrizations of the picture being optimized.

The optimizer changes numbers; the canvas decodes them to a picture. A good canvas is a
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
        decode: From the numbers to the picture.
        encode: The inverse of `decode`.
        pull: The transpose of `decode`: from the gradient of the picture to that of the numbers.
    """

    decode: Callable[[Tensor], ImageTensor]
    encode: Callable[[ImageTensor], Tensor]
    pull: Callable[[ImageTensor], Tensor]


def pixel_canvas(height: int, width: int, device: torch.device) -> Canvas:
    """The numbers are the pixels."""
    return Canvas(decode=_same, encode=_same, pull=_same)


def level_canvas(height: int, width: int, device: torch.device) -> Canvas:
    """The numbers are the pixels as levels from 0 to 255, the unit of step lengths in papers."""
    return Canvas(
        decode=lambda numbers: numbers / 255,
        encode=lambda image: image * 255,
        pull=lambda gradient: gradient / 255,
    )


def spectral_canvas(height: int, width: int, device: torch.device) -> Canvas:
    """The numbers are cosine coefficients, divided by 1/√f at spatial frequency f.

    The objective's curvature is about proportional to f (measured on VGG-19 Gram losses), so in
    these coordinates it is nearly the same for broad shapes and for fine strokes. The basis is the
    orthonormal DCT-II along each axis. It is real and mirrors the picture at its edges, so that
    opposite borders are not coupled as in a Fourier basis.
    """
    down, across = _axis(height, -2, device), _axis(width, -1, device)
    vertical = torch.arange(height, device=device)[:, None] / (2 * height)
    horizontal = torch.arange(width, device=device)[None, :] / (2 * width)
    frequency = (vertical.square() + horizontal.square()).sqrt()
    lowest = 1 / (2 * max(height, width))
    gain = (frequency.clamp_min(lowest) / 0.5).rsqrt()

    def to_waves(channel: Tensor) -> Tensor:
        return _to_waves(_to_waves(channel, across), down)

    def from_waves(waves: Tensor) -> Tensor:
        return _from_waves(_from_waves(waves, down), across)

    return Canvas(
        decode=lambda numbers: _each_channel(numbers, lambda x: from_waves(x * gain)),
        encode=lambda image: _each_channel(image, lambda x: to_waves(x) / gain),
        pull=lambda gradient: _each_channel(gradient, lambda x: to_waves(x) * gain),
    )


def _same(x: Tensor) -> Tensor:
    return x


def _each_channel(x: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """Applies `change` channel by channel, which takes a third of the memory for intermediates."""
    changed = torch.empty_like(x, memory_format=torch.contiguous_format)
    for channel, out in zip(x.flatten(0, 1), changed.flatten(0, 1), strict=True):
        out.copy_(change(channel))
    return changed


class _Axis(NamedTuple):
    """Tables for the cosine transform along one axis.

    The Fourier transform of the even samples, followed by the odd ones in reverse, contains all
    cosine coefficients: after wave k is rotated by k/4N of a circle, its real part is coefficient
    k, and its imaginary part is coefficient N − k with the sign changed (Makhoul 1980).

    Attributes:
        dim: −2 or −1.
        order, restored: The permutation of the samples, and its inverse.
        turns: The factor of each wave.
    """

    dim: int
    order: Tensor
    restored: Tensor
    turns: Tensor


def _axis(length: int, dim: int, device: torch.device) -> _Axis:
    places = torch.arange(length)
    order = torch.cat([places[::2], places[1::2].flip(0)])
    waves = torch.arange(length // 2 + 1, dtype=torch.float64)
    norms = torch.full_like(waves, math.sqrt(2 / length))
    norms[0] = math.sqrt(1 / length)
    turns = torch.polar(norms, -math.pi / (2 * length) * waves).to(torch.complex64)
    turns = turns[:, None] if dim == -2 else turns
    return _Axis(dim, order.to(device), order.argsort().to(device), turns.to(device))


def _to_waves(x: Tensor, axis: _Axis) -> Tensor:
    """The orthonormal DCT-II of one channel along an axis."""
    turned = torch.fft.rfft(x.index_select(axis.dim, axis.order), dim=axis.dim).mul_(axis.turns)
    upper = turned.imag.narrow(axis.dim, 1, (x.shape[axis.dim] - 1) // 2)
    return torch.cat([turned.real, upper.neg().flip(axis.dim)], dim=axis.dim)


def _from_waves(x: Tensor, axis: _Axis) -> Tensor:
    """The inverse of `_to_waves`, which is also its transpose."""
    length, lower = x.shape[axis.dim], len(axis.turns.flatten())
    upper = x.narrow(axis.dim, length - lower + 1, lower - 1).flip(axis.dim)
    nothing = torch.zeros_like(x.narrow(axis.dim, 0, 1))
    imaginary = torch.cat([nothing, upper.neg_()], dim=axis.dim)
    turned = torch.complex(x.narrow(axis.dim, 0, lower), imaginary).div_(axis.turns)
    waves = torch.fft.irfft(turned, n=length, dim=axis.dim)
    return waves.index_select(axis.dim, axis.restored)
