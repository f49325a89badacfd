"""What a visitor finds when a picture is done, in a real browser."""

from __future__ import annotations

import io
import math
import re
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from neural_style import PRESETS
from neural_style.record.recipe import read_recipe
from neural_style.web.page.choosers import PAINTINGS, PHOTOGRAPHS
from tests.web.visit import (
    choose_example,
    chosen,
    delete,
    make_ready,
    open_fold,
    press,
    run_to_the_end,
    set_number,
    set_small,
    tab,
    turned,
)

pytestmark = pytest.mark.browser


def shown(page: Page) -> str:
    """The address of the picture."""
    return page.locator("#result img").get_attribute("src")


SHARED = re.compile(r"/shared/[\w-]{22}/neural-style-space\.png$")
"""The address of a shared result."""


PLACES_JS = """names => names.map(name => {
  const seen = [...document.querySelectorAll(name)].find(one => one.checkVisibility());
  const box = seen.getBoundingClientRect();
  return [box.x, box.y + scrollY, box.height];
})"""
"""Left edge, top on the page and height of the first visible element of each selector."""


class TestDuringRun:
    @pytest.mark.slow
    def test_losses_are_drawn_and_nothing_jumps(self, ready, watch):
        """Status, picture and buttons stay where they are from before to after the run."""

        def places() -> list[list[float]]:
            """In one call, as the page may scroll between two."""
            names = ["#status", "#example, #result", "#press", "#choosers"]
            return ready.evaluate(PLACES_JS, names)

        before = places()
        watch.allow(looks=5)
        press(ready, "stylize")
        expect(ready.locator("#gallery .thumbnail-item")).to_have_count(3)
        assert places() == before
        watch.allow(float("inf"))
        expect(ready.locator("#status .done")).to_contain_text("12 steps")
        assert places() == before
        tab(ready, "Details")
        expect(ready.locator("#chart svg.marks")).to_be_visible()
        expect(ready.locator("#details")).to_contain_text("content ")
        drawn, frame = (
            ready.locator(which).bounding_box() for which in ("#chart svg.marks", "#chart")
        )
        assert drawn["y"] + drawn["height"] <= frame["y"] + frame["height"]  # the legend too


