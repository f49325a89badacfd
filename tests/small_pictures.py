"""Noise, pictures with noise, and masks that are white in one half."""

from __future__ import annotations

import torch
from torch import Tensor

from tests.conftest import picture


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """Uniform noise from 0 to 1, the same at each call."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def grainy(height: int, width: int, seed: int, share: float = 0.3) -> Tensor:
    """A picture with noise, so that no two patches are alike and none is flat.

    Args:
        share: Share of the noise.
    """
    return torch.lerp(picture(height, width, seed), noise(1, 3, height, width, seed=seed), share)


def half(side: str, height: int, width: int) -> Tensor:
    """A mask that is white in one half, "left" or "right"."""
    mask = torch.zeros(1, 1, height, width)
    mask[..., slice(None, width // 2) if side == "left" else slice(width // 2, None)] = 1
    return mask
