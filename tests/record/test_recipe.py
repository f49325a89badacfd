"""Recipes in PNG files reproduce the picture and contain no private data."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
import torch
from PIL import Image, PngImagePlugin

from neural_style import (
    ImageError,
    Masks,
    Settings,
    SettingsError,
    load_image,
    save_image,
    stylize,
)
from neural_style.cli import main
from neural_style.devices import choose_precision, precision_name
from neural_style.record import recipe as recipe_module
from neural_style.record.conditions import Conditions, compare
from neural_style.record.recipe import KEYWORD, differences, read_recipe, settings_of
from neural_style.version import __version__
from tests.conftest import EXAMPLES, picture

RUN = Settings(iterations=7, size=96, scales=1, seed=11, style_weight=3.5, color="content")
CONTENT = str(EXAMPLES / "content/chelsea.jpg")
STYLE = str(EXAMPLES / "style/harvest-at-la-crau.jpg")


@pytest.fixture
def saved_picture(tmp_path, tiny):
    """The path of a saved picture with its recipe, and its frame."""
    *_, frame = stylize(picture(72, 96, seed=1), picture(80, 64, seed=2), RUN)
    return save_image(frame.image, tmp_path / "made.png", frame.recipe), frame


def test_recipe_round_trip_preserves_the_settings(saved_picture):
    path, _ = saved_picture
    recipe = read_recipe(path)
    assert settings_of(recipe) == RUN
    assert recipe.iteration == 7
    assert recipe.made_with["torch"] == torch.__version__


@pytest.mark.parametrize("bits", [8, 16])
def test_recipe_is_stored_in_png_of_8_and_16_bits(saved_picture, tmp_path, bits):
    _, frame = saved_picture
    path = save_image(frame.image, tmp_path / "again.png", frame.recipe, bits=bits)
    assert settings_of(read_recipe(path)) == RUN


@pytest.mark.usefixtures("tiny")
def test_recipe_has_no_host_settings_and_no_file_names(tmp_path):
    start = tmp_path / "my-private-start.png"
    save_image(picture(72, 96, seed=5), start)
    run = Settings(iterations=2, size=64, device="cpu", memory_gb=20.0)
    pictures = picture(72, 96), picture(64, 64)
    *_, frame = stylize(*pictures, run, init_image=load_image(start))
    text = json.dumps(frame.recipe)
    assert "private" not in text
    assert str(tmp_path) not in text
    for host in ("device", "memory_gb", "network_weights", "precision"):
        assert host not in json.loads(frame.recipe[KEYWORD])["settings"]
    path = save_image(frame.image, tmp_path / "made.png", frame.recipe)
    recipe = read_recipe(path)
    with pytest.raises(SettingsError, match=r"begun from a start picture\. Give it as init_image"):
        next(stylize(*pictures, run, replay=recipe))
    again = settings_of(recipe, device="cpu")
    assert asdict(again) == asdict(run) | {"memory_gb": 0.0}


def test_differences_names_the_changed_inputs(saved_picture):
    path, frame = saved_picture
    recipe = read_recipe(path)
    assert differences(recipe, frame.recipe) == []
    masks = Masks(keep=torch.ones(1, 1, 72, 96))
    other = next(stylize(picture(72, 96, seed=1), picture(80, 64, seed=3), RUN, masks=masks))
    assert differences(recipe, other.recipe) == ["style image", "masks"]


def test_recipe_records_precision_and_memory_plan(saved_picture):
    path, _ = saved_picture
    precision = precision_name(choose_precision("auto", torch.device("cpu")))
    assert read_recipe(path).conditions == [Conditions(precision, {}, 60)]


WHOLE, STRIPS = Conditions("fp32", {}, 60), Conditions("fp32", {"pool1": 64, "pool2": 64}, 20)


@pytest.mark.parametrize(
    ("used", "now", "words"),
    [
        ([WHOLE], WHOLE._replace(precision="bf16"), ("fp32", "bf16")),
        ([STRIPS], STRIPS._replace(history=60), ("20 steps remembered", "60 steps remembered")),
        (
            [STRIPS],
            WHOLE,
            (
                "strips of 64 rows down to pool2 and 20 steps remembered",
                "no strips and 60 steps remembered",
            ),
        ),
        (
            [WHOLE, STRIPS._replace(history=60)],
            WHOLE,
            ("no strips, then strips of 64 rows down to pool2", "no strips"),
        ),
        ([WHOLE], WHOLE, None),
    ],
)
def test_compare_describes_changed_conditions(used, now, words):
    change = compare(used, now)
    assert change == words or (str(change["before"]), str(change["now"])) == words


@pytest.mark.usefixtures("tiny")
def test_replay_in_another_precision_is_reported_in_first_frame():
    pictures = picture(48, 64, seed=1), picture(64, 64, seed=2)
    run = Settings(iterations=3, size=64, scales=1, precision="bf16", statistic="gram")
    *_, frame = stylize(*pictures, run)
    recipe = parse(frame)
    same, other = (
        [*stylize(*pictures, replace(run, precision=precision), replay=recipe)]
        for precision in ("bf16", "fp32")
    )
    assert not any(frame.events for frame in same)
    assert torch.equal(same[-1].image, frame.image)
    assert [str(event) for event in other[0].events] == [
        "The picture was made with bf16; this run uses fp32. It will be close, not identical."
    ]
    assert not any(frame.events for frame in other[1:])
    assert 0 < (other[-1].image - frame.image).abs().max() < 0.1


def parse(frame):
    """The recipe of a frame."""
    return recipe_module.parse_recipe(frame.recipe[KEYWORD], "the frame")


def with_changed_recipe(path, name, **changes):
    """The same picture with changes in its recipe."""
    with Image.open(path) as opened:
        stored = json.loads(opened.text[KEYWORD]) | changes
    return with_recipe_text(path, name, json.dumps(stored))


def with_recipe_text(path, name, text):
    """The same picture with another recipe."""
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt(KEYWORD, text)
    with Image.open(path) as opened:
        opened.save(path.with_name(name), pnginfo=chunks)
    return path.with_name(name)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"format": 4, "made with": {"neural-style-space": "9.9"}},
            rf"is of another format, which this program, version {__version__}, does not know; it "
            r"was made with version 9\.9\. Use that version\.",
        ),
        (
            {"settings": {"sparkle": 3}},
            rf"has a knob 'sparkle', .* made with version {__version__}\. Take the picture as it",
        ),
        ({"format": 99}, "is of another format, .* Take the picture as it was saved"),
        ({"format": 99, "made with": {}}, "made with version unknown. Take the picture"),
        ({"settings": 3}, "is damaged"),
        ({"digests": {}}, "is damaged"),
        ({"format": 2}, rf"is of another format, .* was made with version {__version__}\. Take"),
        ({"conditions": []}, "is damaged"),
        ({"conditions": [{"precision": "fp32"}]}, "is damaged"),
        ({"conditions": [{"precision": 32, "rows": {}, "history": 60}]}, "is damaged"),
        ({"iteration": "many"}, "is damaged"),
        ({"iteration": float("inf")}, "is damaged"),
    ],
)
def test_unusable_recipe_raises_settings_error(saved_picture, changes, message):
    path, _ = saved_picture
    with pytest.raises(SettingsError, match=message):
        read_recipe(with_changed_recipe(path, "odd.png", **changes))


def test_too_deeply_nested_recipe_raises_settings_error(saved_picture, capfd):
    deep = with_recipe_text(saved_picture[0], "deep.png", "[" * 100_000)
    with pytest.raises(SettingsError, match=r"recipe in deep\.png is damaged"):
        read_recipe(deep)
    again = str(deep.with_name("again.png"))
    assert main(["replay", str(deep), "--content", CONTENT, "--style", STYLE, "-o", again]) == 2
    assert capfd.readouterr().err.splitlines() == [
        "neural_style: The recipe in deep.png is damaged. Take the picture as it was saved."
    ]


def test_recipe_value_out_of_range_raises_settings_error(saved_picture):
    path, _ = saved_picture
    stored = read_recipe(path).settings | {"size": 10**9}
    with pytest.raises(SettingsError, match="size must be a whole number"):
        settings_of(read_recipe(with_changed_recipe(path, "odd.png", settings=stored)))


def test_file_without_recipe_raises_image_error(tmp_path):
    save_image(picture(8, 8), tmp_path / "plain.png")
    save_image(picture(8, 8), tmp_path / "photo.jpg")
    with pytest.raises(ImageError, match=r"plain\.png carries no recipe\. Only a PNG made by this"):
        read_recipe(tmp_path / "plain.png")
    with pytest.raises(ImageError, match=r"photo\.jpg is no PNG that can be read"):
        read_recipe(tmp_path / "photo.jpg")
    with pytest.raises(ImageError, match=r"Cannot read none\.png"):
        read_recipe(tmp_path / "none.png")


OTHER_PRECISION = {"fp32": "bf16", "bf16": "fp32"}


def used_precision(path):
    """The precision that the recipe names."""
    (conditions,) = read_recipe(path).conditions
    return conditions.precision


@pytest.mark.usefixtures("tiny")
def test_replay_command_reproduces_the_file_byte_for_byte(tmp_path, capfd):
    made, again = tmp_path / "made.png", tmp_path / "again.png"
    flags = ["--size", "96", "--iterations", "6", "--seed", "4", "--init", "noise"]
    assert main(["stylize", CONTENT, STYLE, "-o", str(made), *flags]) == 0
    replay = ["replay", str(made), "--content", CONTENT, "--style", STYLE, "-o", str(again)]
    assert main(replay) == 0
    assert again.read_bytes() == made.read_bytes()
    assert "Not as in the recipe" not in capfd.readouterr().err
    assert main([*replay, "--precision", OTHER_PRECISION[used_precision(made)]]) == 0
    assert "The picture was made with" in capfd.readouterr().err
    other = ["--style", str(EXAMPLES / "style/church-at-auvers.jpg")]
    assert main([*replay[:4], *other, "-o", str(again)]) == 0
    assert "Not as in the recipe: the style image." in capfd.readouterr().err
    assert main([*replay[:-1], str(made)]) == 2
    assert "would replace the recipe's image" in capfd.readouterr().err


@pytest.mark.usefixtures("tiny")
def test_replay_of_intermediate_picture_stops_at_its_iteration(tmp_path):
    frames, again = tmp_path / "frames", tmp_path / "again.png"
    flags = ["--size", "96", "--iterations", "12", "--frames", str(frames)]
    assert main(["stylize", CONTENT, STYLE, "-o", str(tmp_path / "made.png"), *flags]) == 0
    half = frames / "000005.png"
    replay = ["replay", str(half), "--content", CONTENT, "--style", STYLE, "-o", str(again)]
    assert main(replay) == 0
    assert load_image(again).equal(load_image(half))
    assert read_recipe(again).iteration == 5