class TestFinishedRun:
    def test_downloads_comparison_and_film(self, ready, watch):
        run_to_the_end(ready)
        expect(ready.locator("#files a[download]")).to_have_count(3)
        kept = {}
        for link in ready.locator("#files a[download]").all():
            address = link.get_attribute("href")
            kept[address.rsplit("/", 1)[1]] = httpx.get(address).content
        assert [*kept] == [f"content-style-0.{ending}" for ending in ("png", "jpg", "webp")]
        sizes = {Image.open(io.BytesIO(file)).size for file in kept.values()}
        assert sizes == {(96, 64)}
        tab(ready, "Before and after")
        expect(ready.locator("#compare img")).to_have_count(2)
        tab(ready, "Film")
        expect(ready.locator("#film img")).to_have_attribute("src", re.compile("film.webp"))
        address = ready.locator("#film-file a[download]").get_attribute("href")
        assert httpx.get(address).content[4:8] == b"ftyp"

    @pytest.mark.slow
    def test_result_can_be_the_next_photo(self, ready, watch):
        run_to_the_end(ready)
        press(ready, "as-content")
        expect(ready.locator("#content img")).to_have_attribute(
            "src", re.compile("stylized-000012")
        )
        run_to_the_end(ready)

    @pytest.mark.slow
    def test_earlier_results_survive_a_reload_and_stay_private(self, ready, open_page, watch):
        run_to_the_end(ready)
        earlier = ready.locator("#earlier .thumbnail-item")
        expect(earlier).to_have_count(1)
        expect(earlier).to_contain_text("content · style · seed 0")
        ready.reload()
        expect(earlier).to_have_count(1)
        assert httpx.get(earlier.locator("img").get_attribute("src")).is_success
        other = open_page()
        other.wait_for_timeout(500)
        expect(other.locator("#fold-earlier")).not_to_be_visible()

    @pytest.mark.slow
    def test_earlier_result_opens_with_its_settings(self, ready, watch):
        set_number(ready, "seed", 1)
        run_to_the_end(ready)
        set_number(ready, "seed", 2)
        run_to_the_end(ready)
        earlier = ready.locator("#earlier .thumbnail-item")
        expect(earlier).to_have_count(2)
        newest = shown(ready)
        press(ready, "result-link")
        expect(ready.locator("#result-link-box")).to_be_visible()
        titles = earlier.all_inner_texts()
        for number, title in enumerate(titles):  # not the one that stood there before
            expect(earlier.nth(number)).to_have_accessible_name(title)
        earlier.nth(1).click()
        expect(ready.locator("#seed input")).to_have_value("1")
        expect(ready.locator("#result-link-box")).not_to_be_visible()  # of the other result
        expect(ready.locator("#status")).to_be_in_viewport()
        assert earlier.all_inner_texts() == titles
        expect(ready.locator("#result img")).not_to_have_attribute("src", newest)
        expect(ready.locator("#files a[download]").first).to_have_attribute(
            "href", re.compile("content-style-1.png")
        )
        deleted = shown(ready)
        press(ready, "forget-shown")
        press(ready, "forget-shown-question-keep")
        expect(ready.locator("#forget-shown-question")).to_have_count(0)
        expect(ready.locator("#forget-shown")).to_be_focused()
        press(ready, "forget-shown")
        earlier.nth(0).click()  # the question was about another result
        expect(ready.locator("#forget-shown-question")).to_have_count(0)
        earlier.nth(1).click()
        expect(ready.locator("#result img")).to_have_attribute("src", deleted)
        assert httpx.get(deleted).is_success
        delete(ready, "forget-shown")
        expect(ready.locator("#status")).to_contain_text("Deleted, with the links")
        expect(earlier).to_have_count(1)
        expect(ready.locator("#example")).to_be_visible()
        expect(ready.locator("#result, #actions")).to_have_count(0)
        assert httpx.get(newest).is_success
        assert not httpx.get(deleted).is_success

    @pytest.mark.slow
    def test_results_of_two_tabs_are_merged_and_can_be_deleted(self, ready, pictures, watch):
        second = ready.context.new_page()
        second.goto(ready.url)
        second.locator("#stylize").wait_for()
        expect(second.locator("#estimate")).to_contain_text("on this machine")
        run_to_the_end(ready)
        expect(second.locator("#earlier .thumbnail-item")).to_have_count(1)
        make_ready(second, pictures)
        run_to_the_end(second)
        expect(second.locator("#earlier .thumbnail-item")).to_have_count(2)
        pictures = [shown(page) for page in (ready, second)]
        delete(second, "forget")
        for page in (second, ready):
            expect(page.locator("#fold-earlier, #result")).to_have_count(0)
        second.reload()
        expect(second.locator("#content img")).to_have_count(1)
        expect(second.locator("#estimate")).to_contain_text("on this machine")
        expect(second.locator("#fold-earlier, #result")).to_have_count(0)
        assert not any(httpx.get(picture).is_success for picture in pictures)
        second.close()


