"""What a visitor does with the page, step by step."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from playwright.sync_api import Page, TimeoutError, expect

from neural_style import Settings
from neural_style.settings.settings import knobs
from neural_style.web.page.inputs import fold_of
from neural_style.web.page.manners import PRESET_KNOBS

PATIENCE_MS = 40_000
"""Limit for one step in the browser; the machine may run two tests and a network at once."""

expect.set_options(timeout=PATIENCE_MS)

NAMED = re.compile(r"/[^/]+-\d+\.png$")
"""The address of a finished result, which ends with its seed."""


def upload(page: Page, name: str, file: str) -> None:
    page.locator(f"#{name} input[type=file]").set_input_files(file)
    page.locator(f"#{name} img").wait_for()


def choose_example(page: Page, name: str, number: int) -> None:
    """Touches a picture of the gallery for "content" or "style"."""
    page.locator(f"#{name}-examples .thumbnail-item").nth(number).click()
    page.locator(f"#{name} img").wait_for()


def set_number(page: Page, name: str, value: float) -> None:
    """Types the value; once more where the control, built only now, then got its first one."""
    if name in knobs():
        open_fold(page, fold_of(name))
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


def delete(page: Page, name: str) -> None:
    """Presses a button that deletes, and confirms it."""
    press(page, name)
    press(page, f"{name}-question-confirm")


def open_fold(page: Page, name: str) -> None:
    """Opens a folded group, and waits until its controls have been given their values."""
    fold = page.locator(f"#fold-{name}")
    for _ in range(4):
        if fold.locator("> button.label-wrap.open").count():
            break
        fold.locator("> button.label-wrap").click()
        with suppress(TimeoutError):  # otherwise the page was not yet listening
            fold.locator("> button.label-wrap.open").wait_for(timeout=5000)
    for field in fold.locator("input[type=number]").all():
        expect(field).not_to_have_value("")


def set_small(page: Page) -> None:
    set_number(page, "size", 96)
    set_number(page, "iterations", 12)


def make_ready(page: Page, pictures: tuple[str, str]) -> None:
    upload(page, "content", pictures[0])
    upload(page, "style", pictures[1])
    set_small(page)


def run_to_the_end(page: Page, iterations: int = 12) -> None:
    """Presses Paint and waits for the result; what the last run left is not taken for it."""
    shown = page.locator("#result img")
    before = shown.get_attribute("src") if shown.count() else ""
    press(page, "stylize")
    wait_for_result(page, before, iterations)


def wait_for_result(page: Page, before: str, iterations: int = 12) -> None:
    """Waits for a finished run whose picture is another one than `before`, and its downloads."""
    expect(page.locator("#result img")).not_to_have_attribute("src", before)
    expect(page.locator("#status .done")).to_contain_text(f"{iterations} steps")
    expect(page.locator("#stylize")).to_be_visible()
    expect(page.locator("#result img")).to_have_attribute("src", NAMED)


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def turned(page: Page, preset: Settings) -> None:
    """Waits until the knobs of the radios are those of the preset."""
    for fold in {*map(fold_of, PRESET_KNOBS)}:
        open_fold(page, fold)
    for name in PRESET_KNOBS:
        value = getattr(preset, name)
        if isinstance(value, str):
            expect(page.locator(f"#{name} input:checked")).to_have_value(value)
        else:
            expect(page.locator(f"#{name} input[type=number]")).to_have_value(f"{value:g}")


def chosen(page: Page, manner: str, quality: str | None) -> None:
    """Waits until the radios show that."""
    expect(page.locator("#manner input:checked")).to_have_value(manner)
    checked = page.locator("#preset input:checked")
    if quality is None:
        expect(checked).to_have_count(0)
    else:
        expect(checked).to_have_value(quality)
