"""What comes back after a reload, in a real browser: pictures, settings, the run."""

from __future__ import annotations

import json
import math
import re
import shutil

import pytest
from playwright.sync_api import expect

from tests.web.visit import (
    delete,
    open_fold,
    press,
    run_to_the_end,
    set_number,
    tab,
)

pytestmark = pytest.mark.browser


class TestLastVisit:
    @pytest.mark.slow
    def test_reload_restores_pictures_settings_and_run(self, ready, watch):
        set_number(ready, "seed", 7)
        run_to_the_end(ready)
        ready.reload()
        expect(ready.locator("#content img, #style img")).to_have_count(2)
        expect(ready.locator("#status")).to_contain_text("12 steps · 96×64")
        expect(ready.locator("#result img")).to_have_attribute("src", re.compile("-style-7.png"))
        ready.get_by_role("tab", name="Film").click()
        expect(ready.locator("#film img")).to_have_attribute("src", re.compile("film.webp"))
        open_fold(ready, "look")
        expect(ready.locator("#seed input")).to_have_value("7")
        set_number(ready, "by", 8)
        press(ready, "continue")
        expect(ready.locator("#status")).to_contain_text("20 steps")

    @pytest.mark.slow
    def test_reload_during_a_run_keeps_its_picture(self, ready, watch):
        watch.seconds_per_look = 0.5
        set_number(ready, "iterations", 500)
        press(ready, "stylize")
        watch.wait(looks=5)
        expect(ready.locator("#status")).to_contain_text(re.compile(r"step \d+ of 500"))
        ready.reload()
        watch.wait(ended=1)
        expect(ready.locator("#status")).to_contain_text(
            re.compile(r"Stopped after \d+ of 500 steps")
        )
        expect(ready.locator("#result img")).to_have_count(1)

    def test_run_of_another_tab_is_told_and_its_result_appears(self, ready, watch):
        watch.allow(looks=4)
        press(ready, "stylize")
        watch.wait(looks=4)
        second = ready.context.new_page()
        second.goto(ready.url)
        status = second.locator("#status")
        expect(status).to_contain_text("Your last run has not ended yet")
        expect(second.locator("#content img, #style img")).to_have_count(2)
        watch.allow(math.inf)
        expect(status).to_contain_text("12 steps · 96×64")
        expect(ready.locator("#earlier .thumbnail-item")).to_have_count(1)
        shown = ready.locator("#result img").get_attribute("src")
        expect(second.locator("#result img")).to_have_attribute("src", shown)
        expect(second.locator("#earlier .thumbnail-item")).to_have_count(1)
        delete(second, "forget-shown")
        for page, words in ((second, "Deleted, with the links"), (ready, "in another tab")):
            expect(page.locator("#status")).to_contain_text(words)
            expect(page.locator("#result, #actions, #fold-earlier")).to_have_count(0)
        second.close()

    @pytest.mark.slow
    def test_result_that_is_gone_from_the_server_is_told(
        self, ready, watch, uploads, expected_errors
    ):
        run_to_the_end(ready)
        tab(ready, "Film")
        ready.locator("#film img").wait_for()  # nothing is written any more
        shutil.rmtree(uploads / "shut")
        expected_errors.append("400")
        press(ready, "result-link")
        expect(ready.locator("#status .failed")).to_contain_text("This result is no longer here")

    @pytest.mark.slow
    def test_pictures_that_are_gone_are_reported(self, ready, watch, uploads):
        stored = json.loads(ready.evaluate("localStorage['neural-style-space.visit']"))
        for path in stored["pictures"].values():
            (uploads / path).unlink()
        ready.reload()
        expect(ready.locator("#status")).to_contain_text("no longer on the server")
        expect(ready.locator("#content img, #style img")).to_have_count(0)
        open_fold(ready, "size")
        expect(ready.locator("#size input[type=number]")).to_have_value("96")

    @pytest.mark.slow
    def test_opened_link_does_not_replace_the_last_visit(self, ready, url):
        ready.goto(f"{url}?seed=5")
        open_fold(ready, "look")
        expect(ready.locator("#seed input")).to_have_value("5")
        expect(ready.locator("body")).to_have_attribute("data-restored", "yes")
        ready.goto(url)
        expect(ready.locator("#content img, #style img")).to_have_count(2)

    @pytest.mark.slow
    def test_stored_nonsense_is_ignored(self, page):
        for stored in ("[]", "{", '{"pictures": 3, "values": [1], "run": {}}', '{"run": "/etc"}'):
            page.evaluate("text => { localStorage['neural-style-space.visit'] = text; }", stored)
            page.evaluate("text => { localStorage['neural-style-space.results'] = text; }", stored)
            page.reload()
            expect(page.locator("#status")).to_contain_text("Choose a photo and a painting")
            expect(page.locator("#stylize")).to_be_visible()
        expect(page.locator("body")).to_have_attribute("data-restored", "yes")
        set_number(page, "size", 128)
        page.wait_for_function("localStorage['neural-style-space.visit'].includes('\"size\":128')")
        page.reload()
        open_fold(page, "size")
        expect(page.locator("#size input[type=number]")).to_have_value("128")
