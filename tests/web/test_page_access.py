"""Manner and quality, languages, and accessibility of the page, in a real browser."""

from __future__ import annotations

import math
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from neural_style import PRESETS, Settings
from neural_style.settings.presets import MANNERS
from neural_style.settings.settings import knobs
from neural_style.web.page.manners import PRESET_KNOBS
from tests.web.visit import (
    chosen,
    make_ready,
    open_fold,
    press,
    run_to_the_end,
    set_number,
    tab,
    turned,
)

pytestmark = pytest.mark.browser


class TestManners:
    def test_radios_set_the_settings_in_which_their_presets_differ(self):
        usual = Settings()
        presets = [PRESETS[name] for some in MANNERS.values() for name in some.values()]
        differing = {
            name
            for name in knobs()
            if any(getattr(preset, name) != getattr(usual, name) for preset in presets)
        }
        assert {*PRESET_KNOBS} == differing
        assert differing >= {"iterations", "size", "statistic"}

    @pytest.mark.slow
    def test_each_manner_and_quality_sets_the_settings_of_its_preset(self, page):
        chosen(page, "strokes", "balanced")
        for manner, name in (("classic", "Classic (Gatys 2015)"), ("strokes", "Strokes")):
            page.get_by_label(name, exact=True).check()
            for quality in ("fine", "balanced", "quick"):
                page.locator(f"#preset input[value={quality}]").check()
                turned(page, PRESETS[MANNERS[manner][quality]])
                chosen(page, manner, quality)

    @pytest.mark.slow
    def test_closed_folds_get_the_settings_too(self, page):
        line = page.locator("#estimate")
        expect(line).to_contain_text("on this machine")
        before = line.text_content()
        page.locator("#preset input[value=quick]").check()
        expect(line).not_to_have_text(before)
        page.get_by_label("Classic (Gatys 2015)").check()
        chosen(page, "classic", "quick")
        turned(page, PRESETS["classic-quick"])

    @pytest.mark.slow
    def test_each_quality_shows_its_time(self, page):
        expect(page.locator("#preset label")).to_have_text(
            [re.compile(rf"^\s*{name} · \d+\s(s|min)") for name in ("Sketch", "Standard", "Fine")]
        )

    @pytest.mark.slow
    def test_changed_settings_move_the_radios(self, page):
        set_number(page, "iterations", 10)
        chosen(page, "strokes", None)
        set_number(page, "iterations", Settings().iterations)
        chosen(page, "strokes", "balanced")
        open_fold(page, "expert")
        page.locator("#statistic").get_by_label("wasserstein").check()
        chosen(page, "classic", None)
        page.locator("#statistic").get_by_label("gram").check()
        for name in PRESET_KNOBS:
            value = getattr(PRESETS["classic-fine"], name)
            if not isinstance(value, str):
                set_number(page, name, value)
        chosen(page, "classic", "fine")
        set_number(page, "size", 768)
        chosen(page, "classic", None)
        page.get_by_label("Strokes", exact=True).check()
        chosen(page, "strokes", "balanced")
        turned(page, Settings())

    @pytest.mark.slow
    def test_link_moves_the_radios(self, page, url):
        preset = PRESETS["classic-quick"]
        words = "&".join(f"{name}={getattr(preset, name)}" for name in PRESET_KNOBS)
        page.goto(f"{url}?{words}")
        chosen(page, "classic", "quick")
        page.goto(f"{url}?statistic=centered")
        chosen(page, "classic", None)


class TestLanguages:
    @pytest.mark.slow
    def test_chinese_browser_gets_a_chinese_page(self, open_page, pictures, watch):
        page = open_page(locale="zh-CN")
        expect(page.locator("#stylize")).to_have_text("开始绘制")
        expect(page.locator("#status")).to_contain_text("请选择照片和画作")
        expect(page.locator("#strength")).to_contain_text("强度")
        expect(page.locator("#content-examples .caption-label").first).to_have_text("颐和园")
        expect(page.locator("#preset label").first).to_contain_text("草稿 · ")
        press(page, "stylize")
        expect(page.locator("#status .failed")).to_contain_text("请检查“您的照片”")
        make_ready(page, pictures)
        expect(page.get_by_text("优化器在所有尺寸上的总步数。")).to_be_visible()
        press(page, "stylize")
        expect(page.locator("#status .done")).to_contain_text("12 步")
        expect(page.locator("#status")).to_contain_text(re.compile(r"用时 \d+ 秒"))
        expect(page.locator("#estimate")).to_contain_text("秒")

    def test_any_other_browser_gets_an_english_page(self, open_page):
        page = open_page(locale="de-DE")
        expect(page.locator("#stylize")).to_have_text("Paint")


