"""What a visitor finds when a picture is done, in a real browser."""

from __future__ import annotations

import io
import re
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect

from neural_style import PRESETS, Settings
from neural_style.record.recipe import read_recipe
from neural_style.settings.presets import MANNER_HELP, MANNERS
from neural_style.settings.settings import knobs
from neural_style.web.page.manners import PRESET_KNOBS
from tests.web.visit import (
    make_ready,
    open_controls,
    press,
    run_to_the_end,
    set_number,
    set_small,
)

pytestmark = pytest.mark.browser


def shown(page: Page) -> str:
    """The address of the picture."""
    return page.locator("#result img").get_attribute("src")


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


class TestWhileItRuns:
    def test_the_losses_are_drawn_and_nothing_jumps(self, ready, watch):
        """Where the picture is, and how high, does not change from before to after the run."""

        def place() -> tuple[float, ...]:
            box = ready.locator("#result").bounding_box()
            return box["x"], box["y"] + ready.evaluate("scrollY"), box["height"]

        before = place()
        watch.allow(looks=5)
        press(ready, "stylize")
        expect(ready.locator("#gallery .thumbnail-item")).to_have_count(3)
        assert place() == before
        watch.allow(float("inf"))
        expect(ready.locator("#status")).to_contain_text("Done: 12 iterations")
        expect(ready.locator("#chart svg.marks")).to_be_visible()
        drawn, frame = (
            ready.locator(which).bounding_box() for which in ("#chart svg.marks", "#chart")
        )
        assert drawn["y"] + drawn["height"] <= frame["y"] + frame["height"]  # the legend too
        assert place() == before


class TestWhenItIsDone:
    def test_there_are_files_to_keep_and_a_comparison(self, ready, watch):
        run_to_the_end(ready)
        tab(ready, "To keep")
        expect(ready.locator("#files a[download]")).to_have_count(4)
        kept = {}
        for link in ready.locator("#files a[download]").all():
            address = link.get_attribute("href")
            kept[address.rsplit("/", 1)[1]] = httpx.get(address).content
        assert [*kept] == [
            "stylized-000012.png",
            "stylized-000012.jpg",
            "time-lapse-000012.webp",
            "time-lapse-000012.mp4",
        ]
        sizes = {name: Image.open(io.BytesIO(kept[name])).size for name in [*kept][:3]}
        assert set(sizes.values()) == {(96, 64)}
        assert kept["time-lapse-000012.mp4"][4:8] == b"ftyp"
        expect(ready.locator("#compare img")).to_have_count(2)
        expect(ready.locator("#film img")).to_have_attribute("src", re.compile("time-lapse"))

    def test_it_can_be_brought_again(self, ready, watch):
        run_to_the_end(ready)
        press(ready, "as-content")
        expect(ready.locator("#content img")).to_have_attribute(
            "src", re.compile("stylized-000012")
        )
        run_to_the_end(ready)

    @pytest.mark.parametrize("button", ["as-content", "as-start"])
    def test_without_one_it_says_so(self, page, button):
        press(page, button)
        expect(page.get_by_test_id("toast-body")).to_contain_text("There is no result yet")

    def test_a_reload_loses_no_result_and_nobody_else_sees_it(self, ready, open_page, watch):
        run_to_the_end(ready)
        expect(ready.locator("#result img")).to_have_attribute("src", re.compile("stylized-000012"))
        tab(ready, "Earlier")
        expect(ready.locator("#earlier .thumbnail-item")).to_have_count(1)
        ready.reload()
        tab(ready, "Earlier")
        earlier = ready.locator("#earlier .thumbnail-item img")
        expect(earlier).to_have_count(1)
        assert httpx.get(earlier.get_attribute("src")).is_success
        other = open_page()
        tab(other, "Earlier")
        other.wait_for_timeout(500)
        expect(other.locator("#earlier .thumbnail-item")).to_have_count(0)


