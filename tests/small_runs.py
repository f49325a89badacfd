"""Small runs of `stylize` for the tests: settings, last frame, digest of a picture."""

from __future__ import annotations

import hashlib

import torch

from neural_style import Settings, stylize

_DEFAULTS = {"iterations": 12, "size": 64, "scales": 1, "noise_ratio": 0.0, "precision": "fp32"}


def small_settings(**changes) -> Settings:
    return Settings(**(_DEFAULTS | changes))


def last_frame(content, style, **changes):
    *_, frame = stylize(content, style, small_settings(**changes))
    return frame


def digest(image: torch.Tensor) -> str:
    return hashlib.sha256(image.numpy().tobytes()).hexdigest()
