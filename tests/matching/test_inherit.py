"""`carry_over` against plain loops, and earlier matches in `match_cells`."""

from __future__ import annotations

import pytest
import torch

from neural_style.matching.indices import CellMatches
from neural_style.matching.inherit import EarlierMatches, carry_over
from neural_style.matching.nearest import match_cells
from neural_style.matching.sampling import count_cells
from neural_style.objective import StyleTarget
from tests.matching.small import matcher_of
from tests.small_pictures import grainy


def random_matches(
    canvas: tuple[int, int], styles: list[tuple[int, int]], cell: int
) -> EarlierMatches:
    """Random matches with styles of these sizes."""
    generator = torch.Generator().manual_seed(1)
    shape = count_cells(*canvas, cell)
    owners = torch.randint(len(styles), shape, generator=generator)
    counts = torch.tensor([count_cells(*style, cell) for style in styles])
    rows, columns = (
        (torch.rand(shape, generator=generator) * counts[owners, dim]).long() for dim in (0, 1)
    )
    return EarlierMatches(CellMatches(owners, rows, columns, {}), cell, canvas, styles)


def carry_over_by_loops(
    earlier: EarlierMatches, k: int, canvas: tuple[int, int], style: tuple[int, int], cell: int
) -> tuple[list[int], list[bool]]:
    """`carry_over`, one cell at a time, in exact pixel coordinates."""
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
def test_carry_over_matches_plain_loops(before, canvas, cells):
    styles = [(40, 56), (64, 33)]
    earlier = random_matches(before, styles, cells[0])
    for k, style in enumerate(styles):
        larger = style[0] * 2, style[1] * 2 - 1
        found, owned = carry_over(earlier, k, canvas, larger, cells[1])
        expected, expected_owned = carry_over_by_loops(earlier, k, canvas, larger, cells[1])
        assert found.tolist() == expected
        assert owned.tolist() == expected_owned


def test_carry_over_gives_parts_of_cell_neighboring_matches():
    earlier = random_matches((32, 32), [(40, 40)], 4)
    found, _ = carry_over(earlier, 0, (64, 64), (80, 80), 4)
    rows, columns = (found // 20).view(16, 16), (found % 20).view(16, 16)
    assert torch.equal(rows[1::2], rows[::2] + 1)
    assert torch.equal(columns[:, 1::2], columns[:, ::2] + 1)
    assert torch.equal(rows[::2, ::2], 2 * earlier.cells.rows)


def test_carry_over_keeps_matches_if_cells_are_the_same():
    earlier = random_matches((32, 32), [(40, 40)], 4)
    found, owned = carry_over(earlier, 0, (64, 64), (80, 80), 8)
    assert torch.equal(found, (earlier.cells.rows * 10 + earlier.cells.columns).flatten())
    assert owned.all()


@pytest.mark.parametrize("half", [0, 1])
def test_match_cells_keeps_earlier_match_on_ties(half):
    """The style is the image twice, side by side. Columns near the borders are left out."""
    image = grainy(64, 64, 1)
    matcher = matcher_of([StyleTarget(torch.cat([image, image], 3), 1.0)], (64, 64))
    rows, columns = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    matches = CellMatches(torch.zeros(8, 8, dtype=torch.long), rows, columns + 8 * half, {})
    earlier = EarlierMatches(matches, 4, (32, 32), [(32, 64)])
    found = match_cells(matcher, image, earlier=earlier)
    assert (found.columns[:, 4:-4] // 16 == half).all()


def test_match_cells_replaces_clearly_worse_earlier_match():
    """The style is the image itself, so each cell is most similar to itself."""
    image = grainy(64, 64, 1)
    matcher = matcher_of([StyleTarget(image, 1.0)], (64, 64))
    earlier = random_matches((32, 32), [(32, 32)], 4)
    found = match_cells(matcher, image, earlier=earlier)
    rows, columns = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
    assert ((found.rows == rows) & (found.columns == columns)).float().mean() > 0.95


def test_match_cells_drops_earlier_matches_outside_style_mask():
    part = torch.zeros(1, 1, 64, 64)
    part[..., :32] = 1
    style = StyleTarget(grainy(64, 64, 3), 1.0, part=part)
    matcher = matcher_of([style], (64, 64))
    earlier = random_matches((32, 32), [(32, 32)], 4)
    found = match_cells(matcher, torch.full((1, 3, 64, 64), 0.5), earlier=earlier)
    assert (found.columns < 8).all()
