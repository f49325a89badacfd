"""Nearest-neighbor matches between a canvas and its styles, by all layers or layer by layer.

Read `matcher.py` first. A `Matcher` holds the styles' activations at one size. The functions here
find the matches (`indices.py`), and make from them the targets of the `MatchesTerm`.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate, normalize

from neural_style.matching.follow import OWNER_BONUS, FollowedMatches, follow, still_fit
from neural_style.matching.indices import CellMatches, LayerMatches
from neural_style.matching.inherit import EarlierMatches, carry_over
from neural_style.matching.matcher import FLOOR, Matcher, relative_lightness
from neural_style.matching.sampling import Axis, Samples, count_cells, sample
from neural_style.matching.search import (
    assign_styles,
    nearest,
    prefer_neighbors,
    project,
    unit_vectors,
    with_lightness,
)
from neural_style.matching.term import LayerTargets, MatchesTerm
from neural_style.objective.make import style_names
from neural_style.tensors import ImageTensor

_NEIGHBOR_BONUS = 0.07
"""Bonus for agreement with one neighbor, as a cosine."""

_REPETITION_COST = 0.15
"""Cost of the same match as a neighbor's, as a cosine: a repeated cell shows as a lattice."""

_KEEPING_COST = 0.12
"""How much less similar than the best match, as a cosine, the match of the previous size may be to
be kept where the cells are divided. Chosen by looking: with more, faces get lost; with less, plain
places show a lattice."""

_KEEPING_COST_SAME_CELLS = 0.3
"""The same where both sizes have the same cells."""

_LIGHTNESS_COST = 0.06
"""Cost of a difference of one standard deviation in lightness, as a cosine. Chosen by eye: 0.2
loses the shapes inside bright objects; 0 gives plain dark walls bright patches."""

_FIELD_SIDE = 5
"""Side of the random grid from which the preferences of a style's cells are interpolated."""


