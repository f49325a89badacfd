"""Matches of the last frame of a film, followed along the optical flow to the next frame."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from neural_style.matching.indices import CellMatches
from neural_style.matching.sampling import count_cells
from neural_style.tensors import FlowField, Mask


class FollowedMatches(NamedTuple):
    """The matches of the last frame, and how to find each cell's place there.

    Attributes:
        cells: The matches of the last frame, on a canvas of the same size.
        flow: From each pixel of this frame to its place in the last one.
        alike: Where that place looks the same; a cell is followed if its center has more than a
            half.
    """

    cells: CellMatches
    flow: FlowField
    alike: Mask


class Followed(NamedTuple):
    """The matches of one style, followed to the cells of this frame.

    Attributes:
        cells: For each cell of the canvas, the index of the style's cell.
        owned: Whether the cell's place in the last frame looks the same and is matched with this
            style.
        drift: Pixels by which the followed place lies below and right of the center of that cell
            of the style: 2 × cells.
    """

    cells: Tensor
    owned: Tensor
    drift: Tensor


def follow(last: FollowedMatches, style: tuple[int, int], k: int, cell: int) -> Followed:
    """Where the strokes of the last frame have moved to, for one style.

    The center of each cell of this frame lies somewhere in the last frame, seldom at the center of
    a cell. Its place in the style lies beside the match of the cell there by the same number of
    pixels. The part of this that is less than a cell is kept as `drift`. Without it, matches would
    not follow motions of less than half a cell a frame, and strokes would stick to the screen.

    Args:
        style: Height and width of the style's picture.
        k: Its index.
        cell: Side of a cell in pixels, the same in both frames.
    """
    matches, device = last.cells, last.cells.owners.device
    height, width = last.flow.shape[-2:]
    down, across = (
        (torch.arange(count, device=device) + 0.5) * cell
        for count in count_cells(height, width, cell)
    )
    rows = down.long().clamp_max(height - 1)[:, None]
    columns = across.long().clamp_max(width - 1)[None]
    there = torch.stack(
        [
            down[:, None] + last.flow[0, 1][rows, columns],
            across[None] + last.flow[0, 0][rows, columns],
        ]
    )
    sizes = torch.tensor([height, width], device=device).view(2, 1, 1)
    inside = ((there >= 0) & (there < sizes)).all(0)
    counts = torch.tensor(matches.owners.shape, device=device).view(2, 1, 1)
    parent = (there / cell).floor().long().clamp_min(0).minimum(counts - 1)
    inner = there - (parent + 0.5) * cell
    above, beside = parent
    matched = torch.stack([matches.rows, matches.columns])[:, above, beside]
    place = (matched + 0.5) * cell + inner
    if matches.drift is not None:
        place = place + matches.drift[:, above, beside]
    wanted = (place / cell).floor().long()
    limits = torch.tensor(count_cells(*style, cell), device=device).view(2, 1, 1)
    found = wanted.clamp_min(0).minimum(limits - 1)
    owned = inside & (last.alike[0, 0][rows, columns] > _ALIKE) & (found == wanted).all(0)
    owned &= matches.owners[above, beside] == k
    drift = place - (found + 0.5) * cell
    indices = found[0] * limits[1].item() + found[1]
    return Followed(indices.flatten(), owned.flatten(), drift.flatten(1))


def still_fit(followed: Followed, allowed: Tensor, lead: Tensor) -> Tensor:
    """Which cells keep the match that they had in the last frame.

    Args:
        allowed: Which of the style's cells may be matched: cells down × across.
        lead: Similarity of the followed match minus that of the best one, for each cell.
    """
    return followed.owned & allowed.flatten()[followed.cells] & (lead >= -_KEEPING_COST)


_ALIKE = 0.5

_KEEPING_COST = 0.3
"""How much less similar than the best match, as a cosine, the followed one may be to be kept."""

OWNER_BONUS = 0.3
"""Bonus for the style that a cell had in the last frame, as a cosine."""
