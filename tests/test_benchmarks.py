"""The bench judges fairly and reads its own results rightly."""

from __future__ import annotations

import json

import pytest
import torch

from benchmarks import __main__ as bench
from benchmarks import nnst, report
from benchmarks.judge import Judge, NearestJudge
from benchmarks.report import best_so_far, first_below
from neural_style import BACKBONES, PRESETS, load_image, save_image
from neural_style.features import load_network
from neural_style.objective import Wanted, make_objective
from neural_style.tiling import cut_network
from neural_style.transfer import _emphasis
from tests.conftest import packaged_vgg19, picture, seeded_weights, tiny_vgg


@pytest.fixture
def files(tmp_path):
    return (
        save_image(picture(48, 64, seed=5), tmp_path / "content.png"),
        save_image(picture(64, 48, seed=6), tmp_path / "style.png"),
    )


def test_the_judge_sees_the_same_loss_as_the_preset(files):
    network, emphasis = packaged_vgg19(), _emphasis(BACKBONES["vgg19"], PRESETS["pastiche"])
    segments = cut_network(network, {*emphasis.content_layers, *emphasis.style_layers})
    content, style = map(load_image, files)
    evaluate = make_objective(network, segments, content, [Wanted(style, 1.0)], emphasis)
    canvas = picture(48, 64, seed=7)
    terms, _ = evaluate(canvas, with_gradient=False)
    assert Judge(*files).loss(255 * canvas) == pytest.approx(sum(terms.values()).item(), rel=1e-4)


def test_the_judge_finds_no_fault_with_the_content_but_its_style(files):
    judge = Judge(*files)
    scores = judge.scores(255 * load_image(files[0]))
    assert scores["content relu3_2"] == pytest.approx(0, abs=1e-9)
    assert scores["gram relu3_3"] > 0.01
    assert scores["out of range"] == 0
    assert scores["loss as saved"] == scores["loss"]
    outside = torch.full((1, 3, 48, 64), 300.0)
    outside[..., :16] = 128.0
    scores = judge.scores(outside)
    assert scores["out of range"] == 0.75
    assert scores["loss as saved"] == judge.loss(outside.clamp(0, 255)) != scores["loss"]


def test_a_goal_is_reached_at_the_first_look_that_is_no_worse():
    looks = [{"step": s, "loss": loss} for s, loss in ((0, 9.0), (5, 4.0), (10, 6.0), (15, 2.0))]
    assert [look["loss"] for look in best_so_far(looks)] == [9.0, 4.0, 4.0, 2.0]
    assert first_below(looks, 4.0)["step"] == 5
    assert first_below(looks, 3.0)["step"] == 15
    assert first_below(looks, 1.0) is None


def test_pictures_are_made_at_sizes_that_nobody_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    content, style = map(load_image, bench.pair_files(bench.PAIRS[0], 128))
    assert max(content.shape) == 128
    assert style.numel() == pytest.approx(content.numel(), rel=0.02)


