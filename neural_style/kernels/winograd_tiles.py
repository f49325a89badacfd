"""The Winograd transforms of tiles, before and after the matrix products.

They are compiled when first used and cached on disk. Activations are rows × columns × channels: the
bits of float32 as int32, or those of bfloat16 as int16. A tile has 6 × 6 activations; neighboring
tiles overlap by two, so that each has 4 × 4 of its own.

The interpolation points are 0, ±√½, ±√2 and infinity. They are close to those with the smallest
error (Barabasz et al. 2020, arXiv 1803.10986). The reciprocal of each point is one of them, so that
the transformed kernel, in another order, serves the backward pass, too.
"""

from __future__ import annotations

import numba
import numpy as np

from neural_style.kernels.compiled import compiled

_CHANNELS = 64
_TILES = 16
"""Channels and tiles of a row that a thread processes at a time: few enough for its caches."""

_ROOT = np.float32(2**0.5)
_HALF_ROOT = np.float32(0.5**0.5)
_SIXTH_ROOT = np.float32(2**0.5 / 6)
_THIRD_ROOT = np.float32(2**0.5 / 3)
_THIRD = np.float32(1 / 3)
_CUBE = np.float32(2**1.5)
_HALF_CUBE = np.float32(0.5**1.5)
_HALF = np.float32(0.5)
_TWO = np.float32(2)
_MIDDLE = np.float32(2.5)
_ZERO = np.float32(0)
_NO_BITS = np.int32(0)
_HALF_BITS = np.int32(16)
_BELOW_HALF = np.int32(0x7FFF)
_ONE = np.int32(1)


@compiled()
def _six(x, v):
    """Transforms six activations to their values at the six points, for each column."""
    for c in range(x.shape[1]):
        x0, x1, x2, x3, x4, x5 = x[0, c], x[1, c], x[2, c], x[3, c], x[4, c], x[5, c]
        even, odd = _THIRD_ROOT * (_TWO * x2 - x4), _THIRD * (_TWO * x1 - x3)
        far_even, far_odd = _SIXTH_ROOT * (x4 - _HALF * x2), _THIRD * (x3 - _HALF * x1)
        v[0, c] = x0 - _MIDDLE * x2 + x4
        v[1, c] = even + odd
        v[2, c] = even - odd
        v[3, c] = far_even + far_odd
        v[4, c] = far_even - far_odd
        v[5, c] = x1 - _MIDDLE * x3 + x5


@compiled()
def _four(m, y):
    """Transforms products at the six points to four outputs, for each column."""
    for c in range(m.shape[1]):
        near, near_odd = m[1, c] + m[2, c], m[1, c] - m[2, c]
        far, far_odd = m[3, c] + m[4, c], m[3, c] - m[4, c]
        y[0, c] = m[0, c] + near + far
        y[1, c] = _HALF_ROOT * near_odd + _ROOT * far_odd
        y[2, c] = _HALF * near + _TWO * far
        y[3, c] = _HALF_CUBE * near_odd + _CUBE * far_odd + m[5, c]


@compiled()
def _clear(bits):
    for c in range(bits.shape[0]):
        bits[c] = _NO_BITS


@compiled()
def _load(x, bits):
    """Converts float32 or bfloat16 to the bits of float32."""
    shift = _HALF_BITS if x.itemsize == 2 else _NO_BITS
    for c in range(x.shape[0]):
        bits[c] = np.int32(x[c]) << shift


@compiled()
def _load_active(x, active, bits):
    """`_load` where `active` is above zero, which its sign bit shows; zero elsewhere."""
    shift = _HALF_BITS if x.itemsize == 2 else _NO_BITS
    for c in range(x.shape[0]):
        bits[c] = np.int32(np.int32(x[c]) << shift) if active[c] > 0 else _NO_BITS