class TestContinue:
    def test_stopped_it_goes_on_from_there(self, ready, watch):
        watch.seconds_per_look = 0.4
        set_number(ready, "iterations", 30)
        press(ready, "stylize")
        expect(ready.locator("#status")).to_contain_text(re.compile(r"Iteration [3-9] of 30"))
        press(ready, "stop")
        expect(ready.locator("#status")).to_contain_text(
            re.compile(r"Stopped\. Iteration \d+ of 30")
        )
        watch.seconds_per_look = 0
        set_number(ready, "by", 1)
        press(ready, "continue")
        expect(ready.locator("#status")).to_contain_text("Done: 30 iterations")
        captions = ready.locator("#gallery .caption-label").all_text_contents()
        assert [int(caption.split()[0]) for caption in captions][-2:] == [20, 30]

    @pytest.mark.slow
    def test_nothing_pressed_right_after_stop_is_lost(self, ready, watch):
        status = ready.locator("#status")
        watch.seconds_per_look = 0.4
        set_number(ready, "iterations", 500)
        press(ready, "stylize")
        expect(status).to_contain_text(re.compile(r"Iteration [2-9] of 500"))
        for begin, words in (
            ("continue", r"Iteration (1\d|[5-9]) of 500"),
            ("continue", r"Iteration \d+ of 500"),
            ("stylize", r"Iteration [1-9] of 500"),
        ):
            press(ready, "stop")
            ready.wait_for_timeout(50)
            press(ready, begin)
            ready.wait_for_timeout(1500)
            expect(status).to_contain_text(re.compile(words))
            expect(status).not_to_contain_text("Stopped")
        press(ready, "stop")
        expect(status).to_contain_text(re.compile(r"Stopped\. Iteration \d+ of 500"))
        expect(ready.locator("#stylize, #continue")).to_have_count(2)
        for begin in ("stylize", "continue"):
            expect(ready.locator(f"#{begin}")).to_be_enabled()

    def test_finished_it_goes_on_for_as_many_as_asked(self, ready, watch):
        run_to_the_end(ready)
        set_number(ready, "by", 8)
        press(ready, "continue")
        expect(ready.locator("#status")).to_contain_text("Done: 20 iterations")
        set_number(ready, "by", 0)
        press(ready, "continue")
        expect(ready.locator("#status")).to_contain_text("iterations must be a whole number")
        expect(ready.locator("#result img")).to_have_attribute("src", re.compile("stylized-000020"))
        expect(ready.locator("#chart canvas, #chart svg").first).to_be_visible()

    def test_without_a_run_it_says_so(self, page):
        press(page, "continue")
        expect(page.get_by_test_id("toast-body")).to_contain_text("There is no run to go on from")


def turned(page: Page, preset: Settings) -> None:
    """Waits until the knobs of the radios are those of the preset; the controls are open."""
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


class TestManners:
    def test_what_the_radios_set_are_the_knobs_in_which_their_presets_differ(self):
        usual = Settings()
        presets = [PRESETS[name] for some in MANNERS.values() for name in some.values()]
        differing = {
            name
            for name in knobs()
            if any(getattr(preset, name) != getattr(usual, name) for preset in presets)
        }
        assert {*PRESET_KNOBS} == differing
        assert differing >= {"iterations", "size", "statistic"}

    def test_each_manner_and_quality_sets_the_knobs_of_its_preset(self, page):
        chosen(page, "strokes", "balanced")
        open_controls(page)
        for manner, name in (("classic", "Classic (Gatys 2015)"), ("strokes", "Strokes")):
            page.get_by_label(name, exact=True).check()
            for quality, label in (
                ("fine", "Large and fine"),
                ("balanced", "Balanced"),
                ("quick", "A first look"),
            ):
                page.get_by_label(label).check()
                turned(page, PRESETS[MANNERS[manner][quality]])
                chosen(page, manner, quality)

    def test_with_the_controls_shut_they_reach_the_estimate_and_the_run(self, page):
        line = page.locator("#estimate")
        expect(line).to_contain_text("on this machine")
        before = line.text_content()
        page.get_by_label("A first look").check()
        expect(line).not_to_have_text(before)
        before = line.text_content()
        page.get_by_label("Classic (Gatys 2015)").check()
        expect(line).not_to_have_text(before)
        chosen(page, "classic", "quick")
        open_controls(page)
        turned(page, PRESETS["classic-quick"])

    def test_a_turned_knob_moves_the_radios(self, page):
        open_controls(page)
        set_number(page, "iterations", 10)
        chosen(page, "strokes", None)
        set_number(page, "iterations", Settings().iterations)
        chosen(page, "strokes", "balanced")
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

    def test_a_link_moves_the_radios(self, page, url):
        preset = PRESETS["classic-quick"]
        words = "&".join(f"{name}={getattr(preset, name)}" for name in PRESET_KNOBS)
        page.goto(f"{url}?{words}")
        chosen(page, "classic", "quick")
        page.goto(f"{url}?statistic=centered")
        chosen(page, "classic", None)

    def test_each_says_what_it_does(self, page, open_page):
        info = page.locator("#manner")
        for words in MANNER_HELP.values():
            expect(info).to_contain_text(words)
        expect(info.locator("strong")).to_have_text(["Strokes", "Classic"])
        chinese = open_page(locale="zh-CN").locator("#manner")
        expect(chinese.locator("strong")).to_have_text(["笔触", "经典"])
        expect(chinese.locator("label")).to_have_text(["笔触", "经典（Gatys 2015）"])


