"""Parts of pictures chosen by hand: the style's crop, and masks painted over the content."""

from __future__ import annotations

import re
from pathlib import Path

import gradio as gr
import httpx
import pytest
import torch
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from neural_style import load_image, save_image
from neural_style.run.styles import crop
from neural_style.settings.words import STYLE_CROPS
from neural_style.web.page.tool_handlers import (
    BRUSH_OPACITY,
    apply_strokes,
    blank_canvas,
    clear_painted_masks,
    masks_from_strokes,
    reset_crop,
    select_corner,
    show_crop,
)
from neural_style.web.run import handlers
from neural_style.web.text import texts
from tests.web.visit import press, run_to_the_end, set_small, upload


def touch(across, down, first=None, which="style", crops="all", style=None, style_2=None):
    """What comes of a touch there, in shares of the picture of 80×72, shown as one of 768×691."""
    event = gr.SelectData(None, {"index": [768 * across, 691 * down], "value": None})
    return select_corner(event, which, first, crops, style, style_2, "en")


@pytest.fixture
def style(uploads) -> str:
    """A white picture of 80×72, uploaded."""
    return str(save_image(torch.ones(1, 3, 72, 80), uploads / "white.png"))


class TestCrop:
    @pytest.mark.parametrize("corners", [((0.25, 0.25), (0.75, 0.5)), ((0.75, 0.25), (0.25, 0.5))])
    def test_two_opposite_corners_are_a_box(self, style, corners):
        first, crops, shown, line = touch(*corners[0], style=style)
        assert (crops, line) == ("all", "Now touch the opposite corner.")
        assert load_image(shown).shape == (1, 3, 691, 768)
        first, crops, shown, line = touch(*corners[1], first=first, style=style)
        assert (first, crops) == (None, "0.25,0.25,0.5,0.25")
        assert "50 % of the width, 25 % of the height" in line
        seen = load_image(shown)
        (box,) = STYLE_CROPS.read(crops)
        assert crop(seen, box).min() > 0.9
        outside = torch.ones_like(seen)
        crop(outside, box)[:] = 0
        dimmed = seen[outside == 1]
        assert dimmed.mean() < 0.45

    def test_the_whole_picture_is_within_reach_and_nothing_beyond(self, style):
        first = touch(0, 0, style=style)[0]
        assert touch(1, 1, first=first, style=style)[1] == "0,0,1,1"
        first = touch(-5, 1e9, style=style)[0]
        assert touch(0.5, 0.5, first=first, style=style)[1] == "0,0.5,0.5,0.5"
        for x in range(1, 80, 8):
            words = touch(1, 1, first=[x / 80, 1 / 3], style=style)[1]
            STYLE_CROPS.read(words)

    def test_without_anything_between_them_the_second_is_a_first(self, style):
        first = touch(0.25, 0.25, style=style)[0]
        first, crops, _, line = touch(0.25, 0.75, first=first, style=style)
        assert (first, crops) == ([0.25, 0.75], "all")
        assert line == "Now touch the opposite corner."

    def test_the_line_around_a_part_hides_nothing_of_it(self, uploads):
        gray = torch.full((1, 3, 20, 3000), 0.5)
        band = str(save_image(gray, uploads / "band.png"))
        shown, _ = show_crop("style", "0.25,0.4,0.5,0.4", band, None, "en")
        seen = load_image(shown)[0, 0]
        assert seen.shape == (5, 768)
        assert (seen[2:4, 200:568] - 0.5).abs().max() < 0.1
        assert seen[1, 200:568].min() > 0.9
        assert seen[:, :180].max() < 0.3

    def test_each_of_two_styles_has_its_own(self, style):
        second = {"style": style, "style_2": style}
        given = {"first": [0.0, 0.0], **second}
        assert touch(0.5, 1, which="style_2", **given)[1] == "all; 0,0,0.5,1"
        assert touch(0.5, 1, crops="all; 0,0,1,0.5", **given)[1] == "0,0,0.5,1; 0,0,1,0.5"
        assert touch(0.5, 1, which="style_2", crops="0,0,0.5,1", **given)[1] == "0,0,0.5,1"

    def test_of_a_fresh_picture_all_is_taken(self):
        assert reset_crop("style", "0,0,0.5,1", None) == "all"
        assert reset_crop("style", "0,0,0.5,1; 0,0,1,0.5", "b.png") == "all; 0,0,1,0.5"
        assert reset_crop("style_2", "0,0,0.5,1; 0,0,1,0.5", "b.png") == "0,0,0.5,1; all"
        assert reset_crop("style_2", "0,0,0.5,1; 0,0,1,0.5", None) == "0,0,0.5,1"

    def test_what_cannot_be_shown_is_told(self, style, uploads):
        assert show_crop("style", "all", None, style, "en") == (
            None,
            "There is no picture under “Style image” yet.",
        )
        assert touch(0.1, 0.1, which="style_2", style=style)[2:] == (
            None,
            "There is no picture under “Second style” yet.",
        )
        shown, line = show_crop("style", "0,0,2,1", style, None, "en")
        assert load_image(shown).min() > 0.95
        assert line.startswith("A crop is written left,top,width,height")
        assert (
            "must be an uploaded picture" in show_crop("style", "all", "/etc/hosts", None, "en")[1]
        )


