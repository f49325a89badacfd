"""The shapes of the project, named once, and the precision of sums.

Names that begin with `_` may differ between arguments.
"""

import torch
from jaxtyping import Float
from torch import Tensor

ImageTensor = Float[Tensor, "1 3 _h _w"]
"""A picture: sRGB, red first, in [0, 1]."""

Mask = Float[Tensor, "1 1 _h _w"]
"""How much of each position, in [0, 1]."""

FeatureMap = Float[Tensor, "1 _c _h _w"]
"""Activations of one layer after its ReLU, so never negative."""

GramMatrix = Float[Tensor, "_c _c"]

FeatureVector = Float[Tensor, " _c"]
"""One number a channel."""

Scalar = Float[Tensor, ""]


def widen(x: Tensor) -> Tensor:
    """In float32 at least, so that sums of many small numbers keep them."""
    return x.to(wide(x.dtype))


def wide(dtype: torch.dtype) -> torch.dtype:
    """float32, or that precision if it is wider."""
    return torch.promote_types(dtype, torch.float32)
