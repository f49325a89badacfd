"""Inner products and weighted sums of many long vectors, in whatever precision they are kept."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from neural_style.kernels.compiled import all_cores, bits

_PIECE = 2**24
"""Numbers that are widened at a time."""


def _pieces(rows: Tensor) -> int:
    """Columns to be taken at a time: all, where none need widening."""
    return rows.shape[1] if rows.itemsize >= 4 else max(1, _PIECE // len(rows))


def _by_loops(rows: Tensor) -> bool:
    return rows.dtype == torch.bfloat16 and rows.device.type == "cpu"


def inner_products(rows: Tensor, columns: Sequence[Tensor]) -> Tensor:
    """Inner product of each of `rows` with each of `columns`."""
    kind = torch.promote_types(columns[-1].dtype, torch.float32)
    width = _pieces(rows)
    total = 0
    for begin in range(0, rows.shape[1], width):
        some = rows[:, begin : begin + width]
        others = torch.stack([column[begin : begin + width].to(kind) for column in columns])
        total = total + exact(_inner_of_piece(some, others))
    return total


def _inner_of_piece(rows: Tensor, columns: Tensor) -> Tensor:
    if not _by_loops(rows):
        return rows.to(columns) @ columns.T
    from neural_style.kernels import pair_loops as loops

    sums = torch.empty(-(-rows.shape[1] // loops.WIDTH), len(rows), len(columns))
    with all_cores():
        loops.inner(bits(rows), columns.float().numpy(), sums.numpy())
    return exact(sums).sum(0)


def combine(weights: Tensor, rows: Tensor) -> Tensor:
    """The sum of the rows, each times its weight."""
    if _by_loops(rows):
        from neural_style.kernels import pair_loops as loops

        total = torch.empty(rows.shape[1])
        with all_cores():
            loops.combine(weights.float().numpy(), bits(rows), total.numpy())
        return total.to(weights)
    return torch.cat([weights @ some.to(weights) for some in rows.split(_pieces(rows), 1)])


def exact(sums: Tensor) -> Tensor:
    """In float64, on the device itself where it has that."""
    return sums.cpu().double() if sums.device.type == "mps" else sums.double()
