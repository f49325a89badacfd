"""The loops of `rectified_pool`, over bits of activations as rows × columns × channels."""

from __future__ import annotations

import numba
import numpy as np

from neural_style.kernels.compiled import compiled

_NOWHERE = np.uint8(4)


@compiled(parallel=True)
def pool(x, largest, out, places):
    """The greatest of two by two, or zero, and which of them it is: 0 to 3, or 4 for none.

    Args:
        largest: The bits of infinity.
    """
    height, width, channels = out.shape
    zero = x.dtype.type(0)
    limit, unsigned = x.dtype.type(largest), x.dtype.type(np.iinfo(x.dtype).max)
    for row in numba.prange(height):
        for column in range(width):
            made, found = out[row, column], places[row, column]
            for c in range(channels):
                made[c], found[c] = zero, _NOWHERE
            for k in range(4):
                seen = x[2 * row + k // 2, 2 * column + k % 2]
                place = np.uint8(k)
                for c in range(channels):
                    value = seen[c]
                    size = value & unsigned
                    value = size if size > limit else value
                    better = value > made[c]
                    made[c] = value if better else made[c]
                    found[c] = place if better else found[c]


@compiled(parallel=True)
def spread(gradient, places, out):
    """Each gradient to the place that its output came from; elsewhere zero."""
    height, width, channels = out.shape
    zero = gradient.dtype.type(0)
    for row in numba.prange(height):
        for column in range(width):
            given = out[row, column]
            if row // 2 < gradient.shape[0] and column // 2 < gradient.shape[1]:
                here, found = gradient[row // 2, column // 2], places[row // 2, column // 2]
                place = np.uint8(2 * (row % 2) + column % 2)
                for c in range(channels):
                    given[c] = here[c] if found[c] == place else zero
            else:
                for c in range(channels):
                    given[c] = zero
