"""The bench judges fairly and reads its own results rightly."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from benchmarks import __main__ as bench
from benchmarks import panel, report
from benchmarks.judge import Judge
from benchmarks.report import best_so_far, first_below
from benchmarks.sheets import fit_within, lay_out
from neural_style import BACKBONES, PRESETS, load_image, save_image
from neural_style.objective import Wanted, make_objective
from neural_style.recipe import make_recipe
from neural_style.tiling import cut_network
from neural_style.transfer import _emphasis
from tests.conftest import packaged_vgg19, picture


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


# The panel


@pytest.fixture
def made(monkeypatch):
    """Settings of the pictures that the panel makes, in no time."""
    asked = []
    identity = dict.fromkeys(("content image", "style image", "masks", "network's weights"), "")

    def paint(content, style, settings):
        asked.append(settings)
        recipe = make_recipe(settings, identity, settings.iterations)
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
    assert panel.is_made(path, replace(settings, weights="packaged"))  # the machine's business
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
    assert captions.pop() == [*usual, "default, seed 1", "default, seed 2"]
    (tmp_path / "dahlia great-wave seed-1.png").unlink()
    panel.write_sheet(tmp_path, "dahlia", "great-wave", 64)
    assert captions.pop() == usual
    assert (tmp_path / "dahlia great-wave.jpg").is_file()


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


def test_a_picture_that_is_content_and_style_at_once_has_no_fault():
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
