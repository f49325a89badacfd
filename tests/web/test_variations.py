"""Variations: four small pictures with consecutive seeds."""

from __future__ import annotations

import shutil
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from neural_style import load_image
from neural_style.settings.presets import PRESETS
from neural_style.web.page.run_events import chosen_variation, next_seed
from neural_style.web.run import cost, handlers
from neural_style.web.run.json_files import write_json
from neural_style.web.run.runs import find_result
from neural_style.web.run.status import Status
from neural_style.web.run.variations import (
    VariationOutputs,
    gpu_seconds_to_vary,
    run_variations,
    variation_seconds,
    variations_of,
)
from tests.web.stylize_calls import knob_values

READY = Status(
    "done",
    "4 variations are ready",
    "Touch the one you like: it is painted with the chosen quality.",
)


def picture_of(name: str) -> str:
    """The path of the result with that name."""
    found = find_result(name)
    assert found is not None
    return str(found.picture)


def test_four_small_pictures_have_consecutive_seeds(sent, watch):
    values = knob_values(size=512, iterations=2, seed=2**32 - 2)
    results = list(run_variations(*sent, None, *values))
    assert results[-1].status == READY
    assert [seed for _, seed in results[-1].pictures] == [2**32 - 2, 2**32 - 1, 0, 1]
    paths = [picture_of(name) for name, _ in results[-1].pictures]
    assert len({*paths}) == 4
    assert all(load_image(path).shape == (1, 3, 171, 256) for path in paths)
    assert watch.ended == 4


def test_pictures_are_added_one_by_one_while_the_fraction_grows(sent, watch):
    *results, last = run_variations(*sent, None, *knob_values(iterations=2))
    for shown in results:
        number = len(shown.pictures) + 1
        assert shown.status.kind == "busy"
        assert shown.status.headline.endswith(" left")
        assert shown.status.detail == f"Variation {number} of 4"
        assert (number - 1) / 4 <= shown.status.fraction <= number / 4
        assert shown.pictures == last.pictures[: number - 1]
    assert {len(shown.pictures) for shown in results} == {0, 1, 2, 3}
    assert len(last.pictures) == 4


def test_variation_has_no_more_steps_and_pixels_than_the_run(sent, watch):
    *_, last = run_variations(*sent, None, *knob_values(iterations=3, size=96))
    path = picture_of(last.pictures[0][0])
    assert load_image(path).shape == (1, 3, 64, 96)
    assert "/stylized-000003-" in path


@pytest.mark.parametrize(
    ("changes", "iterations"),
    [
        ({"statistic": "nearest", "noise_ratio": 0.3}, 20),
        ({"statistic": "gram", "init": "auto"}, 100),
    ],
)
def test_variation_is_a_sketch_of_the_manner(sent, watch, changes, iterations):
    values = knob_values(iterations=2000, size=64, **changes)
    results = run_variations(*sent, None, *values)
    for shown in results:
        if shown.pictures:
            break
    results.close()
    recipe = handlers.restore(picture_of(shown.pictures[0][0]))
    assert recipe == knob_values(iterations=iterations, size=64, **changes)


def test_shares_for_the_sizes_of_the_run_are_left_out(sent, watch):
    values = knob_values(iterations=2, scales=2, scale_shares="5,2")
    *_, last = run_variations(*sent, None, *values)
    restored = handlers.restore(picture_of(last.pictures[0][0]))
    assert restored == knob_values(iterations=2, noise_ratio=0.25)


def test_failed_variation_ends_with_its_reason(sent, uploads, watch):
    Image.new("RGB", (1, 1)).save(uploads / "dot.png")
    *_, last = run_variations(str(uploads / "dot.png"), sent[1], None, *knob_values())
    assert last.pictures == ()
    assert (last.status.kind, last.status.headline) == ("failed", "That did not work")
    assert last.status.detail.startswith("The content image is 1×1")


def test_invalid_settings_are_refused_before_anything_runs(sent, watch):
    arguments = [*sent, None, *knob_values(seed=-1)]
    reason = "seed must be a whole number from 0 to 4,294,967,295; it is -1."
    failed = Status("failed", "That did not work", reason)
    assert list(run_variations(*arguments)) == [VariationOutputs((), failed)]
    assert variation_seconds(*arguments) == 0.0
    assert type(gpu_seconds_to_vary(*arguments)) is int
    assert watch.looks == 0


def test_closing_stops_the_network(sent, watch):
    results = run_variations(*sent, None, *knob_values(iterations=2000))
    for _ in range(4):
        next(results)
    results.close()
    assert watch.ended == 1


def test_duration_is_that_of_four_sketches(sent, uploads):
    write_json(uploads / "speed.json", {"nearest": 1e5, "gram": 1e5})
    arguments = [*sent, None, *knob_values(iterations=2000, size=1536)]
    sketch = PRESETS["quick"]
    seconds = 4 * cost.expected_seconds(sketch)
    assert variation_seconds(*arguments) == pytest.approx(seconds)
    assert gpu_seconds_to_vary(*arguments) == 4 * cost.reserved_seconds(sketch)


@pytest.mark.parametrize(
    ("asked", "statistic", "used"),
    [(0.1, "nearest", 0.25), (0.5, "nearest", 0.5), (0.1, "gram", 0.1)],
)
def test_seeds_matter_more_in_variations_by_matches(columns, sent, watch, asked, statistic, used):
    values = knob_values(iterations=1, size=64, noise_ratio=asked, statistic=statistic)
    *_, last = run_variations(*sent, None, *values)
    inputs, _ = columns
    for number, (_, seed) in enumerate(last.pictures):
        assert chosen_variation(select(number), last.pictures, inputs) == {
            inputs.content: sent[0],
            inputs.style: sent[1],
            inputs.widgets["seed"]: seed,
            inputs.widgets["noise_ratio"]: used,
        }


def test_stored_variations_are_found_with_their_seeds(sent, watch):
    *_, last = run_variations(*sent, None, *knob_values(iterations=1, size=64, seed=9))
    names = [name for name, _ in last.pictures]
    assert variations_of(names) == last.pictures
    shutil.rmtree(find_result(names[1]).run)
    left = tuple(last.pictures[k] for k in (0, 2, 3))
    assert variations_of([*names, "/etc/4"]) == left


def test_variation_that_is_gone_still_has_its_seed(columns):
    chosen = chosen_variation(select(1), (("a", 7), ("b", 8)), columns.inputs)
    assert chosen == {columns.inputs.widgets["seed"]: 8}


@pytest.mark.parametrize("index", [2, -1, "x", [0, 1]])
def test_nothing_changes_for_a_picture_that_does_not_exist(columns, index):
    """A request past the page may name any."""
    chosen = chosen_variation(select(index), (("a", 7), ("b", 8)), columns.inputs)
    assert chosen == gr.skip()


@pytest.mark.parametrize(
    ("seed", "following"),
    [(7, 9), (8, 9), (6, gr.skip()), ("", gr.skip()), (None, gr.skip())],
)
def test_new_variations_follow_the_displayed_ones(seed, following):
    assert next_seed((("a", 7), ("b", 8)), seed) == following
    assert next_seed((), seed) == gr.skip()


def test_seeds_after_the_largest_start_again():
    assert next_seed((("a", 2**32 - 1),), 2**32 - 1) == 0


def select(index: Any) -> gr.SelectData:
    return gr.SelectData(None, {"index": index, "value": None})
