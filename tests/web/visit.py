"""What a visitor does with the page, step by step."""

from __future__ import annotations

from contextlib import suppress

import pytest
from playwright.sync_api import Page, TimeoutError, expect

PATIENCE_MS = 40_000
"""Limit for one step in the browser; the machine may run two tests and a network at once."""

expect.set_options(timeout=PATIENCE_MS)


def upload(page: Page, name: str, file: str) -> None:
    page.locator(f"#{name} input[type=file]").set_input_files(file)
    page.locator(f"#{name} img").wait_for()


def set_number(page: Page, name: str, value: float) -> None:
    """Types the value; once more where the control, built only now, then got its first one."""
    shown = page.locator(f"#{name} input")  # a slider shows it twice
    field = page.locator(f"#{name} input[type=number]")
    for _ in range(5):
        field.fill(f"{value:g}")
        field.press("Tab")
        page.wait_for_timeout(150)
        if {one.input_value() for one in shown.all()} == {f"{value:g}"}:
            return
    pytest.fail(f"{name} does not keep the value {value:g}")


def press(page: Page, name: str) -> None:
    page.locator(f"#{name}").click()


def open_controls(page: Page) -> None:
    """Opens them and waits until they, built only now, have been given their values."""
    for _ in range(4):
        page.get_by_role("button", name="More controls").click()
        with suppress(TimeoutError):
            page.locator("#size").wait_for(timeout=5000)
            break  # otherwise the page was not yet listening
    for name in ("size", "iterations", "style_weight"):
        expect(page.locator(f"#{name} input").last).not_to_have_value("")


def set_small(page: Page) -> None:
    open_controls(page)
    set_number(page, "size", 96)
    set_number(page, "iterations", 12)


def make_ready(page: Page, pictures: tuple[str, str]) -> None:
    upload(page, "content", pictures[0])
    upload(page, "style", pictures[1])
    set_small(page)


def run_to_the_end(page: Page, iterations: int = 12) -> None:
    shown = page.locator("#result img")
    before = shown.get_attribute("src") if shown.count() else ""
    press(page, "stylize")
    # What the last run left is not taken for the result.
    expect(shown).not_to_have_attribute("src", before)
    expect(page.locator("#status")).to_contain_text(f"Done: {iterations} iterations")
