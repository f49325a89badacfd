"""The loops of `optimizers`, over rows of bfloat16, given as their bits.

Torch would widen all of the rows to multiply them; here each piece of a row is widened where it is
needed, in the nearest cache.
"""

from __future__ import annotations

import numba
import numpy as np

from neural_style.kernels.compiled import compiled

WIDTH = 4096
"""Numbers of a row in one piece."""

_UPPER_HALF = np.int32(16)
_SUMS = {"reassoc", "contract"}
"""Additions may be done in another order, so that many are done at once."""


@compiled()
def _widen(narrow, wide):
    for i in range(narrow.shape[0]):
        wide[i] = np.int32(narrow[i]) << _UPPER_HALF


@compiled(fastmath=_SUMS)
def _product(one, other):
    total = np.float32(0)
    for i in range(one.shape[0]):
        total += one[i] * other[i]
    return total


@compiled(fastmath=_SUMS)
def _add(weight, row, out):
    for i in range(row.shape[0]):
        out[i] += weight * row[i]


@compiled(parallel=True)
def inner(rows, columns, sums):
    """Of each piece of each row with that of each column: pieces × rows × columns."""
    length = rows.shape[1]
    for piece in numba.prange(sums.shape[0]):
        begin, end = piece * WIDTH, min(length, (piece + 1) * WIDTH)
        wide = np.empty(end - begin, np.int32)
        for r in range(rows.shape[0]):
            _widen(rows[r, begin:end], wide)
            for k in range(columns.shape[0]):
                sums[piece, r, k] = _product(wide.view(np.float32), columns[k, begin:end])


@compiled(parallel=True)
def combine(weights, rows, out):
    """The sum of the rows, each times its weight."""
    length = rows.shape[1]
    for piece in numba.prange((length + WIDTH - 1) // WIDTH):
        begin, end = piece * WIDTH, min(length, (piece + 1) * WIDTH)
        wide = np.empty(end - begin, np.int32)
        here = out[begin:end]
        here[:] = np.float32(0)
        for r in range(rows.shape[0]):
            _widen(rows[r, begin:end], wide)
            _add(weights[r], wide.view(np.float32), here)
