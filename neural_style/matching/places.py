"""Places: sampled positions of a layer's map, and how they lie over the picture.

A picture is divided into square cells. A layer that is as fine as the cells or finer is sampled
once a cell; a coarser one at each of its positions. One number, the stride, says how a map lies
over its picture: position i stands for picture row i · stride + stride / 2.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from neural_style.network.extractor import Network
from neural_style.network.strips import Segments, survey
from neural_style.tensors import FeatureMap, ImageTensor

SMALLEST_CELL = 4
"""Pixels a side. Finer cells cost more and look no better."""

MOST_CELLS = 160
"""Along the longer side. Above it cells double, so that matching a large picture costs no more."""


class Axis(NamedTuple):
    """Which rows, or columns, of a map are sampled: first, first + step, … below length."""

    length: int
    stride: int
    first: int
    step: int

    @property
    def count(self) -> int:
        return max(0, -(-(self.length - self.first) // self.step))

    def within(self, start: int, stop: int) -> tuple[slice, slice]:
        """Of the map's rows from `start` to `stop`, those sampled, and which samples these are.

        The first slice is counted from `start`; it is of a part that ends at `stop`.
        """
        begin = max(0, -(-(start - self.first) // self.step))
        end = max(begin, -(-(stop - self.first) // self.step))
        return slice(self.first + begin * self.step - start, None, self.step), slice(begin, end)

    def pixels(self) -> Tensor:
        """The picture row in the middle of each sample."""
        places = self.first + self.step * torch.arange(self.count)
        return places * self.stride + self.stride // 2

    def nearest(self, pixels: Tensor) -> Tensor:
        """The sample next to each of those picture rows."""
        rows = pixels // self.stride - self.first + self.step // 2
        return (rows // self.step).clamp(0, self.count - 1)


class Samples(NamedTuple):
    """A layer's activations at its places.

    Attributes:
        values: Places down × places across × channels, in the network's precision.
        down, across: Which rows and columns these are.
    """

    values: Tensor
    down: Axis
    across: Axis

    @property
    def pixels(self) -> tuple[Tensor, Tensor]:
        """Picture row of each row of places, and picture column of each column."""
        return self.down.pixels(), self.across.pixels()


def cell_size(height: int, width: int) -> int:
    """Pixels along a side of the cells of a picture."""
    cell = SMALLEST_CELL
    while max(height, width) > MOST_CELLS * cell:
        cell *= 2
    return cell


def count_cells(height: int, width: int, cell: int) -> tuple[int, int]:
    """Cells down and across; the last ones may reach beyond the picture."""
    return -(-height // cell), -(-width // cell)


def plan_axis(length: int, stride: int, cell: int, first: int | None = None) -> Axis:
    """Samples of a map of `length` rows, each of which stands for `stride` rows of the picture.

    Args:
        cell: Picture rows from one sample to the next, where the map is as fine as that.
        first: The first row sampled; None for the middle of the first cell.
    """
    step = max(1, cell // stride)
    return Axis(length, stride, step // 2 if first is None else first, step)


def sample(
    network: Network,
    segments: Segments,
    image: ImageTensor,
    cells: dict[str, int],
    first: dict[str, tuple[int, int]] | None = None,
) -> dict[str, Samples]:
    """The activations of a picture at its places, layer by layer.

    Args:
        cells: Layer → pixels from one place to the next.
        first: Layer → first row and first column sampled; None for the middle of the cells.
    """
    parts: dict[str, list[Tensor]] = {layer: [] for layer in cells}
    axes: dict[str, tuple[Axis, Axis]] = {}

    def visit(layer: str, features: FeatureMap, where: slice) -> None:
        top, left = first[layer] if first else (None, None)
        stride = network.layers[layer].stride
        down = plan_axis(where.stop, stride, cells[layer], top)
        across = plan_axis(features.shape[3], stride, cells[layer], left)
        rows, _ = down.within(where.start, where.stop)
        parts[layer].append(features[0, :, rows, across.first :: across.step].permute(1, 2, 0))
        axes[layer] = down, across

    survey(network, segments, image, cells, visit)
    return {layer: Samples(torch.cat(found), *axes[layer]) for layer, found in parts.items()}
