"""Four variations and what becomes of them, in a real browser."""

from __future__ import annotations

import math
import re

import httpx
import pytest
from playwright.sync_api import expect

from tests.web.visit import (
    choose_example,
    delete,
    open_fold,
    press,
    run_to_the_end,
    set_number,
    wait_for_result,
)

pytestmark = pytest.mark.browser


@pytest.mark.slow
def test_four_variations_then_one_at_full_size(ready, watch):
    set_number(ready, "seed", 5)
    press(ready, "vary")
    pictures = ready.locator("#variations .thumbnail-item")
    expect(pictures).to_have_count(4)
    expect(ready.locator("#variations-box")).to_contain_text("touch one to paint it")
    expect(ready.locator("#status .done")).to_contain_text("4 variations are ready")
    captions = ready.locator("#variations .caption-label").all_inner_texts()
    assert captions == [f"seed {seed}" for seed in (5, 6, 7, 8)]
    stored = "localStorage['neural-style-space.visit'].includes('variations')"
    ready.wait_for_function(stored)
    ready.reload()
    expect(ready.locator("#status .done")).to_contain_text("4 variations are ready")
    assert ready.locator("#variations .caption-label").all_inner_texts() == captions
    expect(ready.locator("#example")).to_have_count(0)
    pictures.nth(2).click()
    wait_for_result(ready, "")
    open_fold(ready, "look")
    expect(ready.locator("#seed input")).to_have_value("7")
    for _ in ("as painted", "after a reload"):
        tops = [
            ready.locator(f"#{name}").bounding_box()["y"]
            for name in ("result", "variations-box", "actions")
        ]
        assert tops == sorted(tops)
        assert len({round(one.bounding_box()["y"]) for one in pictures.all()}) == 1  # one row
        ready.reload()
        expect(pictures).to_have_count(4)
        expect(ready.locator("#result img")).to_be_visible()
    choose_example(ready, "content", 2)
    pictures.nth(1).click()  # of the photograph that it was made of
    open_fold(ready, "look")
    expect(ready.locator("#seed input")).to_have_value("6")
    expect(ready.locator("#content img")).to_have_attribute("src", re.compile("content.png"))
    expect(ready.locator("#content-examples .selected")).to_have_count(0)
    expect(ready.locator("#earlier .thumbnail-item")).to_have_count(2)
    press(ready, "vary")
    expect(ready.locator("#variations .caption-label").last).to_have_text("seed 12")
    expect(ready.locator("#variations .selected")).to_have_count(0)


@pytest.mark.slow
def test_variations_that_are_stopped_can_be_painted(ready, watch):
    set_number(ready, "iterations", 2)
    seen = watch.looks
    watch.allow(looks=seen + 5)
    press(ready, "vary")
    expect(ready.locator("#variations .thumbnail-item")).not_to_have_count(0)
    watch.wait(looks=seen + 6)
    press(ready, "stop")
    watch.allow(math.inf)
    expect(ready.locator("#status .done")).to_contain_text("of 4 variations are ready. Touch")


@pytest.mark.slow
def test_result_stays_whole_where_variations_are_stopped_before_the_first(ready, watch):
    run_to_the_end(ready)
    seen = watch.looks
    watch.allow(looks=seen + 2)
    press(ready, "vary")
    watch.wait(looks=seen + 3)
    press(ready, "stop")
    watch.allow(math.inf)
    expect(ready.locator("#status")).to_contain_text("Stopped.")
    expect(ready.locator("#variations")).to_have_count(0)
    expect(ready.locator("#result")).to_contain_text("Result")
    for part in ("#actions", "#run-tabs", "#files"):
        expect(ready.locator(part)).to_be_visible()
    expect(ready.locator("#continue")).to_be_enabled()


@pytest.mark.slow
def test_variations_can_be_discarded(ready, watch):
    run_to_the_end(ready)
    press(ready, "vary")
    expect(ready.locator("#status .done")).to_contain_text("4 variations are ready")
    addresses = ready.eval_on_selector_all("#variations img", "(all) => all.map((i) => i.src)")
    expect(ready.locator("#actions, #result, #run-tabs")).to_have_count(0)
    discard = ready.locator("#discard")
    assert discard.evaluate("(button) => button.getBoundingClientRect().bottom") < 900
    press(ready, "discard")
    press(ready, "discard-question-keep")
    expect(ready.locator("#discard-question")).to_have_count(0)
    expect(discard).to_be_focused()
    delete(ready, "discard")
    expect(ready.locator("#status")).to_contain_text("The variations are deleted.")
    expect(ready.locator("#variations, #discard")).to_have_count(0)
    expect(ready.locator("#vary")).to_be_focused()
    expect(ready.locator("#result")).to_contain_text("Result")
    expect(ready.locator("#actions")).to_be_visible()
    expect(ready.locator("#run-tabs")).to_be_visible()
    ready.reload()
    expect(ready.locator("#result img")).to_be_visible()
    expect(ready.locator("#variations")).to_have_count(0)
    assert len(addresses) == 4
    assert not any(httpx.get(address).is_success for address in addresses)
