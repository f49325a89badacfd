"""Refusals on the page, in a real browser: said, marked, and cleared when mended."""

from __future__ import annotations

import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.images.test_decode import gradient
from tests.images.test_heic import heic
from tests.web.visit import (
    choose_example,
    open_fold,
    press,
    run_to_the_end,
    set_number,
    upload,
)

pytestmark = pytest.mark.browser


class TestRefusals:
    def test_missing_pictures_are_named_and_marked(self, page, watch):
        press(page, "stylize")
        refused = page.locator("#status .failed")
        expect(refused).to_contain_text("Please check “Your photo”")
        expect(page.locator("#content")).to_have_class(re.compile("faulty"))
        reason = "(box) => getComputedStyle(box, '::after').content"
        assert "Choose a photo" in page.locator("#content").evaluate(reason)
        choose_example(page, "content", 0)
        expect(page.locator("#status .idle")).to_contain_text("Choose a photo and a painting")
        expect(page.locator("#content")).not_to_have_class(re.compile("faulty"))
        press(page, "stylize")
        expect(refused).to_contain_text("Please check “The painting”")
        page.wait_for_timeout(1500)
        expect(refused).to_contain_text("Choose a painting")  # it stays
        expect(page.locator("#content")).not_to_have_class(re.compile("faulty"))
        choose_example(page, "style", 0)
        expect(page.locator("#status .idle")).to_contain_text("Ready: press Paint.")
        assert watch.looks == 0
        expect(page.locator("#stylize")).to_be_visible()

    def test_wrong_number_opens_its_fold(self, ready, watch):
        open_fold(ready, "look")
        ready.locator("#tv_weight input").fill("")
        ready.locator("#fold-look > button.label-wrap").click()
        expect(ready.locator("#tv_weight")).not_to_be_visible()
        press(ready, "stylize")
        expect(ready.locator("#status .failed")).to_contain_text("tv_weight must be a number from")
        expect(ready.locator("#tv_weight input")).to_be_visible()
        expect(ready.locator("#tv_weight")).to_have_class(re.compile("faulty"))
        ready.locator("#tv_weight input").fill("0.1")
        expect(ready.locator("#status")).to_contain_text("Ready: press Paint.")
        expect(ready.locator("#tv_weight")).not_to_have_class(re.compile("faulty"))
        assert watch.looks == 0

    def test_unreadable_upload_is_refused_at_once(self, page, tmp_path, watch):
        (tmp_path / "note.png").write_text("no picture")
        page.locator("#content input[type=file]").set_input_files(tmp_path / "note.png")
        expect(page.locator("#status .failed")).to_contain_text("note.png is not a picture")
        expect(page.locator("#content")).to_have_class(re.compile("faulty"))
        choose_example(page, "style", 0)
        press(page, "stylize")
        expect(page.locator("#status .failed")).to_contain_text("Please check “Your photo”")
        expect(page.locator("#status .failed")).to_contain_text("note.png is not a picture")
        assert watch.looks == 0

    def test_too_small_upload_is_refused_at_once(self, page, tmp_path):
        Image.new("RGB", (9, 9)).save(tmp_path / "tiny.png")
        upload(page, "style", str(tmp_path / "tiny.png"))
        words = "The style image is 9×9; the network needs 32 pixels a side. Use a larger one."
        expect(page.locator("#status .failed")).to_contain_text(words)
        expect(page.locator("#style")).to_have_class(re.compile("faulty"))

    @pytest.mark.slow
    def test_heic_upload_is_converted_and_shown(self, page, tmp_path):
        (tmp_path / "photo.heic").write_bytes(heic(gradient(48, 64)))
        page.locator("#content input[type=file]").set_input_files(tmp_path / "photo.heic")
        expect(page.locator("#status")).to_contain_text("Your HEIC picture is converted")
        expect(page.locator("#content img")).to_have_attribute("src", re.compile(r"/photo\.jpg$"))

    def test_transparent_upload_is_explained(self, page, tmp_path):
        clear = Image.new("RGBA", (80, 72), (10, 200, 30, 128))
        clear.save(tmp_path / "clear.png")
        upload(page, "style", str(tmp_path / "clear.png"))
        expect(page.locator("#status")).to_contain_text(
            "transparent part of this painting is not used"
        )

    def test_failed_run_keeps_the_example_and_says_why(self, ready, watch):
        open_fold(ready, "part")
        ready.locator("#style_crop textarea, #style_crop input").first.fill("0,0,0.1,0.1")
        press(ready, "stylize")
        words = "The part taken of the style image is 8×7; the network needs 32 pixels a side."
        failed = ready.locator("#status .failed")
        expect(failed).to_contain_text(words)
        expect(ready.locator("#example")).to_be_visible()
        expect(ready.get_by_test_id("toast-body")).to_have_count(0)
        choose_example(ready, "style", 0)
        expect(failed).to_have_count(0)
        expect(ready.locator("#status .idle")).to_contain_text("Ready: press Paint.")

    def test_narrow_photograph_is_refused_at_the_sizes_that_do_not_fit(self, ready, tmp_path):
        Image.new("RGB", (400, 40)).save(tmp_path / "narrow.png")
        ready.locator("#content input[type=file]").set_input_files(tmp_path / "narrow.png")
        failed = ready.locator("#status .failed")
        expect(failed).to_contain_text("at size 96 it would be 96×10")
        expect(failed).to_contain_text("choose size 320.")
        set_number(ready, "size", 320)
        expect(ready.locator("#status .idle")).to_contain_text("Ready: press Paint.")
        set_number(ready, "size", 128)
        expect(failed).to_contain_text("at size 128 it would be 128×13")
        expect(ready.locator("#content")).to_have_class(re.compile("faulty"))

    def test_result_used_as_photograph_mends_a_missing_one(self, ready, open_page, watch):
        run_to_the_end(ready)
        press(ready, "result-link")
        box = ready.locator("#result-link-box textarea, #result-link-box input").first
        expect(box).to_have_value(re.compile("result="))
        friend = open_page(viewport={"width": 1280, "height": 900})
        friend.goto(box.input_value())
        expect(friend.locator("#result img")).to_have_count(1)
        press(friend, "stylize")
        expect(friend.locator("#status .failed")).to_contain_text("Choose a photo")
        press(friend, "as-content")
        expect(friend.locator("#content img")).to_have_count(1)
        expect(friend.locator("#status .failed")).to_have_count(0)
        expect(friend.locator("#content")).not_to_have_class(re.compile("faulty"))

    def test_offline_is_shown_and_nothing_is_lost(self, ready):
        ready.context.set_offline(True)
        expect(ready.locator("#offline")).to_be_visible()
        press(ready, "stylize")
        expect(ready.locator("#status .failed")).to_contain_text("You are offline.")
        expect(ready.locator("#stylize")).to_be_visible()
        ready.evaluate("window.sameAsBefore = true")
        ready.context.set_offline(False)
        expect(ready.locator("#offline")).not_to_be_visible()
        expect(ready.locator("#content img, #style img")).to_have_count(2)
        run_to_the_end(ready)
        assert ready.evaluate("window.sameAsBefore")
