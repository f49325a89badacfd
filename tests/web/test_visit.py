"""Reading what the browser has stored of the last visit; none of it is trusted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from neural_style import save_image
from neural_style.settings.knob import write_knob
from neural_style.web.run import runs
from neural_style.web.run.addresses import picture_path, served_folder
from neural_style.web.run.call import EXTRA_PICTURES, PICTURES, page_knobs
from neural_style.web.run.visit import Visit, read_visit
from tests.conftest import picture
from tests.web.stylize_calls import INVALID_VALUES

DEFAULTS = {name: write_knob(knob, knob.default) for name, knob in page_knobs().items()}


def stored(**fields: Any) -> Visit:
    """The visit read from these fields as JSON."""
    return read_visit(json.dumps(fields))


def test_stored_pictures_values_and_run_are_read(sent):
    names = (*PICTURES, *EXTRA_PICTURES)
    pictures = dict.fromkeys(names, sent[0]) | {"style": sent[1]}
    values = DEFAULTS | {"iterations": 7, "style_crop": "0,0,0.5,1", "style_weight": 33.5}
    run = runs.create_run()
    assert stored(pictures=pictures, values=values, run=str(run)) == Visit(
        pictures=pictures, values=values, run=run
    )


def test_stored_variations_are_those_that_exist_four_at_most(uploads):
    made = [runs.create_run() for _ in range(6)]
    for run in made:
        picture_path(run, 4).touch()
    names = [runs.result_name(run, 4) for run in made]
    assert stored(variations=names).variations == tuple(names[:4])
    mixed = [names[0], f"{names[1]}0", 5, names[2]]
    assert stored(variations=mixed).variations == (names[0], names[2])


def test_missing_fields_are_empty(sent):
    assert stored() == Visit()
    assert stored(pictures={"style": sent[1]}) == Visit(pictures={"style": sent[1]})
    assert stored(values={"seed": 5}) == Visit(values={"seed": 5})


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "nonsense", '{"values": {"seed": 5}', "\ud800", "\0"),
        *("null", "true", "7", '"text"', "[]", '[{"values": {"seed": 5}}]', "[[[]]]"),
        pytest.param("[" * 100_000, id="deep"),
        pytest.param("1" * 10_000, id="many digits"),
        *('{"values": null}', '{"values": []}', '{"values": "seed"}', '{"values": 5}'),
        *('{"pictures": null}', '{"pictures": ["a.png"]}', '{"pictures": "a.png"}'),
        *('{"run": null}', '{"run": 5}', '{"run": []}', '{"run": {}}', '{"run": ""}'),
        *(
            '{"variations": null}',
            '{"variations": {}}',
            '{"variations": [[], "\\ud800", "/etc/4"]}',
        ),
        *('{"values": {"seed": {}}}', '{"pictures": {"style": {}}}', '{"other": 1}'),
        '{"values": {"style_layers": "\\ud800"}}',
    ],
)
def test_malformed_text_is_an_empty_visit(text, uploads):
    assert read_visit(text) == Visit()


def test_malformed_part_leaves_the_other_parts(sent):
    run = runs.create_run()
    visit = stored(pictures=5, values={"seed": 5, "size": "big"}, run=str(run))
    assert visit == Visit(values={"seed": 5}, run=run)
    assert stored(pictures={"content": sent[0]}, values=[], run=7) == Visit({"content": sent[0]})


@pytest.mark.parametrize("name", INVALID_VALUES)
def test_invalid_values_are_left_out(name, uploads):
    for value in INVALID_VALUES[name]:
        assert stored(values={name: value, "average": 0.5}).values == {"average": 0.5}


def test_unknown_and_host_settings_are_left_out(uploads):
    values = {"device": "cpu", "precision": "fp32", "network_weights": "hub", "nonsense": 1}
    assert stored(values=values) == Visit()


def test_values_at_the_page_limits_are_kept(uploads):
    for name, limit in (("iterations", 2000), ("size", 1536)):
        assert stored(values={name: limit}).values == {name: limit}
        assert stored(values={name: limit + 1}).values == {}


def test_lost_pictures_are_named(sent):
    gone = str(Path(sent[0]).with_name("gone.png"))
    visit = stored(pictures={"content": gone, "style": sent[1], "mask": gone})
    assert visit == Visit(pictures={"style": sent[1]}, lost=("content", "mask"))


def test_paths_outside_the_upload_folder_count_as_lost(uploads):
    private = str(save_image(picture(64, 64), uploads.parent / "private.png"))
    (uploads / "link.png").symlink_to(private)
    outside = [private, str(uploads / ".." / "private.png"), str(uploads / "link.png")]
    no_files = ["/etc/passwd", "content.png", "", str(uploads), "a\0b", "\ud800", "x" * 100_000]
    for path in (*outside, *no_files):
        assert stored(pictures={"content": path}) == Visit(lost=("content",)), path


def test_unknown_pictures_and_values_of_other_types_are_left_out(sent):
    pictures = {"style_9": sent[0], "recipe": sent[0], "content": 7, "style": None, "mask": [sent]}
    assert stored(pictures=pictures) == Visit()


def test_run_that_is_gone_is_left_out(uploads):
    run = runs.create_run()
    assert stored(run=str(run)).run == run
    shutil.rmtree(run)
    assert stored(run=str(run)) == Visit()


def test_paths_that_are_no_runs_are_left_out(sent, uploads):
    run = runs.create_run()
    served = served_folder(run)
    for path in (
        *(str(uploads), str(run.parent), str(served), sent[0], "/etc", run.name, "../runs"),
        *(f"{run}/../..", f"{run}/a", "a\0b", "\ud800", "x" * 100_000),
    ):
        assert stored(run=path) == Visit(), path
    assert stored(run=f"{run}/../{run.name}").run == run


def test_numbers_that_are_not_finite_are_left_out(uploads):
    assert read_visit('{"values": {"seed": NaN, "size": 1e999, "average": 0.5}}') == Visit(
        values={"average": 0.5}
    )
