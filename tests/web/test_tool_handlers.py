"""The handlers of the crop tool and the mask tool, called as functions."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest
import torch
from PIL import Image

from neural_style import load_image, save_image
from neural_style.run.styles import crop
from neural_style.settings.words import STYLE_CROPS
from neural_style.web.page.tool_handlers import (
    BRUSH_OPACITY,
    apply_strokes,
    blank_canvas,
    clear_mask_without_style,
    clear_painted_masks,
    masks_from_strokes,
    reset_crop,
    select_corner,
    show_crop,
)
from neural_style.web.text import texts


def click(across, down, first=None, which="style", crops="all", style=None, style_2=None):
    """Clicks on the preview of the picture of 80×72, which is 768×691.

    Args:
        across, down: The position, as fractions of width and height.
    """
    event = gr.SelectData(None, {"index": [768 * across, 691 * down], "value": None})
    return select_corner(event, which, first, crops, style, style_2, "en")


@pytest.fixture
def style(uploads) -> str:
    """A white picture of 80×72, uploaded."""
    return str(save_image(torch.ones(1, 3, 72, 80), uploads / "white.png"))


class TestCrop:
    @pytest.mark.parametrize("corners", [((0.25, 0.25), (0.75, 0.5)), ((0.75, 0.25), (0.25, 0.5))])
    def test_two_clicks_on_opposite_corners_set_the_crop(self, style, corners):
        first, crops, preview, message = click(*corners[0], style=style)
        assert (crops, message) == ("all", "Now touch the opposite corner.")
        assert load_image(preview).shape == (1, 3, 691, 768)
        first, crops, preview, message = click(*corners[1], first=first, style=style)
        assert (first, crops) == (None, "0.25,0.25,0.5,0.25")
        assert message == (
            "The bright part is used: 50 % of the width, 25 % of the height. To use another one, "
            "touch two corners."
        )
        preview = load_image(preview)
        (box,) = STYLE_CROPS.read(crops)
        assert crop(preview, box).min() > 0.9
        outside = torch.ones_like(preview)
        crop(outside, box)[:] = 0
        assert preview[outside == 1].mean() < 0.45

    def test_positions_are_clamped_to_the_picture(self, style):
        first = click(0, 0, style=style)[0]
        assert click(1, 1, first=first, style=style)[1] == "0,0,1,1"
        first = click(-5, 1e9, style=style)[0]
        assert click(0.5, 0.5, first=first, style=style)[1] == "0,0.5,0.5,0.5"
        for x in range(1, 80, 8):
            crops = click(1, 1, first=[x / 80, 1 / 3], style=style)[1]
            STYLE_CROPS.read(crops)

    def test_second_click_without_an_area_is_a_new_first_corner(self, style):
        first = click(0.25, 0.25, style=style)[0]
        first, crops, _, message = click(0.25, 0.75, first=first, style=style)
        assert (first, crops) == ([0.25, 0.75], "all")
        assert message == "Now touch the opposite corner."

    def test_outline_of_a_crop_is_outside_of_it(self, uploads):
        gray = torch.full((1, 3, 20, 3000), 0.5)
        band = str(save_image(gray, uploads / "band.png"))
        preview, _ = show_crop("style", "0.25,0.4,0.5,0.4", band, None, "en")
        levels = load_image(preview)[0, 0]
        assert levels.shape == (5, 768)
        assert (levels[2:4, 200:568] - 0.5).abs().max() < 0.1
        assert levels[1, 200:568].min() > 0.9
        assert levels[:, :180].max() < 0.3

    def test_each_of_two_style_images_has_its_own_crop(self, style):
        both = {"first": [0.0, 0.0], "style": style, "style_2": style}
        assert click(0.5, 1, which="style_2", **both)[1] == "all; 0,0,0.5,1"
        assert click(0.5, 1, crops="all; 0,0,1,0.5", **both)[1] == "0,0,0.5,1; 0,0,1,0.5"
        assert click(0.5, 1, which="style_2", crops="0,0,0.5,1", **both)[1] == "0,0,0.5,1"

    def test_reset_crop_resets_one_style_image_only(self):
        assert reset_crop("style", "0,0,0.5,1", None) == "all"
        assert reset_crop("style", "0,0,0.5,1; 0,0,1,0.5", "b.png") == "all; 0,0,1,0.5"
        assert reset_crop("style_2", "0,0,0.5,1; 0,0,1,0.5", "b.png") == "0,0,0.5,1; all"
        assert reset_crop("style_2", "0,0,0.5,1; 0,0,1,0.5", None) == "0,0,0.5,1"

    def test_missing_or_foreign_picture_has_a_message_and_no_preview(self, style, uploads):
        assert show_crop("style", "all", None, style, "en") == (
            None,
            "There is no picture under “The painting” yet.",
        )
        assert click(0.1, 0.1, which="style_2", style=style)[2:] == (
            None,
            "There is no picture under “A second painting” yet.",
        )
        preview, message = show_crop("style", "all", "/etc/hosts", None, "en")
        assert preview is None
        assert message.startswith("style must be an uploaded picture file")

    def test_invalid_crop_has_a_message_and_the_whole_preview(self, style):
        preview, message = show_crop("style", "0,0,2,1", style, None, "en")
        assert load_image(preview).min() > 0.95
        assert message.startswith("A crop is written left,top,width,height")
        assert show_crop("style", "all", style, None, "en")[1] == (
            "The whole painting is used. To use a part, touch two opposite corners of it."
        )


def stroke(folder: Path, height: int, width: int, *, opacity: float = BRUSH_OPACITY) -> str:
    """Uploads a layer of the editor that is painted on in its left half."""
    layer = Image.new("RGBA", (width, height))
    layer.paste((225, 29, 72, round(255 * opacity)), (0, 0, width // 2, height))
    layer.save(folder / "layer_0.png")
    return str(folder / "layer_0.png")


class TestMasks:
    def test_strokes_become_the_named_mask_in_the_content_shape(self, sent, uploads):
        layer = stroke(uploads, 256, 384)
        for place, name in enumerate(("mask", "mask_2", "keep_mask")):
            second = sent[1] if name == "mask_2" else None
            *masks, message = masks_from_strokes(name, layer, sent[0], second, "a", "b", "c", "en")
            mask = load_image(masks.pop(place))
            assert masks == 2 * [gr.skip()]
            assert message == (f"The painted area is now below, under “{texts.translate(name)}”.")
            assert mask.shape == (1, 3, 64, 96)
            assert mask[..., :44].min() > 0.98
            assert mask[..., 52:].max() < 0.02

    def test_edges_of_strokes_are_soft_on_a_large_picture(self, uploads):
        content = save_image(torch.rand(1, 3, 800, 1200), uploads / "large.png")
        layer = stroke(uploads, 512, 768)
        _, _, kept, _ = masks_from_strokes(
            "keep_mask", layer, str(content), None, None, None, None, "en"
        )
        row = load_image(kept)[0, 0, 400]
        assert row.shape == (1200,)
        soft = ((row > 0.05) & (row < 0.95)).sum()
        assert 6 <= soft <= 40

    def test_half_opaque_strokes_make_half_a_mask_and_layers_combine(self, sent, uploads):
        faint = stroke(uploads, 64, 96, opacity=BRUSH_OPACITY / 2)
        *_, kept, _ = masks_from_strokes("keep_mask", faint, sent[0], None, None, None, None, "en")
        assert load_image(kept)[..., :40].mean() == pytest.approx(0.5, abs=0.02)
        (uploads / "more").mkdir()
        full = stroke(uploads / "more", 64, 96)
        *_, kept, _ = masks_from_strokes(
            "keep_mask", f"{faint}\n{full}", sent[0], None, None, None, None, "en"
        )
        assert load_image(kept)[..., :40].min() > 0.98

    def test_other_style_image_gets_the_inverted_mask_if_it_has_none(self, sent, uploads):
        layer = stroke(uploads, 64, 96)
        both = layer, sent[0], sent[1]
        first, second, *_ = masks_from_strokes("mask", *both, None, None, None, "en")
        assert (load_image(first) + load_image(second) - 1).abs().max() < 0.01
        first, second, *_ = masks_from_strokes("mask_2", *both, None, None, None, "en")
        assert load_image(first)[..., 60:].min() > 0.98
        assert masks_from_strokes("mask", *both, None, sent[1], None, "en")[1] == gr.skip()

    def test_unusable_strokes_have_a_message_and_change_no_mask(self, sent, uploads):
        def refused(name, strokes, content):
            *masks, message = masks_from_strokes(
                name, strokes, content, None, None, None, None, "en"
            )
            assert masks == 3 * [gr.skip()]
            return message

        transparent = stroke(uploads, 64, 96, opacity=0)
        for strokes in ("", None, transparent):
            assert refused("keep_mask", strokes, sent[0]) == (
                "Nothing is painted yet. Choose a photo and paint over it first."
            )
        layer = stroke(uploads, 64, 96)
        assert refused("mask_2", layer, sent[0]) == (
            "There is no picture under “A second painting” yet."
        )
        assert refused("keep_mask", layer, None) == (
            "Choose a photo: upload one or touch an example."
        )
        for outside in ("/etc/passwd", str(uploads / ".." / "white.png")):
            assert "must be an uploaded picture" in refused("keep_mask", outside, sent[0])

    def test_canvas_has_a_reduced_copy_of_the_content_image(self, uploads):
        content = save_image(torch.rand(1, 3, 900, 1200), uploads / "large.png")
        canvas = blank_canvas(str(content))
        with Image.open(canvas["background"]) as background:
            assert (background.format, background.size) == ("JPEG", (768, 576))
        assert canvas["layers"] == []
        Path(uploads, "note.png").write_text("no picture")
        for path in (None, str(uploads / "note.png"), "/etc/passwd"):
            assert blank_canvas(path) is None

    def test_new_content_image_clears_painted_masks_but_not_uploads(self, sent, uploads):
        *painted, _ = masks_from_strokes(
            "keep_mask", stroke(uploads, 64, 96), sent[0], None, sent[1], None, None, "en"
        )
        assert clear_painted_masks(sent[1], None, painted[2]) == [gr.skip(), gr.skip(), None, ""]

    def test_removed_style_image_clears_its_mask(self):
        assert clear_mask_without_style(None) is None
        assert clear_mask_without_style("b.png") == gr.skip()

    def test_used_strokes_are_cleared_and_unusable_ones_stay(self, sent, uploads):
        others = sent[1], None, None, None, "en"
        *_, canvas, unused = apply_strokes("mask", stroke(uploads, 64, 96), sent[0], *others)
        assert (canvas["layers"], Path(canvas["background"]).exists()) == ([], True)
        assert unused is False
        *_, message, canvas, unused = apply_strokes("mask", "", sent[0], *others)
        assert message.startswith("Nothing is painted yet")
        assert (canvas, unused) == (gr.skip(), True)
