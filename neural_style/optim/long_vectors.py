"""Inner products and weighted sums of many long vectors in float32 or bfloat16."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

_PIECE = 2**21
"""Numbers converted to float32 at a time: few enough to stay in the cache."""


def _pieces(rows: Tensor) -> int:
    """Columns to process at a time; all of them in float32, which needs no conversion."""
    return rows.shape[1] if rows.itemsize >= 4 else max(1, _PIECE // len(rows))


def inner_products(rows: Tensor, columns: Sequence[Tensor]) -> Tensor:
    """Inner product of each of `rows` with each of `columns`."""
    kind = torch.promote_types(columns[-1].dtype, torch.float32)
    width = _pieces(rows)
    total = 0
    for begin in range(0, rows.shape[1], width):
        piece = rows[:, begin : begin + width]
        others = torch.stack([column[begin : begin + width].to(kind) for column in columns])
        total = total + exact(piece.to(others) @ others.T)
    return total


def combine(weights: Tensor, rows: Tensor) -> Tensor:
    """The weighted sum of the rows."""
    return torch.cat([weights @ piece.to(weights) for piece in rows.split(_pieces(rows), 1)])


def exact(sums: Tensor) -> Tensor:
    """The sums in float64, on the CPU if they were on MPS, which has none."""
    return sums.cpu().double() if sums.device.type == "mps" else sums.double()