class TestAccessibility:
    @pytest.mark.slow
    @pytest.mark.parametrize(("width", "colors"), [(1280, "dark"), (820, "light"), (390, "dark")])
    def test_axe_finds_nothing_serious(self, width, colors, open_page, pictures, watch):
        """By axe-core, which looks for what stops readers of screens, and weak contrasts."""

        def violations() -> list[str]:
            found = Axe().run(page).response["violations"]
            return [
                f"{one['id']}: {one['nodes'][0]['html']}"
                for one in found
                if one["impact"] in ("moderate", "serious", "critical")
            ]

        page = open_page(color_scheme=colors, viewport={"width": width, "height": 900})
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        darkest = max(map(int, re.findall(r"\d+", background)[:3]))
        assert darkest < 64 if colors == "dark" else darkest > 192
        page.locator("#example img").first.wait_for()
        assert violations() == []
        press(page, "stylize")
        page.locator("#status .failed").wait_for()
        assert violations() == []
        make_ready(page, pictures)
        for fold in ("part", "regions", "look", "colors", "expert"):
            open_fold(page, fold)
        page.locator("#part-shown").scroll_into_view_if_needed()  # its picture comes when looked at
        page.locator("#part-shown img").wait_for()
        page.locator("#paint .toolbar-wrap").wait_for()
        assert violations() == []
        run_to_the_end(page)
        assert violations() == []
        for name in ("Before and after", "Details") if width > 820 else ():  # else in a menu
            tab(page, name)
            assert violations() == []
        press(page, "forget-shown")
        page.locator("#forget-shown-question").wait_for()
        assert violations() == []
        press(page, "vary")
        expect(page.locator("#status .done")).to_contain_text("4 variations are ready")
        page.locator("#discard").wait_for()
        assert violations() == []

    @pytest.mark.slow
    def test_thumbnails_have_the_names_of_their_captions(self, page):
        for name in ("Astronaut", "The Great Wave"):
            thumbnail = page.get_by_role("button", name=name, exact=True)
            expect(thumbnail).to_have_class(re.compile("thumbnail-item"))

    @pytest.mark.slow
    def test_radios_are_one_group_with_arrows_and_visible_focus(self, page):
        chosen = page.locator("#manner input:checked")
        expect(chosen).to_have_value("strokes")
        chosen.focus()
        page.keyboard.press("ArrowRight")
        expect(chosen).to_have_value("classic")
        expect(chosen).to_be_focused()
        outline = "(radio) => getComputedStyle(radio.closest('label')).outlineStyle"
        assert chosen.evaluate(outline) == "solid"
        open_fold(page, "expert")
        expect(page.locator("#statistic input:checked")).to_have_value("gram")
        chosen.focus()
        page.keyboard.press("Tab")
        expect(page.locator("#preset input:checked")).to_be_focused()
        page.keyboard.press("ArrowLeft")
        expect(page.locator("#preset input:checked")).to_have_value("quick")
        expect(page.locator("#preset")).to_contain_text("Sketch ·")

    @pytest.mark.slow
    def test_keyboard_is_enough(self, open_page, pictures, watch):
        page = open_page()
        make_ready(page, pictures)
        page.locator("#fold-size > button.label-wrap").focus()
        for _ in range(20):
            page.keyboard.press("Shift+Tab")
            if page.evaluate("document.activeElement.id") == "stylize":
                break
        expect(page.locator("#stylize")).to_be_focused()
        watch.allow(looks=5)
        page.keyboard.press("Enter")
        expect(page.locator("#stop")).to_be_focused()
        watch.wait(looks=6)
        page.keyboard.press("Enter")
        expect(page.locator("#status")).to_contain_text("Stopping")
        expect(page.locator("#status")).to_be_focused()
        watch.allow(math.inf)
        expect(page.locator("#status .done")).to_contain_text("Stopped after")
        expect(page.locator("#stylize")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#status .done")).to_contain_text("12 steps")
        expect(page.locator("#by input")).to_have_value("20")
        page.locator("#continue").press("Enter")
        expect(page.locator("#status .done")).to_contain_text("32 steps")
        expect(page.locator("#continue")).to_be_focused()
