"""The page in a real browser, as a visitor meets it."""

from __future__ import annotations

import io
import math
import re

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from neural_style import Settings
from neural_style.web.run import handlers
from tests.web.visit import (
    make_ready,
    open_controls,
    press,
    run_to_the_end,
    set_number,
    set_small,
    upload,
)

pytestmark = pytest.mark.browser


class TestRun:
    def test_pictures_come_before_the_visitors_eyes_and_the_last_is_a_png(self, ready, watch):
        status, gallery = ready.locator("#status"), ready.locator("#gallery .thumbnail-item")
        watch.allow(looks=5)
        press(ready, "stylize")
        expect(status).to_contain_text(
            re.compile(r"Iteration \d+ of 12, now at 48×32, size 1 of 2 · content .* left")
        )
        expect(gallery).to_have_count(3)
        assert watch.ended == 0
        watch.allow(math.inf)
        expect(status).to_contain_text("Done: 12 iterations in")
        expect(status).to_contain_text("vgg19 weights: tiny, for tests")
        expect(gallery).to_have_count(6)
        address = ready.locator("#result img").get_attribute("src")
        assert Image.open(io.BytesIO(httpx.get(address).content)).format == "PNG"
        with ready.expect_download() as download:
            ready.locator("#result a[download]").click()
        with Image.open(download.value.path()) as result:
            assert (result.format, result.size) == ("PNG", (96, 64))

    @pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # Gradio's own
    def test_an_example_fills_both_inputs(self, page, watch):
        set_small(page)
        page.locator("tbody tr").nth(1).click()
        for name, file in (("content", "chelsea.jpg"), ("style", "harvest-at-la-crau.jpg")):
            expect(page.locator(f"#{name} img")).to_have_attribute("src", re.compile(file))
        run_to_the_end(page)

    def test_a_second_run_replaces_the_first(self, ready, watch):
        run_to_the_end(ready)
        first = ready.locator("#result img").get_attribute("src")
        run_to_the_end(ready, iterations=12)
        expect(ready.locator("#result img")).not_to_have_attribute("src", first)
        expect(ready.locator("#gallery .thumbnail-item")).to_have_count(6)


class TestStop:
    def test_stop_stops_the_network_and_says_so(self, ready, watch):
        watch.seconds_per_look = 0.8
        set_number(ready, "iterations", 500)
        press(ready, "stylize")
        expect(ready.locator("#status")).to_contain_text(re.compile(r"Iteration \d+ of 500"))
        with watch.stopping():
            press(ready, "stop")
        expect(ready.locator("#status")).to_contain_text(
            re.compile(r"Stopped\. Iteration \d+ of 500")
        )
        expect(ready.locator("#result img")).to_have_attribute(
            "src", re.compile(r"stylized-\d{6}\.png")
        )
        watch.seconds_per_look = 0
        set_number(ready, "iterations", 12)
        run_to_the_end(ready)

    def test_a_closed_tab_stops_the_network(self, ready, watch):
        watch.seconds_per_look = 0.8
        set_number(ready, "iterations", 500)
        press(ready, "stylize")
        watch.wait(looks=5)
        with watch.stopping():
            ready.close()

    def test_with_nothing_running_stop_changes_nothing(self, page):
        status = page.locator("#status p")
        before = status.text_content()
        with page.expect_response(lambda answer: "/queue/" in answer.url or "/run/" in answer.url):
            press(page, "stop")
        page.wait_for_timeout(500)
        expect(status).to_have_text(before)


class TestControls:
    def test_strength_and_style_weight_follow_each_other(self, page):
        usual = Settings().style_weight
        open_controls(page)
        weight = page.locator("#style_weight input")
        strength = page.locator("#strength input[type=number]")
        for steps in (2, -3, 0.5):
            set_number(page, "strength", steps)
            expect(weight).to_have_value(f"{float(f'{usual * 2**steps:.3g}'):g}")
        for value, steps in ((usual, 0), (4 * usual, 2), (usual / 2, -1), (1000 * usual, 4)):
            set_number(page, "style_weight", value)
            expect(strength).to_have_value(f"{steps}")

    def test_the_strength_reaches_the_run(self, ready, watch, monkeypatch):
        seen = []
        stylize = handlers.stylize

        def spy(content, style, settings, **options):
            seen.append(settings)
            return stylize(content, style, settings, **options)

        monkeypatch.setattr(handlers, "stylize", spy)
        set_number(ready, "strength", 3)
        run_to_the_end(ready)
        assert seen == [Settings(style_weight=8 * Settings().style_weight, iterations=12, size=96)]

    def test_new_seed_changes_the_seed(self, page):
        open_controls(page)
        field = page.locator("#seed input")
        seeds = {field.input_value()}
        for _ in range(3):
            before = field.input_value()
            press(page, "new-seed")
            expect(field).not_to_have_value(before)
            seeds.add(field.input_value())
        assert len(seeds) == 4
        assert all(0 <= int(seed) < 2**32 for seed in seeds)