def match_cells(
    matcher: Matcher,
    query: ImageTensor,
    preference: float = 0.0,
    seed: int = 0,
    earlier: EarlierMatches | None = None,
    last: FollowedMatches | None = None,
) -> CellMatches:
    """For each cell of a picture, the most similar style cell by all layers together.

    Each layer is weighted by its share and divided by the styles' root mean square length there,
    so that a layer's scale makes no difference. Both sides are centered. Cells of similar lightness
    are preferred: two similar directions may differ in lightness, and a plain dark wall would then
    be divided into dark and bright fields.

    Args:
        query: The picture whose cells are matched.
        preference: Standard deviation, as a cosine, of a smooth random field over each style's
            picture that is added to the similarities, so that another seed uses other parts of it.
        seed: Seed of that field.
        earlier: The matches of the previous size, which are kept where they are about as similar.
            Each of its cells becomes several that belong together, so that strokes grow with the
            picture.
        last: The matches of a film's last frame, which are kept where they are about as similar.
    """
    cells = dict.fromkeys(matcher.shares, matcher.cell)
    seen = sample(matcher.network, matcher.segments, query, cells)
    shape = count_cells(*query.shape[-2:], matcher.cell)
    queries = _hypercolumns(matcher, seen, shape)
    lightness = relative_lightness(query, shape)
    found, similarity, drifts = [], [], []
    generator = torch.Generator().manual_seed(seed)
    for k, samples in enumerate(matcher.styles):
        allowed = matcher.allowed[k]
        bank = _hypercolumns(matcher, samples, tuple(allowed.shape))
        chosen = allowed.flatten().nonzero()[:, 0]
        bank = unit_vectors(bank, bank[chosen].mean(0))
        here = matcher.usable[:, k]
        mean = queries[here].mean(0) if here.any() else queries.mean(0)
        own, bank = project(unit_vectors(queries, mean), bank)
        own, bank = with_lightness(own, bank, lightness, matcher.lightness[k], _LIGHTNESS_COST)
        preferred = _preference_field(generator, allowed, preference)
        matches = chosen[
            nearest(own, bank[chosen], None if preferred is None else preferred[chosen])
        ]
        if earlier is not None:
            size, style_size = tuple(query.shape[-2:]), matcher.sizes[k]
            kept, owned = carry_over(earlier, k, size, style_size, matcher.cell)
            same_cells = shape == tuple(earlier.cells.owners.shape)
            cost = _KEEPING_COST_SAME_CELLS if same_cells else _KEEPING_COST
            here, there = (_similarity(own, bank, one, preferred) for one in (matches, kept))
            keep = owned & allowed.flatten()[kept] & (there >= here - cost)
            matches = torch.where(keep, kept, matches)
        fixed = None
        if last is not None:
            followed = follow(last, matcher.sizes[k], k, matcher.cell)
            ours = (matches, followed.cells)
            here, there = (_similarity(own, bank, one, preferred) for one in ours)
            fixed = still_fit(followed, allowed, there - here)
            matches = torch.where(fixed, followed.cells, matches)
            drifts.append(torch.where(fixed, followed.drift, 0))
        matches = prefer_neighbors(
            matches, own, bank, shape, allowed, preferred, _NEIGHBOR_BONUS, _REPETITION_COST, fixed
        )
        found.append(matches)
        similarity.append((own * bank[matches]).sum(1))
        if fixed is not None:
            similarity[-1] += OWNER_BONUS * fixed
    owners = _owners(matcher, torch.stack(similarity, 1)).view(shape)
    indices = torch.stack(found, 1).gather(1, owners.view(-1, 1)).view(shape)
    wide = torch.tensor([one.shape[1] for one in matcher.allowed], device=owners.device)[owners]
    axes = {layer: (one.down, one.across) for layer, one in seen.items()}
    drift = None
    if last is not None:
        chosen = owners.view(1, 1, -1).expand(1, 2, -1)
        drift = torch.stack(drifts).gather(0, chosen)[0].view(2, *shape)
    return CellMatches(owners, indices // wide, indices % wide, axes, drift)


def _similarity(own: Tensor, bank: Tensor, matches: Tensor, preferred: Tensor | None) -> Tensor:
    similarity = (own * bank[matches]).sum(1)
    return similarity if preferred is None else similarity + preferred[matches]


def targets_of_cells(matcher: Matcher, matches: CellMatches) -> dict[str, LayerTargets]:
    """Targets of the term, from matches of cells."""
    targets = {}
    for layer, (down, across) in matches.axes.items():
        rows, columns = _cells_of(down, across, matcher.cell, matches.owners)
        owners = matches.owners[rows[:, None], columns]
        # The offset inside the cell is the same on both sides.
        inner_row = (down.pixels().to(rows) - rows * matcher.cell)[:, None]
        inner_column = (across.pixels().to(rows) - columns * matcher.cell)[None, :]
        pixel_row = matches.rows[rows[:, None], columns] * matcher.cell + inner_row
        pixel_column = matches.columns[rows[:, None], columns] * matcher.cell + inner_column
        values, indices, base = [], torch.zeros_like(owners), 0
        for k, samples in enumerate(matcher.styles):
            one = samples[layer]
            index = one.down.nearest(pixel_row) * one.across.count + one.across.nearest(
                pixel_column
            )
            indices = torch.where(owners == k, base + index, indices)
            values.append(one.values.flatten(0, 1))
            base += len(values[-1])
        directions = normalize(torch.cat(values)[indices].float(), dim=2, eps=1e-6)
        targets[layer] = _layer_targets(matcher, layer, down, across, directions, None, owners)
    return targets


def match_layers(
    matcher: Matcher, image: ImageTensor, cells: CellMatches, generator: torch.Generator
) -> dict[str, LayerMatches]:
    """For each position of each layer, the most similar style position by that layer alone.

    Positions are subsampled to about `matcher._PLACES` along the longer side, with a random offset.
    Both sides are centered.

    Args:
        image: The canvas.
        cells: Matches of cells, which say which style each position belongs to.
        generator: Draws the offset of each layer.
    """
    first = {}
    within = min(matcher.spacing, *image.shape[-2:])
    for layer in matcher.shares:
        most = max(1, within // cells.axes[layer][0].stride)
        top, left = torch.randint(0, most, (2,), generator=generator).tolist()
        first[layer] = top, left
    spacings = dict.fromkeys(matcher.shares, matcher.spacing)
    seen = sample(matcher.network, matcher.segments, image, spacings, first)
    found = {}
    for layer, canvas in seen.items():
        rows, columns = _cells_of(canvas.down, canvas.across, matcher.cell, cells.owners)
        owners = cells.owners[rows[:, None], columns]
        vectors = canvas.values.float()
        indices = torch.zeros_like(owners)
        centers = []
        base = 0
        for k, samples in enumerate(matcher.styles):
            bank, chosen = _subsample(matcher, samples[layer], k)
            own = owners == k
            mean = vectors[own].mean(0) if own.any() else vectors.mean((0, 1))
            centers.append(mean)
            if own.any():
                queries = unit_vectors(vectors[own], mean)
                indices[own] = base + chosen[nearest(queries, unit_vectors(bank, bank.mean(0)))]
            base += samples[layer].values[..., 0].numel()
        found[layer] = LayerMatches(
            (canvas.down, canvas.across), owners, indices, torch.stack(centers)
        )
    return found


def targets_of_layers(
    matcher: Matcher, matches: dict[str, LayerMatches]
) -> dict[str, LayerTargets]:
    """Targets of the term, from matches of each layer, centered on both sides."""
    targets = {}
    for layer, one in matches.items():
        down, across = one.axes
        centered = []
        for k, samples in enumerate(matcher.styles):
            mean = _subsample(matcher, samples[layer], k)[0].mean(0)
            centered.append(samples[layer].values.flatten(0, 1).float() - mean)
        directions = normalize(torch.cat(centered)[one.indices], dim=2, eps=1e-6)
        targets[layer] = _layer_targets(
            matcher, layer, down, across, directions, one.centers, one.owners
        )
    return targets


def make_matches_term(
    matcher: Matcher, targets: dict[str, LayerTargets], weight: float
) -> MatchesTerm:
    """The style term with these targets."""
    return MatchesTerm(weight, matcher.shares, targets, style_names(len(matcher.styles)))


def _layer_targets(
    matcher: Matcher,
    layer: str,
    down: Axis,
    across: Axis,
    directions: Tensor,
    centers: Tensor | None,
    owners: Tensor,
) -> LayerTargets:
    weights = None
    if matcher.cover is not None:
        rows, columns = _cells_of(down, across, matcher.cell, matcher.cover)
        weights = matcher.cover[rows[:, None], columns]
    several = owners if len(matcher.styles) > 1 else None
    kept = directions.to(matcher.network.dtype)
    return LayerTargets(down, across, kept, centers, several, weights, matcher.floors[layer])


def _cells_of(down: Axis, across: Axis, cell: int, grid: Tensor) -> tuple[Tensor, Tensor]:
    """The cell of each sampled row and of each sampled column."""
    height, width = grid.shape
    return (
        (down.pixels() // cell).clamp_max(height - 1).to(grid.device),
        (across.pixels() // cell).clamp_max(width - 1).to(grid.device),
    )


def _hypercolumns(matcher: Matcher, samples: dict[str, Samples], shape: tuple[int, int]) -> Tensor:
    """Hypercolumns of a picture's cells, one per row: all layers' activations, concatenated."""
    rows, columns = (torch.arange(count) * matcher.cell + matcher.cell // 2 for count in shape)
    columns_of_layers = []
    for layer, share in matcher.shares.items():
        one = samples[layer]
        down, across = one.down.nearest(rows), one.across.nearest(columns)
        values = one.values[down.to(one.values.device)][:, across.to(one.values.device)]
        scale = share**0.5 * FLOOR / matcher.floors[layer]
        columns_of_layers.append(values.flatten(0, 1).float() * scale)
    return torch.cat(columns_of_layers, 1)


def _subsample(matcher: Matcher, samples: Samples, k: int) -> tuple[Tensor, Tensor]:
    """The style positions that a layer is matched with by itself, and their indices among all."""
    step = max(1, -(-matcher.spacing // (samples.down.step * samples.down.stride)))
    tall, wide = samples.values.shape[:2]
    rows, columns = _cells_of(samples.down, samples.across, matcher.cell, matcher.allowed[k])
    usable = matcher.allowed[k][rows[:, None], columns]
    thin = torch.zeros_like(usable)
    thin[step // 2 :: step, step // 2 :: step] = True
    chosen = ((usable & thin) if (usable & thin).any() else usable).flatten().nonzero()[:, 0]
    if not len(chosen):  # the allowed part is smaller than a position of this layer
        chosen = torch.arange(tall * wide, device=usable.device)
    return samples.values.flatten(0, 1)[chosen].float(), chosen


def _owners(matcher: Matcher, similarity: Tensor) -> Tensor:
    """Each cell's style: each style gets its share of the cells that the masks allow."""
    owners = torch.zeros(len(similarity), dtype=torch.long, device=similarity.device)
    if similarity.shape[1] == 1:
        return owners
    covered = matcher.usable.any(1)
    owners[covered] = assign_styles(
        similarity[covered], matcher.usable[covered], matcher.cell_shares[covered].sum(0)
    )
    return owners


def _preference_field(
    generator: torch.Generator, allowed: Tensor, strength: float
) -> Tensor | None:
    field = torch.randn(1, 1, _FIELD_SIDE, _FIELD_SIDE, generator=generator)
    if not strength:
        return None
    shape = tuple(allowed.shape)
    smooth = interpolate(field, shape, mode="bicubic", align_corners=True)
    return strength * smooth.flatten().to(allowed.device)
