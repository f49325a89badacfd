"""Matches of a smaller size carried over, against a plain version, and kept in `match_cells`."""

from __future__ import annotations

import pytest
import torch

from neural_style.matching.indices import CellMatches
from neural_style.matching.inherit import EarlierMatches, carry_over
from neural_style.matching.nearest import match_cells
from neural_style.matching.sampling import count_cells
from neural_style.objective import StyleTarget
from tests.matching.small import grainy, matcher_of


def drawn_matches(
    canvas: tuple[int, int], styles: list[tuple[int, int]], cell: int
) -> EarlierMatches:
    """Random matches with these styles."""
    generator = torch.Generator().manual_seed(1)
    shape = count_cells(*canvas, cell)
    owners = torch.randint(len(styles), shape, generator=generator)
    counts = torch.tensor([count_cells(*style, cell) for style in styles])
    rows, columns = (
        (torch.rand(shape, generator=generator) * counts[owners, dim]).long() for dim in (0, 1)
    )
    return EarlierMatches(CellMatches(owners, rows, columns, {}), cell, canvas, styles)


def plainly_carried(
    earlier: EarlierMatches, k: int, canvas: tuple[int, int], style: tuple[int, int], cell: int
) -> tuple[list[int], list[bool]]:
    """`carry_over`, one cell at a time, in exact places of the pictures."""
    tall, wide = count_cells(*style, cell)
    found, owned = [], []
    for i in range(count_cells(*canvas, cell)[0]):
        for j in range(count_cells(*canvas, cell)[1]):
            y = (i + 0.5) * cell * earlier.canvas[0] / canvas[0]
            x = (j + 0.5) * cell * earlier.canvas[1] / canvas[1]
            row = min(int(y / earlier.cell), earlier.cells.rows.shape[0] - 1)
            column = min(int(x / earlier.cell), earlier.cells.rows.shape[1] - 1)
            down = earlier.cells.rows[row, column].item() * earlier.cell + y - row * earlier.cell
            across = (
                earlier.cells.columns[row, column].item() * earlier.cell + x - column * earlier.cell
            )
            there = int(down * style[0] / earlier.styles[k][0] / cell)
            beside = int(across * style[1] / earlier.styles[k][1] / cell)
            found.append(min(tall - 1, there) * wide + min(wide - 1, beside))
            owned.append(earlier.cells.owners[row, column].item() == k)
    return found, owned


@pytest.mark.parametrize(
    ("before", "canvas", "cells"),
    [((32, 48), (64, 96), (4, 4)), ((64, 96), (128, 192), (4, 8)), ((43, 64), (85, 128), (4, 4))],
)
def test_it_is_the_plain_version(before, canvas, cells):
    styles = [(40, 56), (64, 33)]
    earlier = drawn_matches(before, styles, cells[0])
    for k, style in enumerate(styles):
        larger = style[0] * 2, style[1] * 2 - 1
        found, owned = carry_over(earlier, k, canvas, larger, cells[1])
        expected, expected_owned = plainly_carried(earlier, k, canvas, larger, cells[1])
        assert found.tolist() == expected
        assert owned.tolist() == expected_owned


def test_the_cells_of_one_earlier_cell_get_neighboring_matches():
    earlier = drawn_matches((32, 32), [(40, 40)], 4)
    found, _ = carry_over(earlier, 0, (64, 64), (80, 80), 4)
    rows, columns = (found // 20).view(16, 16), (found % 20).view(16, 16)
    assert torch.equal(rows[1::2], rows[::2] + 1)
    assert torch.equal(columns[:, 1::2], columns[:, ::2] + 1)
    assert torch.equal(rows[::2, ::2], 2 * earlier.cells.rows)


def test_where_the_cells_stay_the_matches_stay():
    earlier = drawn_matches((32, 32), [(40, 40)], 4)
    found, owned = carry_over(earlier, 0, (64, 64), (80, 80), 8)
    assert torch.equal(found, (earlier.cells.rows * 10 + earlier.cells.columns).flatten())
    assert owned.all()


@pytest.mark.parametrize("half", [0, 1])
def test_of_two_equally_similar_places_the_earlier_one_is_kept(half):
    """The style is the picture twice, side by side; at its sides the borders make a difference."""
    image = grainy(64, 64, 1)
    matcher = matcher_of([StyleTarget(torch.cat([image, image], 3), 1.0)], (64, 64))
    rows, columns = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    matches = CellMatches(torch.zeros(8, 8, dtype=torch.long), rows, columns + 8 * half, {})
    earlier = EarlierMatches(matches, 4, (32, 32), [(32, 64)])
    found = match_cells(matcher, image, earlier=earlier)
    assert (found.columns[:, 4:-4] // 16 == half).all()


def test_a_clearly_better_match_replaces_the_earlier_one():
    """The picture is the style, so each cell is most similar to itself, wherever it was before."""
    image = grainy(64, 64, 1)
    matcher = matcher_of([StyleTarget(image, 1.0)], (64, 64))
    earlier = drawn_matches((32, 32), [(32, 32)], 4)
    found = match_cells(matcher, image, earlier=earlier)
    rows, columns = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
    assert ((found.rows == rows) & (found.columns == columns)).float().mean() > 0.95


def test_no_forbidden_cell_of_a_style_is_kept():
    part = torch.zeros(1, 1, 64, 64)
    part[..., :32] = 1
    style = StyleTarget(grainy(64, 64, 3), 1.0, part=part)
    matcher = matcher_of([style], (64, 64))
    earlier = drawn_matches((32, 32), [(32, 32)], 4)
    found = match_cells(matcher, torch.full((1, 3, 64, 64), 0.5), earlier=earlier)
    assert (found.columns < 8).all()
