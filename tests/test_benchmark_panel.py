"""The panel of stylized pictures: pictures, sheets, overview and table of measures."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from benchmarks import panel
from benchmarks.sheets import fit_within, lay_out
from neural_style import PRESETS
from neural_style.record.conditions import Conditions
from neural_style.record.recipe import make_recipe
from tests.conftest import picture


@pytest.fixture
def recorded_settings(monkeypatch):
    """The settings of each call of `stylize` by the panel; no picture is stylized."""
    calls = []
    digests = ("content image", "style image", "masks", "network's weights")
    identity = dict.fromkeys(digests, "") | {"start image": None}

    def record_settings(content, style, settings):
        calls.append(settings)
        recipe = make_recipe(settings, identity, settings.iterations, [Conditions("fp32", {}, 60)])
        yield SimpleNamespace(image=picture(43, 64), seconds=1.5, recipe=recipe)

    monkeypatch.setattr(panel, "stylize", record_settings)
    return calls


def run_panel(folder, *more, size=64):
    words = ["--contents", "dahlia", "--styles", "great-wave", "--only", "default,seeds"]
    panel.main([str(folder), *words, "--size", str(size), *more])


def test_panel_makes_only_missing_pictures(recorded_settings, tmp_path):
    run_panel(tmp_path)
    assert [settings.seed for settings in recorded_settings] == [0, 1, 2]
    run_panel(tmp_path)
    assert len(recorded_settings) == 3
    (tmp_path / "dahlia great-wave seed-1.png").write_bytes(b"cut short")
    run_panel(tmp_path)
    assert [settings.seed for settings in recorded_settings[3:]] == [1]
    run_panel(tmp_path, size=80)  # other settings, so all are missing
    assert [settings.size for settings in recorded_settings[4:]] == [80, 80, 80]
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


def test_is_made_compares_settings_and_iterations(recorded_settings, tmp_path):
    run_panel(tmp_path)
    path = tmp_path / "dahlia great-wave default.png"
    settings = replace(PRESETS["balanced"], size=64)
    assert panel.is_made(path, settings)
    assert panel.is_made(path, replace(settings, network_weights="packaged"))  # a host setting
    assert not panel.is_made(path, replace(settings, style_weight=1.0))
    assert not panel.is_made(path, replace(settings, iterations=settings.iterations + 1))
    assert not panel.is_made(tmp_path / "absent.png", settings)


def test_sheet_contains_only_complete_groups(recorded_settings, tmp_path, monkeypatch):
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


def test_overview_contains_existing_default_pictures(recorded_settings, tmp_path):
    run_panel(tmp_path)
    with Image.open(tmp_path / "overview.jpg") as one:
        assert one.size[0] <= panel.OVERVIEW
    (tmp_path / "overview.jpg").unlink()
    styles = ["great-wave", "summertime"]
    panel.write_overview(tmp_path, ["dahlia"], styles, 64)
    with Image.open(tmp_path / "overview.jpg") as sheet:
        assert sheet.size == (2 * one.size[0] + 12, one.size[1])
        assert sheet.getpixel((sheet.size[0] - 1, 40)) == (255, 255, 255)  # missing
    (tmp_path / "overview.jpg").unlink()
    panel.write_overview(tmp_path, ["rocket"], styles, 64)
    assert not (tmp_path / "overview.jpg").exists()


def test_variants_have_one_size_and_the_settings_in_their_captions():
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


def test_some_of_rejects_unknown_words():
    assert panel.some_of(["a", "b", "c"], "c,a") == ["c", "a"]
    with pytest.raises(argparse.ArgumentTypeError, match=r"^x not among a, b$"):
        panel.some_of(["a", "b"], "a,x")


def test_measure_of_image_that_is_also_content_and_style():
    image = picture(48, 64)
    numbers = panel.measure(image, image, image, look=lambda seen: [seen, seen[..., ::2, ::2]])
    measured = dict(zip(panel.COLUMNS, numbers, strict=True))
    assert measured["weave"] == measured["weave of the style"]
    assert measured["clipped"] == measured["clipped of the style"]
    assert measured["coherence"] == pytest.approx(1)
    assert measured["distance relu3_3"] == pytest.approx(0, abs=1e-5)


def test_panel_measures_existing_pictures(recorded_settings, tmp_path, monkeypatch):
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


def test_missing_vgg16_file_error_names_the_command(tmp_path):
    with pytest.raises(SystemExit, match=r"python -m benchmarks\.trained_vgg16"):
        run_panel(tmp_path, "--measure", "--vgg16", str(tmp_path / "absent.safetensors"))


def test_write_table_has_means_for_each_picture_kind():
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


def test_sheet_pictures_keep_their_aspect_ratio():
    assert fit_within(picture(10, 20), 40, 40).shape[-2:] == (20, 40)
    assert fit_within(picture(80, 40), 40, 40).shape[-2:] == (40, 20)
    sheet = lay_out([torch.zeros(1, 3, 10, 20), torch.zeros(1, 3, 5, 5)], ["", ""], columns=2)
    assert sheet.size == (2 * 20 + 12, 10 + 28)
    assert sheet.getpixel((32, 24)) == (0, 0, 0)
    assert sheet.getpixel((32 + 11, 24)) == (255, 255, 255)  # the square is 10 pixels wide
