"""Start images assembled from style patches."""

from __future__ import annotations

import pytest
import torch

from neural_style.matching.indices import CellMatches
from neural_style.matching.patches import blend, piece_together
from tests.small_pictures import grainy, noise

HEIGHT, WIDTH = 43, 58
TALL, WIDE = 11, 15
"""Cells of 4 × 4 pixels. They exceed the canvas by one row and two columns."""


def matches(rows: torch.Tensor, columns: torch.Tensor, owners=None) -> CellMatches:
    owners = torch.zeros(TALL, WIDE, dtype=torch.long) if owners is None else owners
    return CellMatches(owners, rows.expand(TALL, WIDE), columns.expand(TALL, WIDE), {})


OWN_ROWS, OWN_COLUMNS = torch.arange(TALL)[:, None], torch.arange(WIDE)[None, :]


@pytest.mark.parametrize(("height", "width"), [(44, 60), (43, 58), (61, 75)])
def test_piece_together_with_identity_matches_returns_style(height, width):
    style = grainy(height, width, 1)
    found = piece_together(HEIGHT, WIDTH, [style], matches(OWN_ROWS, OWN_COLUMNS), 4)
    torch.testing.assert_close(found, style[..., :HEIGHT, :WIDTH])


def test_piece_together_with_shifted_matches_returns_shifted_style():
    style = grainy(80, 90, 1)
    found = piece_together(HEIGHT, WIDTH, [style], matches(OWN_ROWS + 3, OWN_COLUMNS + 5), 4)
    torch.testing.assert_close(found, style[..., 12:55, 20:78])


def test_piece_together_replicates_edge_of_style():
    style = grainy(80, 90, 1)
    found = piece_together(HEIGHT, WIDTH, [style], matches(OWN_ROWS + 9, OWN_COLUMNS), 4)
    torch.testing.assert_close(found, style[..., 36:79, :WIDTH])
    striped = style.clone()
    striped[..., 72:, :] = torch.linspace(0, 1, 90)
    edge = torch.full((TALL, 1), 19)
    found = piece_together(HEIGHT, WIDTH, [striped], matches(edge, OWN_COLUMNS), 4)
    torch.testing.assert_close(found, striped[..., 79:, :WIDTH].expand(1, 3, HEIGHT, WIDTH))


def test_piece_together_blends_two_styles_over_two_cells():
    one, other = grainy(43, 58, 1), grainy(50, 70, 2)
    owners = (OWN_COLUMNS >= 7).long().expand(TALL, WIDE)
    found = piece_together(HEIGHT, WIDTH, [one, other], matches(OWN_ROWS, OWN_COLUMNS, owners), 4)
    torch.testing.assert_close(found[..., :24], one[..., :24])
    torch.testing.assert_close(found[..., 32:], other[..., :HEIGHT, 32:WIDTH])
    seam = found[..., :40, 24:32]
    both = torch.stack([one[..., :40, 24:32], other[..., :40, 24:32]])
    lower, upper = both.amin(0), both.amax(0)
    assert (seam >= lower - 1e-6).all()
    assert (seam <= upper + 1e-6).all()


def test_piece_together_keeps_uniform_color():
    """The weights of the patches sum to one at every pixel, for any matches."""
    plain = torch.tensor([0.2, 0.5, 0.9]).view(1, 3, 1, 1).expand(1, 3, 40, 40).contiguous()
    generator = torch.Generator().manual_seed(0)
    rows, columns = (torch.randint(10, (TALL, WIDE), generator=generator) for _ in range(2))
    found = piece_together(HEIGHT, WIDTH, [plain], matches(rows, columns), 4)
    torch.testing.assert_close(found, plain[..., :1, :1].expand(1, 3, HEIGHT, WIDTH))


def test_piece_together_stays_within_range_of_style():
    style = 0.3 + 0.4 * grainy(40, 40, 1)
    generator = torch.Generator().manual_seed(0)
    rows, columns = (torch.randint(10, (TALL, WIDE), generator=generator) for _ in range(2))
    found = piece_together(HEIGHT, WIDTH, [style], matches(rows, columns), 4)
    assert found.min() >= style.min() - 1e-6
    assert found.max() <= style.max() + 1e-6


def test_piece_together_repeats_style_smaller_than_cell():
    """A patch is the style in its middle cell, and the style's edge in the cells around it."""
    small = noise(1, 3, 3, 2)
    zeros = torch.zeros(1, 1, dtype=torch.long)
    found = piece_together(HEIGHT, WIDTH, [small], matches(zeros, zeros), 4)
    window = torch.hann_window(14, periodic=False)[1:-1].view(3, 4)
    shares = window / window.sum(0)  # of a patch's first, middle and last cell

    def blended(length: int) -> torch.Tensor:
        """How much of each row of the style is in each row of a cell."""
        amounts = torch.zeros(4, length)
        for row in range(4):
            for share, source in zip(shares[:, row], (0, min(row, length - 1), length - 1)):
                amounts[row, source] += share
        return amounts

    cell = torch.einsum("yi,bcij,xj->bcyx", blended(3), small, blended(2))
    inside = found[..., 4:40, 4:56]  # of the cells with neighbors on all sides
    torch.testing.assert_close(inside, cell.tile(1, 1, 9, 13))
    assert found.isfinite().all()


def test_piece_together_crops_patches_to_canvas_smaller_than_cell():
    style = grainy(8, 40, 1)
    cells = CellMatches(
        torch.zeros(1, 10, dtype=torch.long),
        torch.zeros(1, 10, dtype=torch.long),
        torch.arange(10)[None, :],
        {},
    )
    torch.testing.assert_close(piece_together(3, 40, [style], cells, 4), style[..., :3, :])


def test_blend_mixes_share_of_patches_within_cover():
    base, pieced = torch.zeros(1, 3, 16, 32), torch.ones(1, 3, 16, 32)
    assert torch.allclose(blend(base, pieced, 0.7, None), torch.full_like(base, 0.7))
    cover = torch.zeros(4, 8)
    cover[:, :4] = 1
    found = blend(base, pieced, 0.7, cover)
    assert torch.allclose(found[..., :13], torch.tensor(0.7))
    assert not found[..., 19:].any()
