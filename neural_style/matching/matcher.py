"""The styles beside a canvas of one size: their samples, and where each may be used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from neural_style.matching.places import Samples, cell_size, count_cells, sample
from neural_style.network.extractor import Network
from neural_style.network.strips import Segments
from neural_style.objective.make import StyleTarget

_PLACES = 64
"""Along the longer side, of a layer that is matched alone (Kolkin et al.)."""

FLOOR = 1e-2
"""Of a style's usual length of activations: below it a place counts as empty."""

_WHITE = 0.5
"""Of a mask's greatest value: above it a style's cell may be matched."""


class Matcher(NamedTuple):
    """The styles beside a canvas of one size.

    Attributes:
        shares: Layer → its share of the style term.
        cell: Pixels a side.
        spacing: Pixels from one place to the next where layers are matched alone.
        styles: Each style's samples by layer, once a cell.
        allowed: Of each style, which of its cells may be matched: cells down × across.
        usable: Which styles may be taken in each cell of the canvas: cells × styles.
        wanted: Each style's share of each cell: cells × styles, each row with a sum of 1, or 0
            where no style is wanted.
        cover: How much any style is wanted in each cell: cells down × across; None for fully.
        floors: Layer → `LayerTargets.floor`.
    """

    network: Network
    segments: Segments
    shares: dict[str, float]
    cell: int
    spacing: int
    styles: list[dict[str, Samples]]
    allowed: list[Tensor]
    usable: Tensor
    wanted: Tensor
    cover: Tensor | None
    floors: dict[str, Tensor]


def make_matcher(
    network: Network,
    segments: Segments,
    canvas: tuple[int, int],
    styles: Sequence[StyleTarget],
    shares: dict[str, float],
) -> Matcher:
    """Looks at the styles once.

    Args:
        canvas: Height and width.
        styles: At the sizes at which their strokes are to be seen.
        shares: Layer → its share of the style term; layers without a share are not looked at.
    """
    shares = {layer: share for layer, share in shares.items() if share > 0}
    cell = cell_size(*canvas)
    cells = dict.fromkeys(shares, cell)
    seen = [sample(network, segments, style.image, cells) for style in styles]
    usable, wanted, cover = _coverage(styles, count_cells(*canvas, cell))
    floors = {
        layer: FLOOR
        * torch.cat([one[layer].values.flatten(0, 1).float() for one in seen])
        .square()
        .sum(1)
        .mean()
        .sqrt()
        .clamp_min(1e-6)
        for layer in shares
    }
    allowed = [_allowed(style, cell) for style in styles]
    spacing = max(cell, max(canvas) // _PLACES)
    return Matcher(
        network, segments, shares, cell, spacing, seen, allowed, usable, wanted, cover, floors
    )


def _allowed(style: StyleTarget, cell: int) -> Tensor:
    """Which cells of a style's picture may be matched."""
    shape = count_cells(*style.image.shape[-2:], cell)
    if style.part is None:
        return torch.ones(shape, dtype=torch.bool, device=style.image.device)
    seen = interpolate(style.part, shape, mode="area")[0, 0].to(style.image.device)
    return seen >= _WHITE * seen.max()


def _coverage(
    styles: Sequence[StyleTarget], shape: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor | None]:
    """`Matcher.usable`, `wanted` and `cover`."""
    device = styles[0].image.device
    masks, strengths = [], []
    for style in styles:
        if style.where is None:
            masks.append(torch.ones(shape, device=device))
            strengths.append(style.share)
        else:
            masks.append(interpolate(style.where, shape, mode="area")[0, 0].to(device).clamp(0, 1))
            # The style's share has its mask's share of the picture in it; within, it has not.
            strengths.append(style.share / style.where.square().mean().item())
    if not any(strengths):
        strengths = [1.0] * len(styles)
    counting = torch.tensor([strength > 0 for strength in strengths], device=device)
    by_cell = torch.stack(masks, 2).flatten(0, 1)
    strongest = (by_cell * counting).amax(1, keepdim=True)
    # Along a soft edge only the stronger masks decide, or the edge would be a mosaic.
    usable = (by_cell > 0) & (by_cell >= 0.5 * strongest) & counting
    weighed = by_cell * torch.tensor(strengths, device=device) * usable
    wanted = weighed / weighed.sum(1, keepdim=True).clamp_min(1e-12)
    everywhere = any(
        s.where is None and counts for s, counts in zip(styles, strengths, strict=True)
    )
    return usable, wanted, None if everywhere else strongest.view(shape)
