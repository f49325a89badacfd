"""The page, served in this process with the tiny network, and everything that visits it."""

from __future__ import annotations

import asyncio
import functools
import math
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client
from playwright.sync_api import (
    Browser,
    BrowserContext,
    BrowserType,
    ConsoleMessage,
    Page,
    sync_playwright,
)

from neural_style import save_image
from neural_style.messages import Message
from neural_style.objective import Objective
from neural_style.run import job
from neural_style.web.page.build import build_page
from neural_style.web.run import handlers
from neural_style.web.run.cost import SpeedMeasurement
from neural_style.web.run.gate import Gate
from neural_style.web.serve import serve
from tests.conftest import picture
from tests.web.local_client import local_client
from tests.web.page_columns import Columns, create_columns
from tests.web.raw_api import RawApi
from tests.web.uploads import Uploads
from tests.web.visit import PATIENCE_MS, make_ready
from tests.web.watch import Watch

CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, CHROMIUMS)), None)
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
NOTE = Message("weights.from_file", backbone="vgg19", name="a note for tests")


@pytest.fixture
def watch(tiny: None, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """The tiny network under watch."""
    seen = Watch()
    evaluate, stylize = Objective.__call__, handlers.stylize

    def look(objective: Objective, image: Any, **options: Any) -> Any:
        seen.look()
        return evaluate(objective, image, **options)

    def watched_stylize(*arguments: Any, **options: Any) -> Iterator:
        seen.count("begun")
        try:
            yield from stylize(*arguments, **options)
        finally:
            seen.count("ended")

    monkeypatch.setattr(Objective, "__call__", look)
    monkeypatch.setattr(handlers, "stylize", watched_stylize)
    monkeypatch.setattr(handlers, "load_weights", job.load_weights)
    return seen


@pytest.fixture(scope="session")
def session_uploads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Uploads]:
    made = Uploads(tmp_path_factory.mktemp("gradio"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(made.folder))
        yield made


@pytest.fixture
def uploads(session_uploads: Uploads) -> Path:
    """The folder where Gradio keeps what visitors send; empty but for files of the page itself."""
    session_uploads.empty()
    return session_uploads.folder


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[str, str]:
    """Files of a content image of 96×64 and a style image of 80×72."""
    return (
        str(save_image(picture(64, 96, seed=1), tmp_path / "content.png")),
        str(save_image(picture(72, 80, seed=2), tmp_path / "style.png")),
    )


@pytest.fixture
def sent(uploads: Path, pictures: tuple[str, str]) -> list[str]:
    """The two pictures, uploaded."""
    return [shutil.copy(path, uploads) for path in pictures]


@contextmanager
def closing_loops() -> Iterator[None]:
    """Closes the event loops that Gradio makes, never runs, and leaves behind."""
    made = []
    new_event_loop = asyncio.new_event_loop

    def remember() -> asyncio.AbstractEventLoop:
        made.append(new_event_loop())
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "new_event_loop", remember)
        yield
    for loop in made:
        if not loop.is_running():
            loop.close()
    if made:
        asyncio.set_event_loop(None)


@pytest.fixture
def no_loops_left() -> Iterator[None]:
    with closing_loops():
        yield


@pytest.fixture(scope="session")
def served(session_uploads: Uploads) -> Iterator[str]:
    """The address of the page, as app.py serves it; one server for all tests.

    With a server for each test, a browser sent requests over a connection that it had kept to one
    that was about to end.
    """
    with closing_loops(), pytest.MonkeyPatch.context() as patch:
        # Gradio asks itself whether it answers, and on a busy machine gives up too soon.
        patch.setattr("gradio.networking.url_ok", lambda url: True)
        session_uploads.empty()  # what earlier tests have left is not kept
        gate = Gate()
        page = build_page(lent_gpu, NOTE, SpeedMeasurement(), gate)
        _, address, _ = serve(
            page,
            gate,
            prevent_thread_lock=True,
            quiet=True,
            server_name="127.0.0.1",
            server_port=free_port(),
        )
        session_uploads.kept |= {entry.name for entry in session_uploads.folder.iterdir()}
        yield address
        page.close(verbose=False)


