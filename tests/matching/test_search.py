"""Nearest-neighbor search, propagation and assignment of styles."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from neural_style.matching import search
from neural_style.matching.search import (
    assign_styles,
    nearest,
    prefer_neighbors,
    project,
    unit_vectors,
    with_lightness,
)


def directions(count: int, channels: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(count, channels, generator=generator)
    return unit_vectors(vectors, torch.zeros(channels))


def test_unit_vectors_subtracts_mean_and_normalizes():
    vectors = torch.tensor([[1.0, 2.0], [4.0, 6.0], [1.0, 2.0]])
    found = unit_vectors(vectors, torch.tensor([1.0, 2.0]))
    assert torch.allclose(found, torch.tensor([[0.0, 0.0], [0.6, 0.8], [0.0, 0.0]]))
    assert unit_vectors(vectors.bfloat16(), torch.zeros(2)).dtype == torch.float32


@pytest.mark.parametrize("chunk", [1, 100, 2**24])
def test_nearest_matches_plain_loops(chunk, monkeypatch):
    monkeypatch.setattr(search, "_CHUNK", chunk)
    queries, bank = directions(23, 5, 1), directions(17, 5, 2)
    preference = 0.3 * directions(1, 17, 3)[0]
    for liked in (None, preference):
        expected = []
        for query in queries.tolist():
            scores = [sum(a * b for a, b in zip(query, row, strict=True)) for row in bank.tolist()]
            if liked is not None:
                scores = [score + more for score, more in zip(scores, liked.tolist(), strict=True)]
            expected.append(scores.index(max(scores)))
        assert nearest(queries, bank, liked).tolist() == expected


def test_with_lightness_penalizes_squared_difference():
    queries, bank = directions(5, 4, 1), directions(7, 4, 2)
    generator = torch.Generator().manual_seed(3)
    x, y = torch.randn(5, generator=generator), torch.randn(7, generator=generator)
    own, other = with_lightness(queries, bank, x, y, 0.3)
    expected = queries @ bank.T + 0.3 * (x[:, None].square() - (x[:, None] - y).square())
    torch.testing.assert_close(own @ other.T, expected)


def test_with_lightness_breaks_ties_by_equal_lightness():
    alike = torch.ones(3, 2)
    lightness = torch.tensor([-1.0, 0.0, 2.0])
    for k in range(3):
        own, other = with_lightness(alike[:1], alike, lightness[k : k + 1], lightness, 0.01)
        assert nearest(own, other).tolist() == [k]


def test_nearest_preference_shifts_matches_to_preferred_rows():
    queries, bank = directions(200, 6, 1), directions(100, 6, 2)
    preference = torch.zeros(100)
    counts = []
    for strength in (-3.0, 0.0, 0.2, 3.0):
        preference[:50] = strength
        counts.append(int((nearest(queries, bank, preference) < 50).sum()))
    assert counts[0] == 0
    assert counts[-1] == 200
    assert counts == sorted(counts)
    assert 50 < counts[1] < counts[2] < 200


@pytest.fixture
def few_axes(monkeypatch):
    """Makes `project` reduce small inputs to eight axes."""
    monkeypatch.setattr(search, "_AXES", 8)
    monkeypatch.setattr(search, "_FEW", 0)


@pytest.mark.usefixtures("few_axes")
def test_project_is_exact_for_low_rank_bank():
    span = torch.randn(6, 40, generator=torch.Generator().manual_seed(0))
    bank = unit_vectors(directions(300, 6, 1) @ span, torch.zeros(40))
    queries = directions(200, 40, 2)  # not limited to the bank's subspace
    shorter = project(queries, bank)
    assert [vectors.shape[1] for vectors in shorter] == [8, 8]
    torch.testing.assert_close(shorter[0] @ shorter[1].T, queries @ bank.T, rtol=0, atol=1e-5)
    assert torch.equal(nearest(*shorter), nearest(queries, bank))


@pytest.mark.usefixtures("few_axes")
def test_project_keeps_most_matches_for_decaying_variances(monkeypatch):
    monkeypatch.setattr(search, "_AXES", 48)
    fall = torch.arange(1, 129) ** -1.5
    queries, bank = (
        unit_vectors(directions(count, 128, seed) * fall, torch.zeros(128))
        for count, seed in ((300, 1), (400, 2))
    )
    same = nearest(*project(queries, bank)) == nearest(queries, bank)
    assert same.float().mean() > 0.97


@pytest.mark.usefixtures("few_axes")
def test_project_keeps_most_similarity_for_equal_variances(monkeypatch):
    """Random directions are the worst case: all axes have the same variance."""
    monkeypatch.setattr(search, "_AXES", 48)
    queries, bank = directions(300, 100, 1), directions(400, 100, 2)
    similarity = queries @ bank.T
    found = similarity.gather(1, nearest(*project(queries, bank))[:, None])[:, 0]
    assert (found / similarity.amax(1)).mean() > 0.7


def test_project_returns_small_inputs_unchanged():
    queries, bank = directions(20, 500, 1), directions(30, 500, 2)
    found = project(queries, bank)
    assert found[0] is queries
    assert found[1] is bank


SHAPE, BANK_SHAPE = (7, 9), (8, 6)


def propagate(bonus: float, preference=None, allowed=None, seed: int = 1):
    """Matches before and after propagation, and all similarities plus preference."""
    queries, bank = directions(63, 4, seed), directions(48, 4, seed + 1)
    allowed = torch.ones(BANK_SHAPE, dtype=torch.bool) if allowed is None else allowed
    scores = queries @ bank.T + (0 if preference is None else preference)
    scores = scores.masked_fill(~allowed.flatten(), -torch.inf)
    found = scores.argmax(1)
    after = prefer_neighbors(found, queries, bank, SHAPE, allowed, preference, bonus)
    return found, after, scores


@pytest.mark.parametrize("seed", range(3))
def test_prefer_neighbors_without_bonus_keeps_best_matches(seed):
    for preference in (None, 0.3 * directions(1, 48, 9)[0]):
        found, after, _ = propagate(0.0, preference, seed=seed)
        assert torch.equal(after, found)


def test_prefer_neighbors_loses_at_most_four_bonuses():
    for bonus in (0.2, 0.5, 1.0):
        found, after, scores = propagate(bonus)
        lost = scores.gather(1, found[:, None]) - scores.gather(1, after[:, None])
        assert (after != found).any()
        assert lost.max() <= 4 * bonus


def test_prefer_neighbors_without_bonus_never_lowers_similarity():
    queries, bank = directions(63, 4, 1), directions(48, 4, 2)
    begun = torch.randint(48, (63,), generator=torch.Generator().manual_seed(0))
    allowed = torch.ones(BANK_SHAPE, dtype=torch.bool)
    after = prefer_neighbors(begun, queries, bank, SHAPE, allowed, None, 0.0)
    gained = (queries * bank[after]).sum(1) - (queries * bank[begun]).sum(1)
    assert gained.min() >= 0
    assert gained.mean() > 0.3


@pytest.mark.parametrize("bonus", [0.0, 0.02, 5.0])
def test_prefer_neighbors_uses_allowed_cells_only(bonus):
    allowed = torch.zeros(BANK_SHAPE, dtype=torch.bool)
    allowed[2:5, 1:3] = True
    for seed in range(4):
        _, after, _ = propagate(bonus, allowed=allowed, seed=seed)
        assert allowed.flatten()[after].all()


def coherent_share(matches: torch.Tensor, shape: tuple[int, int], wide: int) -> float:
    """Share of neighboring positions whose matches are neighbors in the same direction."""
    rows, columns = (matches // wide).view(shape), (matches % wide).view(shape)
    across = (rows.diff(dim=1) == 0) & (columns.diff(dim=1) == 1)
    down = (rows.diff(dim=0) == 1) & (columns.diff(dim=0) == 0)
    return (across.sum() + down.sum()).item() / (across.numel() + down.numel())


def test_prefer_neighbors_makes_nearly_tied_matches_coherent():
    """All similarities are equal up to noise."""
    shape, bank_shape = (12, 12), (30, 30)
    generator = torch.Generator().manual_seed(0)
    plain = torch.zeros(4)
    plain[0] = 1
    queries, bank = (
        unit_vectors(plain + 0.01 * torch.randn(count, 4, generator=generator), torch.zeros(4))
        for count in (144, 900)
    )
    allowed = torch.ones(bank_shape, dtype=torch.bool)
    flickering = nearest(queries, bank)
    after = prefer_neighbors(flickering, queries, bank, shape, allowed, None, 0.02)
    assert coherent_share(flickering, shape, 30) < 0.05
    assert coherent_share(after, shape, 30) > 0.3


def test_prefer_neighbors_cost_breaks_up_repeated_match():
    """All queries are equal and have the same best match."""
    shape, bank_shape = (12, 12), (30, 30)
    bank = torch.zeros(900, 4)
    bank[:, 0] = 1 - 0.01 * torch.rand(900, generator=torch.Generator().manual_seed(0))
    bank[435] = torch.tensor([1.01, 0, 0, 0])
    queries = torch.tensor([1.0, 0, 0, 0]).expand(144, 4)
    allowed = torch.ones(bank_shape, dtype=torch.bool)
    hub = nearest(queries, bank)
    assert (hub == 435).all()
    kept, changed = (
        prefer_neighbors(hub, queries, bank, shape, allowed, None, bonus, cost)
        for bonus, cost in ((0.0, 0.0), (0.01, 0.05))
    )
    assert torch.equal(kept, hub)
    rows, columns = (changed // 30).view(shape), (changed % 30).view(shape)
    for dim in (0, 1):
        repeats = (rows.diff(dim=dim) == 0) & (columns.diff(dim=dim) == 0)
        assert repeats.float().mean() < 0.1


def test_prefer_neighbors_keeps_coherent_matches():
    down, across = torch.meshgrid(torch.arange(7), torch.arange(9), indexing="ij")
    ramp = ((down + 2) * 20 + across + 5).flatten()
    queries, bank = directions(63, 4, 1), directions(400, 4, 2)
    allowed = torch.ones(20, 20, dtype=torch.bool)
    assert torch.equal(prefer_neighbors(ramp, queries, bank, SHAPE, allowed, None, 9.0), ramp)


def counts_of(owners: torch.Tensor, styles: int) -> list[int]:
    return torch.bincount(owners, minlength=styles).tolist()


def allow_all(similarity: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(similarity, dtype=torch.bool)


@pytest.mark.parametrize("first", [0, 1, 30, 60, 99, 100])
def test_assign_styles_gives_two_styles_exact_counts(first):
    similarity = torch.rand(100, 2, generator=torch.Generator().manual_seed(1))
    counts = torch.tensor([first, 100.0 - first])
    owners = assign_styles(similarity, allow_all(similarity), counts)
    assert counts_of(owners, 2) == counts.tolist()


def test_assign_styles_gives_each_style_its_best_positions():
    similarity = torch.rand(60, 2, generator=torch.Generator().manual_seed(2))
    owners = assign_styles(similarity, allow_all(similarity), torch.tensor([20.0, 40.0]))
    lead = similarity[:, 0] - similarity[:, 1]
    assert sorted((owners == 0).nonzero()[:, 0].tolist()) == sorted(
        lead.argsort(descending=True)[:20].tolist()
    )


@pytest.mark.parametrize(
    "counts", [(40, 35, 25), (98, 1, 1), (0, 60, 40), (0, 0, 100), (100, 0, 0), (34, 33, 33)]
)
@pytest.mark.parametrize("seed", range(3))
def test_assign_styles_gives_three_styles_exact_counts(counts, seed):
    similarity = torch.rand(100, 3, generator=torch.Generator().manual_seed(seed))
    owners = assign_styles(similarity, allow_all(similarity), torch.tensor(counts).float())
    assert counts_of(owners, 3) == list(counts)


def test_assign_styles_keeps_counts_if_one_style_is_always_best():
    similarity = torch.rand(100, 3, generator=torch.Generator().manual_seed(3))
    similarity[:, 1] += 1
    owners = assign_styles(similarity, allow_all(similarity), torch.tensor([50.0, 20.0, 30.0]))
    assert counts_of(owners, 3) == [50, 20, 30]


@pytest.mark.parametrize("counts", [(50, 50), (30, 30, 40)])
def test_assign_styles_keeps_counts_for_equal_similarities(counts):
    similarity = torch.full((100, len(counts)), 0.5)
    owners = assign_styles(similarity, allow_all(similarity), torch.tensor(counts).float())
    found = counts_of(owners, len(counts))
    assert all(abs(one - wanted) <= 1 for one, wanted in zip(found, counts, strict=True))


@pytest.mark.parametrize("seed", range(4))
def test_assign_styles_uses_allowed_positions_only(seed):
    generator = torch.Generator().manual_seed(seed)
    similarity = torch.rand(200, 3, generator=generator)
    allowed = torch.rand(200, 3, generator=generator) < 0.5
    allowed[torch.arange(200), torch.randint(3, (200,), generator=generator)] = True
    for counts in product((0.0, 70.0, 200.0), repeat=3):
        owners = assign_styles(similarity, allowed, torch.tensor(counts))
        assert allowed[torch.arange(200), owners].all()


def test_assign_styles_handles_style_allowed_nowhere():
    similarity = torch.rand(100, 3, generator=torch.Generator().manual_seed(5))
    allowed = allow_all(similarity)
    allowed[:, 1] = False
    owners = assign_styles(similarity, allowed, torch.tensor([30.0, 0.0, 70.0]))
    assert counts_of(owners, 3) == [30, 0, 70]


def test_assign_styles_gives_single_style_every_position():
    similarity = torch.rand(10, 1)
    assert (
        assign_styles(similarity, allow_all(similarity), torch.tensor([10.0])).tolist() == [0] * 10
    )
