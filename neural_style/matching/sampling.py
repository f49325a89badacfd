"""Sampled positions of a layer's map, and their pixels in the picture.

A picture is divided into square cells. A layer whose stride is at most the cell is sampled once per
cell, a coarser one at each of its positions. Position i of a map is centered on picture row
i · stride + stride / 2.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from neural_style.network.extractor import Network
from neural_style.network.strips import Segments, visit_features
from neural_style.tensors import FeatureMap, ImageTensor

SMALLEST_CELL = 4
"""Side in pixels. Smaller cells cost more and look no better."""

MOST_CELLS = 160
"""Cells along the longer side. Beyond that cells double, so that large pictures cost no more."""


class Axis(NamedTuple):
    """The sampled rows or columns of a map: first, first + step, … below length."""

    length: int
    stride: int
    first: int
    step: int

    @property
    def count(self) -> int:
        return max(0, -(-(self.length - self.first) // self.step))

    def within(self, start: int, stop: int) -> tuple[slice, slice]:
        """The sampled rows from `start` to `stop`, and the indices of these samples.

        The first slice is relative to `start`, for a map cut at `stop`.
        """
        begin = max(0, -(-(start - self.first) // self.step))
        end = max(begin, -(-(stop - self.first) // self.step))
        return slice(self.first + begin * self.step - start, None, self.step), slice(begin, end)

    def pixels(self) -> Tensor:
        """The picture row at the center of each sample."""
        places = self.first + self.step * torch.arange(self.count)
        return places * self.stride + self.stride // 2

    def nearest(self, pixels: Tensor) -> Tensor:
        """The index of the sample nearest to each of these picture rows."""
        rows = pixels // self.stride - self.first + self.step // 2
        return (rows // self.step).clamp(0, self.count - 1)


class Samples(NamedTuple):
    """A layer's activations at the sampled positions.

    Attributes:
        values: Positions down × positions across × channels, in the network's precision.
        down, across: The sampled rows and columns.
    """

    values: Tensor
    down: Axis
    across: Axis

    @property
    def pixels(self) -> tuple[Tensor, Tensor]:
        """The picture row of each sampled row, and the picture column of each sampled column."""
        return self.down.pixels(), self.across.pixels()


def cell_size(height: int, width: int) -> int:
    """Side in pixels of the cells of a picture."""
    cell = SMALLEST_CELL
    while max(height, width) > MOST_CELLS * cell:
        cell *= 2
    return cell


def count_cells(height: int, width: int, cell: int) -> tuple[int, int]:
    """Cells down and across; the last ones may extend beyond the picture."""
    return -(-height // cell), -(-width // cell)


def plan_axis(length: int, stride: int, cell: int, first: int | None = None) -> Axis:
    """The sampled rows of a map with `length` rows and the given stride.

    Args:
        cell: Picture rows between samples, if the stride is no larger.
        first: The first sampled row; None for the middle of the first cell.
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
    """The activations of a picture at the sampled positions, by layer.

    Args:
        cells: Layer → pixels between samples.
        first: Layer → first sampled row and column; None for the middle of the cells.
    """
    parts: dict[str, list[Tensor]] = {layer: [] for layer in cells}
    axes: dict[str, tuple[Axis, Axis]] = {}

    def visit(layer: str, features: FeatureMap, where: slice) -> None:
        top, left = first[layer] if first else (None, None)
        stride = network.layers[layer].stride
        down = plan_axis(where.stop, stride, cells[layer], top)
        across = plan_axis(features.shape[3], stride, cells[layer], left)
        rows, _ = down.within(where.start, where.stop)
        picked = features[0, :, rows, across.first :: across.step].permute(1, 2, 0)
        parts[layer].append(picked.clone())  # a view would keep the whole map
        axes[layer] = down, across

    visit_features(network, segments, image, cells, visit)
    return {layer: Samples(torch.cat(found), *axes[layer]) for layer, found in parts.items()}