def test_what_was_measured_is_not_measured_again(tmp_path, monkeypatch):
    measured = []
    monkeypatch.setattr(bench, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    monkeypatch.setattr(bench, "jobs", lambda: [("limit bf16", ["a"]), ("limit fp32", ["b"])])
    monkeypatch.setattr(
        bench,
        "measure",
        lambda command: (
            measured.append(command) or {"loop": 3.0, "filled": 4.0, "convolutions": 2.0}
        ),
    )
    monkeypatch.setattr("sys.argv", ["bench", "--only", "bf16"])
    bench.main()
    monkeypatch.setattr("sys.argv", ["bench"])
    bench.main()
    bench.main()
    assert measured == [["a"], ["b"]]
    assert (
        "| bf16 | 2.000 s | 3.000 s (1.50) | 4.000 s (2.00) |"
        in (tmp_path / "results.md").read_text()
    )
    assert json.loads((tmp_path / "results.json").read_text()).keys() == {
        "limit bf16",
        "limit fp32",
    }


def test_the_report_has_a_ratio_for_every_goal_that_was_reached(tmp_path, monkeypatch):
    about = {"machine": "a machine", "date": "2026-01-01"}
    scores = {"content relu3_2": 0.5}

    def looks(*times_and_losses):
        return [
            {"step": step, "cold": cold, "warm": cold - 1, "loss": loss, "loss as saved": 2 * loss}
            | scores
            for step, cold, loss in times_and_losses
        ]

    results = {
        "race pair pastiche": {
            "looks": looks((0, 1, 99), (100, 101, 50), (250, 251, 20), (500, 501, 10))
        },
        "race pair bf16": {"looks": looks((0, 1, 99), (30, 11, 45), (90, 26, 9))},
    }
    monkeypatch.setattr(report, "_plot", lambda results, path: None)  # needs matplotlib
    report.write_report({name: one | about for name, one in results.items()}, tmp_path)
    text = (tmp_path / "results.md").read_text()
    assert "| pair | 100 | 50 | bf16 | 101 s | 11 s, step 30 | 9.2 | 10.0 |" in text
    assert "| pair | 500 | 10 | bf16 | 501 s | 26 s, step 90 | 19.3 | 20.0 |" in text
    assert "| pair | 500 | 20 | bf16 | 501 s | 26 s, step 90 | 19.3 | 20.0 |" in text


def test_a_laplacian_pyramid_gives_its_picture_back():
    image = picture(45, 70, seed=3)
    pyramid = nnst.split(image, 4)
    assert [tuple(part.shape[-2:]) for part in pyramid] == [
        *((45, 70), (22, 35), (11, 17), (5, 8), (2, 4))
    ]
    assert torch.allclose(nnst.join(pyramid), image, atol=1e-6)
    gray = nnst.split(torch.full((1, 3, 16, 16), 0.5), 2)
    assert [part.abs().max().item() for part in gray] == [0, 0, 0.5]


def test_nnst_goes_through_its_sizes_and_both_losses_fall(monkeypatch):
    monkeypatch.setattr(nnst, "SMALLEST", 24)
    content, style = picture(36, 48, seed=1), picture(48, 36, seed=2)
    run = list(nnst.stylize(tiny_network(), content, style, steps=6, final_steps=6))
    assert [(one.stage, one.size, one.number) for one in run[::6]] == [
        *(("A", 0, 1), ("A", 1, 1), ("B", 1, 1))
    ]
    assert [tuple(one.picture.shape[-2:]) for one in run[::6]] == [(18, 24), (36, 48), (36, 48)]
    for first, last in ((0, 5), (6, 11), (12, 17)):
        assert run[last].loss < 0.95 * run[first].loss


def test_nnst_matches_by_the_centered_cosine_in_any_chunks(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    queries, bank = (torch.rand(count, 5, generator=generator) for count in (23, 31))
    found = nnst.nearest(queries, bank)
    for query, row in zip(queries - queries.mean(0), found):
        cosines = torch.cosine_similarity(query[None], bank - bank.mean(0))
        assert cosines[row] == cosines.max()
    monkeypatch.setattr(nnst, "CHUNK_BYTES", 4 * 31 * 4)
    assert torch.equal(nnst.nearest(queries, bank), found)


def tiny_network():
    stages = tiny_vgg()
    return load_network(
        stages,
        seeded_weights(stages),
        BACKBONES["vgg19"].packaged.units,
        device=torch.device("cpu"),
        border="zeros",
        layers=nnst.MAPS,
    )


def test_the_nearest_judge_finds_no_fault_with_the_style_itself(tmp_path):
    levels = 255 * picture(32, 24, seed=6).mul(255).round().div(255)
    file = save_image(levels / 255, tmp_path / "both.png")
    judge = NearestJudge(file, file)
    scores = judge.scores(levels)
    assert scores["stage A loss"] == pytest.approx(0, abs=1e-5)
    assert scores["stage B loss"] == pytest.approx(0, abs=1e-5)
    noise = 400 * torch.rand(levels.shape, generator=torch.Generator().manual_seed(0)) - 70
    scores, clamped = judge.scores(noise), judge.scores(noise.clamp(0, 255))
    for name, least in (("stage A loss", 0.1), ("stage B loss", 1)):
        assert scores[name] > least
        assert scores[f"{name} as shown"] == clamped[name] != scores[name]


def test_the_nearest_judge_sees_the_same_losses_as_nnst(files):
    content, style = map(load_image, files)
    network = nnst.load_vgg()
    canvas = picture(48, 64, seed=7)
    scores = NearestJudge(*files).scores(255 * canvas)
    with torch.no_grad():
        joint = nnst.JointLoss(network, content, style)(canvas).item()
        separate = nnst.SeparateLoss(network, style, seed=0)(canvas).item()
    assert scores["stage A loss"] == pytest.approx(joint, rel=1e-3)
    assert scores["stage B loss"] == pytest.approx(separate, rel=1e-3)
