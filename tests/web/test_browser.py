"""The page in a real browser: choosing, painting, stopping, controls, phones."""

from __future__ import annotations

import io
import math
import re

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from neural_style import Settings
from neural_style.web.page.choosers import PAINTINGS, PHOTOGRAPHS
from neural_style.web.run import handlers
from tests.web.visit import (
    NAMED,
    choose_example,
    make_ready,
    open_fold,
    press,
    run_to_the_end,
    set_number,
    set_small,
    upload,
    wait_for_result,
)

pytestmark = pytest.mark.browser


class TestFirstVisit:
    def test_everything_needed_is_above_the_fold(self, open_page):
        page = open_page(viewport={"width": 1440, "height": 900})
        for name in ("content", "style", "content-examples", "style-examples", "manner", "preset"):
            expect(page.locator(f"#{name}")).to_be_in_viewport(ratio=1)
        for name in ("strength", "stylize", "example", "status"):
            expect(page.locator(f"#{name}")).to_be_in_viewport(ratio=1)

    def test_galleries_show_photographs_and_paintings_with_titles(self, page):
        for name, count in (("content", len(PHOTOGRAPHS)), ("style", len(PAINTINGS))):
            gallery = page.locator(f"#{name}-examples")
            expect(gallery.locator(".thumbnail-item img")).to_have_count(count)
            titles = gallery.locator(".caption-label").all_inner_texts()
            assert len({*titles}) == count
            assert all(titles)

    def test_finished_example_is_labelled_and_compares_before_and_after(self, page):
        example = page.locator("#example")
        expect(example).to_contain_text("Example: the palace as a Van Gogh")
        expect(example.locator("img")).to_have_count(2)

    def test_nothing_is_shown_that_needs_a_result(self, page):
        for name in ("stop", "result", "actions", "continue", "files", "run-tabs", "fold-earlier"):
            expect(page.locator(f"#{name}")).not_to_be_visible()

    def test_status_says_what_to_do(self, page):
        expect(page.locator("#status")).to_contain_text("Choose a photo and a painting")

    @pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # Gradio's own
    def test_examples_fill_both_inputs_and_are_painted(self, page, watch):
        choose_example(page, "content", 2)
        choose_example(page, "style", 1)
        for name, file in (("content", PHOTOGRAPHS[2]), ("style", PAINTINGS[1])):
            expect(page.locator(f"#{name} img")).to_have_attribute("src", re.compile(file))
        set_small(page)
        run_to_the_end(page)
        press(page, "vary")
        page.locator("#variations .thumbnail-item").nth(3).click()
        wait_for_result(page, "")
        for name, title in (("content", "Cat"), ("style", "The Great Wave")):
            marked = page.locator(f"#{name}-examples .thumbnail-item.selected")
            expect(marked).to_have_accessible_name(title)

    @pytest.mark.slow
    def test_example_is_marked_until_another_picture_is_chosen(self, page, pictures):
        for name, file in zip(("content", "style"), pictures, strict=True):
            choose_example(page, name, 1)
            marked = page.locator(f"#{name}-examples .thumbnail-item.selected")
            expect(marked).to_have_count(1)
            page.locator(f"#{name} .icon-button-wrapper button").last.click()
            expect(marked).to_have_count(0)
            choose_example(page, name, 1)
            expect(marked).to_have_count(1)
            page.locator(f"#{name} .icon-button-wrapper button").last.click()
            upload(page, name, file)
            expect(marked).to_have_count(0)


