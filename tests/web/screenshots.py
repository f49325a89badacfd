"""Takes pictures of the page in all its states: `python -m tests.web.screenshots FOLDER`.

The page is served with the packaged weights. Each state is shown on a desktop, a tablet and a
phone, in light and dark, and some of them in Chinese, too.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

SCREENS = {"desktop": (1440, 900), "tablet": (820, 1180), "phone": (390, 844)}
TIMEOUT_MS = 180_000
PHOTOGRAPHS = Path(__file__).parents[2] / "examples" / "content"


def first_visit(page: Page) -> None:
    """Nothing has been chosen."""
    page.locator("#style-examples .thumbnail-item").first.wait_for()
    expect(page.locator("#estimate")).to_contain_text(re.compile(r"\d"))
    page.wait_for_timeout(500)


def chosen(page: Page) -> None:
    """A photograph and a painting of the galleries."""
    first_visit(page)
    for kind, number in (("content", 0), ("style", 1)):
        page.locator(f"#{kind}-examples .thumbnail-item").nth(number).click()
        page.locator(f"#{kind} img").wait_for()
    page.wait_for_timeout(1000)


def refused(page: Page) -> None:
    """Paint was pressed without pictures."""
    first_visit(page)
    page.locator("#stylize").click()
    expect(page.locator("#status .failed")).to_be_visible()
    page.wait_for_timeout(500)


def offline(page: Page) -> None:
    """The connection is lost."""
    first_visit(page)
    page.context.set_offline(True)
    page.wait_for_timeout(300)


def running(page: Page) -> None:
    """A run after its first pictures."""
    start_sketch(page)
    expect(page.locator("#status")).to_contain_text(re.compile(r"(step|第) 1?\d"))
    page.locator("#result img").wait_for()


def done(page: Page) -> None:
    """A finished run."""
    start_sketch(page)
    page.locator("#status .done").wait_for()
    page.locator("#files a").first.wait_for()
    page.wait_for_timeout(1500)


def deleting(page: Page) -> None:
    """Whether to delete a result is asked."""
    done(page)
    page.locator("#forget-shown").click()
    page.locator("#forget-shown-question").wait_for()


def varied(page: Page) -> None:
    """Four variations are made."""
    chosen(page)
    page.locator("#vary").click()
    page.locator("#status .done").wait_for()
    page.wait_for_timeout(1500)


def varied_and_painted(page: Page) -> None:
    """One of the variations is painted."""
    varied(page)
    page.locator("#preset label").first.click()
    page.locator("#variations .thumbnail-item").nth(2).click()
    page.locator("#files a").first.wait_for()
    page.wait_for_timeout(1500)


def unfolded(page: Page) -> None:
    """All groups of settings are open."""
    chosen(page)
    for fold in page.locator("[id^=fold-] > button.label-wrap").all():
        if fold.is_visible():
            fold.click()
    page.wait_for_timeout(2000)


def album(page: Page) -> None:
    """Three photographs are painted one after another; one is finished."""
    chosen(page)
    page.locator("#preset label").first.click()
    page.locator("#fold-album > button.label-wrap").click()
    files = [PHOTOGRAPHS / f"{name}.jpg" for name in ("dahlia", "coffee", "chelsea")]
    page.locator("#album input[type=file]").set_input_files(files)
    expect(page.locator("#album-line")).to_contain_text(re.compile(r"\d"))
    page.locator("#paint-album").click()
    page.locator("#album-pictures .thumbnail-item").first.wait_for()
    page.wait_for_timeout(1500)


def start_sketch(page: Page) -> None:
    chosen(page)
    page.locator("#preset label").first.click()
    page.wait_for_timeout(500)
    page.locator("#stylize").click()


STATES: tuple[Callable[[Page], None], ...] = (
    first_visit,
    chosen,
    refused,
    offline,
    running,
    done,
    deleting,
    varied,
    varied_and_painted,
    unfolded,
    album,
)

IN_CHINESE = (first_visit, done, deleting, varied, varied_and_painted, unfolded, album)


def take(browser: Browser, url: str, folder: Path, only: str) -> None:
    """Takes the pictures whose names contain the word."""
    for state in STATES:
        for screen, (width, height) in SCREENS.items():
            for scheme in ("light", "dark"):
                for language in ("en", "zh-CN"):
                    name = f"{state.__name__}-{screen}-{scheme}-{language}"
                    if only in name and (language == "en" or state in IN_CHINESE):
                        context = browser.new_context(
                            viewport={"width": width, "height": height},
                            color_scheme=scheme,
                            locale=language,
                            is_mobile=screen == "phone",
                            has_touch=screen == "phone",
                        )
                        take_one(context, state, url, folder / name)
                        context.close()


def take_one(context: BrowserContext, state: Callable[[Page], None], url: str, path: Path) -> None:
    """Takes the window as it is seen, and the whole page."""
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    page.goto(url)
    state(page)
    page.screenshot(path=path.with_name(f"{path.name}.png"))
    page.screenshot(path=path.with_name(f"{path.name}-whole.png"), full_page=True)
    print(path.name, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.web.screenshots", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures are written")
    parser.add_argument("--only", default="", metavar="WORD", help="those with it in the name")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as uploads:
        os.environ["GRADIO_TEMP_DIR"] = uploads
        import app  # reads the environment
        from neural_style.web.serve import serve
        from tests.web.conftest import CHROMIUM, CHROMIUM_FLAGS

        expect.set_options(timeout=TIMEOUT_MS)

        app.measurement.start()
        app.measurement.join()
        _, url, _ = serve(app.demo, app.gate, prevent_thread_lock=True, quiet=True)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
            take(browser, url, options.folder, options.only)
            browser.close()
        app.demo.close()


if __name__ == "__main__":
    main()
