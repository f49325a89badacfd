"""Matches of cells and layers, their targets, and masks and shares of styles."""

from __future__ import annotations

import pytest
import torch

from neural_style.matching import nearest
from neural_style.matching.indices import pack_matches, unpack_matches
from neural_style.matching.matcher import relative_lightness
from neural_style.matching.nearest import (
    match_cells,
    match_layers,
    targets_of_cells,
    targets_of_layers,
)
from neural_style.matching.sampling import count_cells
from neural_style.objective import StyleTarget
from tests.conftest import picture
from tests.matching.small import matcher_of, objective_of
from tests.small_pictures import grainy, half

CONTENT, CANVAS = grainy(96, 64, 1), grainy(96, 64, 4)
STYLES = [grainy(96, 64, 2), grainy(80, 100, 3), grainy(64, 72, 5)]
SIZE = (96, 64)
LEFT, RIGHT = half("left", *SIZE), half("right", *SIZE)


def seeded_generator() -> torch.Generator:
    return torch.Generator().manual_seed(7)


@pytest.mark.parametrize(("height", "width"), [(64, 48), (65, 43), (32, 79), (101, 67)])
def test_match_cells_matches_image_to_itself(height, width):
    """A cell centered beyond the image equals its neighbor and may match that instead."""
    image = grainy(height, width, 1)
    matcher = matcher_of([StyleTarget(image, 1.0)], (height, width))
    found = match_cells(matcher, image)
    tall, wide = count_cells(height, width, 4)
    assert found.owners.shape == (tall, wide)
    assert not found.owners.any()
    within = (slice((height + 1) // 4), slice((width + 1) // 4))
    rows, columns = torch.meshgrid(torch.arange(tall), torch.arange(wide), indexing="ij")
    assert torch.equal(found.rows[within], rows[within])
    assert torch.equal(found.columns[within], columns[within])
    assert (found.rows - rows).abs().max() <= 1
    assert (found.columns - columns).abs().max() <= 1


def test_match_cells_finds_shift():
    wide = grainy(64, 104, 1)
    matcher = matcher_of([StyleTarget(wide, 1.0)], (64, 64))
    found = match_cells(matcher, wide[..., 24:88])
    inner = (slice(4, -4), slice(4, -4))
    moved = torch.arange(6, 22)[None, :].expand(16, 16)
    assert (found.columns[inner] == moved[inner]).float().mean() > 0.95


def test_targets_of_cells_are_normalized_activations_of_matches():
    """An image matched with itself has its own directions as targets."""
    matcher = matcher_of([StyleTarget(CONTENT, 1.0)], SIZE)
    for layer, target in targets_of_cells(matcher, match_cells(matcher, CONTENT)).items():
        own = torch.nn.functional.normalize(matcher.styles[0][layer].values, dim=2)
        torch.testing.assert_close(target.directions, own)


@pytest.mark.parametrize("image", [torch.full((1, 3, 96, 64), 0.5), picture(96, 64).round()])
def test_match_cells_preference_depends_on_seed(image):
    matcher = matcher_of([StyleTarget(STYLES[0], 1.0)], SIZE)
    found = [match_cells(matcher, image, 0.3, seed) for seed in (1, 1, 2)]
    assert torch.equal(found[0].rows, found[1].rows)
    assert (found[0].rows != found[2].rows).float().mean() > 0.2
    plain = [match_cells(matcher, image, 0.0, seed) for seed in (1, 2)]
    assert torch.equal(plain[0].rows, plain[1].rows)


def test_relative_lightness_is_standard_score_of_luma():
    ramp = torch.linspace(0.2, 0.4, 40)[:, None].expand(1, 3, 40, 60)
    found = relative_lightness(ramp, (10, 15)).view(10, 15)
    assert found.mean().abs() < 1e-5
    assert found.std(unbiased=False).item() == pytest.approx(1, abs=1e-4)
    assert (found.diff(dim=0) > 0).all()
    brighter = relative_lightness((2 * ramp + 0.1).contiguous(), (10, 15)).view(10, 15)
    torch.testing.assert_close(brighter, found, rtol=1e-3, atol=1e-3)
    upper = torch.arange(10)[:, None].expand(10, 15) < 5
    assert relative_lightness(ramp, (10, 15), upper).view(10, 15)[upper].mean().abs() < 1e-5


def test_relative_lightness_of_uniform_image_is_zero():
    assert relative_lightness(torch.full((1, 3, 40, 60), 0.3), (10, 15)).abs().max() < 1e-3


def test_lightness_cost_reduces_bright_matches_in_dark_area(monkeypatch):
    shade = torch.rand(1, 1, 4, 5, generator=torch.Generator().manual_seed(1)) - 0.5
    shade = torch.nn.functional.interpolate(shade, (96, 128), mode="bicubic", align_corners=True)
    content = (0.2 + 0.1 * shade).expand(1, 3, 96, 128).clone()
    content[..., 36:60, 48:80] = 0.8
    style = 0.25 + 0.15 * (grainy(96, 64, seed=5) - 0.5)
    style[..., 32:] += 0.5
    matcher = matcher_of([StyleTarget(style, 1.0)], (96, 128))
    wall = torch.ones(24, 32, dtype=torch.bool)
    wall[8:16, 11:21] = False

    def bright_share():
        bright = match_cells(matcher, content).columns >= 8
        assert bright[9:15, 12:20].all()
        return bright[wall].float().mean().item()

    found = bright_share()
    monkeypatch.setattr(nearest, "_LIGHTNESS_COST", 0.0)
    assert found < 0.8 * bright_share()


@pytest.mark.parametrize("preference", [0.0, 0.3])
def test_matches_stay_within_style_mask(preference):
    part = torch.zeros(1, 1, 96, 64)
    part[..., 20:60, 8:40] = 1
    matcher = matcher_of([StyleTarget(STYLES[0], 1.0, part=part)], SIZE)
    cells = match_cells(matcher, CONTENT, preference, 1)
    assert (cells.rows >= 5).all()
    assert (cells.rows < 15).all()
    assert (cells.columns >= 2).all()
    assert (cells.columns < 10).all()
    for layer, one in match_layers(matcher, CANVAS, cells, seeded_generator()).items():
        samples = matcher.styles[0][layer]
        rows = samples.down.pixels()[one.indices // samples.across.count]
        columns = samples.across.pixels()[one.indices % samples.across.count]
        assert part[0, 0][rows, columns].all(), layer


def test_style_mask_smaller_than_layer_position_is_matched():
    part = torch.zeros(1, 1, 96, 64)
    part[..., 42:45, 30:33] = 1
    matcher = matcher_of([StyleTarget(STYLES[0], 1.0, part=part)], SIZE)
    cells = match_cells(matcher, CONTENT)
    assert matcher.allowed[0].sum() > 0
    assert matcher.allowed[0][cells.rows, cells.columns].all()
    term = targets_of_layers(matcher, match_layers(matcher, CANVAS, cells, seeded_generator()))
    assert all(target.directions.isfinite().all() for target in term.values())


def test_masked_styles_own_the_cells_of_their_masks():
    styles = [StyleTarget(STYLES[0], 0.5, where=LEFT), StyleTarget(STYLES[1], 0.5, where=RIGHT)]
    matcher = matcher_of(styles, SIZE)
    cells = match_cells(matcher, CONTENT)
    assert (cells.owners[:, :8] == 0).all()
    assert (cells.owners[:, 8:] == 1).all()
    assert matcher.cover.min() == 1
    for one in match_layers(matcher, CANVAS, cells, seeded_generator()).values():
        columns = one.axes[1].pixels()
        assert torch.equal(one.owners, (columns >= 32).long().expand_as(one.owners))
    for k, style in enumerate(STYLES[:2]):
        within = cells.owners == k
        assert cells.rows[within].max() < style.shape[2] // 4
        assert cells.columns[within].max() < style.shape[3] // 4


@pytest.mark.parametrize("stage", ["cells", "layers"])
def test_loss_and_gradient_are_zero_outside_mask(stage):
    """Checked at pixels outside the receptive fields of the masked positions."""
    where = half("left", 96, 160)
    matcher = matcher_of([StyleTarget(STYLES[0], 0.5, where=where)], (96, 160))
    assert torch.equal(matcher.cover, (torch.arange(40) < 20).float().expand(24, 40))
    content, canvas, other = (grainy(96, 160, seed) for seed in (1, 2, 3))
    objective = objective_of(matcher, stage, content, canvas)
    losses, gradient = objective(canvas)
    assert losses["style"] > 0
    assert gradient[..., :80].any()
    assert not gradient[..., 144:].any()
    changed = canvas.clone()
    changed[..., 144:] = other[..., 144:]
    assert objective(changed)[0]["style"].item() == pytest.approx(losses["style"].item(), rel=1e-5)


def test_loss_of_masked_style_is_proportional_to_mask_area():
    """All positions have equal weight, so half of them have about half of the loss."""
    everywhere = matcher_of([StyleTarget(STYLES[0], 1.0)], SIZE)
    left = matcher_of([StyleTarget(STYLES[0], 0.5, where=LEFT)], SIZE)
    white = matcher_of([StyleTarget(STYLES[0], 1.0, where=torch.ones_like(LEFT))], SIZE)
    losses = [
        objective_of(matcher, "cells", CONTENT, CANVAS)(CANVAS)[0]["style"].item()
        for matcher in (everywhere, left, white)
    ]
    assert losses[2] == pytest.approx(losses[0], rel=1e-5)
    assert 0.3 < losses[1] / losses[0] < 0.7


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.2, 0.8), (0.0, 1.0), (0.3, 0.5, 0.2)])
def test_unmasked_styles_get_their_shares(shares):
    styles = [StyleTarget(image, share) for image, share in zip(STYLES, shares, strict=False)]
    matcher = matcher_of(styles, SIZE)
    for query in (CONTENT, STYLES[0], torch.full_like(CONTENT, 0.5)):
        owners = match_cells(matcher, query).owners
        for k, share in enumerate(shares):
            assert (owners == k).float().mean().item() == pytest.approx(share, abs=0.02)