class TestRun:
    def test_pictures_appear_during_the_run_and_the_last_is_a_png(self, ready, watch):
        status, gallery = ready.locator("#status"), ready.locator("#gallery .thumbnail-item")
        watch.allow(looks=5)
        press(ready, "stylize")
        expect(status).to_contain_text(
            re.compile(r"left\s*Size 1 of 2, 48×32 · step \d+ of 12", re.DOTALL)
        )
        expect(gallery).to_have_count(3)
        expect(ready.locator("#example")).not_to_be_visible()
        icon = ready.locator("#result a[download]")
        expect(icon).to_have_count(1)
        expect(icon).not_to_be_visible()  # it would save a preview
        assert watch.ended == 0
        watch.allow(math.inf)
        expect(status).to_contain_text("Done in")
        expect(status).to_contain_text("12 steps · 96×64")
        expect(gallery).to_have_count(6)
        address = ready.locator("#result img").get_attribute("src")
        assert Image.open(io.BytesIO(httpx.get(address).content)).format == "PNG"
        expect(ready.locator("#result img")).to_have_attribute("src", NAMED)
        with ready.expect_download() as download:
            icon.click()
        assert download.value.suggested_filename == "content-style-0.png"
        with Image.open(download.value.path()) as result:
            assert (result.format, result.size) == ("PNG", (96, 64))

    @pytest.mark.slow
    def test_second_run_replaces_the_first(self, ready, watch):
        run_to_the_end(ready)
        first = ready.locator("#result img").get_attribute("src")
        run_to_the_end(ready)
        expect(ready.locator("#result img")).not_to_have_attribute("src", first)
        expect(ready.locator("#gallery .thumbnail-item")).to_have_count(6)

    def test_press_is_answered_by_the_browser_alone(self, ready, watch):
        """The status and Stop appear although no answer of the server arrives. Stop waits for it:
        there is no run to stop.
        """
        ready.route("**/queue/join*", lambda route: None)
        press(ready, "stylize")
        expect(ready.locator("#status .busy")).to_contain_text("Starting")
        expect(ready.locator("#stop")).to_be_visible()
        expect(ready.locator("#stop")).to_be_disabled()
        expect(ready.locator("#stylize")).not_to_be_visible()

    def test_lost_connection_is_reported(self, ready, watch, expected_errors):
        expected_errors.append("ERR_FAILED")
        ready.route("**/queue/join*", lambda route: route.abort())
        press(ready, "stylize")
        expect(ready.locator("#status .failed")).to_contain_text("connection was lost")
        expect(ready.locator("#stylize")).to_be_visible()
        expect(ready.locator("#content img")).to_have_count(1)

    @pytest.fixture
    def waiting(self, ready, open_page, pictures, watch) -> Page:
        """A second visitor's page, which waits for the run of the first."""
        other = open_page(viewport={"width": 1280, "height": 900})
        make_ready(other, pictures)
        watch.allow(looks=3)
        press(ready, "stylize")
        watch.wait(looks=3)
        press(other, "stylize")
        expect(other.locator("#status")).to_contain_text("In line: 1 ahead of you")
        return other

    @pytest.mark.slow
    def test_run_waits_in_line_and_says_so(self, ready, waiting, watch):
        watch.allow(math.inf)
        for page in (ready, waiting):
            expect(page.locator("#status .done")).to_contain_text("12 steps")

    @pytest.mark.slow
    def test_waiting_run_leaves_the_line_on_stop(self, ready, waiting, watch):
        press(waiting, "stop")
        expect(waiting.locator("#status")).to_contain_text("Stopped.")
        watch.allow(math.inf)
        expect(ready.locator("#status .done")).to_contain_text("12 steps")
        assert watch.ended == 1

    @pytest.mark.slow
    def test_earlier_results_cannot_be_opened_during_a_run(self, ready, watch):
        run_to_the_end(ready)
        before = ready.locator("#result img").get_attribute("src")
        set_number(ready, "seed", 9)
        seen = watch.looks
        watch.allow(looks=seen + 2)
        press(ready, "stylize")
        watch.wait(looks=seen + 3)
        earlier = ready.locator("#earlier .thumbnail-item")
        said = "(gallery) => getComputedStyle(gallery, '::after').content"
        expect(ready.locator("#forget")).to_be_disabled()
        assert "once nothing runs" in ready.locator("#earlier").evaluate(said)
        earlier.focus()
        ready.keyboard.press("Enter")
        ready.wait_for_timeout(500)
        expect(ready.locator("#seed input")).to_have_value("9")
        watch.allow(math.inf)
        wait_for_result(ready, before)
        expect(earlier).to_have_count(2)
        earlier.last.click()
        expect(ready.locator("#seed input")).to_have_value("0")


REMEMBER_KINDS_JS = """() => {
  window.kinds = new Set();
  const remember = () => window.kinds.add(document.querySelector("#status .status").classList[1]);
  new MutationObserver(remember).observe(document.querySelector("#status"),
    {childList: true, subtree: true});
}"""
"""JavaScript: remembers each kind of status that is shown from now on."""


class TestStop:
    @pytest.mark.slow
    def test_second_press_of_a_double_press_does_not_stop_the_run(self, ready, watch):
        watch.seconds_per_look = 0.1
        press(ready, "stylize")
        ready.locator("#stop").wait_for()
        place = ready.locator("#stop").bounding_box()
        ready.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
        wait_for_result(ready, "")
        expect(ready.locator("#status .done")).to_contain_text("12 steps")

    def test_stop_ends_the_run_and_keeps_its_picture(self, ready, watch):
        watch.seconds_per_look = 0.8
        set_number(ready, "iterations", 500)
        press(ready, "stylize")
        expect(ready.locator("#status")).to_contain_text(re.compile(r"step \d+ of 500"))
        ready.evaluate(REMEMBER_KINDS_JS)
        with watch.stopping():
            press(ready, "stop")
        expect(ready.locator("#status")).to_contain_text(
            re.compile(r"Stopped after \d+ of 500 steps")
        )
        assert ready.evaluate("() => [...window.kinds].sort()") == ["busy", "done"]
        expect(ready.locator("#result img")).to_have_attribute(
            "src", re.compile(r"/content-style-0\.png$")
        )
        expect(ready.locator("#stop")).not_to_be_visible()
        watch.seconds_per_look = 0
        set_number(ready, "iterations", 12)
        watch.allow(watch.looks + 2)
        press(ready, "stylize")
        buttons = ("result-link", "as-content", "as-start", "forget-shown", "continue")
        for button in buttons:
            expect(ready.locator(f"#{button}")).to_be_disabled()
        watch.allow(math.inf)
        expect(ready.locator("#status")).to_contain_text("Done in ")
        for button in buttons:
            expect(ready.locator(f"#{button}")).to_be_enabled()

    @pytest.mark.slow
    def test_closed_tab_ends_the_run(self, ready, watch):
        watch.seconds_per_look = 0.8
        set_number(ready, "iterations", 500)
        press(ready, "stylize")
        watch.wait(looks=5)
        with watch.stopping():
            ready.close()


