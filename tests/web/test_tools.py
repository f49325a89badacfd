"""The crop tool and the mask tool in the browser."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from neural_style import load_image, save_image
from neural_style.settings.words import STYLE_CROPS
from neural_style.web.page.choosers import PAINTINGS
from neural_style.web.run import handlers
from tests.web.visit import choose_example, open_fold, press, run_to_the_end, set_small, upload


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
        open_fold(page, "part")
        page.locator("#part-shown img").wait_for()
        return page

    @pytest.mark.slow
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
        height = tool.locator("#fold-part").bounding_box()["height"]
        touch_at(shown, 0.25, 0.25)
        expect(line).to_contain_text("Now touch the opposite corner.")
        touch_at(shown, 0.75, 0.5)
        expect(line).to_contain_text(re.compile(r"(49|50|51) % of the width, (24|25|26) % of the"))
        assert tool.locator("#fold-part").bounding_box()["height"] == height
        left, top, width, high = (float(word) for word in box.input_value().split(","))
        assert [left, top, width, high] == pytest.approx([0.25, 0.25, 0.5, 0.25], abs=0.01)
        levels = seen_at(shown.get_attribute("src"), tmp_path)
        assert levels[..., 345, 50].mean() < 0.45
        assert levels[..., 260, 384].mean() > 0.9
        set_small(tool)
        run_to_the_end(tool)
        assert seen == [STYLE_CROPS.read(box.input_value())]

    @pytest.mark.slow
    def test_typing_shows_it_and_a_fresh_picture_takes_all_again(self, tool, pictures):
        box = tool.locator("#style_crop textarea, #style_crop input")
        box.fill("0,0,0.5,1")
        expect(tool.locator("#part-line")).to_contain_text("50 % of the width, 100 % of the height")
        press(tool, "whole")
        expect(box).to_have_value("all")
        expect(tool.locator("#part-line")).to_contain_text("The whole painting is used.")
        box.fill("0,0,0.5,1")
        expect(tool.locator("#part-line")).to_contain_text("50 % of the width")
        tool.locator("#style").get_by_label("Remove Image").click()
        expect(box).to_have_value("all")
        box.fill("0,0,0.5,1")
        choose_example(tool, "style", PAINTINGS.index("harvest-at-la-crau"))
        expect(tool.locator("#style img")).to_have_attribute("src", re.compile("harvest"))
        expect(box).to_have_value("all")

    @pytest.mark.slow
    def test_a_link_keeps_its_part(self, page, url):
        page.goto(f"{url}?style=harvest-at-la-crau&style_crop=0%2C0%2C0.5%2C1")
        expect(page.locator("#style img")).to_have_attribute("src", re.compile("harvest"))
        open_fold(page, "part")
        expect(page.locator("#part-line")).to_contain_text("50 % of the width, 100 % of the height")

    @pytest.mark.slow
    def test_a_finger_is_enough(self, open_page, pictures):
        phone = open_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
        upload(phone, "style", pictures[1])
        open_fold(phone, "part")
        shown = phone.locator("#part-shown img")
        shown.wait_for()
        touch_at(shown, 0.1, 0.1)
        expect(phone.locator("#part-line")).to_contain_text("Now touch the opposite corner.")
        touch_at(shown, 0.6, 0.9)
        expect(phone.locator("#part-line")).to_contain_text("The bright part is used")
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


def holders(node: dict, wanted: int) -> set[int]:
    """The component and all that it is in, within a part of the page's layout."""
    inner = set().union(*(holders(child, wanted) for child in node.get("children") or []))
    return {node["id"]} | inner if inner or node["id"] == wanted else set()


def test_no_event_makes_the_editor_send_its_pictures(url):
    # Gradio's page reads what shows the progress of an event, and all that is in it.
    config = httpx.get(f"{url}config").json()
    (editor,) = (one["id"] for one in config["components"] if one["type"] == "imageeditor")
    around = holders(config["layout"], editor)
    assert len(around) > 2
    for event in config["dependencies"]:
        if event["backend_fn"]:
            shown = event["show_progress_on"] or event["outputs"]
            assert around.isdisjoint([*shown, *event["inputs"]]), event["api_name"]


@pytest.mark.browser
class TestPaintingOnThePage:
    def open_tool(self, page: Page, content: str) -> None:
        """With the content image in the editor, ready for the brush."""
        upload(page, "content", content)
        open_fold(page, "regions")
        page.locator("#paint .pixi-target canvas").wait_for()
        page.locator("#paint .toolbar-wrap").wait_for()

    @pytest.mark.slow
    def test_what_is_painted_stays(self, page, pictures, watch, tmp_path):
        self.open_tool(page, pictures[0])
        upload(page, "style", pictures[1])
        press(page, "paint-keep_mask")
        expect(page.locator("#paint-line")).to_contain_text("Nothing is painted yet")
        line = page.locator("#estimate")
        set_small(page)
        run_to_the_end(page)
        expect(line).to_contain_text("on this machine")
        paint_across(page)
        run_to_the_end(page)
        expect(line).to_contain_text("The painted area is not used in this run")
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
        expect(page.locator("#result img")).to_have_attribute("src", re.compile("-style-0.png"))
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
        expect(page.locator("#paint-line")).to_contain_text("The painted area is now below")
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

    @pytest.mark.slow
    def test_a_style_that_is_gone_takes_its_mask_along(self, page, pictures, watch):
        open_fold(page, "regions")
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
