"""The start picture of a run by matches: overlapping style patches at the matches."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from neural_style.matching.indices import CellMatches
from neural_style.matching.sampling import count_cells
from neural_style.tensors import ImageTensor


def piece_together(
    height: int, width: int, styles: Sequence[ImageTensor], matches: CellMatches, cell: int
) -> ImageTensor:
    """The styles' pixels at the matches, in overlapping patches of 3 × 3 cells.

    Patches are blended with a Hann window, so that no seams show.

    Args:
        height, width: Size of the canvas.
        styles: The pictures, at the size at which they were matched.
        matches: The style cell of each cell of the canvas.
        cell: Side of a cell in pixels.
    """
    blocks, starts, widths = [], [], []
    count = 0
    for style in styles:
        own_blocks, columns = _blocks(style, cell)
        blocks.append(own_blocks)
        starts.append(count)
        widths.append(columns)
        count += len(own_blocks)
    bank = torch.cat(blocks)
    start = torch.tensor(starts, device=bank.device)[matches.owners]
    wide = torch.tensor(widths, device=bank.device)[matches.owners]
    tall, broad = matches.owners.shape
    total = bank.new_zeros(tall, broad, *bank.shape[1:])
    whole = bank.new_zeros(tall, broad, cell, cell, 1)
    window = torch.hann_window(3 * cell + 2, periodic=False)[1:-1].to(bank)
    for down, across in product((-1, 0, 1), repeat=2):
        # The patch of the cell `down` rows below covers this one, too.
        rows, rows_there = _overlap(tall, down)
        columns, columns_there = _overlap(broad, across)
        here, there = (rows, columns), (rows_there, columns_there)
        index = start[there] + (matches.rows[there] - down + 1) * wide[there]
        index = index + matches.columns[there] - across + 1
        vertical = window[(1 - down) * cell : (2 - down) * cell]
        horizontal = window[(1 - across) * cell : (2 - across) * cell]
        weight = (vertical[:, None] * horizontal[None, :])[..., None]
        total[here] += weight * bank[index]
        whole[here] += weight
    pieced = (total / whole).permute(4, 0, 2, 1, 3).reshape(1, 3, tall * cell, broad * cell)
    return pieced[..., :height, :width].contiguous()


def _overlap(length: int, step: int) -> tuple[slice, slice]:
    """The cells that have a neighbor `step` further on, and those neighbors, as slices."""
    begin, end = max(0, -step), length - max(0, step)
    return slice(begin, end), slice(begin + step, end + step)


def blend(
    base: ImageTensor, pieced: ImageTensor, share: float, cover: Tensor | None
) -> ImageTensor:
    """Mixes `share` of the pieced picture into the base, less where `cover` is below 1.

    Args:
        cover: `Matcher.cover`.
    """
    if cover is None:
        return torch.lerp(base, pieced, share)
    shown = interpolate(cover[None, None], base.shape[-2:], mode="bilinear", align_corners=False)
    return torch.lerp(base, pieced, (share * shown).expand_as(base))


def _blocks(style: ImageTensor, cell: int) -> tuple[Tensor, int]:
    """A style's cells with a margin of one cell, row by row, and the number of cells per row."""
    height, width = style.shape[-2:]
    rows, columns = count_cells(height, width, cell)
    below, right = (rows + 1) * cell - height, (columns + 1) * cell - width
    wide = pad(style, (cell, right, cell, below), mode="replicate")
    blocks = wide[0].view(3, rows + 2, cell, columns + 2, cell).permute(1, 3, 2, 4, 0)
    return blocks.reshape(-1, cell, cell, 3), columns + 2
