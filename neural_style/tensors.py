"""Tensor types with their shapes, and the precision of sums.

Dimensions whose names begin with `_` may differ between arguments.
"""

import hashlib

import torch
from jaxtyping import Float
from torch import Tensor

ImageTensor = Float[Tensor, "1 3 _h _w"]
"""A picture: sRGB, red first, in [0, 1]."""

Mask = Float[Tensor, "1 1 _h _w"]
"""A weight in [0, 1] for each position."""

FlowField = Float[Tensor, "1 2 _h _w"]
"""For each pixel, a displacement in pixels: across, then down."""

FeatureMap = Float[Tensor, "1 _c _h _w"]
"""Activations of one layer after its ReLU, so never negative."""

GramMatrix = Float[Tensor, "_c _c"]

FeatureVector = Float[Tensor, " _c"]
"""One number per channel."""

Scalar = Float[Tensor, ""]


def widen(x: Tensor) -> Tensor:
    """`x` in float32 or wider, so that sums of many small numbers are accurate."""
    return x.to(wide(x.dtype))


def wide(dtype: torch.dtype) -> torch.dtype:
    """float32, or `dtype` if it is wider."""
    return torch.promote_types(dtype, torch.float32)


def digest(tensor: Tensor) -> str:
    """Hex SHA-256 of the tensor's bytes, in the order of its elements."""
    return hashlib.sha256(tensor.detach().cpu().contiguous().numpy()).hexdigest()