class TestLinks:
    @pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # Gradio's own
    def test_a_link_opens_the_page_as_it_was(self, page, open_page, url):
        page.locator("tbody tr").nth(2).click()
        expect(page.locator("#style img")).to_have_attribute("src", re.compile("church-at-auvers"))
        set_small(page)
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
        other = open_page()
        other.goto(link)
        expect(other.locator("#content img")).to_have_attribute("src", re.compile("dahlia"))
        expect(other.locator("#style img")).to_have_attribute("src", re.compile("church-at-auvers"))
        open_controls(other)
        expect(other.locator("#iterations input[type=number]")).to_have_value("12")
        expect(other.locator("#size input[type=number]")).to_have_value("96")
        run_to_the_end(other)

    def test_a_result_is_opened_by_whoever_has_its_link(self, ready, open_page, url, watch):
        set_number(ready, "seed", 77)
        press(ready, "result-link")
        expect(ready.get_by_test_id("toast-body")).to_contain_text("There is no result yet")
        expect(ready.locator("#link-box")).to_have_count(0)
        run_to_the_end(ready)
        press(ready, "result-link")
        box = ready.locator("#link-box textarea, #link-box input").first
        expect(box).to_have_value(re.compile(re.escape(url)))
        expect(ready.locator("#link-box")).to_contain_text("for about a day and for whoever has")
        result = httpx.get(shown(ready)).content
        other = open_page()
        link = box.input_value()
        other.goto(link)
        expect(other.locator("#status")).to_contain_text("A result that was shared")
        expect(other.locator("#result img")).to_have_attribute("src", re.compile("stylized-000012"))
        assert httpx.get(shown(other)).content == result
        open_controls(other)
        expect(other.locator("#seed input")).to_have_value("77")
        expect(other.locator("#content img, #style img, #earlier img")).to_have_count(0)
        press(other, "result-link")
        again = other.locator("#link-box textarea, #link-box input").first
        expect(again).to_have_value(link)
        press(other, "continue")
        expect(other.get_by_test_id("toast-body")).to_contain_text("only by whoever made it")
        press(other, "as-start")
        expect(other.locator("#init_image img")).to_have_attribute("src", re.compile("stylized-00"))
        other.goto(f"{url}?result=gone%2Fstylized-000012")
        expect(other.locator("#status")).to_contain_text("results are kept for about a day")

    def test_what_a_link_has_wrong_is_told(self, page, url):
        page.goto(f"{url}?iterations=many&content=none&size=9999&<h1>[a](//b) $$x$$=1")
        status = page.locator("#status")
        expect(status).to_contain_text("The link names '<h1>[a](//b) $$x$$', which")
        expect(status.locator("h1, a, math")).to_have_count(0)
        expect(status).to_contain_text("The link's iterations is no value for it")
        expect(status).to_contain_text("which this page does not know")
        open_controls(page)
        expect(page.locator("#size input[type=number]")).to_have_value("1536")


