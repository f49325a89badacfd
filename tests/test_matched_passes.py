"""Passes of a run with statistic "nearest": their plan and their start pictures."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from neural_style.network.strips import cut_network
from neural_style.objective import StyleTarget
from neural_style.plan.defaults import default_scales
from neural_style.plan.schedule import (
    CELLS,
    LAYERS,
    Scale,
    join_passes,
    plan_passes,
    plan_scales,
    split_by_matches,
)
from neural_style.run.passes import MatchedPass, begin_pass, resume_pass
from tests.matching.small import LOSS_CONFIG, SHARES
from tests.small_networks import tiny_network
from tests.small_pictures import grainy


def test_default_plan_matches_hand_calculation():
    # The 40 iterations are 11, 9, 6 and 14 over four sizes. The full size has two thirds of 6
    # steps by cells, then passes of five steps by layers.
    assert plan_passes(342, 512, 512, 4, 40, 32, matching=True) == [
        Scale(43, 64, 11, CELLS),
        Scale(86, 128, 9, CELLS),
        Scale(171, 256, 6, CELLS),
        Scale(342, 512, 4, CELLS),
        Scale(342, 512, 5, LAYERS),
        Scale(342, 512, 5, LAYERS),
    ]


def test_single_size_has_twelve_steps_by_cells():
    passes = split_by_matches([Scale(64, 96, 20)])
    assert [(one.iterations, one.stage) for one in passes] == [
        (12, CELLS),
        (5, LAYERS),
        (3, LAYERS),
    ]


def test_without_matching_each_size_is_one_pass():
    asked = 300, 400, 512, 3, 200, 32
    assert plan_passes(*asked) == plan_scales(*asked)
    assert {scale.stage for scale in plan_passes(*asked)} == {""}


def test_matching_uses_sizes_down_to_the_smallest_side():
    asked = 100, 100, 200, 6, 50, 32
    assert len(plan_passes(*asked)) == 2
    assert sorted({one.width for one in plan_passes(*asked, matching=True)}) == [50, 100, 200]


@pytest.mark.parametrize("iterations", [1, 2, 3, 4, 5, 7, 13, 40, 41, 200, 1001])
@pytest.mark.parametrize("scales", [1, 2, 4, 6])
@pytest.mark.parametrize("shares", [(), (3.0, 1.0)])
def test_passes_have_all_iterations_and_none_is_empty(iterations, scales, shares):
    asked = 600, 800, 2048, scales, iterations, 32
    passes = plan_passes(*asked, shares=shares, matching=True)
    assert sum(one.iterations for one in passes) == iterations
    assert all(one.iterations > 0 for one in passes)
    stages = [one.stage for one in passes]
    assert stages == sorted(stages)  # cells, then layers
    assert all(one[:2] == passes[-1][:2] for one in passes if one.stage == LAYERS)
    assert len({one[:2] for one in passes}) == min(scales, iterations)


SIZES = [
    [Scale(64, 96, 1)],
    [Scale(64, 96, 30)],
    [Scale(32, 48, 4), Scale(64, 96, 3)],
    [Scale(32, 48, 1), Scale(64, 96, 1)],
    [Scale(16, 24, 7), Scale(32, 48, 6), Scale(64, 96, 14)],
]


@pytest.mark.parametrize("sizes", SIZES)
def test_join_passes_inverts_split_by_matches(sizes):
    assert join_passes(split_by_matches(sizes)) == sizes
    assert join_passes(sizes) == sizes


@pytest.mark.parametrize("sizes", SIZES)
def test_adding_iterations_at_full_size_keeps_the_first_steps(sizes):
    *smaller, full = sizes

    def steps(more: int) -> list[tuple]:
        passes = split_by_matches([*smaller, full._replace(iterations=full.iterations + more)])
        return [
            (number, one[:2], one.stage)
            for number, one in enumerate(passes)
            for _ in range(one.iterations)
        ]

    for more in range(1, 30):
        assert steps(more)[: len(steps(0))] == steps(0)


@pytest.mark.parametrize(
    ("size", "factor", "count"),
    [(64, 2, 1), (65, 2, 2), (128, 2, 2), (512, 2, 4), (1024, 2, 5), (4096, 2, 6), (128, 1.1, 6)],
)
def test_default_scales_start_at_about_64_pixels(size, factor, count):
    assert default_scales(size, factor) == count


CONTENT, STYLE = grainy(64, 96, 1), grainy(80, 64, 2)


BY_CELLS = Scale(64, 96, 4, CELLS)


def begin(image=CONTENT, scale=BY_CELLS, **changes) -> MatchedPass:
    network = tiny_network(layers=SHARES)
    style = changes.pop("style_weight", 20.0)
    loss_config = LOSS_CONFIG._replace(style=style, content=changes.pop("content_weight", 1.0))
    options = {
        "image": image,
        "before": None,
        "is_first": True,
        "pieced": True,
        "preference": 0.0,
        "seed": 0,
        "number": 0,
    }
    return begin_pass(
        network,
        cut_network(network, SHARES),
        scale,
        changes.pop("content", CONTENT),
        changes.pop("styles", [StyleTarget(STYLE, 1.0)]),
        loss_config,
        **options | changes,
    )


def test_start_moves_from_content_to_style_patches_with_style_weight():
    apart = []
    for weight in (0.0, 1.0, 20.0, 1e6):
        start = begin(style_weight=weight).start
        apart.append((start - CONTENT).abs().mean().item())
        assert start.min() >= 0
        assert start.max() <= 1
    assert apart[0] == pytest.approx(0, abs=1e-7)
    assert apart == sorted(apart)
    assert len(set(apart)) == 4


def test_start_without_style_patches_is_the_given_picture():
    start = begin(grainy(64, 96, 9), pieced=False).start
    assert torch.equal(start, grainy(64, 96, 9))


def test_start_without_content_weight_consists_of_style_patches():
    """Each cell is a mean of the patches that cover it. A patch is a style cell with neighbors."""
    found = begin(content_weight=0.0)
    start, cell, (rows, columns) = found.start, found.matcher.cell, found.cells[1:3]
    tall, wide = rows.shape
    assert (tall * cell, wide * cell) == (64, 96)
    padded = torch.nn.functional.pad(STYLE, 4 * (cell,), mode="replicate")
    for i, j in product(range(tall), range(wide)):
        patches = []
        for down, across in product((-1, 0, 1), repeat=2):
            if 0 <= i + down < tall and 0 <= j + across < wide:
                top = cell * (1 + rows[i + down, j + across].item() - down)
                left = cell * (1 + columns[i + down, j + across].item() - across)
                patches.append(padded[..., top : top + cell, left : left + cell])
        covering = torch.stack(patches)
        lowest, highest = covering.amin(0), covering.amax(0)
        here = start[..., i * cell : (i + 1) * cell, j * cell : (j + 1) * cell]
        assert (here >= lowest - 1e-6).all()
        assert (here <= highest + 1e-6).all()


def test_start_for_content_that_is_part_of_the_style_is_that_part():
    """Near the edges, where the network sees the border of the part, matches may differ."""
    part, scale = STYLE[..., 8:72, :], Scale(64, 64, 4, CELLS)
    start = begin(grainy(64, 64, 9), scale, content=part, content_weight=0.0).start
    same = torch.isclose(start, part, atol=1e-5).all(1)[..., 8:-8, 8:-8]
    assert same.float().mean() > 0.85


def test_larger_size_starts_from_picture_plus_content_detail():
    """If the previous picture is the content, the start picture is the content, too."""
    small = torch.nn.functional.interpolate(CONTENT, (32, 48), mode="area")
    plain = begin(small, content=small, scale=Scale(32, 48, 4, CELLS), pieced=False)
    assert torch.equal(plain.start, small)
    later = begin(plain.start, is_first=False, style_weight=0.0)
    assert (later.start - CONTENT).abs().mean() < 0.03
    first = begin(content=CONTENT)
    same = (first.cells.rows == later.cells.rows) & (first.cells.columns == later.cells.columns)
    assert same.float().mean() > 0.9


def test_layer_pass_reuses_picture_matcher_and_cell_matches():
    first = begin()
    canvas = grainy(64, 96, 5)
    found = [
        begin(canvas, Scale(64, 96, 5, LAYERS), before=first, is_first=False, number=number)
        for number in (1, 1)
    ]
    assert found[0].start is canvas
    assert found[0].matcher is first.matcher
    assert found[0].cells is first.cells
    assert found[0].layers.keys() == SHARES.keys()
    for layer, one in found[0].layers.items():
        assert torch.equal(one.indices, found[1].layers[layer].indices)


@pytest.mark.parametrize("stage", [CELLS, LAYERS])
def test_resume_pass_restores_the_same_term(stage):
    canvas, styles = (
        grainy(64, 96, 5),
        [StyleTarget(STYLE, 0.4), StyleTarget(grainy(64, 64, 3), 0.6)],
    )
    begun = begin(styles=styles)
    if stage == LAYERS:
        begun = begin(canvas, Scale(64, 96, 5, LAYERS), before=begun, styles=styles)
    network = tiny_network(layers=SHARES)
    again = resume_pass(
        network, cut_network(network, SHARES), begun.state(), styles, LOSS_CONFIG, canvas
    )
    assert torch.equal(again.start, canvas)
    for layer, target in begun.term.targets.items():
        for one, other in zip(target, again.term.targets[layer], strict=True):
            assert torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other
    assert again.term[:2] == begun.term[:2]