@compiled()
def _store(bits, x):
    """Converts the bits of float32 to float32 or bfloat16, rounded to nearest, ties to even."""
    if x.itemsize == 2:
        for c in range(x.shape[0]):
            last = (bits[c] >> _HALF_BITS) & _ONE
            x[c] = (bits[c] + _BELOW_HALF + last) >> _HALF_BITS
    else:
        for c in range(x.shape[0]):
            x[c] = bits[c]


@compiled()
def _finish(w, bias, rectify):
    if rectify:
        for c in range(bias.shape[0]):
            w[c] = max(w[c] + bias[c], _ZERO)
    else:
        for c in range(bias.shape[0]):
            w[c] = w[c] + bias[c]


@compiled(parallel=True)
def spread(x, active, masked, first, rows, order, v):
    """Transforms `rows` rows of tiles from row `first` on to v: 36 points × tiles × channels.

    If `masked`, activations are set to zero where `active` is not above zero. The points along each
    axis are in the order of `order`.
    """
    height, width, channels = x.shape
    across = (width + 3) // 4
    blocks = (channels + _CHANNELS - 1) // _CHANNELS
    for job in numba.prange(rows * blocks):
        begin = job % blocks * _CHANNELS
        n = min(_CHANNELS, channels - begin)
        end = begin + n
        row = 4 * (first + job // blocks) - 1
        lines = np.zeros((6, (4 * _TILES + 2) * n), np.float32)
        line_bits = lines.view(np.int32)
        halfway = np.empty_like(lines)
        pixels = halfway.reshape(6, 4 * _TILES + 2, n)
        points = np.empty((6, n), np.float32)
        point_bits = points.view(np.int32)
        for start in range(0, across, _TILES):
            count = min(_TILES, across - start)
            for i in range(6):
                for k in range(4 * count + 2):
                    place = line_bits[i, k * n : (k + 1) * n]
                    column = 4 * start + k - 1
                    if not (0 <= row + i < height and 0 <= column < width):
                        _clear(place)
                    elif masked:
                        shown = active[row + i, column, begin:end]
                        _load_active(x[row + i, column, begin:end], shown, place)
                    else:
                        _load(x[row + i, column, begin:end], place)
            _six(lines, halfway)
            for k in range(count):
                tile = job // blocks * across + start + k
                for i in range(6):
                    _six(pixels[i, 4 * k : 4 * k + 6], points)
                    for j in range(6):
                        _store(point_bits[j], v[6 * order[i] + order[j], tile, begin:end])


@compiled(parallel=True)
def gather(m, bias, rectify, first, rows, order, out):
    """Transforms m, 36 points × tiles × channels, to `rows` rows of tiles of `out` from `first` on.

    Adds the bias, and applies a ReLU if `rectify`.
    """
    height, width, channels = out.shape
    across = (width + 3) // 4
    blocks = (channels + _CHANNELS - 1) // _CHANNELS
    for job in numba.prange(rows * blocks):
        begin = job % blocks * _CHANNELS
        n = min(_CHANNELS, channels - begin)
        end = begin + n
        points = np.empty((6, 6 * n), np.float32)
        point_bits = points.view(np.int32)
        halfway = np.empty((4, 6 * n), np.float32)
        lines = halfway.reshape(4, 6, n)
        pixels = np.empty((4, n), np.float32)
        pixel_bits = pixels.view(np.int32)
        for column in range(across):
            tile = job // blocks * across + column
            for i in range(6):
                for j in range(6):
                    source = m[6 * order[i] + order[j], tile, begin:end]
                    _load(source, point_bits[i, j * n : (j + 1) * n])
            _four(points, halfway)
            for i in range(4):
                row = 4 * (first + job // blocks) + i
                if row < height:
                    _four(lines[i], pixels)
                    for j in range(min(4, width - 4 * column)):
                        _finish(pixels[j], bias[begin:end], rectify)
                        _store(pixel_bits[j], out[row, 4 * column + j, begin:end])