def test_styles_with_zero_shares_get_equal_shares():
    matcher = matcher_of([StyleTarget(image, 0.0) for image in STYLES[:2]], SIZE)
    owners = match_cells(matcher, CONTENT).owners
    assert (owners == 0).float().mean().item() == pytest.approx(0.5, abs=0.02)


def test_masked_style_shares_its_region_with_unmasked_style():
    """Both have equal strength there: the masked style's share refers to the whole image."""
    styles = [StyleTarget(STYLES[0], 0.25, where=LEFT), StyleTarget(STYLES[1], 0.5)]
    owners = match_cells(matcher_of(styles, SIZE), CONTENT).owners
    assert (owners[:, 8:] == 1).all()
    assert (owners[:, :8] == 0).float().mean().item() == pytest.approx(0.5, abs=0.03)


def test_stronger_mask_wins_along_soft_edge():
    """Outside a narrow seam, each side belongs to one style."""
    ramp = torch.linspace(0, 1, 64).expand(1, 1, 96, 64).contiguous()
    styles = [StyleTarget(STYLES[0], 0.5, where=1 - ramp), StyleTarget(STYLES[1], 0.5, where=ramp)]
    owners = match_cells(matcher_of(styles, SIZE), CONTENT).owners
    assert (owners[:, :5] == 0).all()
    assert (owners[:, 11:] == 1).all()


