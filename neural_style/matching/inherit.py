"""Matches of a smaller size, carried over to the cells of a larger one."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from neural_style.matching.indices import CellMatches
from neural_style.matching.sampling import count_cells


class EarlierMatches(NamedTuple):
    """The matches of the previous size.

    Attributes:
        cells: The matches.
        cell: Side of a cell in pixels.
        canvas: Height and width of the canvas.
        styles: Height and width of each style's picture.
    """

    cells: CellMatches
    cell: int
    canvas: tuple[int, int]
    styles: list[tuple[int, int]]


def carry_over(
    earlier: EarlierMatches, k: int, canvas: tuple[int, int], style: tuple[int, int], cell: int
) -> tuple[Tensor, Tensor]:
    """The cells of a style that the earlier matches point to, seen at a larger size.

    The center of each cell lies in an earlier cell. Its match is the place of the style that lies
    in the earlier match where the center lies in the earlier cell. The cells of one earlier cell
    thus get neighboring matches: their strokes are continuous.

    Args:
        k: Index of the style.
        canvas, style: Height and width at the larger size.
        cell: Side of a cell there, in pixels.

    Returns:
        For each cell of the canvas, the index of the style's cell; and whether its earlier match
        was with this style.
    """
    cells, device = earlier.cells, earlier.cells.owners.device
    parents, inner = [], []
    for dim, count in enumerate(count_cells(*canvas, cell)):
        centers = (torch.arange(count, device=device) + 0.5) * cell
        centers = centers * (earlier.canvas[dim] / canvas[dim])
        parent = (centers / earlier.cell).long().clamp_max(cells.owners.shape[dim] - 1)
        parents.append(parent)
        inner.append(centers - parent * earlier.cell)
    rows, columns = parents[0][:, None], parents[1][None]
    tall, wide = count_cells(*style, cell)
    down = cells.rows[rows, columns] * earlier.cell + inner[0][:, None]
    across = cells.columns[rows, columns] * earlier.cell + inner[1][None]
    down = (down * (style[0] / earlier.styles[k][0]) / cell).long().clamp(0, tall - 1)
    across = (across * (style[1] / earlier.styles[k][1]) / cell).long().clamp(0, wide - 1)
    owned = (cells.owners == k)[rows, columns]
    return (down * wide + across).flatten(), owned.flatten()
