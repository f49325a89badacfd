"""Nearest-neighbor search: pure functions on vectors, one per row."""

from __future__ import annotations

import torch
from torch import Tensor

_CHUNK = 2**24
"""Similarities held in memory at a time."""

_AXES = 192
"""Principal axes that vectors are projected to before a large search."""

_FEW = 4_000_000
"""Similarities up to which a projection costs more than it saves."""

_SWEEPS = 8
"""Propagation sweeps; each updates every other position, like the squares of a chessboard."""

_ROUNDS = 30
"""Rounds after which the offsets of `assign_styles` have converged."""


def unit_vectors(vectors: Tensor, mean: Tensor) -> Tensor:
    """The vectors minus the mean, normalized, in float32."""
    centered = vectors.float() - mean
    # In place: all hypercolumns of a picture are the most memory that matching needs.
    return centered.div_(centered.norm(dim=1, keepdim=True).clamp_min_(1e-6))


def project(queries: Tensor, bank: Tensor) -> tuple[Tensor, Tensor]:
    """Projects both to the bank's principal axes where that makes the search cheaper.

    Similarities change only by what the axes miss of the bank. The axes come from subspace
    iteration with fixed random directions (Halko, Martinsson and Tropp, arXiv 0909.4061, alg. 4.4).
    """
    channels = bank.shape[1]
    if channels <= 2 * _AXES or len(queries) * len(bank) <= _FEW:
        return queries, bank
    generator = torch.Generator().manual_seed(0)
    axes = torch.randn(channels, _AXES, generator=generator).to(bank)
    for _ in range(2):
        axes, _ = torch.linalg.qr(bank.T @ (bank @ axes))
    return queries @ axes, bank @ axes


def with_lightness(
    queries: Tensor, bank: Tensor, of_queries: Tensor, of_bank: Tensor, cost: float
) -> tuple[Tensor, Tensor]:
    """Both with two columns more, so that inner products prefer rows of equal lightness.

    To q·b is added cost · (2 x y − y²) = cost · (x² − (x − y)²), with x and y the lightness on
    either side: for each query the cost of the squared difference, and a constant.

    Args:
        of_queries, of_bank: Lightness, one number a row.
        cost: Of a difference of 1.
    """
    twice, ones = 2 * cost * of_queries, torch.ones_like(of_queries)
    own = torch.cat([queries, twice[:, None], ones[:, None]], 1)
    other = torch.cat([bank, of_bank[:, None], -cost * of_bank[:, None].square()], 1)
    return own, other