def test_cover_and_loss_are_proportional_to_faint_mask():
    matcher = matcher_of([StyleTarget(STYLES[0], 0.2, where=torch.full_like(LEFT, 0.3))], SIZE)
    torch.testing.assert_close(matcher.cover, torch.full((24, 16), 0.3))
    full = matcher_of([StyleTarget(STYLES[0], 1.0)], SIZE)
    faint, whole = (
        objective_of(one, "cells", CONTENT, CANVAS)(CANVAS)[0]["style"] for one in (matcher, full)
    )
    assert faint.item() == pytest.approx(0.3 * whole.item(), rel=1e-4)


def test_match_layers_draws_offset_of_subsampled_layer_from_seed():
    """Layers with more than 64 positions a side are subsampled."""
    canvas = grainy(48, 320, 1)
    matcher = matcher_of([StyleTarget(STYLES[0], 1.0)], (48, 320))
    assert matcher.spacing == 5
    cells = match_cells(matcher, canvas)
    first = set()
    for seed in range(6):
        found = match_layers(matcher, canvas, cells, torch.Generator().manual_seed(seed))
        down, across = found["relu1_1"].axes
        assert (down.step, across.step) == (5, 5)
        assert max(down.first, across.first) < 5
        first.add((down.first, across.first))
        assert found["relu4_1"].axes[0].step == 1
    assert len(first) > 2


@pytest.mark.parametrize("size", [(32, 2112), (2112, 32)])
def test_match_layers_samples_narrow_image_with_every_seed(size):
    """Positions are 33 pixels apart, but the short side has 32 pixels."""
    canvas = grainy(*size, 1)
    matcher = matcher_of([StyleTarget(STYLES[0], 1.0)], size, shares={"relu1_1": 1.0})
    cells = match_cells(matcher, canvas)
    for seed in range(25):
        (found,) = match_layers(
            matcher, canvas, cells, torch.Generator().manual_seed(seed)
        ).values()
        assert min(found.indices.shape) >= 1


def test_unpack_matches_inverts_pack_matches(tmp_path):
    matcher = matcher_of([StyleTarget(image, 0.5) for image in STYLES[:2]], SIZE)
    cells = match_cells(matcher, CONTENT)
    for layers in (None, match_layers(matcher, CANVAS, cells, seeded_generator())):
        torch.save(pack_matches(cells, layers), tmp_path / "matches.pt")
        packed = torch.load(tmp_path / "matches.pt", weights_only=True)
        again, layers_again = unpack_matches(packed)
        assert all(torch.equal(a, b) for a, b in zip(again[:3], cells[:3], strict=True))
        assert again.axes == cells.axes
        assert (layers_again is None) == (layers is None)
        for layer, one in (layers or {}).items():
            assert layers_again[layer].axes == one.axes
            for a, b in zip(layers_again[layer][1:], one[1:], strict=True):
                assert torch.equal(a, b)
