"""The estimate below the buttons, and the times beside the choices of quality."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

from neural_style.settings.presets import MANNERS, PRESETS
from neural_style.web.page.controls import estimate
from neural_style.web.page.manners import PRESET_KNOBS, rounded, timed_qualities
from neural_style.web.run import cost
from neural_style.web.run.call import named_values
from neural_style.web.run.json_files import write_json
from neural_style.web.text.texts import format_duration
from tests.web.stylize_calls import knob_values

ORIENTATION = 0x0112
SMALL = {"iterations": 7, "size": 128, "scales": 1, "statistic": "gram"}
"""Settings of a run of ten iterations: its start counts as three steps."""


@pytest.fixture(autouse=True)
def known_speed(uploads) -> None:
    """Stores the speeds of the machine: 10,000 pixels per second in all runs."""
    write_json(uploads / "speed.json", {"nearest": 1e4, "gram": 1e4})


def photograph(folder: Path, width: int, height: int, orientation: int = 1) -> str:
    """Writes a photograph of that size as its camera stores it."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = folder / "photo.jpg"
    Image.new("RGB", (width, height)).save(path, exif=exif)
    return str(path)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, 1),
        (0.2, 1),
        (1.6, 2),
        (19.4, 19),
        (22.4, 20),
        (22.6, 25),
        (89.0, 90),
        (100.0, 90),
        (106.0, 120),
        (3601.0, 3600),
    ],
)
def test_estimate_is_rounded_to_its_precision(seconds, shown):
    assert rounded(seconds) == shown


class TestEstimate:
    @pytest.mark.parametrize(
        ("size", "time"),
        [((300, 300), "17 s"), ((300, 150), "9 s"), ((150, 300), "9 s"), ((400, 300), "13 s")],
        ids=["17.0 s", "8.8 s", "8.8 s upright", "12.9 s"],
    )
    def test_estimate_follows_the_shape_of_the_content_image(self, uploads, size, time):
        text, _ = estimate("en", photograph(uploads, *size), "classic", *knob_values(**SMALL))
        assert text.startswith(f"{SMALL['size']} pixels on the longer side: about {time} on this ")

    def test_estimate_takes_a_turned_photograph_upright(self, uploads):
        values = knob_values()
        upright = estimate("en", photograph(uploads, 300, 150), "strokes", *values)
        turned = estimate("en", photograph(uploads, 150, 300, orientation=6), "strokes", *values)
        other = estimate("en", photograph(uploads, 300, 200), "strokes", *values)
        assert turned == upright != other

    def test_estimate_without_a_picture_is_for_a_typical_photograph(self):
        text, _ = estimate("en", None, "classic", *knob_values(**SMALL))
        assert text == (
            f"{SMALL['size']} pixels on the longer side: about 13 s on this machine, "
            "4 variations about 50 s; plus the time in line."
        )

    def test_picture_that_cannot_be_used_has_no_estimate(self, uploads):
        Path(uploads, "note.png").write_text("no picture")
        narrow = photograph(uploads, 3000, 20)
        values = knob_values(**SMALL)
        choices = timed_qualities("classic", named_values(*values), None, "en")
        for path in ("note.png", "gone.png", "/etc/passwd", "a\0b", narrow):
            found = estimate("en", str(uploads / path), "classic", *values)
            assert found == ["", gr.update(choices=choices)]

    def test_estimate_is_in_the_requested_language(self):
        text, update = estimate("zh", None, "classic", *knob_values(**SMALL))
        assert text.startswith(
            f"长边 {SMALL['size']} 像素：在这台机器上大约需要 13 秒，4 种变化大约 "
        )
        assert [label.split(" · ")[0] for label, _ in update["choices"]] == ["草稿", "标准", "精细"]

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"iterations": 0}, "iterations must be a whole number from 1 to 2,000; it is 0."),
            ({"optimizer": "<b>"}, r"optimizer must be one of lbfgs, adam; it is '\<b\>'."),
        ],
    )
    def test_invalid_settings_are_reported_and_keep_the_choices(self, changes, message):
        assert estimate("en", None, "strokes", *knob_values(**changes)) == [message, gr.skip()]

    @pytest.mark.parametrize("manner", MANNERS)
    def test_shares_for_the_chosen_sizes_do_not_prevent_the_estimate(self, manner):
        """A preset may have another number of sizes."""
        values = knob_values(**SMALL | {"scales": 2, "scale_shares": "5,2"})
        text, _ = estimate("en", None, manner, *values)
        assert " pixels on the longer side: about " in text


class TestQualities:
    @pytest.mark.parametrize("manner", MANNERS)
    @pytest.mark.parametrize("shape", [None, (1, 1), (9, 16)])
    def test_each_quality_has_the_time_of_its_preset(self, monkeypatch, manner, shape):
        monkeypatch.setenv(cost.MOST_MINUTES, "1000")
        choices = timed_qualities(manner, named_values(*knob_values()), shape, "en")
        assert [name for _, name in choices] == ["quick", "balanced", "fine"]
        for (label, quality), word in zip(choices, ("Sketch", "Standard", "Fine"), strict=True):
            seconds = cost.expected_seconds(PRESETS[MANNERS[manner][quality]], shape)
            time = format_duration(rounded(seconds))
            assert label.replace("\N{NO-BREAK SPACE}", " ") == f"{word} · {time}"
            assert label.count(" ") == 2  # a time is not broken across lines

    def test_times_do_not_depend_on_the_settings_that_a_preset_changes(self):
        default = timed_qualities("strokes", named_values(*knob_values()), None, "en")
        for name, value in (("iterations", 2000), ("size", 1536), ("statistic", "gram")):
            assert name in PRESET_KNOBS
            values = named_values(*knob_values(**{name: value}))
            assert timed_qualities("strokes", values, None, "en") == default

    def test_quality_that_the_host_allows_no_time_for_is_marked(self, monkeypatch):
        values = named_values(*knob_values())
        seconds = [cost.expected_seconds(PRESETS[preset]) for preset in MANNERS["strokes"].values()]
        assert seconds == sorted(seconds)
        monkeypatch.setenv(cost.MOST_MINUTES, str((seconds[1] + seconds[2]) / 2 / 60))
        labels = [label for label, _ in timed_qualities("strokes", values, None, "en")]
        assert [label == "Fine · too long here" for label in labels] == [False, False, True]
        assert "too long" not in "".join(labels[:2])

    def test_estimate_updates_the_choices(self):
        values = knob_values()
        _, update = estimate("en", None, "strokes", *values)
        choices = timed_qualities("strokes", named_values(*values), None, "en")
        assert update == gr.update(choices=choices)
