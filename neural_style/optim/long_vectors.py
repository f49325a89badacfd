"""Inner products and weighted sums of many long vectors, in whatever precision they are kept."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

_PIECE = 2**21
"""Numbers that are widened at a time: few enough to stay in the cache until they are read."""


def _pieces(rows: Tensor) -> int:
    """Columns to be taken at a time: all, where none need widening."""
    return rows.shape[1] if rows.itemsize >= 4 else max(1, _PIECE // len(rows))


def inner_products(rows: Tensor, columns: Sequence[Tensor]) -> Tensor:
    """Inner product of each of `rows` with each of `columns`."""
    kind = torch.promote_types(columns[-1].dtype, torch.float32)
    width = _pieces(rows)
    total = 0
    for begin in range(0, rows.shape[1], width):
        some = rows[:, begin : begin + width]
        others = torch.stack([column[begin : begin + width].to(kind) for column in columns])
        total = total + exact(some.to(others) @ others.T)
    return total


def combine(weights: Tensor, rows: Tensor) -> Tensor:
    """The sum of the rows, each times its weight."""
    return torch.cat([weights @ some.to(weights) for some in rows.split(_pieces(rows), 1)])


def exact(sums: Tensor) -> Tensor:
    """In float64, on the device itself where it has that."""
    return sums.cpu().double() if sums.device.type == "mps" else sums.double()
