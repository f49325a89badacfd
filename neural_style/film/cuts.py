"""Finds the cuts of a film: where one scene ends and another begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from neural_style.film.flow import flow_by_dis, warp
from neural_style.images.files import resize
from neural_style.images.sizes import fit
from neural_style.tensors import ImageTensor

_LONGEST = 96
"""Longest side, in pixels, of the small pictures that are compared."""

_BINS = 8


def is_cut(frame: ImageTensor, last: ImageTensor) -> bool:
    """Whether another scene begins with this frame.

    The colors of the two frames are distributed differently, and the last one, moved along the
    optical flow, does not look like this one. A flash or a fade alone changes the colors, fast
    motion alone makes the flow fail.
    """
    return all(value > limit for value, limit in zip(differences(frame, last), LIMITS))


def differences(frame: ImageTensor, last: ImageTensor) -> tuple[float, float]:
    """How much the colors differ, and how much the pictures do after the motion.

    Returns:
        Half the sum of absolute differences of the histograms of colors, from 0 to 1; and the mean
        absolute difference of the pixels after the last frame is moved along the flow.
    """
    size = fit(*frame.shape[-2:], min(_LONGEST, max(frame.shape[-2:])))
    frame, last = resize(frame, *size), resize(last, *size)
    colors = (_histogram(frame) - _histogram(last)).abs().sum().item() / 2
    moved = warp(last, flow_by_dis(frame, last))
    return colors, (frame - moved).abs().mean().item()


LIMITS = 0.3, 0.08


def find_cuts(frames: Iterable[ImageTensor]) -> Iterator[bool]:
    """For each frame, whether it is the first after a cut."""
    last = None
    for frame in frames:
        size = fit(*frame.shape[-2:], min(_LONGEST, max(frame.shape[-2:])))
        small = resize(frame, *size)
        yield last is not None and is_cut(small, last)
        last = small


def _histogram(picture: ImageTensor) -> Tensor:
    """Shares of the colors in `_BINS` levels a channel."""
    levels = (picture[0] * _BINS).long().clamp(0, _BINS - 1)
    index = (levels[0] * _BINS + levels[1]) * _BINS + levels[2]
    counts = torch.bincount(index.flatten(), minlength=_BINS**3)
    return counts / counts.sum()
