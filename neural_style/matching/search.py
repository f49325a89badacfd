"""Finding the most similar places: pure functions on vectors, one a row."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

_CHUNK = 2**24
"""Similarities that are held at a time."""

_AXES = 192
"""Principal axes that vectors are compared along where there are many of them."""

_FEW = 4_000_000
"""Similarities that are not worth finding axes for."""

_SWEEPS = 4
"""In each of them every other place looks at its neighbors' matches, as on a chessboard."""

_ROUNDS = 30
"""After which shares of several styles have settled."""


def unit_vectors(vectors: Tensor, mean: Tensor) -> Tensor:
    """Directions from the mean, in float32."""
    return normalize(vectors.float() - mean, dim=1, eps=1e-6)


def project(queries: Tensor, bank: Tensor) -> tuple[Tensor, Tensor]:
    """Both along the bank's principal axes, where that makes the search cheaper.

    What a query has beyond the axes changes its similarity to no vector of the bank, to within what
    the axes miss of the bank. Subspace iteration from fixed random directions (Halko, Martinsson
    and Tropp, arXiv 0909.4061, alg. 4.4).
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
    """For each query the row of the bank with the greatest inner product.

    Args:
        preference: Is added to the products, one number a row of the bank.
    """
    rows = max(1, _CHUNK // len(bank))
    found = []
    for some in queries.split(rows):
        products = some @ bank.T
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
) -> Tensor:
    """Matches that follow their neighbors' where that costs little, so that strokes hang together.

    On a plain wall many places of a style are about equally similar; taken one by one the matches
    flicker. Each place may take over a neighbor's match, moved by one cell, and gains `bonus` for
    each neighbor that it agrees with (the propagation step of PatchMatch: Barnes et al. 2009).
    While a place chooses, its neighbors stay: if all chose at once, they would only swap matches.

    Args:
        found: For each query its row of the bank.
        queries, bank: Unit vectors; the bank has one for each cell of its picture, row by row.
        shape: Cells of the canvas, down and across.
        allowed: Which cells of the bank's picture may be matched: cells down × across.
        preference: As in `nearest`.
    """
    height, width = shape
    tall, wide = allowed.shape
    device = found.device
    matches = torch.stack([found // wide, found % wide]).view(2, height, width)
    places = torch.arange(height * width, device=device)
    color = (places // width + places % width) % 2
    for sweep in range(_SWEEPS):
        proposed = [_moved(matches, *step) for step in ((0, 1), (0, -1), (1, 0), (-1, 0))]
        candidates = torch.stack([matches, *proposed])
        down, across = candidates[:, 0].clamp(0, tall - 1), candidates[:, 1].clamp(0, wide - 1)
        rows = (down * wide + across).flatten(1)
        score = torch.stack([(queries * bank[some]).sum(1) for some in rows])
        if preference is not None:
            score = score + preference[rows]
        for other in proposed:
            apart = (down - other[0]).abs() + (across - other[1]).abs()
            score = score + bonus * (apart == 0).flatten(1)
        score = torch.where(allowed.flatten()[rows], score, -torch.inf)
        chosen = rows[score.argmax(0), places]
        found = torch.where(color == sweep % 2, chosen, found)
        matches = torch.stack([found // wide, found % wide]).view(2, height, width)
    return found


def _moved(matches: Tensor, down: int, across: int) -> Tensor:
    """What a neighbor's match would be here: that of the cell above, one cell further down."""
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


def share_out(similarity: Tensor, allowed: Tensor, counts: Tensor) -> Tensor:
    """For each place its style, so that each style gets as many places as it is to have.

    Each style is given an offset, added to its similarities, and places go to the highest; the
    offsets are found one after the other (Bertsekas' auction, with one bid for all places). Of
    places that are just as similar, the first go to the first style.

    Args:
        similarity: Places × styles.
        allowed: Which style may be used where: places × styles.
        counts: Places that each style is to have.
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
            # The offset at which each place would change hands; infinite where no other may be.
            lead = (rival - score[:, k])[own].clamp(-_FAR, _FAR)
            count = int(counts[k].round().clamp(0, len(lead)))
            ordered = lead.sort().values
            below = ordered[count - 1] if count else ordered.new_tensor(-2 * _FAR)
            above = ordered[count] if count < len(ordered) else ordered.new_tensor(2 * _FAR)
            if len(ordered):
                offsets[k] = (below + above) / 2
    return (score + offsets).argmax(1).to(similarity.device)


_TIE = 1e-7
"""Below any difference of similarities that says something."""

_FAR = 4.0
"""Above any difference of two cosines with their preferences."""