def stroke(folder: Path, height: int, width: int, *, opacity: float = BRUSH_OPACITY) -> str:
    """A layer of the editor, painted on in its left half, uploaded."""
    layer = Image.new("RGBA", (width, height))
    layer.paste((225, 29, 72, round(255 * opacity)), (0, 0, width // 2, height))
    layer.save(folder / "layer_0.png")
    return str(folder / "layer_0.png")


class TestPainting:
    def test_strokes_become_the_mask_of_that_name_in_the_contents_shape(self, sent, uploads):
        layer = stroke(uploads, 256, 384)
        for place, name in enumerate(("mask", "mask_2", "keep_mask")):
            second = sent[1] if name == "mask_2" else None
            *masks, line = masks_from_strokes(name, layer, sent[0], second, "a", "b", "c", "en")
            mask = load_image(masks.pop(place))
            assert masks == 2 * [gr.skip()]
            assert texts.translate(name) in line
            assert mask.shape == (1, 3, 64, 96)
            assert mask[..., :44].min() > 0.98
            assert mask[..., 52:].max() < 0.02

    def test_edges_are_soft_on_a_large_picture(self, uploads):
        content = save_image(torch.rand(1, 3, 800, 1200), uploads / "large.png")
        layer = stroke(uploads, 512, 768)
        _, _, kept, _ = masks_from_strokes(
            "keep_mask", layer, str(content), None, None, None, None, "en"
        )
        row = load_image(kept)[0, 0, 400]
        assert row.shape == (1200,)
        between = ((row > 0.05) & (row < 0.95)).sum()
        assert 6 <= between <= 40

    def test_faint_strokes_are_half_and_several_add_up(self, sent, uploads):
        faint = stroke(uploads, 64, 96, opacity=BRUSH_OPACITY / 2)
        *_, kept, _ = masks_from_strokes("keep_mask", faint, sent[0], None, None, None, None, "en")
        assert load_image(kept)[..., :40].mean() == pytest.approx(0.5, abs=0.02)
        (uploads / "more").mkdir()
        full = stroke(uploads / "more", 64, 96)
        *_, kept, _ = masks_from_strokes(
            "keep_mask", f"{faint}\n{full}", sent[0], None, None, None, None, "en"
        )
        assert load_image(kept)[..., :40].min() > 0.98

    def test_of_two_styles_the_rest_is_the_others(self, sent, uploads):
        layer = stroke(uploads, 64, 96)
        both = layer, sent[0], sent[1]
        first, second, *_ = masks_from_strokes("mask", *both, None, None, None, "en")
        assert (load_image(first) + load_image(second) - 1).abs().max() < 0.01
        first, second, *_ = masks_from_strokes("mask_2", *both, None, None, None, "en")
        assert load_image(first)[..., 60:].min() > 0.98
        assert masks_from_strokes("mask", *both, None, sent[1], None, "en")[1] == gr.skip()

    def test_what_cannot_be_taken_is_told(self, sent, uploads):
        def refused(name, strokes, content, style_2=None):
            *masks, line = masks_from_strokes(
                name, strokes, content, style_2, None, None, None, "en"
            )
            assert masks == 3 * [gr.skip()]
            return line

        nothing = stroke(uploads, 64, 96, opacity=0)
        for strokes in ("", None, nothing):
            assert "Nothing is painted yet" in refused("keep_mask", strokes, sent[0])
        layer = stroke(uploads, 64, 96)
        assert "no picture under “Second style”" in refused("mask_2", layer, sent[0])
        assert "Choose a content image" in refused("keep_mask", layer, None)
        for outside in ("/etc/passwd", str(uploads / ".." / "white.png")):
            assert "must be an uploaded picture" in refused("keep_mask", outside, sent[0])

    def test_what_is_painted_on_is_small_and_ours(self, uploads):
        content = save_image(torch.rand(1, 3, 900, 1200), uploads / "large.png")
        canvas = blank_canvas(str(content))
        with Image.open(canvas["background"]) as background:
            assert (background.format, background.size) == ("JPEG", (768, 576))
        assert canvas["layers"] == []
        Path(uploads, "note.png").write_text("no picture")
        for bad in (None, str(uploads / "note.png"), "/etc/passwd"):
            assert blank_canvas(bad) is None

    def test_a_fresh_content_image_takes_what_was_painted_away_but_no_file(self, sent, uploads):
        *painted, _ = masks_from_strokes(
            "keep_mask", stroke(uploads, 64, 96), sent[0], None, sent[1], None, None, "en"
        )
        assert clear_painted_masks(sent[1], None, painted[2]) == [gr.skip(), gr.skip(), None, ""]

    def test_what_was_handed_over_is_no_longer_on_the_canvas(self, sent, uploads):
        others = sent[1], None, None, None, "en"
        *_, canvas, left = apply_strokes("mask", stroke(uploads, 64, 96), sent[0], *others)
        assert (canvas["layers"], Path(canvas["background"]).exists()) == ([], True)
        assert left is False
        *_, line, canvas, left = apply_strokes("mask", "", sent[0], *others)
        assert "Nothing is painted yet" in line
        assert (canvas, left) == (gr.skip(), True)


def seen_at(address: str, folder: Path) -> torch.Tensor:
    """The picture at that address."""
    file = folder / Path(address).name
    file.write_bytes(httpx.get(address).raise_for_status().content)
    return load_image(file)


def touch_at(shown: Locator, across: float, down: float) -> None:
    """Touches the picture there, in shares of what is seen of it, once it has arrived."""
    seen = "img => img.complete && img.naturalWidth && [img.naturalWidth, img.naturalHeight]"
    natural = shown.page.wait_for_function(seen, arg=shown.element_handle()).json_value()
    box = shown.bounding_box()
    scale = min(box["width"] / natural[0], box["height"] / natural[1])
    wide, high = natural[0] * scale, natural[1] * scale
    left, top = (box["width"] - wide) / 2, (box["height"] - high) / 2
    shown.click(position={"x": left + across * wide, "y": top + down * high})


@pytest.mark.browser
class TestCropOnThePage:
    @pytest.fixture
    def tool(self, page: Page, pictures, tmp_path) -> Page:
        """The page with both pictures and the tool open; the style is white."""
        upload(page, "content", pictures[0])
        white = save_image(torch.ones(1, 3, 180, 200), tmp_path / "white.png")
        upload(page, "style", str(white))
        page.get_by_role("button", name="Part of the style image").click()
        page.locator("#part-shown img").wait_for()
        return page

    def test_two_touches_choose_a_part_and_the_run_takes_it(
        self, tool, watch, monkeypatch, tmp_path
    ):
        seen = []
        stylize = handlers.stylize

        def spy(content, style, settings, **options):
            seen.append(settings.style_crop)
            return stylize(content, style, settings, **options)

        monkeypatch.setattr(handlers, "stylize", spy)
        shown, line, box = (
            tool.locator(where)
            for where in (
                "#part-shown img",
                "#part-line",
                "#style_crop textarea, #style_crop input",
            )
        )
        height = tool.locator("#part").bounding_box()["height"]
        touch_at(shown, 0.25, 0.25)
        expect(line).to_contain_text("Now touch the opposite corner.")
        touch_at(shown, 0.75, 0.5)
        expect(line).to_contain_text(re.compile(r"(49|50|51) % of the width, (24|25|26) % of the"))
        assert tool.locator("#part").bounding_box()["height"] == height
        left, top, width, high = (float(word) for word in box.input_value().split(","))
        assert [left, top, width, high] == pytest.approx([0.25, 0.25, 0.5, 0.25], abs=0.01)
        levels = seen_at(shown.get_attribute("src"), tmp_path)
        assert levels[..., 345, 50].mean() < 0.45
        assert levels[..., 260, 384].mean() > 0.9
        set_small(tool)
        run_to_the_end(tool)
        assert seen == [STYLE_CROPS.read(box.input_value())]

    def test_typing_shows_it_and_a_fresh_picture_takes_all_again(self, tool, pictures):
        box = tool.locator("#style_crop textarea, #style_crop input")
        box.fill("0,0,0.5,1")
        expect(tool.locator("#part-line")).to_contain_text("50 % of the width, 100 % of the height")
        press(tool, "whole")
        expect(box).to_have_value("all")
        expect(tool.locator("#part-line")).to_contain_text("All of it is taken.")
        box.fill("0,0,0.5,1")
        expect(tool.locator("#part-line")).to_contain_text("50 % of the width")
        tool.locator("#style").get_by_label("Remove Image").click()
        expect(box).to_have_value("all")
        box.fill("0,0,0.5,1")
        tool.locator("tbody tr").nth(1).click()
        expect(tool.locator("#style img")).to_have_attribute("src", re.compile("harvest"))
        expect(box).to_have_value("all")

    def test_a_link_keeps_its_part(self, page, url):
        page.goto(f"{url}?style=harvest-at-la-crau&style_crop=0%2C0%2C0.5%2C1")
        expect(page.locator("#style img")).to_have_attribute("src", re.compile("harvest"))
        page.get_by_role("button", name="Part of the style image").click()
        expect(page.locator("#part-line")).to_contain_text("50 % of the width, 100 % of the height")

    def test_a_finger_is_enough(self, open_page, pictures):
        phone = open_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
        upload(phone, "style", pictures[1])
        phone.get_by_role("button", name="Part of the style image").tap()
        shown = phone.locator("#part-shown img")
        shown.wait_for()
        touch_at(shown, 0.1, 0.1)
        expect(phone.locator("#part-line")).to_contain_text("Now touch the opposite corner.")
        touch_at(shown, 0.6, 0.9)
        expect(phone.locator("#part-line")).to_contain_text("What is bright is taken")
        assert phone.evaluate("document.documentElement.scrollWidth") == 390


def paint_across(page: Page) -> None:
    """A stroke over the middle of the picture, from a third of its width to two thirds."""
    canvas = page.locator("#paint .pixi-target canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 3, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 2 * box["width"] / 3, middle, steps=12)
    page.mouse.up()


def draw_with_a_finger(page: Page) -> None:
    """The same on a screen that is touched."""
    canvas = page.locator("#paint .pixi-target canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    session = page.context.new_cdp_session(page)
    for kind, share in [
        ("touchStart", 0.4),
        *(("touchMove", 0.4 + k / 50) for k in range(10)),
        ("touchEnd", None),
    ]:
        place = {
            "x": box["x"] + (share or 0) * box["width"],
            "y": box["y"] + box["height"] / 2,
        }
        session.send(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [place] if share else []}
        )


@pytest.mark.browser
class TestPaintingOnThePage:
    def open_tool(self, page: Page, content: str) -> None:
        """With the content image in the editor, ready for the brush."""
        upload(page, "content", content)
        page.get_by_role("button", name="Second style and masks").click()
        page.locator("#paint .pixi-target canvas").wait_for()
        page.locator("#paint .toolbar-wrap").wait_for()

    @pytest.mark.slow
    def test_what_is_painted_stays(self, page, pictures, watch, tmp_path):
        self.open_tool(page, pictures[0])
        upload(page, "style", pictures[1])
        press(page, "paint-keep_mask")
        expect(page.locator("#paint-line")).to_contain_text("Nothing is painted yet")
        toast = page.get_by_test_id("toast-body")
        set_small(page)
        run_to_the_end(page)
        expect(toast).to_have_count(0)
        paint_across(page)
        run_to_the_end(page)
        expect(toast).to_contain_text("What is painted is not used in this run")
        page.get_by_test_id("toast-close").click()
        press(page, "paint-keep_mask")
        kept = page.locator("#keep_mask img")
        kept.wait_for()
        mask = seen_at(kept.get_attribute("src"), tmp_path)
        assert mask.shape == (1, 3, 64, 96)
        white = (mask[0, 0] > 0.99).nonzero()
        assert abs(white.float().mean(0) - torch.tensor([31.5, 47.5])).max() < 4
        assert 0.02 < mask.mean() < 0.95
        press(page, "paint-mask")
        expect(page.locator("#paint-line")).to_contain_text("Nothing is painted yet")
        sent_again = []
        page.on("request", lambda one: sent_again.append(one) if "upload" in one.url else None)
        run_to_the_end(page)
        expect(page.locator("#result img")).to_have_attribute("src", re.compile("stylized-000012"))
        expect(toast).to_have_count(0)
        assert sent_again == []  # a run's events must not make the editor send its pictures
        result = seen_at(page.locator("#result img").get_attribute("src"), tmp_path)
        change = (result - load_image(pictures[0])).abs().amax(1)[0]
        assert change[mask[0, 0] > 0.99].max() < 0.02
        assert change[mask[0, 0] < 0.01].max() > 0.1

    @pytest.mark.slow
    def test_another_content_image_is_a_blank_canvas(self, page, pictures, tmp_path):
        self.open_tool(page, pictures[0])
        paint_across(page)
        press(page, "paint-keep_mask")
        page.locator("#keep_mask img").wait_for()
        expect(page.locator("#paint-line")).to_contain_text("What was painted is now below")
        page.locator("#content").get_by_label("Remove Image").click()
        expect(page.locator("#keep_mask img")).to_have_count(0)
        expect(page.locator("#paint-line")).to_have_text("")
        upload(page, "content", pictures[1])
        page.wait_for_timeout(500)
        paint_across(page)
        press(page, "paint-mask")
        page.locator("#mask img").wait_for()
        mask = seen_at(page.locator("#mask img").get_attribute("src"), tmp_path)
        assert mask.shape == (1, 3, 72, 80)

    def test_a_style_that_is_gone_takes_its_mask_along(self, page, pictures, watch):
        page.get_by_role("button", name="Second style and masks").click()
        for name, file in zip(("content", "style", "style_2", "mask_2"), 2 * pictures):
            upload(page, name, file)
        upload(page, "style_2", pictures[1])
        expect(page.locator("#mask_2 img")).to_have_count(1)
        page.locator("#style_2").get_by_label("Remove Image").click()
        expect(page.locator("#mask_2 img")).to_have_count(0)

    @pytest.mark.slow
    def test_a_finger_is_enough(self, open_page, pictures, tmp_path):
        phone = open_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
        self.open_tool(phone, pictures[0])
        tops = {button.bounding_box()["y"] for button in phone.locator("#takers button").all()}
        assert len(tops) == 1
        tools = phone.locator("#paint .toolbar-wrap").bounding_box()
        canvas = phone.locator("#paint .pixi-target canvas").bounding_box()
        assert tools["x"] + tools["width"] <= canvas["x"] + 30  # where the picture may begin
        draw_with_a_finger(phone)
        press(phone, "paint-keep_mask")
        phone.locator("#keep_mask img").wait_for()
        mask = seen_at(phone.locator("#keep_mask img").get_attribute("src"), tmp_path)
        assert mask.max() > 0.99
        assert phone.evaluate("document.documentElement.scrollWidth") == 390

    def test_nobody_else_can_put_strokes_into_the_servers_memory(self, page, url):
        config = httpx.get(f"{url}config").json()
        (editor,) = (one["id"] for one in config["components"] if one["type"] == "imageeditor")
        body = {"session_hash": "x", "component_id": editor, "fn_name": "accept_blobs", "data": {}}
        assert httpx.post(f"{url}gradio_api/component_server", json=body).status_code == 404
