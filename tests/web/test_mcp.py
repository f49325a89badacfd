"""The page as a tool of agents, by a real client of the Model Context Protocol."""

from __future__ import annotations

import asyncio
import base64
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from PIL import Image

from neural_style.settings.settings import knobs
from tests.web.test_handlers import KNOBS

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the client's own


def ask(url: str, question: str, *arguments: Any) -> Any:
    """What the server answers to one question of a session."""

    async def session() -> Any:
        async with (
            streamablehttp_client(f"{url}gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as client,
        ):
            await client.initialize()
            return await getattr(client, question)(*arguments)

    with ThreadPoolExecutor(1) as elsewhere:  # a browser may have a loop in this thread
        return elsewhere.submit(asyncio.run, session()).result()


def inline(path: str) -> str:
    return "data:image/png;base64," + base64.b64encode(Path(path).read_bytes()).decode()


def test_the_tools_are_those_of_the_api_with_the_knobs_explained(url):
    tools = {tool.name: tool for tool in ask(url, "list_tools").tools}
    assert tools.keys() == {"run_stylize", "run_stylize_image", "info"}
    tool = tools["run_stylize_image"]
    assert "Repaints the content image in the manner of the style image" in tool.description
    properties = tool.inputSchema["properties"]
    assert {"content", "style", *KNOBS} <= properties.keys()
    assert knobs()["iterations"].metadata["help"] in properties["iterations"]["description"]


def test_one_call_gives_one_picture(url, pictures):
    content, style = map(inline, pictures)
    given = {"content": content, "style": style, "iterations": 3, "size": 64}
    answer = ask(url, "call_tool", "run_stylize_image", given)
    assert not answer.isError, answer
    (shown,) = [part for part in answer.content if part.type == "image"]
    with Image.open(io.BytesIO(base64.b64decode(shown.data))) as picture:
        assert picture.size == (64, 43)


def test_a_bad_value_is_told_in_words(url, pictures, watch):
    content, style = map(inline, pictures)
    given = {"content": content, "style": style, "iterations": 0}
    answer = ask(url, "call_tool", "run_stylize_image", given)
    assert answer.isError
    assert "iterations must be a whole number from 1" in answer.content[0].text
    assert watch.looks == 0
