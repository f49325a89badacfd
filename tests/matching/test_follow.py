"""Matches followed along the flow, against plain loops and by hand."""

from __future__ import annotations

import math

import torch

from neural_style.matching.follow import FollowedMatches, follow, still_fit
from neural_style.matching.indices import CellMatches
from neural_style.matching.nearest import match_cells
from neural_style.objective import StyleTarget
from tests.matching.small import matcher_of
from tests.small_pictures import grainy

CELL = 4
CANVAS, STYLES = (30, 44), [(40, 52), (24, 60)]


def shift(across: float, down: float, size: tuple[int, int] = CANVAS) -> torch.Tensor:
    moved = torch.tensor([float(across), float(down)]).view(1, 2, 1, 1)
    return moved.expand(1, 2, *size).clone()


def everywhere(size: tuple[int, int] = CANVAS) -> torch.Tensor:
    return torch.ones(1, 1, *size)


def random_matches(drifting: bool) -> CellMatches:
    generator = torch.Generator().manual_seed(1)
    shape = math.ceil(CANVAS[0] / CELL), math.ceil(CANVAS[1] / CELL)
    owners = torch.randint(2, shape, generator=generator)
    counts = torch.tensor([[10, 13], [6, 15]])
    rows, columns = (
        (torch.rand(shape, generator=generator) * counts[owners, dim]).long() for dim in (0, 1)
    )
    drift = torch.rand(2, *shape, generator=generator) * 4 - 2 if drifting else None
    return CellMatches(owners, rows, columns, {}, drift)


def test_follow_matches_plain_loops():
    matches = random_matches(drifting=True)
    flow = 6 * torch.rand(1, 2, *CANVAS, generator=torch.Generator().manual_seed(2)) - 3
    like = torch.rand(1, 1, *CANVAS, generator=torch.Generator().manual_seed(3))
    for k, style in enumerate(STYLES):
        found = follow(FollowedMatches(matches, flow, like), style, k, CELL)
        tall, wide = style[0] // CELL, style[1] // CELL
        cell = 0
        for i in range(8):
            for j in range(11):
                pixel = min(4 * i + 2, 29), min(4 * j + 2, 43)
                y = 4 * i + 2 + flow[0, 1, *pixel].item()
                x = 4 * j + 2 + flow[0, 0, *pixel].item()
                row, column = int(y // 4), int(x // 4)
                known = 0 <= y < 30 and 0 <= x < 44 and like[0, 0, *pixel] > 0.5
                if known and matches.owners[row, column] == k:
                    down, across = matches.drift[:, row, column].tolist()
                    down += 4 * matches.rows[row, column].item() + 2 + y - (4 * row + 2)
                    across += 4 * matches.columns[row, column].item() + 2 + x - (4 * column + 2)
                    inside = 0 <= down < 4 * tall and 0 <= across < 4 * wide
                    assert found.owned[cell] == inside
                    if inside:
                        there = int(down // 4), int(across // 4)
                        assert found.cells[cell] == there[0] * wide + there[1]
                        expected = [down - 4 * there[0] - 2, across - 4 * there[1] - 2]
                        assert torch.allclose(
                            found.drift[:, cell], torch.tensor(expected), atol=1e-4
                        )
                else:
                    assert not found.owned[cell]
                cell += 1


def test_motion_by_whole_cells_moves_matches():
    matches = random_matches(drifting=False)
    found = follow(FollowedMatches(matches, shift(8, 4), everywhere()), STYLES[0], 0, CELL)
    own = (matches.owners == 0)[1:, 2:]
    moved = (13 * matches.rows + matches.columns)[1:, 2:]
    assert torch.equal(found.cells.view(8, 11)[:7, :9][own], moved[own])
    assert torch.equal(found.owned.view(8, 11)[:6, :9], own[:6])
    assert not found.owned.view(8, 11)[:, 9:].any()


def test_motion_of_a_pixel_a_frame_moves_matches_after_two_frames():
    """Two pixels from the center of a cell of four its neighbor begins."""
    shape = (8, 11)
    rows, columns = (torch.full(shape, 5) for _ in range(2))
    matches = CellMatches(torch.zeros(shape, dtype=torch.long), rows, columns, {})
    seen = []
    for _ in range(4):
        found = follow(FollowedMatches(matches, shift(1, 0), everywhere()), (40, 80), 0, CELL)
        drift = found.drift.view(2, *shape)
        matches = CellMatches(
            matches.owners, found.cells.view(shape) // 20, found.cells.view(shape) % 20, {}, drift
        )
        seen.append((matches.columns[4, 3].item(), drift[1, 4, 3].item()))
    assert seen == [(5, 1.0), (6, -2.0), (6, -1.0), (6, 0.0)]


def test_still_fit_keeps_followed_matches_unless_clearly_worse_or_masked():
    matches = random_matches(drifting=False)
    found = follow(FollowedMatches(matches, shift(0, 0), everywhere()), STYLES[0], 0, CELL)
    allowed = torch.ones(10, 13, dtype=torch.bool)
    lead = torch.full((88,), -0.1)
    assert torch.equal(still_fit(found, allowed, lead), found.owned)
    assert not still_fit(found, allowed, lead - 0.9).any()
    assert not still_fit(found, ~allowed, lead).any()


def test_match_cells_follows_last_frame_where_style_repeats():
    """The style is the image twice, side by side, so that both halves fit equally well."""
    image = grainy(64, 64, 1)
    matcher = matcher_of([StyleTarget(torch.cat([image, image], 3), 1.0)], (64, 64))
    rows, columns = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
    size = 64, 64
    for half in (0, 16):
        last = CellMatches(torch.zeros(16, 16, dtype=torch.long), rows, columns + half, {})
        followed = FollowedMatches(last, shift(0, 0, size), everywhere(size))
        found = match_cells(matcher, image, last=followed)
        assert (found.columns[:, 2:-2] == last.columns[:, 2:-2]).float().mean() > 0.95
        assert (found.drift == 0).all()