class TestContinue:
    def test_stopped_run_is_continued(self, ready, watch):
        watch.seconds_per_look = 0.4
        set_number(ready, "iterations", 30)
        press(ready, "stylize")
        expect(ready.locator("#status")).to_contain_text(re.compile(r"step [3-9] of 30"))
        press(ready, "stop")
        expect(ready.locator("#status")).to_contain_text(re.compile(r"Stopped after \d+ of 30"))
        watch.seconds_per_look = 0
        set_number(ready, "by", 1)
        press(ready, "continue")
        expect(ready.locator("#status .done")).to_contain_text("30 steps")
        captions = ready.locator("#gallery .caption-label").all_text_contents()
        assert captions[-2:] == ["step 20", "step 30"]

    def test_nothing_can_be_pressed_until_a_stopped_run_has_ended(self, ready, watch):
        watch.allow(looks=5)
        press(ready, "stylize")
        watch.wait(looks=6)
        press(ready, "stop")
        expect(ready.locator("#stop")).to_be_disabled()
        ready.wait_for_timeout(700)
        expect(ready.locator("#status")).to_contain_text("Stopping after the current step")
        expect(ready.locator("#stylize")).not_to_be_visible()
        watch.allow(math.inf)
        expect(ready.locator("#status")).to_contain_text(re.compile(r"Stopped after \d+ of 12"))
        expect(ready.locator("#stop")).not_to_be_visible()
        press(ready, "continue")
        expect(ready.locator("#status .done")).to_contain_text("12 steps")

    @pytest.mark.slow
    def test_presses_right_after_stop_are_not_lost(self, ready, watch):
        """Continue goes on from the iteration at Stop; Paint begins anew."""
        status = ready.locator("#status")
        watch.seconds_per_look = 0.4
        set_number(ready, "iterations", 500)
        press(ready, "stylize")
        expect(status).to_contain_text(re.compile(r"step [3-9] of 500"))
        press(ready, "stop")
        expect(status).to_contain_text(re.compile(r"Stopped after \d+ of 500"))
        reached = int(re.search(r"after (\d+) of", status.inner_text())[1])
        press(ready, "continue")
        expect(status).to_contain_text(re.compile(r"step \d+ of 500"))
        assert int(re.search(r"step (\d+) of", status.inner_text())[1]) >= reached
        press(ready, "stop")
        expect(status).to_contain_text("Stopped after")
        press(ready, "stylize")
        expect(status).to_contain_text(re.compile(r"step [0-2] of 500"))
        press(ready, "stop")
        expect(status).to_contain_text("Stopped after")
        for begin in ("stylize", "continue"):
            expect(ready.locator(f"#{begin}")).to_be_enabled()

    @pytest.mark.slow
    def test_finished_run_is_continued_by_the_given_steps(self, ready, watch):
        run_to_the_end(ready)
        expect(ready.locator("#continue")).to_have_text(re.compile(r"Continue \(about \d+ s\)"))
        set_number(ready, "by", 2000)
        expect(ready.locator("#continue")).to_have_text("Continue (by 1 to 1,988 steps)")
        set_number(ready, "by", 8)
        expect(ready.locator("#continue")).to_contain_text("(about ")
        press(ready, "continue")
        expect(ready.locator("#status .done")).to_contain_text("20 steps")
        expect(ready.locator("#earlier .thumbnail-item")).to_have_count(1)
        set_number(ready, "by", 0)
        ready.locator("#continue").press("Enter")
        refusal = ready.locator("#status .failed")
        expect(refusal).to_contain_text("Steps to add must be a whole number from 1 to 1,980")
        expect(ready.locator("#by.faulty")).to_be_visible()
        expect(ready.locator("#by input")).to_be_focused()
        expect(ready.locator("#result img")).to_have_attribute("src", re.compile("-style-0.png"))
        press(ready, "continue")
        expect(refusal).to_have_count(1)
        set_number(ready, "by", 5)
        expect(refusal).to_have_count(0)
        expect(ready.locator("#status .done")).to_contain_text("20 steps")
        expect(ready.locator(".faulty")).to_have_count(0)
        set_number(ready, "seed", 3)
        ready.locator("#earlier .thumbnail-item").click()
        expect(ready.locator("#seed input")).to_have_value("0")
        expect(ready.locator("#iterations input[type=number]")).to_have_value("12")