class TestControls:
    @pytest.mark.slow
    def test_strength_and_style_weight_follow_each_other(self, page):
        usual = Settings().style_weight
        open_fold(page, "look")
        weight = page.locator("#style_weight input")
        strength = page.locator("#strength input[type=number]")
        for steps in (2, -3, 0.5):
            set_number(page, "strength", steps)
            expect(weight).to_have_value(f"{float(f'{usual * 2**steps:.3g}'):g}")
        for value, steps in ((usual, 0), (4 * usual, 2), (usual / 2, -1), (1000 * usual, 4)):
            set_number(page, "style_weight", value)
            expect(strength).to_have_value(f"{steps}")
        expect(weight).to_have_value(f"{1000 * usual:g}")  # beyond the slider, but kept

    @pytest.mark.slow
    def test_strength_reset_resets_style_weight(self, page):
        open_fold(page, "look")
        set_number(page, "strength", 2)
        page.locator("#strength").get_by_label("Reset").click()
        expect(page.locator("#strength input[type=number]")).to_have_value("0")
        expect(page.locator("#style_weight input")).to_have_value(f"{Settings().style_weight:g}")

    @pytest.mark.slow
    def test_strength_follows_a_link(self, page, url):
        page.goto(f"{url}?style_weight={Settings().style_weight * 2}")
        expect(page.locator("#strength input[type=number]")).to_have_value("1")

    @pytest.mark.slow
    def test_strength_reaches_the_run(self, ready, watch, monkeypatch):
        seen = []
        stylize = handlers.stylize

        def spy(content, style, settings, **options):
            seen.append(settings)
            return stylize(content, style, settings, **options)

        monkeypatch.setattr(handlers, "stylize", spy)
        set_number(ready, "strength", 3)
        run_to_the_end(ready)
        assert seen == [Settings(style_weight=8 * Settings().style_weight, iterations=12, size=96)]

    @pytest.mark.slow
    def test_new_seed_changes_the_seed(self, page):
        open_fold(page, "look")
        field = page.locator("#seed input")
        seeds = {field.input_value()}
        for _ in range(3):
            before = field.input_value()
            press(page, "new-seed")
            expect(field).not_to_have_value(before)
            seeds.add(field.input_value())
        assert len(seeds) == 4
        assert all(0 <= int(seed) < 2**32 for seed in seeds)


class TestPhone:
    @pytest.fixture
    def phone(self, open_page) -> Page:
        return open_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)

    @pytest.mark.slow
    def test_button_stays_in_view_while_pictures_are_chosen(self, phone):
        button = phone.locator("#stylize")
        for name in ("content", "style"):
            expect(button).to_be_in_viewport(ratio=1)
            choose_example(phone, name, 1)
        expect(button).to_be_in_viewport(ratio=1)

    @pytest.mark.slow
    def test_input_that_is_missing_is_in_view(self, phone):
        press(phone, "stylize")
        expect(phone.locator("#content.faulty")).to_be_in_viewport(ratio=0.5)
        phone.wait_for_timeout(1500)  # a smooth scroll has ended
        expect(phone.locator("#content.faulty")).to_be_in_viewport(ratio=0.5)

    def test_result_scrolls_into_view_during_the_run(self, phone, pictures, watch):
        make_ready(phone, pictures)
        watch.allow(looks=5)
        press(phone, "stylize")
        result = phone.locator("#result")
        expect(result).to_be_in_viewport(ratio=0.5)
        assert watch.ended == 0
        watch.allow(math.inf)
        expect(phone.locator("#status")).to_contain_text("12 steps")
        expect(result.locator("img")).to_be_in_viewport(ratio=0.5)
        press(phone, "result-link")
        link = phone.locator("#result-link-box textarea, #result-link-box input")
        expect(link).to_be_in_viewport()

    @pytest.mark.slow
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