class TestMistakes:
    def test_without_pictures_the_page_asks_for_them(self, page, watch):
        press(page, "stylize")
        for words in ("Choose a content image", "Choose a style image"):
            expect(page.get_by_text(words).first).to_be_visible()
        assert watch.looks == 0

    def test_an_unreadable_picture_is_told_in_words(self, page, pictures, tmp_path, watch):
        Image.new("RGB", (9, 9)).save(tmp_path / "tiny.png")
        upload(page, "content", str(tmp_path / "tiny.png"))
        upload(page, "style", pictures[1])
        press(page, "stylize")
        words = "The content image is 9×9; the network needs 32 pixels a side. Use a larger one."
        expect(page.get_by_test_id("toast-body")).to_contain_text(words)
        expect(page.locator("#status")).to_contain_text(f"That did not work. {words}")
        expect(page.locator("#result img")).to_have_attribute("src", re.compile("summer-palace"))
        expect(page.locator("#gallery .thumbnail-item")).to_have_count(4)

    def test_a_file_that_is_no_picture_is_told_in_words(self, page, pictures, tmp_path, watch):
        (tmp_path / "note.png").write_text("no picture")
        page.locator("#content input[type=file]").set_input_files(tmp_path / "note.png")
        page.locator("#content img").wait_for(state="attached")
        upload(page, "style", pictures[1])
        press(page, "stylize")
        expect(page.get_by_test_id("toast-body")).to_contain_text("note.png is not a picture")

    @pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # Gradio's own
    def test_an_upload_after_an_example_is_read_like_any_other(self, page, tmp_path, watch):
        page.locator("tbody tr").nth(0).click()
        expect(page.locator("#content img")).to_have_attribute("src", re.compile("summer-palace"))
        page.locator("#content").get_by_label("Remove Image").click()
        (tmp_path / "note.png").write_text("no picture")
        page.locator("#content input[type=file]").set_input_files(tmp_path / "note.png")
        page.locator("#content img").wait_for(state="attached")
        press(page, "stylize")
        expect(page.locator("#status")).to_contain_text("note.png is not a picture")

    def test_an_empty_number_is_told_by_name(self, ready, watch):
        ready.locator("#tv_weight input").fill("")
        press(ready, "stylize")
        expect(ready.get_by_text("tv_weight must be a number from").first).to_be_visible()
        assert watch.looks == 0


class TestPhone:
    @pytest.fixture
    def phone(self, open_page) -> Page:
        return open_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)

    def test_the_result_comes_into_view_while_it_is_made(self, phone, pictures, watch):
        make_ready(phone, pictures)
        result = phone.locator("#result")
        expect(result).not_to_be_in_viewport()
        watch.allow(looks=5)
        press(phone, "stylize")
        expect(result).to_be_in_viewport(ratio=0.5)
        assert watch.ended == 0
        watch.allow(math.inf)
        expect(phone.locator("#status")).to_contain_text("Done: 12 iterations")
        expect(result.locator("img")).to_be_in_viewport(ratio=0.5)

    def test_nothing_scrolls_sideways(self, phone, pictures, watch):
        def widths() -> set[int]:
            return {
                phone.evaluate(f"document.{e}.scrollWidth") for e in ("documentElement", "body")
            }

        assert widths() == {390}
        make_ready(phone, pictures)
        assert widths() == {390}
        run_to_the_end(phone)
        expect(phone.locator("#gallery .thumbnail-item")).to_have_count(6)
        assert widths() == {390}
        frame = phone.locator("#gallery").bounding_box()
        fourth = phone.locator("#gallery .thumbnail-item").nth(3).bounding_box()
        assert fourth["y"] + fourth["height"] < frame["y"] + frame["height"]