class TestLinks:
    @pytest.mark.slow
    @pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # Gradio's own
    def test_settings_link_restores_pictures_and_settings(self, page, open_page, url):
        choose_example(page, "content", PHOTOGRAPHS.index("dahlia"))
        choose_example(page, "style", PAINTINGS.index("church-at-auvers"))
        set_small(page)
        open_fold(page, "expert")
        press(page, "link")
        box = page.locator("#link-box textarea, #link-box input").first
        expect(box).to_have_value(re.compile(re.escape(url)))
        link = box.input_value()
        assert dict(parse_qsl(urlsplit(link).query)) == {
            "content": "dahlia",
            "style": "church-at-auvers",
            "iterations": "12",
            "size": "96",
        }
        other = open_page(viewport={"width": 1280, "height": 900})
        other.goto(link)
        expect(other.locator("#content img")).to_have_attribute("src", re.compile("dahlia"))
        expect(other.locator("#style img")).to_have_attribute("src", re.compile("church-at-auvers"))
        open_fold(other, "size")
        expect(other.locator("#iterations input[type=number]")).to_have_value("12")
        expect(other.locator("#size input[type=number]")).to_have_value("96")
        for opened in (page, other):  # by the link, and by a reload
            for name, title in (("content", "Dahlia"), ("style", "Church at Auvers")):
                marked = opened.locator(f"#{name}-examples .thumbnail-item.selected")
                expect(marked).to_have_accessible_name(title)
            page.reload()

    @pytest.mark.slow
    def test_result_link_shows_the_result_and_its_settings(self, ready, open_page, url, watch):
        set_number(ready, "seed", 77)
        run_to_the_end(ready)
        press(ready, "result-link")
        box = ready.locator("#result-link-box textarea, #result-link-box input").first
        expect(box).to_have_value(re.compile(re.escape(url)))
        expect(ready.locator("#result-link-box")).to_contain_text("for about a day and for anyone")
        result = httpx.get(shown(ready)).content
        other = open_page(viewport={"width": 1280, "height": 900})
        other.goto(box.input_value())
        expect(other.locator("#status")).to_contain_text("A result that was shared")
        expect(other.locator("#result img")).to_have_attribute("src", SHARED)
        assert httpx.get(shown(other)).content == result
        open_fold(other, "look")
        expect(other.locator("#seed input")).to_have_value("77")
        expect(other.locator("#content img, #style img, #earlier img")).to_have_count(0)
        expect(other.locator("#continue, #by, #forget-shown")).to_have_count(0)
        press(other, "as-start")
        expect(other.locator("#init_image img")).to_have_attribute("src", SHARED)
        other.goto(f"{url}?result=gone")
        expect(other.locator("#status")).to_contain_text("was deleted, or is more than")
        press(ready, "stylize")
        expect(box).to_have_count(0)  # the next result has another link

    def test_mistakes_in_a_link_are_reported_without_markup(self, page, url):
        page.goto(f"{url}?iterations=many&content=none&size=9999&<h1>[a](//b) $$x$$=1")
        status = page.locator("#status")
        expect(status).to_contain_text("parameter '<h1>[a](//b) $$x$$' is unknown")
        expect(status.locator("h1, a, math")).to_have_count(0)
        expect(status).to_contain_text("The link's value for iterations is not allowed")
        open_fold(page, "size")
        expect(page.locator("#size input[type=number]")).to_have_value("1536")


class TestRecipes:
    @pytest.mark.slow
    def test_settings_of_a_result_can_be_used_again(self, ready, watch, tmp_path):
        ready.get_by_label("Classic (Gatys 2015)").check()
        turned(ready, PRESETS["classic"])
        for name, value in (("seed", 77), ("size", 96), ("iterations", 12)):
            set_number(ready, name, value)
        run_to_the_end(ready)
        (tmp_path / "result.png").write_bytes(httpx.get(shown(ready)).content)
        assert read_recipe(tmp_path / "result.png").settings["seed"] == 77
        ready.get_by_label("Strokes", exact=True).check()
        set_number(ready, "seed", 0)
        open_fold(ready, "expert")
        with ready.expect_file_chooser() as chooser:
            press(ready, "recipe")
        chooser.value.set_files(tmp_path / "result.png")
        expect(ready.locator("#seed input")).to_have_value("77")
        expect(ready.locator("#size input[type=number]")).to_have_value("96")
        chosen(ready, "classic", None)