def nearest(queries: Tensor, bank: Tensor, preference: Tensor | None = None) -> Tensor:
    """For each query, the index of the bank's row with the greatest inner product.

    Args:
        preference: Added to the products, one number per row of the bank.
    """
    rows = max(1, _CHUNK // len(bank))
    found = []
    for chunk in queries.split(rows):
        products = chunk @ bank.T
        found.append((products if preference is None else products + preference).argmax(1))
    return torch.cat(found)


def prefer_neighbors(
    found: Tensor,
    queries: Tensor,
    bank: Tensor,
    shape: tuple[int, int],
    allowed: Tensor,
    preference: Tensor | None,
    bonus: float,
    cost: float = 0.0,
    fixed: Tensor | None = None,
) -> Tensor:
    """Matches made coherent: a cell follows its neighbors' matches where that costs little.

    In smooth areas many style cells are about equally similar, so independent matches are
    scattered and strokes break. Each cell may adopt a neighbor's match, shifted by one cell, and
    gains `bonus` for each neighbor that it agrees with (the propagation step of PatchMatch: Barnes
    et al. 2009). The same match as a neighbor's costs: many similar cells have the same best match,
    and a style cell that is repeated shows as a lattice. Only every other cell changes in a sweep:
    neighbors that changed at once would swap their matches.

    Args:
        found: For each query, the index of its match in the bank.
        queries, bank: Unit vectors; the bank has one for each cell of its picture, row by row.
        shape: Cells of the canvas, down and across.
        allowed: Which cells of the bank's picture may be matched: cells down × across.
        preference: As in `nearest`.
        bonus: Added for each neighbor that a match agrees with.
        cost: Subtracted for each neighbor that has the same match.
        fixed: Matches that do not change, as booleans, one for each query.
    """
    height, width = shape
    tall, wide = allowed.shape
    device = found.device
    matches = torch.stack([found // wide, found % wide]).view(2, height, width)
    places = torch.arange(height * width, device=device)
    color = (places // width + places % width) % 2
    for sweep in range(_SWEEPS):
        proposed = [_shifted(matches, *step) for step in _STEPS]
        candidates = torch.stack([matches, *proposed])
        down, across = candidates[:, 0].clamp(0, tall - 1), candidates[:, 1].clamp(0, wide - 1)
        rows = (down * wide + across).flatten(1)
        score = torch.stack([(queries * bank[candidate]).sum(1) for candidate in rows])
        if preference is not None:
            score = score + preference[rows]
        for step, other in zip(_STEPS, proposed, strict=True):
            agrees = (down == other[0]) & (across == other[1])
            repeats = (down == other[0] - step[0]) & (across == other[1] - step[1])
            score = score + bonus * agrees.flatten(1) - cost * repeats.flatten(1)
        score = torch.where(allowed.flatten()[rows], score, -torch.inf)
        chosen = rows[score.argmax(0), places]
        turn = color == sweep % 2
        found = torch.where(turn if fixed is None else turn & ~fixed, chosen, found)
        matches = torch.stack([found // wide, found % wide]).view(2, height, width)
    return found


_STEPS = ((0, 1), (0, -1), (1, 0), (-1, 0))
"""From a neighbor to the cell: cells down and across."""


def _shifted(matches: Tensor, down: int, across: int) -> Tensor:
    """The matches that each cell's neighbor proposes: its own, shifted by one cell."""
    shifted = matches.roll((down, across), (1, 2))
    if down:
        edge = 0 if down > 0 else -1
        shifted[:, edge] = matches[:, edge] - torch.tensor([[down], [0]], device=matches.device)
    if across:
        edge = 0 if across > 0 else -1
        shifted[:, :, edge] = matches[:, :, edge] - torch.tensor(
            [[0], [across]], device=matches.device
        )
    return shifted + torch.tensor([down, across], device=matches.device).view(2, 1, 1)


def assign_styles(similarity: Tensor, allowed: Tensor, counts: Tensor) -> Tensor:
    """Assigns a style to each position so that each style gets its number of positions.

    Each style has an offset that is added to its similarities; a position goes to the highest sum.
    Offsets are adjusted one style after the other (Bertsekas' auction, with one bid for all
    positions). Among equally similar positions, the first go to the first style.

    Args:
        similarity: Positions × styles.
        allowed: Which styles may be used where: positions × styles.
        counts: The number of positions for each style.
    """
    score = torch.where(allowed, similarity, -torch.inf).cpu().double()
    styles = range(score.shape[1])
    score += _TIE * torch.outer(torch.linspace(0, 1, len(score)), torch.arange(len(styles)))
    offsets = torch.zeros(len(styles), dtype=torch.float64)
    for _ in range(_ROUNDS if len(styles) > 1 else 0):
        for k in styles:
            others = [j for j in styles if j != k]
            rival = (score[:, others] + offsets[others]).amax(1)
            own = allowed[:, k].cpu()
            # The offset at which each position would change its style; ±_FAR where only one may be.
            lead = (rival - score[:, k])[own].clamp(-_FAR, _FAR)
            count = int(counts[k].round().clamp(0, len(lead)))
            ordered = lead.sort().values
            below = ordered[count - 1] if count else ordered.new_tensor(-2 * _FAR)
            above = ordered[count] if count < len(ordered) else ordered.new_tensor(2 * _FAR)
            if len(ordered):
                offsets[k] = (below + above) / 2
    return (score + offsets).argmax(1).to(similarity.device)


_TIE = 1e-7
"""Breaks ties; smaller than any meaningful difference of similarities."""

_FAR = 4.0
"""Larger than any difference of two cosines with their preferences."""
