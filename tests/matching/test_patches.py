"""Start pictures made of style patches."""

from __future__ import annotations

import pytest
import torch

from neural_style.matching.indices import CellMatches
from neural_style.matching.patches import blend, piece_together
from tests.matching.small import grainy

HEIGHT, WIDTH = 43, 58
TALL, WIDE = 11, 15
"""Cells of four pixels; the last ones reach beyond the canvas by a row and two columns."""


def matches(rows: torch.Tensor, columns: torch.Tensor, owners=None) -> CellMatches:
    owners = torch.zeros(TALL, WIDE, dtype=torch.long) if owners is None else owners
    return CellMatches(owners, rows.expand(TALL, WIDE), columns.expand(TALL, WIDE), {})


OWN_ROWS, OWN_COLUMNS = torch.arange(TALL)[:, None], torch.arange(WIDE)[None, :]


@pytest.mark.parametrize(("height", "width"), [(44, 60), (43, 58), (61, 75)])
def test_cells_matched_with_themselves_give_the_style(height, width):
    style = grainy(height, width, 1)
    found = piece_together(HEIGHT, WIDTH, [style], matches(OWN_ROWS, OWN_COLUMNS), 4)
    torch.testing.assert_close(found, style[..., :HEIGHT, :WIDTH])


def test_matches_shifted_together_give_the_shifted_style():
    style = grainy(80, 90, 1)
    found = piece_together(HEIGHT, WIDTH, [style], matches(OWN_ROWS + 3, OWN_COLUMNS + 5), 4)
    torch.testing.assert_close(found, style[..., 12:55, 20:78])


def test_patches_beyond_the_styles_edge_repeat_its_last_row():
    style = grainy(80, 90, 1)
    found = piece_together(HEIGHT, WIDTH, [style], matches(OWN_ROWS + 9, OWN_COLUMNS), 4)
    torch.testing.assert_close(found, style[..., 36:79, :WIDTH])
    striped = style.clone()
    striped[..., 72:, :] = torch.linspace(0, 1, 90)
    edge = torch.full((TALL, 1), 19)
    found = piece_together(HEIGHT, WIDTH, [striped], matches(edge, OWN_COLUMNS), 4)
    torch.testing.assert_close(found, striped[..., 79:, :WIDTH].expand(1, 3, HEIGHT, WIDTH))


def test_two_styles_lie_side_by_side_with_a_seam_of_two_cells():
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


def test_patches_of_a_uniform_style_are_uniform_whatever_the_matches():
    """The patches' weights add up to one at every pixel."""
    plain = torch.tensor([0.2, 0.5, 0.9]).view(1, 3, 1, 1).expand(1, 3, 40, 40).contiguous()
    generator = torch.Generator().manual_seed(0)
    rows, columns = (torch.randint(10, (TALL, WIDE), generator=generator) for _ in range(2))
    found = piece_together(HEIGHT, WIDTH, [plain], matches(rows, columns), 4)
    torch.testing.assert_close(found, plain[..., :1, :1].expand(1, 3, HEIGHT, WIDTH))


def test_every_pixel_lies_between_the_extremes_of_the_style():
    style = 0.3 + 0.4 * grainy(40, 40, 1)
    generator = torch.Generator().manual_seed(0)
    rows, columns = (torch.randint(10, (TALL, WIDE), generator=generator) for _ in range(2))
    found = piece_together(HEIGHT, WIDTH, [style], matches(rows, columns), 4)
    assert found.min() >= style.min() - 1e-6
    assert found.max() <= style.max() + 1e-6


def test_a_style_smaller_than_a_cell_is_repeated():
    small = torch.rand(1, 3, 3, 2)
    zeros = torch.zeros(1, 1, dtype=torch.long)
    found = piece_together(HEIGHT, WIDTH, [small], matches(zeros, zeros), 4)
    assert found.isfinite().all()


def test_a_canvas_narrower_than_a_cell_gets_part_of_the_patches():
    style = grainy(8, 40, 1)
    cells = CellMatches(
        torch.zeros(1, 10, dtype=torch.long),
        torch.zeros(1, 10, dtype=torch.long),
        torch.arange(10)[None, :],
        {},
    )
    torch.testing.assert_close(piece_together(3, 40, [style], cells, 4), style[..., :3, :])


def test_a_blend_has_its_share_of_the_pieces_where_a_style_is_wanted():
    base, pieced = torch.zeros(1, 3, 16, 32), torch.ones(1, 3, 16, 32)
    assert torch.allclose(blend(base, pieced, 0.7, None), torch.full_like(base, 0.7))
    cover = torch.zeros(4, 8)
    cover[:, :4] = 1
    found = blend(base, pieced, 0.7, cover)
    assert torch.allclose(found[..., :13], torch.tensor(0.7))
    assert not found[..., 19:].any()
