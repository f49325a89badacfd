"""Flicker: how much a film changes beside the motion."""

from __future__ import annotations

from neural_style.film.flow import Motion, warp
from neural_style.tensors import ImageTensor


def flicker(image: ImageTensor, last: ImageTensor, motion: Motion) -> float:
    """Mean of |O_t − warp(O_{t−1})| over the trusted pixels of two painted frames.

    Args:
        image, last: Two painted frames, one after the other.
        motion: That of the film's own frames, of the same size.
    """
    return (difference(image, last, motion).sum() / (3 * motion.trust.sum())).item()


def difference(image: ImageTensor, last: ImageTensor, motion: Motion) -> ImageTensor:
    """|O_t − warp(O_{t−1})| at each pixel, times the trust."""
    return (image - warp(last, motion.flow)).abs() * motion.trust