class TestRecipes:
    def test_a_result_brings_its_settings_back(self, ready, watch, tmp_path):
        ready.get_by_label("Classic (Gatys 2015)").check()
        turned(ready, PRESETS["classic"])
        for name, value in (("seed", 77), ("size", 96), ("iterations", 12)):
            set_number(ready, name, value)
        run_to_the_end(ready)
        expect(ready.locator("#result img")).to_have_attribute("src", re.compile("stylized-000012"))
        (tmp_path / "result.png").write_bytes(httpx.get(shown(ready)).content)
        assert read_recipe(tmp_path / "result.png").settings["seed"] == 77
        ready.reload()
        open_controls(ready)
        expect(ready.locator("#seed input")).to_have_value("0")
        chosen(ready, "strokes", "balanced")
        with ready.expect_file_chooser() as chooser:
            press(ready, "recipe")
        chooser.value.set_files(tmp_path / "result.png")
        expect(ready.locator("#seed input")).to_have_value("77")
        expect(ready.locator("#size input[type=number]")).to_have_value("96")
        chosen(ready, "classic", None)


class TestLanguages:
    def test_a_chinese_browser_finds_a_chinese_page(self, open_page, pictures, watch):
        page = open_page(locale="zh-CN")
        expect(page.locator("#stylize")).to_have_text("开始绘制")
        expect(page.locator("#status")).to_contain_text("请选择两张图像")
        expect(page.get_by_text("风格强度")).to_be_visible()
        expect(page.locator("table th")).to_have_text(["内容图像", "风格图像"])
        page.get_by_role("button", name="更多设置").click()
        expect(page.get_by_text("优化器在所有尺寸上的总步数。")).to_be_visible()
        set_number(page, "size", 96)
        set_number(page, "iterations", 12)
        for name, file in zip(("content", "style"), pictures, strict=True):
            page.locator(f"#{name} input[type=file]").set_input_files(file)
            page.locator(f"#{name} img").wait_for()
        press(page, "continue")
        page.get_by_test_id("toast-body").wait_for()
        title = page.locator(".toast-title")
        written = "getComputedStyle(title, '::after').content"
        assert title.evaluate(f"title => {written}") == '"未能完成"'
        assert title.evaluate("title => getComputedStyle(title).fontSize") == "0px"
        press(page, "stylize")
        expect(page.locator("#status")).to_contain_text("完成：12 次迭代")
        expect(page.locator("#status")).to_contain_text(re.compile(r"用时 \d+ 秒"))
        expect(page.locator("#estimate")).to_contain_text("秒")

    def test_any_other_browser_finds_an_english_one(self, open_page):
        page = open_page(locale="de-DE")
        expect(page.locator("#stylize")).to_have_text("Stylize")


class TestLooks:
    @pytest.mark.slow
    @pytest.mark.parametrize(("width", "colors"), [(1280, "dark"), (820, "light"), (390, "dark")])
    def test_nothing_shuts_anybody_out(self, width, colors, open_page, pictures, watch):
        """By axe-core, which looks for what stops readers of screens, and weak contrasts."""

        def grave() -> list[str]:
            found = Axe().run(page).response["violations"]
            return [
                f"{one['id']}: {one['nodes'][0]['html']}"
                for one in found
                if one["impact"] in ("serious", "critical")
            ]

        page = open_page(color_scheme=colors, viewport={"width": width, "height": 900})
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        darkest = max(map(int, re.findall(r"\d+", background)[:3]))
        assert darkest < 64 if colors == "dark" else darkest > 192
        page.get_by_role("button", name="Second style and masks").click()
        page.get_by_role("button", name="Part of the style image").click()
        make_ready(page, pictures)
        page.locator("#part-shown").scroll_into_view_if_needed()  # its picture comes when looked at
        page.locator("#part-shown img").wait_for()
        page.locator("#paint .toolbar-wrap").wait_for()
        assert grave() == []
        run_to_the_end(page)
        expect(page.locator("#result img")).to_have_attribute("src", re.compile("stylized-000012"))
        assert grave() == []
        if width > 390:
            tab(page, "To keep")
            expect(page.locator("#compare img")).to_have_count(2)
            assert grave() == []

    def test_a_keyboard_is_enough(self, open_page, pictures, watch):
        page = open_page()
        make_ready(page, pictures)
        page.locator("#seed input").focus()
        for _ in range(60):
            page.keyboard.press("Shift+Tab")
            if page.evaluate("document.activeElement.id") == "stylize":
                break
        expect(page.locator("#stylize")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#status")).to_contain_text("Done: 12 iterations")
