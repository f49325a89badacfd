"""The matcher: the styles' activations at one canvas size, and which may be used where."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from neural_style.images.color import luma
from neural_style.matching.sampling import Samples, cell_size, count_cells, sample
from neural_style.network.extractor import Network
from neural_style.network.strips import Segments
from neural_style.objective.make import StyleTarget
from neural_style.tensors import ImageTensor

_PLACES = 64
"""Positions along the longer side of a layer that is matched by itself (Kolkin et al.)."""

FLOOR = 1e-2
"""`LayerTargets.floor` as a share of the styles' root mean square length of activations."""

_EXTREME = 2.5
"""Largest lightness, in standard deviations."""

_FLAT = 1e-3
"""Smallest standard deviation of luma by which lightness is divided."""

_WHITE = 0.5
"""Share of a mask's maximum from which on a style's cell may be matched."""


class Matcher(NamedTuple):
    """The styles' activations at one canvas size, and which may be used where.

    Attributes:
        shares: Layer → its share of the style term.
        cell: Side of a cell in pixels.
        spacing: Pixels between neighboring positions where layers are matched by themselves.
        styles: Each style's samples by layer, one per cell.
        sizes: Height and width of each style's picture.
        allowed: For each style, which of its cells may be matched: cells down × across.
        usable: Which styles may be used in each cell of the canvas: cells × styles.
        cell_shares: Each style's share of each cell: cells × styles. A row adds up to 1, or to 0
            where no style is wanted.
        cover: Style strength in each cell, in [0, 1]: cells down × across; None for 1 everywhere.
        floors: Layer → `LayerTargets.floor`.
        lightness: For each style, `relative_lightness` of its cells.
    """

    network: Network
    segments: Segments
    shares: dict[str, float]
    cell: int
    spacing: int
    styles: list[dict[str, Samples]]
    sizes: list[tuple[int, int]]
    allowed: list[Tensor]
    usable: Tensor
    cell_shares: Tensor
    cover: Tensor | None
    floors: dict[str, Tensor]
    lightness: list[Tensor]


def make_matcher(
    network: Network,
    segments: Segments,
    canvas: tuple[int, int],
    styles: Sequence[StyleTarget],
    shares: dict[str, float],
) -> Matcher:
    """Samples the styles' activations.

    Args:
        canvas: Height and width.
        styles: Resized for this canvas.
        shares: Layer → its share of the style term; layers without a share are skipped.
    """
    shares = {layer: share for layer, share in shares.items() if share > 0}
    cell = cell_size(*canvas)
    cells = dict.fromkeys(shares, cell)
    seen = [_samples(network, segments, style.image, cells) for style in styles]
    usable, cell_shares, cover = _coverage(styles, count_cells(*canvas, cell))
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
    lightness = [
        relative_lightness(style.image, tuple(part.shape), part)
        for style, part in zip(styles, allowed, strict=True)
    ]
    return Matcher(
        network=network,
        segments=segments,
        shares=shares,
        cell=cell,
        spacing=spacing,
        styles=seen,
        sizes=[tuple(style.image.shape[-2:]) for style in styles],
        allowed=allowed,
        usable=usable,
        cell_shares=cell_shares,
        cover=cover,
        floors=floors,
        lightness=lightness,
    )


def _samples(
    network: Network, segments: Segments, image: ImageTensor, cells: dict[str, int]
) -> dict[str, Samples]:
    return network.evaluations.once(
        ("samples", *segments, *cells.items()),
        (image,),
        partial(sample, network, segments, image, cells),
    )


def relative_lightness(
    image: ImageTensor, shape: tuple[int, int], part: Tensor | None = None
) -> Tensor:
    """Lightness of each cell relative to the whole picture, as a standard score.

    The mean luma of 3×3 cells, minus its mean over the picture, divided by its standard deviation,
    clamped to ±`_EXTREME`.

    Args:
        shape: Cells down and across.
        part: Cells that mean and deviation are taken over; None for all.
    """
    cells = interpolate(luma(image), shape, mode="area")
    cells = avg_pool2d(cells, 3, 1, 1, count_include_pad=False)[0, 0]
    counted = cells if part is None else cells[part]
    deviation = counted.std(unbiased=False).clamp_min(_FLAT)
    return ((cells - counted.mean()) / deviation).clamp(-_EXTREME, _EXTREME).flatten()


def _allowed(style: StyleTarget, cell: int) -> Tensor:
    """Which cells of a style's picture may be matched: cells down × across."""
    shape = count_cells(*style.image.shape[-2:], cell)
    if style.part is None:
        return torch.ones(shape, dtype=torch.bool, device=style.image.device)
    seen = interpolate(style.part, shape, mode="area")[0, 0].to(style.image.device)
    return seen >= _WHITE * seen.max()


def _coverage(
    styles: Sequence[StyleTarget], shape: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor | None]:
    """`Matcher.usable`, `cell_shares` and `cover`."""
    device = styles[0].image.device
    masks, strengths = [], []
    for style in styles:
        if style.where is None:
            masks.append(torch.ones(shape, device=device))
            strengths.append(style.share)
        else:
            masks.append(interpolate(style.where, shape, mode="area")[0, 0].to(device).clamp(0, 1))
            # A masked style's share contains the mask's share of the picture; undo that.
            strengths.append(style.share / style.where.square().mean().item())
    if not any(strengths):
        strengths = [1.0] * len(styles)
    counting = torch.tensor([strength > 0 for strength in strengths], device=device)
    by_cell = torch.stack(masks, 2).flatten(0, 1)
    strongest = (by_cell * counting).amax(1, keepdim=True)
    # Along a soft edge only the stronger masks count; otherwise the edge would be a mosaic.
    usable = (by_cell > 0) & (by_cell >= 0.5 * strongest) & counting
    weighed = by_cell * torch.tensor(strengths, device=device) * usable
    cell_shares = weighed / weighed.sum(1, keepdim=True).clamp_min(1e-12)
    everywhere = any(
        s.where is None and counts for s, counts in zip(styles, strengths, strict=True)
    )
    return usable, cell_shares, None if everywhere else strongest.view(shape)