@pytest.fixture
def url(served: str, uploads: Path, watch: Watch) -> Iterator[str]:
    """The address of the page. After the test, all its runs come to their end."""
    yield served
    watch.seconds_per_look = 0
    watch.allow(math.inf)
    watch.wait(ended=watch.begun)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def lent_gpu(duration: Callable) -> Callable:
    """Stands in for `spaces.GPU`.

    What the checker of types has wrapped is no generator function to Gradio; this one is.
    """

    def decorate(handler: Callable) -> Callable:
        @functools.wraps(handler)
        def run(*arguments: Any) -> Iterator:
            yield from handler(*arguments)

        return run

    return decorate


@pytest.fixture(scope="session")
def columns(session_uploads: Uploads) -> Columns:
    """The components of the page, without events or a server."""
    with closing_loops():
        return create_columns()


@pytest.fixture
def new_client(url: str, tmp_path: Path) -> Iterator[Callable[..., Client]]:
    """Makes clients of the API; each keeps its downloads to itself."""
    clients = []

    def make(**options: Any) -> Client:
        usual = {"download_files": tmp_path / f"client-{len(clients)}"}
        clients.append(local_client(url, **(usual | options)))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(new_client: Callable[..., Client]) -> Client:
    return new_client()


@pytest.fixture
def raw(url: str, pictures: tuple[str, str]) -> Iterator[RawApi]:
    api = RawApi(url, pictures)
    yield api
    api.http.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[BrowserType]:
    """Starts browsers; no tests without Chromium, except where CI is set."""
    if not CHROMIUM:
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up(f"There is no Chromium here: none of {', '.join(CHROMIUMS)} is on the path.")
    with sync_playwright() as playwright:
        yield playwright.chromium


@pytest.fixture(scope="session")
def browser(chromium: BrowserType) -> Iterator[Browser]:
    """Chromium without a window; each context is a visitor who has never been here."""
    started = chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
    yield started
    started.close()


@pytest.fixture(scope="session")
def regular(
    chromium: BrowserType, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrowserContext]:
    """A browser that keeps its cache from test to test, so that the page's code loads faster."""
    context = chromium.launch_persistent_context(
        tmp_path_factory.mktemp("browser"), executable_path=CHROMIUM, args=CHROMIUM_FLAGS
    )
    yield context
    context.close()


def forget(context: BrowserContext, url: str) -> None:
    """Closes all pages, and what they have stored is gone; the cache stays."""
    context.set_offline(False)
    blank, *pages = context.pages  # the blank one keeps the browser open
    for page in pages:
        page.close()
    storage = {"origin": url.rstrip("/"), "storageTypes": "local_storage,indexeddb"}
    context.new_cdp_session(blank).send("Storage.clearDataForOrigin", storage)
    context.clear_cookies()
    context.clear_permissions()


@pytest.fixture
def expected_errors() -> list[str]:
    """Words of errors in the browser's console that belong to the test."""
    return []


@pytest.fixture
def open_page(
    request: pytest.FixtureRequest, url: str, expected_errors: list[str]
) -> Iterator[Callable[..., Page]]:
    """Opens the page in a visitor's browser, which can reach this server alone.

    The first visitor of a test has the browser that keeps its cache, unless options ask for
    another one. No visit may leave an error in the browser's console; a refused request (422) is
    none, nor is what a page left behind by the next one says of its broken connections.
    """
    contexts, errors = [], []

    def visit(options: dict[str, Any]) -> BrowserContext:
        regular = request.getfixturevalue("regular")
        if not options and regular not in contexts:
            return regular
        return request.getfixturevalue("browser").new_context(**options)

    def open_(**options: Any) -> Page:
        context = visit(options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on(
            "pageerror", lambda error: None if is_left(str(error)) else errors.append(str(error))
        )
        page.on("console", lambda said: errors.append(words(said)) if is_error(said) else None)
        page.goto(url)
        page.locator("#stylize").wait_for()
        return page

    def is_error(said: ConsoleMessage) -> bool:
        ours = said.location["url"].startswith(url)
        harmless = "status of 422" in said.text or is_left(said.text)
        return said.type == "error" and ours and not harmless

    def words(said: ConsoleMessage) -> str:
        return f"{said.text} ({said.location['url']})"

    def is_left(words: str) -> bool:
        if any(expected in words for expected in expected_errors):
            return True
        return "signal is aborted" in words or "Connection errored out" in words

    yield open_
    for context in contexts:
        if context is request.getfixturevalue("regular"):
            forget(context, url)
        else:
            context.close()
    assert errors == []


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page()


@pytest.fixture
def ready(page: Page, pictures: tuple[str, str]) -> Page:
    """The page with both pictures chosen and a small size."""
    make_ready(page, pictures)
    return page
