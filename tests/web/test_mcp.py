"""The page as an MCP server, used by a client of the Model Context Protocol."""

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
from tests.web.stylize_calls import KNOBS

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the client's own


def request(url: str, method: str, *arguments: Any) -> Any:
    """The response to one request in a session of its own."""

    async def session() -> Any:
        async with (
            streamablehttp_client(f"{url}gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as client,
        ):
            await client.initialize()
            return await getattr(client, method)(*arguments)

    with ThreadPoolExecutor(1) as thread:  # a browser test may have a loop in this thread
        return thread.submit(asyncio.run, session()).result()


def data_url(path: str) -> str:
    """The picture as a base64 data URL."""
    return "data:image/png;base64," + base64.b64encode(Path(path).read_bytes()).decode()


def test_tools_are_the_endpoints_with_help_for_each_setting(url):
    tools = {tool.name: tool for tool in request(url, "list_tools").tools}
    assert tools.keys() == {"run_stylize", "run_stylize_image", "info"}
    tool = tools["run_stylize_image"]
    assert "Repaints the content image in the manner of the style image" in tool.description
    properties = tool.inputSchema["properties"]
    assert {"content", "style", *KNOBS} <= properties.keys()
    assert knobs()["iterations"].metadata["help"] in properties["iterations"]["description"]


def test_call_returns_one_picture(url, pictures):
    content, style = map(data_url, pictures)
    given = {"content": content, "style": style, "iterations": 3, "size": 64}
    response = request(url, "call_tool", "run_stylize_image", given)
    assert not response.isError, response
    (shown,) = [part for part in response.content if part.type == "image"]
    with Image.open(io.BytesIO(base64.b64decode(shown.data))) as picture:
        assert picture.size == (64, 43)


def test_invalid_value_is_an_error_that_names_it(url, pictures, watch):
    content, style = map(data_url, pictures)
    given = {"content": content, "style": style, "iterations": 0}
    response = request(url, "call_tool", "run_stylize_image", given)
    assert response.isError
    assert "iterations must be a whole number from 1" in response.content[0].text
    assert watch.looks == 0
